//go:build !linux

package stream

import "net"

// Listen listens at an address:port.
func Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }
