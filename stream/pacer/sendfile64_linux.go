//go:build !(386 || arm || mips || mipsle || ppc)

package pacer

import "golang.org/x/sys/unix"

const sysSendfile = unix.SYS_SENDFILE
