// Package footprint keeps a program small that has nothing to do for long.
package footprint

import "runtime/debug"

// Shrink gives back to the system what only work takes: the heap that is free,
// and the pages of the program's file that its start and its work have mapped.
// What is needed again comes back from the system's cache of files, page by
// page, at the next request. It takes some milliseconds and may be called at
// any time.
func Shrink() {
	debug.FreeOSMemory()
	unmapProgram()
}
