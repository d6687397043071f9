package load

import (
	"io"
	"net"
	"syscall"
)

// newDiscarder returns the cheapest one for a connection. scratch is any memory
// to speak of to the kernel, which does not touch it.
func newDiscarder(conn net.Conn, scratch []byte) discarder {
	if tcp, ok := conn.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			return &truncater{raw: raw, scratch: scratch}
		}
	}
	return newCopier(conn)
}

// truncater throws away in the kernel: of TCP, MSG_TRUNC takes bytes off the
// queue without copying them, tcp(7).
type truncater struct {
	raw     syscall.RawConn
	scratch []byte

	most int // of this take
	n    int
	err  error
}

func (d *truncater) take(most int64) (int64, error) {
	d.most = int(min(most, int64(len(d.scratch))))
	if err := d.raw.Read(d.receive); err != nil {
		return 0, err
	}
	if d.n == 0 && d.err == nil {
		return 0, io.EOF
	}
	return int64(max(0, d.n)), d.err
}

// receive is one call into the kernel; false says that nothing has come yet.
func (d *truncater) receive(fd uintptr) bool {
	for {
		d.n, _, d.err = syscall.Recvfrom(int(fd), d.scratch[:d.most], syscall.MSG_TRUNC)
		if d.err != syscall.EINTR {
			return d.err != syscall.EAGAIN
		}
	}
}
