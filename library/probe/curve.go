package probe

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"slices"

	"mustserv/ratelimit"
)

// delay is how long a player waits, once its first byte has come, before it
// starts its clock, in seconds. It must not be zero: the rate of a burst that
// is smaller than one key frame would have no bound.
const delay = 1.0

// Limits of what is believed.
const (
	maxTime      = 1e12      // seconds; times since 1970 are met in live recordings
	leastAverage = 200.0 / 8 // bytes per second
	maxAverage   = 100e9 / 8
	rampPieces   = 1 << 15
)

// curve collects the samples of a file, in any order, and sums them up.
//
// The promise of a token bucket of rate R and capacity B is that a player
// starting at any time s never waits: for every t >= s
//
//	C(t) - L(s) <= B + R*(t - s + delay)
//
// where C(t) is the highest end of all samples up to t and L(s) the lowest
// start of all samples from s on. The least R for a B is the largest slope
// of all pairs (s, t). A pair whose L(s) is set by a sample later than s is
// no steeper than the one that starts at that sample, so the lowest start at s
// itself serves as well and one pass over the times is enough.
type curve struct {
	size int64 // of the file
	grid grid

	start, end  int64   // lowest start and highest end of all samples
	first, last float64 // time of the first sample, end of the last
	payload     int64   // bytes of all samples
	cut         bool    // some lay outside the file
}

// newCurve returns a curve without samples for a file of size bytes.
func newCurve(size int64) *curve {
	return &curve{
		size: size, grid: grid{width: finest},
		start: math.MaxInt64, first: math.Inf(1), last: math.Inf(-1),
	}
}

// add enters a sample of n bytes that lie at start in the file, is due at t
// seconds and lasts for length seconds. Its end is cut to the file's. It
// reports whether the sample begins inside the file; one that does not, or
// whose time is nonsense, is left out.
func (c *curve) add(t, length float64, start, n int64) bool {
	if start < 0 || start >= c.size || n < 0 || !(math.Abs(t) < maxTime) {
		c.cut = true
		return false
	}
	if n == 0 {
		return true
	}
	if n > c.size-start {
		n, c.cut = c.size-start, true
	}
	c.grid.add(t, start, n)
	c.start, c.end = min(c.start, start), max(c.end, start+n)
	c.first = min(c.first, t)
	if length >= 0 && length < maxTime {
		c.last = max(c.last, t+length)
	}
	c.last = max(c.last, t)
	c.payload += n
	return true
}

// ramp enters n bytes at start that are due at a constant rate over length
// seconds from t on, in so many pieces that none is longer than piece seconds,
// or as many as make no difference.
func (c *curve) ramp(t, length float64, start, n int64, piece float64) {
	if n <= 0 {
		return
	}
	if start < 0 || start >= c.size || !(length >= 0 && length < maxTime) {
		c.cut = true
		return
	}
	count := int64(max(1, min(math.Ceil(length/piece), rampPieces, float64(n))))
	step := length / float64(count)
	for i := range count {
		from, to := share(n, i, count), share(n, i+1, count)
		if !c.add(t+float64(i)*step, step, start+from, to-from) {
			return
		}
	}
}

// share returns n*i/count without overflow, for counts up to 2^31.
func share(n, i, count int64) int64 { return n/count*i + n%count*i/count }

// seconds is the time from the first sample to the end of the last.
func (c *curve) seconds() float64 { return max(0, c.last-c.first) }

// average is in bytes per second. Less than a hundredth of a second is no time
// to measure a rate by: all bytes count as one second then.
func (c *curve) average() float64 {
	bytes := float64(c.end - c.start)
	if c.seconds() < 0.01 {
		return bytes
	}
	return bytes / c.seconds()
}

// sum returns the summary; exact says that all samples there are have been added.
func (c *curve) sum(exact bool) (Curve, error) {
	if c.payload == 0 {
		return Curve{}, fmt.Errorf("no audio or video samples up to the end, byte %d", c.size)
	}
	average := c.average()
	if average < leastAverage || average > maxAverage || c.fraction() < 0 {
		return Curve{}, fmt.Errorf("%d bytes from byte %d on in %.3f s are no bit rate that is played", c.end-c.start, c.start, c.seconds())
	}
	lead, points := c.grid.lead(), c.grid.points
	if lead > int64(ratelimit.DefaultPolicy().BurstMax) {
		points = c.grid.interleaved // no player can hold that much: it seeks
	}
	out := Curve{
		Average: bitRate(average),
		Peak:    bitRate(max(average, c.grid.peak()*float64(c.end-c.start)/float64(c.payload))),
		Lead:    lead,
		Header:  c.start,
		Trailer: c.size - c.end,
		Exact:   exact && !c.cut,
		Shape:   c.grid.shape(c.first, c.last),

		Schedule: c.grid.schedule(points),
	}
	for _, burst := range keptBursts(out) {
		out.Rates = append(out.Rates, BurstRate{burst, bitRate(c.leastRate(points, int64(burst)))})
	}
	return out, nil
}

// keptBursts lists the bursts to keep rates for: some powers of four, and the
// one that the default policy asks for.
func keptBursts(c Curve) []ratelimit.Size {
	b := []ratelimit.Size{
		64 * ratelimit.KiB, 256 * ratelimit.KiB, ratelimit.MiB, 4 * ratelimit.MiB, 8 * ratelimit.MiB,
		c.burst(ratelimit.DefaultPolicy()),
	}
	slices.Sort(b)
	return slices.Compact(b)
}

// bitRate returns a rate in bytes per second as a Rate, not less than it is.
func bitRate(bytesPerSecond float64) ratelimit.Rate {
	return ratelimit.Rate(math.Ceil(bytesPerSecond*8 - 1e-6))
}

// leastRate returns the least rate, in bytes per second, that keeps the promise
// with burst bytes, by Newton's method: the pair of points that a rate breaks
// most gives the next rate, its slope.
//
// Of a cell only the order of its samples is unknown, so the bytes of a cell
// count as due at its begin and a player as starting at its end. The result is
// never too low, and too high by about 2*width/(t-s+delay).
func (c *curve) leastRate(points iter.Seq[point], burst int64) float64 {
	s := slopes{width: c.grid.width, base: c.grid.base, burst: burst, shift: c.fraction()}
	var rate float64
	for range 100 {
		next := s.steepest(points, rate)
		if next <= rate*(1+1e-9) {
			break
		}
		rate = next
	}
	return rate
}

// fraction returns how many bits of a byte the search for a rate can count
// with, negative if the file is too large and long for whole ones.
func (c *curve) fraction() int {
	return min(20, 61-bits.Len64(uint64(max(c.end, c.payload)))-bits.Len64(uint64(c.seconds())+2))
}

// slopes looks for the steepest slopes of a curve with a burst. Its numbers are
// bytes with shift bits behind the point: old machines count much slower with
// floating point, and this is most of what a probe has to do.
type slopes struct {
	width float64
	base  int64 // the first cell
	burst int64
	shift int
}

// steepest returns the slope of the pair of points that breaks the promise
// most at rate, and rate itself if none does.
func (s slopes) steepest(points iter.Seq[point], rate float64) float64 {
	unit := float64(int64(1) << s.shift)
	perCell, perDelay := int64(rate*s.width*unit), int64(rate*delay*unit)
	var worst int64
	var from, to, apart int64 // of the worst pair; apart is in cells
	low, lowCell, lowFrom := int64(math.MaxInt64), int64(0), int64(0)
	for p := range points {
		cell := p.cell - s.base
		if v := (p.to-p.from-s.burst)<<s.shift - perDelay; v > worst {
			worst, from, to, apart = v, p.from, p.to, 0
		}
		if low != math.MaxInt64 {
			if v := p.to<<s.shift - perCell*cell - low; v > worst {
				worst, from, to, apart = v, lowFrom, p.to, cell-lowCell
			}
		}
		if h := (p.from+s.burst)<<s.shift - perCell*(cell+1) + perDelay; h < low {
			low, lowCell, lowFrom = h, cell+1, p.from
		}
	}
	if worst == 0 {
		return rate
	}
	return float64(to-from-s.burst) / (float64(apart)*s.width + delay)
}
