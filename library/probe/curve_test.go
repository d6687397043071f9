package probe

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"mustserv/ratelimit"
)

// sample is a sample of a file made up for a test.
type sample struct {
	at    float64
	start int64
	bytes int64
}

// film makes up a film: pictures with scenes of different size and key frames,
// and sound, interleaved every chunk seconds.
func film(seed uint64, seconds, chunk, mean float64) []sample {
	r := rand.New(rand.NewPCG(seed, 1))
	var pictures, sound []sample
	scene, busy := 0.0, 1.0
	for i := range int(seconds * 24) {
		t := float64(i) / 24
		if t >= scene {
			scene, busy = t+1+r.Float64()*20, math.Exp(r.NormFloat64()*0.8)
		}
		n := mean / 24 * busy * (0.3 + 0.4*r.Float64())
		if i%48 == 0 {
			n *= 12
		}
		pictures = append(pictures, sample{t, 0, int64(n) + 8})
	}
	for i := range int(seconds * 47) {
		sound = append(sound, sample{float64(i) / 47, 0, 200 + r.Int64N(200)})
	}
	return interleave(pictures, sound, chunk)
}

// interleave gives the samples of two tracks their places, in chunks.
func interleave(a, b []sample, chunk float64) []sample {
	var out []sample
	at := int64(1000)
	for end := chunk; len(a)+len(b) > 0; end += chunk {
		for _, t := range []*[]sample{&a, &b} {
			for len(*t) > 0 && (*t)[0].at < end {
				s := (*t)[0]
				s.start, *t = at, (*t)[1:]
				at += s.bytes
				out = append(out, s)
			}
		}
	}
	return out
}

// exactPoints returns the points of samples, one for each time, unrounded.
func exactPoints(samples []sample) (times []float64, from, to []int64) {
	s := slices.Clone(samples)
	slices.SortStableFunc(s, func(a, b sample) int { return int(math.Copysign(1, a.at-b.at)) * b2i(a.at != b.at) })
	high := int64(0)
	for _, x := range s {
		high = max(high, x.start+x.bytes)
		if n := len(times); n > 0 && times[n-1] == x.at {
			from[n-1], to[n-1] = min(from[n-1], x.start), high
			continue
		}
		times, from, to = append(times, x.at), append(from, x.start), append(to, high)
	}
	for i := len(from) - 2; i >= 0; i-- {
		from[i] = min(from[i], from[i+1])
	}
	return times, from, to
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// bruteRate is the definition of the least rate, in bytes per second.
func bruteRate(times []float64, from, to []int64, burst int64) float64 {
	var rate float64
	for i := range times {
		for j := i; j < len(times); j++ {
			rate = max(rate, float64(to[j]-from[i]-burst)/(times[j]-times[i]+delay))
		}
	}
	return rate
}

// measure puts samples into a curve.
func measure(samples []sample) *curve {
	c := newCurve(1 << 50)
	for _, s := range samples {
		c.add(s.at, 0.04, s.start, s.bytes)
	}
	return c
}

func TestRateAgainstDefinition(t *testing.T) {
	for _, tt := range []struct {
		name           string
		seconds, chunk float64
		mean           float64
	}{
		{"well interleaved", 20, 0.5, 100e3},
		{"by sample", 20, 0.001, 100e3},
		{"every 10 s", 25, 10, 100e3},
		{"not interleaved", 20, 1e9, 100e3},
		{"slow", 20, 0.5, 5e3},
		{"fast", 10, 0.5, 5e6},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(tt.name, seed), func(t *testing.T) {
				seconds := tt.seconds
				if strconv.IntSize == 32 {
					seconds /= 2
				}
				samples := film(seed, seconds, tt.chunk, tt.mean)
				times, from, to := exactPoints(samples)
				c := measure(samples)
				for _, burst := range []int64{0, 10e3, 64 << 10, 256 << 10, 1 << 20, 8 << 20} {
					want := bruteRate(times, from, to, burst)
					got := c.leastRate(c.grid.points, burst)
					if got < want*(1-1e-6) || got > want*1.003+1e-3 {
						t.Errorf("burst %d: rate %.1f, want %.1f", burst, got, want)
					}
				}
			})
		}
	}
}

// exactRate is leastRate over unrounded points: cells of no width.
func exactRate(samples []sample, burst int64) float64 {
	times, from, to := exactPoints(samples)
	var rate float64
	for range 100 {
		worst, next := 1e-6, rate
		low, at := math.Inf(1), -1
		for j := range times {
			if h := float64(from[j]+burst) - rate*(times[j]-delay); h < low {
				low, at = h, j
			}
			if v := float64(to[j]) - rate*times[j] - low; v > worst {
				worst, next = v, float64(to[j]-from[at]-burst)/(times[j]-times[at]+delay)
			}
		}
		if next <= rate*(1+1e-9) {
			break
		}
		rate = next
	}
	return rate
}

func TestLongFilm(t *testing.T) {
	hours := []float64{0.1, 1.5, 3}
	if strconv.IntSize == 32 {
		hours = hours[:1] // the check itself is slow without floating point
	}
	for _, hours := range hours {
		const average = 400e3 // bytes per second
		samples := film(7, hours*3600, 0.5, average)
		c := measure(samples)
		if n := len(c.grid.cells); n > maxCells {
			t.Fatalf("%d cells", n)
		}
		for _, burst := range []int64{256 << 10, 1 << 20, 4 << 20, 8 << 20} {
			want, got := exactRate(samples, burst), c.leastRate(c.grid.points, burst)
			t.Logf("%.1f h, cells of %.4f s, burst %8d: %.4f of the exact rate", hours, c.grid.width, burst, got/want)
			most := 1.05
			if float64(burst) < average { // less than a second of the film, which the policy never gives
				most = 1.15
			}
			if got < want*(1-1e-6) || got > want*most {
				t.Errorf("%.1f h, burst %d: rate %.0f, want %.0f", hours, burst, got, want)
			}
		}
	}
}

// starves plays samples from time s on through a bucket and reports whether
// the player ever waits. It is the promise, told second by second: nothing of
// the formula is in it.
func starves(times []float64, from, to []int64, s int, rate float64, burst int64) bool {
	const tick = 0.01
	sent, tokens := float64(from[s]), float64(burst)
	next := s
	for clock := -delay; next < len(times); clock += tick {
		sent, tokens = sent+tokens, 0
		for next < len(times) && times[next]-times[s] <= clock {
			if float64(to[next]) > sent+rate*tick+1 {
				return true
			}
			next++
		}
		tokens += rate * tick
	}
	return false
}

func TestPlayerNeverStarves(t *testing.T) {
	for seed := range uint64(2) {
		for _, chunk := range []float64{0.001, 0.5, 10} {
			samples := film(seed, 20, chunk, 100e3)
			times, from, to := exactPoints(samples)
			c := measure(samples)
			sum, err := c.sum(true)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range sum.Rates {
				rate := max(r.Rate, sum.Average/20).BytesPerSecond()
				slow := false
				for s := 0; s < len(times); s += 1 + len(times)/100 {
					if starves(times, from, to, s, rate, int64(r.Burst)) {
						t.Errorf("film %d, chunks of %g s: starves at %v with a burst of %v, from %.2f s on", seed, chunk, r.Rate, r.Burst, times[s])
					}
				}
				for s := 0; s < len(times) && !slow; s++ {
					slow = slow || starves(times, from, to, s, 0.9*rate, int64(r.Burst))
				}
				if !slow && r.Rate > sum.Average/20 {
					t.Errorf("film %d, chunks of %g s: 0.9 of %v at a burst of %v would do", seed, chunk, r.Rate, r.Burst)
				}
			}
		}
	}
}

func TestRatesFallConvexly(t *testing.T) {
	for seed := range uint64(5) {
		sum, err := measure(film(seed, 60, 0.5, 300e3)).sum(true)
		if err != nil {
			t.Fatal(err)
		}
		slope := -8.0 / delay
		for i := 1; i < len(sum.Rates); i++ {
			a, b := sum.Rates[i-1], sum.Rates[i]
			s := float64(b.Rate-a.Rate) / float64(b.Burst-a.Burst)
			if b.Burst <= a.Burst || b.Rate > a.Rate || s < slope-1e-3 {
				t.Errorf("film %d: rates %+v", seed, sum.Rates)
			}
			slope = s
		}
	}
}

func TestRateBetweenKeptBursts(t *testing.T) {
	c := measure(film(3, 60, 0.5, 300e3))
	sum, err := c.sum(true)
	if err != nil {
		t.Fatal(err)
	}
	for burst := int64(1000); burst < 16<<20; burst = burst * 3 / 2 {
		exact, got := bitRate(c.leastRate(c.grid.points, burst)), sum.rate(ratelimit.Size(burst))
		if got < exact-1 {
			t.Errorf("burst %d: %v is below the least rate %v", burst, got, exact)
		}
	}
}

func TestInterleavedRule(t *testing.T) {
	samples := film(1, 60, 1e9, 1e6) // sound after 60 MB of pictures
	c := measure(samples)
	sum, err := c.sum(true)
	if err != nil {
		t.Fatal(err)
	}
	ordered, err := measure(film(1, 60, 0.001, 1e6)).sum(true)
	if err != nil {
		t.Fatal(err)
	}
	spec, want := sum.Spec(ratelimit.DefaultPolicy()), ordered.rate(8*ratelimit.MiB)
	if spec.Burst != 8*ratelimit.MiB || float64(spec.Rate) > 1.06*float64(max(want, sum.Average)) {
		t.Errorf("%v, want the rate of the interleaved file: %v", spec, want)
	}
}

func TestSpec(t *testing.T) {
	c := Curve{Average: 1e6, Lead: 400e3, Rates: []BurstRate{{64 * ratelimit.KiB, 4e6}, {256 * ratelimit.KiB, 3e6}, {ratelimit.MiB, 1.2e6}, {8 * ratelimit.MiB, 1e5}}}
	policy := func(edit func(p *ratelimit.Policy)) ratelimit.Policy {
		p := ratelimit.DefaultPolicy()
		edit(&p)
		return p
	}
	for _, tt := range []struct {
		name   string
		curve  Curve
		policy ratelimit.Policy
		want   ratelimit.TSpec
	}{
		{"nothing known", Curve{}, ratelimit.DefaultPolicy(), ratelimit.TSpec{}},
		{"lead and a second", c, ratelimit.DefaultPolicy(), ratelimit.TSpec{Rate: 2518290, Burst: 525000}},
		{"a kept burst", c, policy(func(p *ratelimit.Policy) { p.BurstMin = ratelimit.MiB }), ratelimit.TSpec{Rate: 1260000, Burst: ratelimit.MiB}},
		{"not below the average", c, policy(func(p *ratelimit.Policy) { p.BurstMin = 8 * ratelimit.MiB }), ratelimit.TSpec{Rate: 1050000, Burst: 8 * ratelimit.MiB}},
		{"above the largest", c, policy(func(p *ratelimit.Policy) { p.BurstMin, p.BurstMax = 16*ratelimit.MiB, 0 }), ratelimit.TSpec{Rate: 1050000, Burst: 16 * ratelimit.MiB}},
		{"below the smallest", c, policy(func(p *ratelimit.Policy) { p.BurstMax = 1024 }), ratelimit.TSpec{Rate: 4741901, Burst: 1024}},
		{"floor", c, policy(func(p *ratelimit.Policy) { p.Floor = 9e6 }), ratelimit.TSpec{Rate: 9e6, Burst: 525000}},
		{"sound by the rule", soundCurve(1000, 1e6+1000, 2e6, 80), ratelimit.DefaultPolicy(), ratelimit.TSpec{Rate: 125000, Burst: 256 * ratelimit.KiB}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.curve.Spec(tt.policy); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestGridKeepsSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	times := map[string]iter.Seq[float64]{
		"forwards":  func(yield func(float64) bool) { seq(0, 0.01, yield) },
		"backwards": func(yield func(float64) bool) { seq(0, -0.01, yield) },
		"apart":     func(yield func(float64) bool) { seq(0, 1e6, yield) },
		"random": func(yield func(float64) bool) {
			for range 20000 {
				if !yield((r.Float64() - 0.5) * math.Exp(r.Float64()*25)) {
					return
				}
			}
		},
	}
	for name, times := range times {
		t.Run(name, func(t *testing.T) {
			g := grid{width: finest}
			var n int64
			for at := range times {
				g.add(at, n, 1)
				n++
			}
			var sum, low, high int64
			low = math.MaxInt64
			for _, c := range g.cells {
				sum += int64(c.bytes)
				if c.bytes > 0 {
					low, high = min(low, c.start()), max(high, c.end)
				}
			}
			if sum != n || low != 0 || high != n || len(g.cells) > maxCells {
				t.Errorf("%d bytes from %d to %d in %d cells, want %d", sum, low, high, len(g.cells), n)
			}
		})
	}
}

func seq(at, step float64, yield func(float64) bool) {
	for range 20000 {
		if !yield(at) {
			return
		}
		at += step
	}
}

// TestSchedule compares the cells of a schedule with what the samples say.
func TestSchedule(t *testing.T) {
	for _, seconds := range []float64{0.1, 3, 100, 20000} {
		samples, c := film(7, seconds, 1, 1000), newCurve(1<<40)
		for _, s := range samples {
			c.add(s.at-50, 1.0/24, s.start, s.bytes) // from before 0 on
		}
		got, err := c.sum(true)
		if err != nil {
			t.Fatal(err)
		}
		due := got.Schedule
		if want := max(scheduleCell, c.grid.width); due.Cell != want {
			t.Errorf("%g s: cells of %g s, want %g", seconds, due.Cell, want)
		}
		want := make([]int64, len(due.Bytes)) // highest byte up to each cell
		for _, s := range samples {
			i := int(s.at / due.Cell) // -50 is a multiple of each cell
			want[i] = max(want[i], s.start+s.bytes)
		}
		var come, most int64
		for i, n := range due.Bytes {
			come, most = come+n, max(most, want[i])
			if come != most {
				t.Fatalf("%g s: %d bytes are due with cell %d, want %d", seconds, come, i, most)
			}
		}
	}
}

func TestDueWhereOnlyTheAverageIsKnown(t *testing.T) {
	for seconds, want := range map[float64]int{0: 0, -1: 0, 0.5: 0, 3.9: 3, 1e300: maxCells} {
		info := Info{Duration: seconds, Curve: Curve{Average: 8000, Header: 500}}
		due, sum := info.Due(), int64(0)
		for _, n := range due.Bytes {
			sum += n
		}
		if len(due.Bytes) != want || want > 0 && sum != int64(want)*1000+500 {
			t.Errorf("%g s: %d cells of %d bytes in all, want %d", seconds, len(due.Bytes), sum, want)
		}
	}
}

// TestMemoryOfCurve enters a film of which one track begins before the other:
// the cells are made once, and in few steps.
func TestMemoryOfCurve(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := newCurve(1 << 40)
	for _, begin := range []int{0, -2, -4} {
		for i := range 3 * 3600 * 24 {
			c.add(float64(begin)+float64(i)/24, 0, int64(i)*1000, 1000)
		}
	}
	runtime.ReadMemStats(&after)
	if grown, want := after.TotalAlloc-before.TotalAlloc, uint64(maxCells*16*5/4); grown > want {
		t.Errorf("%d bytes of memory, want at most %d", grown, want)
	}
	if c.first != -4 || c.payload != 3*3*3600*24*1000 {
		t.Errorf("%d bytes from %g s on", c.payload, c.first)
	}
}
