//go:build !linux

package load

import "net"

func newDiscarder(conn net.Conn, _ []byte) discarder { return newCopier(conn) }
