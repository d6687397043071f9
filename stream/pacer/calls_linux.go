package pacer

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of each step go past Go's scheduler: they don't wait. One that
// the scheduler sees wakes the thread that looks after those which block, and
// for few streams that costs more than all else.

// take takes events from the kernel.
func (l *loop) take() int {
	n, _, failed := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.fd), uintptr(unsafe.Pointer(&l.events)), batch, 0, 0, 0)
	if failed != 0 { // by a signal
		return 0
	}
	return int(n)
}

// takeSeen is take for a loop that does not sleep now. By this one call a
// round the scheduler sees it, and interrupts it where others wait.
func (l *loop) takeSeen() int {
	n, _ := unix.EpollWait(l.fd, l.events[:], 0) // it can fail by a signal only
	return max(n, 0)
}

// sendfile sends n bytes of a file that are in memory, from an offset on, as
// far as the socket takes them.
func sendfile(socket, file int, at int64, n int) (int, error) {
	sent, _, failed := unix.RawSyscall6(sysSendfile, uintptr(socket), uintptr(file), uintptr(unsafe.Pointer(&at)), uintptr(n), 0, 0)
	if failed != 0 {
		return 0, failed
	}
	return int(sent), nil
}

// inMemory reports whether a byte of a file can be read without waiting for a
// disk. Where the kernel can't say, it is. Where not, the kernel begins to
// fetch it.
func (l *loop) inMemory(file int, at int64) bool {
	l.vector.Base = &l.scratch
	l.vector.SetLen(1)
	_, _, failed := unix.RawSyscall6(unix.SYS_PREADV2, uintptr(file), uintptr(unsafe.Pointer(&l.vector)), 1,
		uintptr(at), uintptr(at>>32), unix.RWF_NOWAIT)
	return failed != unix.EAGAIN
}

// path is what the kernel tells of a connection's way, until the next call; nil
// where it tells nothing.
func (l *loop) path(fd int) *unix.TCPInfo {
	size := uint32(unix.SizeofTCPInfo)
	_, _, failed := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&l.info)), uintptr(unsafe.Pointer(&size)), 0)
	if failed != 0 {
		return nil
	}
	return &l.info
}
