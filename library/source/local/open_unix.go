//go:build unix && !linux

package local

import "syscall"

// openFlags keeps the open of a pipe, put where a file was, from waiting for a
// writer. On regular files it has no effect.
const openFlags = syscall.O_NONBLOCK
