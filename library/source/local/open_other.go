//go:build !unix

package local

// openFlags is nothing where an open does not wait.
const openFlags = 0
