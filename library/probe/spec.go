package probe

import (
	"math"

	"mustserv/ratelimit"
)

// Spec returns the token bucket that a player of this file needs, cut to
// policy p; the zero TSpec for the zero Curve. It never starves a player that
// lets a second pass before its clock starts and can buffer the burst and a
// second more, wherever in the file it starts.
func (c Curve) Spec(p ratelimit.Policy) ratelimit.TSpec {
	if c.Average <= 0 {
		return ratelimit.TSpec{}
	}
	burst := c.burst(p)
	rate := math.Ceil(float64(max(c.rate(burst), c.Average)) * max(p.Headroom, 1))
	return ratelimit.TSpec{Rate: max(ratelimit.Rate(rate), p.Floor), Burst: burst}
}

// burst returns the burst that p gives this file: some seconds of its average,
// and what must be there before play can start with one second more.
func (c Curve) burst(p ratelimit.Policy) ratelimit.Size {
	average := c.Average.BytesPerSecond()
	b := max(p.BurstMin, ratelimit.Size(average*p.Burst.Seconds()), ratelimit.Size(c.Lead)+ratelimit.Size(average))
	if p.BurstMax > 0 {
		b = min(b, p.BurstMax)
	}
	return b
}

// rate returns the least rate for a burst. The rates fall convexly as the
// burst grows, so the straight line between two kept points is never too low;
// nor is the line below the smallest one, as the rate rises by no more than
// the missing bytes per second of delay.
func (c Curve) rate(burst ratelimit.Size) ratelimit.Rate {
	for i, r := range c.Rates {
		switch {
		case burst > r.Burst:
		case i == 0:
			return r.Rate + ratelimit.Rate(8*float64(r.Burst-burst)/delay)
		default:
			q := c.Rates[i-1]
			share := float64(r.Burst-burst) / float64(r.Burst-q.Burst)
			return r.Rate + ratelimit.Rate(math.Ceil(float64(q.Rate-r.Rate)*share))
		}
	}
	if n := len(c.Rates); n > 0 {
		return c.Rates[n-1].Rate
	}
	return 0
}

// Of files whose average alone is known: sound varies so little that a burst
// of 256 KiB, which is 4 to 16 s of music, and 1.25 times the average serve
// all of it. The rate is kept without the headroom of 5 % that the default
// policy adds.
const (
	soundBurst  = 256 * ratelimit.KiB
	soundFactor = 1.25 / 1.05
)

// soundCurve returns the curve of sound between two bytes of a file of size
// bytes that plays for some seconds.
func soundCurve(start, end, size int64, seconds float64) Curve {
	average := float64(end-start) / seconds * 8
	return Curve{
		Average: ratelimit.Rate(math.Ceil(average)),
		Peak:    ratelimit.Rate(average * soundFactor),
		Header:  start,
		Trailer: size - end,
		Rates:   []BurstRate{{soundBurst, ratelimit.Rate(average * soundFactor)}},
	}
}
