package probe

import (
	"cmp"
	"math"
	"slices"
)

// place is a point of a schedule that was looked at: by time, all bytes before
// offset have to be there.
type place struct {
	time   float64 // seconds
	offset int64   // in the file
}

// sampledCell is the width of the cells that a sampled curve begins with, in
// seconds. What lies between two places is not known anyway.
const sampledCell = 1.0 / 64

// sampledCurve returns the curve of a file of size bytes of which only some
// points are known, sorted by time: they are joined by straight lines. Lines
// hide what is steeper than they are, so the rates are raised by factor. The
// first header bytes and the last trailer bytes have no playing time. The zero
// Curve says that the points are no schedule.
func sampledCurve(points []place, factor float64, size int64, header, trailer int64) Curve {
	if len(points) < 2 {
		return Curve{}
	}
	c := newCurve(size)
	c.grid.width = sampledCell
	piece := max(sampledCell, (points[len(points)-1].time-points[0].time)/maxCells)
	for i, p := range points[1:] {
		c.ramp(points[i].time, p.time-points[i].time, points[i].offset, p.offset-points[i].offset, piece)
	}
	out, err := c.sum(false)
	if err != nil {
		return Curve{}
	}
	out.Header, out.Trailer = header, trailer
	out.Peak = max(out.Average, raised(out.Peak, factor))
	for i, r := range out.Rates {
		out.Rates[i].Rate = raised(r.Rate, factor)
	}
	return out
}

// raised returns a rate times factor, not less than it is.
func raised[R ~int64](rate R, factor float64) R { return R(math.Ceil(float64(rate) * factor)) }

// Limits of looking for places in the media.
const (
	sampleSeconds = 2.0       // between two places
	leastStep     = 128 << 10 // bytes between two places, as looking for one costs some
	sampleShare   = 5         // no more than a fifth of the media is read to find places
	mostSampled   = 48 << 20  // nor more bytes than these
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
