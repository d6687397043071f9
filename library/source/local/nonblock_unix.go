//go:build unix

package local

import "syscall"

// nonblock keeps the open of a pipe, put where a file was, from waiting for a
// writer. On regular files it has no effect.
const nonblock = syscall.O_NONBLOCK
