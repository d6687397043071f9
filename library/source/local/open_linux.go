package local

import "syscall"

// openFlags keeps the open of a pipe, put where a file was, from waiting for a
// writer, and has 32-bit processors open files of more than 2 GiB, which
// os.Root does not ask for by itself.
const openFlags = syscall.O_NONBLOCK | syscall.O_LARGEFILE
