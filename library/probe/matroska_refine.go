package probe

import (
	"cmp"
	"math"
	"slices"

	"mustserv/ratelimit"
)

// Where the rate between two places is so many times that of its neighbours, a
// scene begins or ends there, and the line between them hides how steep it is.
// A few such parts are looked at block by block, a read for each picture; a
// film of the usual kind has hardly any.
const (
	mkvJump    = 3.0
	mkvRefined = 8
)

// refine returns places, sorted, with those of the pictures in the parts whose
// rate jumps. Parts that hold no more than the burst never matter.
func (f *mkvFile) refine(places []place) ([]place, error) {
	all := stretch{places[0], places[len(places)-1]}
	p := ratelimit.DefaultPolicy()
	burst := max(float64(p.BurstMin), all.rate()*p.Burst.Seconds())
	var parts []stretch
	for i := range len(places) - 1 {
		s, beside := stretch{places[i], places[i+1]}, math.Inf(1)
		if i > 0 {
			beside = stretch{places[i-1], s.from}.rate()
		}
		if i+2 < len(places) {
			beside = min(beside, stretch{s.to, places[i+2]}.rate())
		}
		if s.bytes() > burst && s.rate() > mkvJump*beside {
			parts = append(parts, s)
		}
	}
	slices.SortStableFunc(parts, func(a, b stretch) int { return cmp.Compare(b.rate(), a.rate()) })
	for _, s := range parts[:min(len(parts), mkvRefined)] {
		err := f.blocks(f.clusterOf(s.from, all.from), f.media(), func(t *mkvTrack, b mkvBlockAt) bool {
			if t.Kind == "video" && b.start > s.from.offset && b.start < s.to.offset {
				places = append(places, place{b.time, b.start})
			}
			return b.start < s.to.offset
		})
		if err != nil {
			return nil, err
		}
	}
	return rising(places), nil
}

// clusterOf returns where the cluster of a place begins: of a cue, or of the
// first block; all others are where clusters begin.
func (f *mkvFile) clusterOf(p place, start place) int64 {
	i, ok := slices.BinarySearchFunc(f.cues, p.offset, func(c mkvCue, at int64) int { return cmp.Compare(c.offset, at) })
	switch {
	case p == start:
		return f.first
	case ok:
		return f.cues[i].cluster
	}
	return p.offset
}

// stretch is what lies between two places.
type stretch struct{ from, to place }

// bytes returns how many bytes it holds, rate how many are due in a second.
func (s stretch) bytes() float64 { return float64(s.to.offset - s.from.offset) }
func (s stretch) rate() float64  { return s.bytes() / max(s.to.time-s.from.time, delay/4) }
