package probe

import (
	"cmp"
	"slices"
)

// Limits of looking for places in the media.
const (
	sampleSeconds = 2.0      // between two places
	leastStep     = 32 << 10 // bytes between two places, as looking for one costs some
	sampleShare   = 5        // no more than a fifth of the media is read to find places
	mostSampled   = 48 << 20 // nor more bytes than these
)

// finder looks for the first place from a byte of the file on but before
// another; ok tells whether there is one.
type finder func(at, before int64) (p place, ok bool, err error)

// between returns places between two others, every so many seconds as far as
// the share that may be read allows.
func (in *input) between(from, to place, find finder) ([]place, error) {
	var out []place
	bytes := to.offset - from.offset
	step := max(leastStep, int64(float64(bytes)/max(1, (to.time-from.time)/sampleSeconds)))
	dear := max(sampleShare, bytes/mostSampled) - 1
	last := from
	for at := from.offset + step; at < to.offset; {
		left := in.left
		p, ok, err := find(at, to.offset)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if p.offset > last.offset && p.time >= last.time && p.time <= to.time {
			out = append(out, p)
			last = p
		}
		at = max(at+step, p.offset+dear*(left-in.left))
	}
	return out, nil
}

// rising sorts places by their offsets and drops those whose time runs
// backwards.
func rising(places []place) []place {
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.offset, b.offset) })
	out := places[:0]
	for _, p := range places {
		if n := len(out); n == 0 || p.time >= out[n-1].time && p.offset > out[n-1].offset {
			out = append(out, p)
		}
	}
	return out
}
