//go:build unix && !linux

package local

import (
	"os"
	"syscall"
)

// openFlags keeps the open of a pipe, put where a file was, from waiting for a
// writer. On regular files it has no effect.
const openFlags = syscall.O_NONBLOCK

// keepAccessTime leaves it to how the file system is mounted.
func keepAccessTime(*os.File) {}
