package probe

import "math"

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
