package scale

import "math"

// none is no viewer.
const none = math.MaxUint32

// wheel holds who does something at which second, as a chain for each second
// through one array of all viewers: each has one plan at most.
type wheel struct {
	first []uint32 // of each second
	next  []uint32 // after each viewer
}

func newWheel(seconds, viewers int) wheel {
	w := wheel{make([]uint32, seconds), make([]uint32, viewers)}
	for i := range w.first {
		w.first[i] = none
	}
	return w
}

// add plans for a viewer; what is after the end is forgotten.
func (w *wheel) add(second int, v uint32) {
	if second < len(w.first) {
		w.next[v], w.first[second] = w.first[second], v
	}
}

// take returns the first viewer of a second; next leads to the others.
func (w *wheel) take(second int) uint32 { return w.first[second] }
