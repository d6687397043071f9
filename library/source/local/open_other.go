//go:build !unix

package local

import "os"

// openFlags is nothing where an open does not wait.
const openFlags = 0

// keepAccessTime leaves it to the system.
func keepAccessTime(*os.File) {}
