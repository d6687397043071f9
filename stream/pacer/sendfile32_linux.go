//go:build 386 || arm || mips || mipsle || ppc

package pacer

import "golang.org/x/sys/unix"

const sysSendfile = unix.SYS_SENDFILE64 // the other one's offsets end at 2 GiB
