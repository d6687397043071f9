// Package footprint keeps a program small, and quiet, that has little to do.
package footprint

import (
	"runtime"
	"runtime/debug"
)

const (
	heapPage = 8 << 10
	// pagesKept is how many free pages of the heap each of Go's processors may
	// keep at hand, half a megabyte. No collection takes them from one that
	// runs (mpagecache.go in Go's runtime).
	pagesKept = 64
)

// Shrink gives back to the system what only work takes: the heap that is free,
// and the pages of the program's file that its start and its work have mapped.
// What is needed again comes back from the system's cache of files, page by
// page, at the next request. It takes some milliseconds, in which one processor
// does all work, and may be called at any time.
func Shrink() {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the others lose the pages that they keep
	debug.FreeOSMemory()
	takePages(pagesKept + 1)
	debug.FreeOSMemory() // also what lies in a sync.Pool, which outlives one collection
	unmapProgram()
}

// takePages has the processor use up the pages that it keeps, which are free
// again at the next collection. What it keeps after that is not in memory.
func takePages(n int) {
	pages := make([][]byte, n)
	for i := range pages {
		pages[i] = make([]byte, heapPage)
	}
}

// Calm lets the system wake the program for its timers up to a millisecond
// late, for several at once. While one thread works, Go's runtime looks after
// it every 20 microseconds, as exactly as the timers are: it took 4 % of the
// time that 500 streams cost. Who starts the program can do the same for it,
// as systemd does by TimerSlackNSec=1ms. It is called once, at the start.
func Calm() { calm() }
