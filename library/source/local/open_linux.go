package local

import (
	"os"
	"syscall"
)

// openFlags keeps the open of a pipe, put where a file was, from waiting for a
// writer, and has 32-bit processors open files of more than 2 GiB, which
// os.Root does not ask for by itself.
const openFlags = syscall.O_NONBLOCK | syscall.O_LARGEFILE

// keepAccessTime has reads leave the file's time of access as it was, so that
// a disk that only delivers is not written to. The system lets the file's
// owner do so, and root.
func keepAccessTime(file *os.File) {
	if raw, err := file.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_SETFL, syscall.O_NONBLOCK|syscall.O_NOATIME)
		})
	}
}
