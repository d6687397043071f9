package ratelimit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// traffic notes what goes over a link when.
type traffic struct {
	mu    sync.Mutex
	start time.Time
	sent  map[string][]int64 // bytes of each viewer in each tenth of a second
}

const tenth = 100 * time.Millisecond

func newTraffic() *traffic { return &traffic{start: time.Now(), sent: make(map[string][]int64)} }

// add notes n bytes; nobody's are noted twice, in "".
func (f *traffic) add(name string, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := int(time.Since(f.start) / tenth)
	for len(f.sent[name]) <= at {
		f.sent[name] = append(f.sent[name], 0)
	}
	f.sent[name][at] += n
}

// between returns the mean rate of a viewer, or of all for "".
func (f *traffic) between(name string, from, to time.Duration) Rate {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := int64(0)
	for who, sent := range f.sent {
		for i := int(from / tenth); i < min(int(to/tenth), len(sent)); i++ {
			if name == "" || name == who {
				sum += sent[i]
			}
		}
	}
	return Rate(float64(8*sum) / (to - from).Seconds())
}

// worst returns the highest rate of all viewers over any time of a length, a
// tenth of a second after the other.
func (f *traffic) worst(length time.Duration) (highest Rate) {
	for at := time.Duration(0); at < time.Since(f.start); at += tenth {
		highest = max(highest, f.between("", at, at+length))
	}
	return highest
}

// send takes all that a grant gives until ctx ends.
func (f *traffic) send(ctx context.Context, name string, g *Grant) {
	for {
		n, err := g.Take(ctx, huge)
		if err != nil {
			return
		}
		f.add(name, n)
	}
}

// watch lets a viewer come in and take all it can, until the test ends or
// stop is called.
func (f *traffic) watch(t *testing.T, c *Controller, name string, need TSpec) (stop func()) {
	t.Helper()
	g, err := c.Try(ask(name, "film", need))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	g.Start(0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan bool)
	go func() { f.send(ctx, name, g); g.Release(); close(done) }()
	return func() { cancel(); <-done }
}

func TestWhoWatchesIsNeverSlowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := linkFor(100)
		config.ReadAhead = 30 * time.Second
		c, flow := NewController(config), newTraffic()
		for i := range 8 {
			defer flow.watch(t, c, fmt.Sprint("steady", i), megabits(10))()
		}
		time.Sleep(time.Minute)
		from := time.Since(flow.start)
		// Others start and seek as often as they can, each with 8 MiB at once.
		for i := range 30 {
			stop := flow.watch(t, c, "restless", TSpec{Rate: 20 * MbitPerSecond, Burst: 8 * MiB})
			time.Sleep(time.Second)
			stop()
			if g, err := c.Try(ask(fmt.Sprint(i), "too much", megabits(1))); err == nil {
				g.Release()
				t.Error("there was room for more than a hundred")
			}
		}
		for i := range 8 {
			for at := from; at < from+30*time.Second; at += time.Second {
				if got := flow.between(fmt.Sprint("steady", i), at, at+5*time.Second); at+5*time.Second <= from+30*time.Second && got < 9900*KbitPerSecond {
					t.Errorf("viewer %d got %v in a span of five seconds, want 10 Mbit/s", i, got)
				}
			}
		}
		if got := flow.between("restless", from, from+30*time.Second); got < 19000*KbitPerSecond {
			t.Errorf("who seeks all the time gets %v, want the rest of the link", got)
		}
		if got := flow.worst(5 * time.Second); got > Rate(config.Capacity) {
			t.Errorf("%v over some five seconds, the link has %v", got, config.Capacity)
		}
		if got := flow.worst(time.Second); float64(got) > 1.1*float64(config.Capacity) { // three or four steps of each
			t.Errorf("%v over some second, the link has %v", got, config.Capacity)
		}
	})
}

func TestReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := linkFor(30)
		config.ReadAhead = 30 * time.Second
		c, flow := NewController(config), newTraffic()
		defer flow.watch(t, c, "a", megabits(1))()
		time.Sleep(tenth)
		defer flow.watch(t, c, "b", megabits(2))()
		time.Sleep(20 * time.Second)
		for name, rate := range map[string]Rate{"a": 2 * MbitPerSecond, "b": 4 * MbitPerSecond} {
			if got := flow.between(name, 5*time.Second, 20*time.Second); float64(got) < 0.98*float64(rate) || float64(got) > 1.02*float64(rate) {
				t.Errorf("%s gets %v, want twice what it needs", name, got)
			}
		}
		if lent := c.Stats().Lent; lent < 19*375000 || lent > 21*375000 {
			t.Errorf("lent %v, want 20 s of 3 Mbit/s", lent)
		}
		time.Sleep(40 * time.Second)
		if got := flow.between("", 40*time.Second, time.Minute); got < 2950*KbitPerSecond || got > 3050*KbitPerSecond {
			t.Errorf("a minute later %v, want 3 Mbit/s: the read-ahead is bounded", got)
		}
		if lent := c.Stats().Lent; lent < 29*375000 || lent > 31*375000 {
			t.Errorf("lent %v, want 30 s of 3 Mbit/s", lent)
		}
	})
}

func TestReadAheadIsTakenBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := linkFor(100)
		config.ReadAhead = 10 * time.Minute
		c, flow := NewController(config), newTraffic()
		for i := range 5 {
			defer flow.watch(t, c, fmt.Sprint("early", i), megabits(10))()
			time.Sleep(tenth / 2)
		}
		time.Sleep(10 * time.Second)
		if got := flow.between("", 5*time.Second, 10*time.Second); got < 92*MbitPerSecond {
			t.Errorf("five viewers get %v, want what the link has", got)
		}
		defer flow.watch(t, c, "new", TSpec{Rate: 45 * MbitPerSecond, Burst: 8 * MiB})()
		time.Sleep(10 * time.Second)
		if got := flow.between("new", 11*time.Second, 20*time.Second); got < 45*MbitPerSecond {
			t.Errorf("a second after it has come the new viewer gets %v, want its rate at least", got)
		}
		if got := flow.between("new", 10*time.Second, 14*time.Second); got < 46*MbitPerSecond {
			t.Errorf("for its start the new viewer gets %v, want what was lent to others", got)
		}
		for i := range 5 {
			if got := flow.between(fmt.Sprint("early", i), 11*time.Second, 16*time.Second); got < 9900*KbitPerSecond || got > 12*MbitPerSecond {
				t.Errorf("viewer %d gets %v, want its rate and no read-ahead beside a start", i, got)
			}
		}
	})
}

func TestNothingIsLentWithoutCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, flow := NewController(DefaultConfig()), newTraffic()
		defer flow.watch(t, c, "a", megabits(1))()
		time.Sleep(20 * time.Second)
		if got := flow.between("a", 10*time.Second, 20*time.Second); got > 1010*KbitPerSecond {
			t.Errorf("%v, want 1 Mbit/s", got)
		}
	})
}

func TestShortFetchesNeverWaitForFilms(t *testing.T) {
	for _, row := range []struct {
		name    string
		request Request
		most    time.Duration // for 256 KiB
	}{
		{"a picture", Request{Short: true}, 3 * time.Second},
		{"metadata of a running film", Request{Item: "film", Need: megabits(2), Header: 1 << 20, Size: huge}, 3 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := linkFor(10)
				config.ReadAhead = time.Hour
				c, flow := NewController(config), newTraffic()
				for i := range 5 {
					defer flow.watch(t, c, fmt.Sprint(i), megabits(2))()
				}
				time.Sleep(20 * time.Second)
				row.request.Client, row.request.Share = "0", "s"
				g, err := c.Try(row.request)
				if err != nil {
					t.Fatal(err)
				}
				defer g.Release()
				g.Start(0)
				start := time.Now()
				for left := int64(256 << 10); left > 0; {
					n, err := g.Take(t.Context(), left)
					if err != nil {
						t.Fatal(err)
					}
					left -= n
				}
				if took := time.Since(start); took > row.most {
					t.Errorf("took %v on a full link", took)
				}
			})
		})
	}
}

// TestCapacityHolds lets viewers come, seek, pause and leave at random: what
// is reserved is never more than the room, what is sent never more than the
// link has, but for a queue of 100 ms, and everybody who reads gets what it needs.
func TestCapacityHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := linkFor(100)
		config.ReadAhead = 20 * time.Second
		c, flow := NewController(config), newTraffic()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		var group sync.WaitGroup
		for i := range 30 {
			random := rand.New(rand.NewPCG(9, uint64(i)))
			need := TSpec{Rate: Rate(300+random.IntN(20000)) * KbitPerSecond, Burst: Size(256+random.IntN(8000)) * KiB}
			group.Go(func() {
				for ctx.Err() == nil {
					time.Sleep(time.Duration(random.IntN(20000)) * time.Millisecond)
					g, err := c.Admit(ctx, ask(fmt.Sprint(i), "film", need))
					if err != nil {
						continue
					}
					g.Start(random.Int64N(huge))
					span, end := context.WithTimeout(ctx, time.Duration(1000+random.IntN(30000))*time.Millisecond)
					began, before := time.Since(flow.start), flow.total(fmt.Sprint(i))
					flow.send(span, fmt.Sprint(i), g)
					got, took := flow.total(fmt.Sprint(i))-before, time.Since(flow.start)-began
					if want := int64(need.Rate.BytesPerSecond()*took.Seconds()) - 2*step(need); got < want {
						t.Errorf("viewer %d of %v got %d bytes in %v, want at least %d", i, need.Rate, got, took, want)
					}
					end()
					g.Release()
				}
			})
		}
		for ctx.Err() == nil {
			time.Sleep(37 * time.Millisecond)
			if s := c.Stats(); s.Reserved > c.network.room {
				t.Fatalf("%v reserved, the link has %v", s.Reserved, c.network.room)
			}
		}
		group.Wait()
		worst, mean := flow.worst(time.Second), flow.between("", 30*time.Second, 3*time.Minute)
		t.Logf("link %v: mean %v, most over a second %v", config.usable(), mean, worst)
		if worst > Rate(config.Capacity)*11/10 {
			t.Errorf("%v over some second, the link has %v", worst, config.Capacity)
		}
		if float64(mean) < 0.8*float64(config.usable()) {
			t.Errorf("only %v of %v were used with thirty who want more", mean, config.usable())
		}
	})
}

func (f *traffic) total(name string) (sum int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.sent[name] {
		sum += n
	}
	return sum
}
