// Package footprint keeps a program small, and quiet, that has little to do.
package footprint

import (
	"runtime"
	"runtime/debug"
)

// Shrink gives back to the system what only work takes: the heap that is free,
// and the pages of the program's file that its start and its work have mapped.
// What is needed again comes back from the system's cache of files, page by
// page, at the next request. It takes some milliseconds and may be called at
// any time.
func Shrink() {
	runtime.GC() // what lies in a sync.Pool outlives one collection
	debug.FreeOSMemory()
	unmapProgram()
}

// Calm lets the system wake the program for its timers up to a millisecond
// late, for several at once. While one thread works, Go's runtime looks after
// it every 20 microseconds, as exactly as the timers are: it took 4 % of the
// time that 500 streams cost. Who starts the program can do the same for it,
// as systemd does by TimerSlackNSec=1ms. It is called once, at the start.
func Calm() { calm() }
