package probe

import "mustserv/ratelimit"

// Of a file that was looked at in places only, the rate of the lines between
// the places is too low by what happens between them. Measured on films and
// clips, places up to five seconds apart: 0.86 to 1.00 of the true rate. The
// clock of a multiplex gives 1 to 4 % less than the times of its samples.
const (
	sampledFactor = 1.15
	clockFactor   = 1.05
)

// linePiece is how finely a line between two places is entered, in seconds.
const linePiece = 1.0 / 32

// place says that what is due before a time lies before an offset in the file.
type place struct {
	time   float64
	offset int64
}

// sampledCurve returns the curve of a file of size bytes of which only some
// places are known, sorted by time: the bytes between two of them count as due
// at a constant rate, and the least rates are factor times those of the lines.
// The media lie between header bytes at the begin and trailer bytes at the end;
// the last place should be their end. It returns the zero Curve if the places
// make no bit rate that is played.
func sampledCurve(points []place, factor float64, size int64, header, trailer int64) Curve {
	out, err := joinPlaces(size, factor, points)
	if err != nil {
		return Curve{}
	}
	out.Header, out.Trailer = header, trailer
	return out
}

// joinPlaces is sampledCurve for a file whose tracks were sampled each for
// itself, so that what one track is ahead of another in the file counts too.
func joinPlaces(size int64, factor float64, tracks ...[]place) (Curve, error) {
	c := newCurve(size)
	for _, points := range tracks {
		for i := 1; i < len(points); i++ {
			p, q := points[i-1], points[i]
			c.ramp(p.time, q.time-p.time, p.offset, q.offset-p.offset, linePiece)
		}
	}
	out, err := c.sum(false)
	if err != nil {
		return out, err
	}
	raise(&out, factor)
	return out, nil
}

// raise multiplies what is not known exactly.
func raise(c *Curve, factor float64) {
	c.Peak = ratelimit.Rate(float64(c.Peak) * factor)
	for i := range c.Rates {
		c.Rates[i].Rate = ratelimit.Rate(float64(c.Rates[i].Rate) * factor)
	}
	c.Exact = false
}

// limit cuts the rates to one that no part of the file is above.
func limit(c *Curve, most ratelimit.Rate) {
	for i := range c.Rates {
		c.Rates[i].Rate = min(c.Rates[i].Rate, most)
	}
}

// samples are the places that were found in a file, by rising offset: those of
// a clock that ticks as the bytes come, and those of each track's own times.
type samples struct {
	clock  []place
	tracks [][]place
	pieces int // of the file that were looked at
}

// curve joins the places of a file that was looked at in pieces up to end. The
// tracks that begin anew in most of the pieces tell more than the clock; it
// serves where main, the number of the track with most of the bytes, is not
// among them: discs give only some of their pictures a time.
func (s *samples) curve(size, end int64, main int) (Curve, error) {
	var lines [][]place
	factor, clocked := sampledFactor, true
	for i, points := range s.tracks {
		if len(points) >= 2 && len(points) >= s.pieces/2 {
			lines, clocked = append(lines, closed(points, end)), clocked && i != main
		}
	}
	if clocked && len(s.clock) >= 2 {
		lines, factor = [][]place{closed(s.clock, end)}, sampledFactor*clockFactor
	}
	if len(lines) == 0 {
		return Curve{}, flawf("no time stamps in %d pieces of the file", s.pieces)
	}
	return joinPlaces(size, factor, lines...)
}

// closed returns places with the end of the file behind them, at the time that
// the rate of the last of them leads to. They are not used any more.
func closed(points []place, end int64) []place {
	n := len(points)
	p, q := points[max(0, n-20)], points[n-1]
	if q.offset <= p.offset || end <= q.offset {
		return points
	}
	rest := float64(end-q.offset) * (q.time - p.time) / float64(q.offset-p.offset)
	return append(points, place{q.time + rest, end})
}
