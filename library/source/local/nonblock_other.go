//go:build !unix

package local

// nonblock is nothing where an open does not wait.
const nonblock = 0
