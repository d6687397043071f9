package stream

import (
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// aboveAll is a descriptor above those of nearly all connections. The kernel's
// table of them becomes so long, at 8 bytes each.
const aboveAll = 4095

// Listen listens at an address:port, such that players find nobody there as
// soon as their streams break. For when a process is killed, Linux closes what
// it has open in the order of the descriptors, the last first: connections
// would break some milliseconds before the listener is gone. VLC and GStreamer
// come back within these, once, and give up.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	first := &leavesFirst{TCPListener: l.(*net.TCPListener), again: -1}
	if raw, err := first.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			if again, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, aboveAll); err == nil { // else it is as with any server
				first.again = again
			}
		})
	}
	return first, nil
}

// leavesFirst is a listener with a second descriptor.
type leavesFirst struct {
	*net.TCPListener
	again int // -1 if there is none
	close sync.Once
}

// Close closes both.
func (l *leavesFirst) Close() error {
	l.close.Do(func() {
		if l.again >= 0 {
			unix.Close(l.again)
		}
	})
	return l.TCPListener.Close()
}
