package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// linkFor is a link with room for viewers of so many Mbit/s, and no read-ahead.
func linkFor(mbit float64) Config {
	c := DefaultConfig()
	c.Capacity, c.ReadAhead = Capacity(math.Ceil(mbit*1e6/c.CapacityUse)), 0
	return c
}

// megabits is a film that needs so much.
func megabits(n float64) TSpec {
	return TSpec{Rate: Rate(n * float64(MbitPerSecond)), Burst: 512 * KiB}
}

func ask(client, item string, need TSpec) Request {
	return Request{Client: client, Item: item, Share: "s", Need: need, Size: huge}
}

// must admits at once.
func must(t *testing.T, c *Controller, r Request) *Grant {
	t.Helper()
	g, err := c.Try(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Client, r.Item, err)
	}
	t.Cleanup(g.Release)
	g.Start(0)
	g.Reserve(time.Now(), 1)
	return g
}

// arrivals notes in which order requests come in.
type arrivals struct {
	mu    sync.Mutex
	names []string
	group sync.WaitGroup
}

// wait asks in the background, and holds what it gets for so long.
func (a *arrivals) wait(t *testing.T, c *Controller, r Request, hold time.Duration) {
	a.group.Go(func() {
		g, err := c.Admit(t.Context(), r)
		a.mu.Lock()
		defer a.mu.Unlock()
		if err != nil {
			a.names = append(a.names, r.Client+r.Item+" "+err.Error())
			return
		}
		a.names = append(a.names, r.Client+r.Item)
		g.Start(0)
		g.Reserve(time.Now(), 1)
		time.AfterFunc(hold, g.Release)
	})
	synctest.Wait() // it stands in the queue before the next comes
}

func (a *arrivals) want(t *testing.T, names ...string) {
	t.Helper()
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.names, names) {
		t.Errorf("came in: %q, want %q", a.names, names)
	}
}

func TestFullLink(t *testing.T) {
	for _, row := range []struct {
		name    string
		running []float64 // Mbit/s of films by as many clients
		next    float64
		fits    bool
	}{
		{"nobody", nil, 4, true},
		{"room", []float64{4}, 6, true},
		{"no room", []float64{4, 4}, 3, false},
		{"to the last bit", []float64{4, 4}, 2, true},
		{"nothing to reserve", []float64{4, 6}, 0, true},
		{"more than the link, alone", nil, 50, true},
		{"more than the link, not alone", []float64{0.1}, 50, false},
		{"beside more than the link", []float64{50}, 0.1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := NewController(linkFor(10))
			for i, r := range row.running {
				must(t, c, ask(fmt.Sprint("old", i), "film", megabits(r)))
			}
			g, err := c.Try(ask("new", "film", megabits(row.next)))
			if row.fits != (err == nil) || err != nil && !(errors.Is(err, ErrFull) && errors.Is(err, ErrBusy)) {
				t.Fatalf("%v, want to fit %v", err, row.fits)
			}
			if s := c.Stats(); s.Reserved > 10*MbitPerSecond+1 || abs(int64(s.Reserved+s.Free-10*MbitPerSecond)) > 1 || s.Waiting != 0 {
				t.Errorf("stats %+v", s)
			}
			if g != nil {
				g.Release()
			}
		})
	}
}

func TestConnectionsOfOneViewerReserveOnce(t *testing.T) {
	c := NewController(linkFor(10))
	for range 5 {
		must(t, c, ask("a", "film", megabits(9)))
	}
	if s := c.Stats(); s.Reserved != 9*MbitPerSecond || s.Viewers != 1 || s.Streams != 5 {
		t.Errorf("stats %+v", s)
	}
}

func TestPlaceStaysForASeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		g := must(t, c, ask("a", "film", megabits(9)))
		var in arrivals
		in.wait(t, c, ask("b", "film", megabits(9)), time.Hour)
		for range 4 { // seeks, longer in all than anybody waits in the queue
			g.Release()
			time.Sleep(linger - time.Millisecond)
			g = must(t, c, ask("a", "film", megabits(9)))
		}
		time.Sleep(time.Second)
		in.want(t, "bfilm too many streams: the link is full")
		in.wait(t, c, ask("c", "film", megabits(9)), time.Hour)
		g.Release()
		time.Sleep(linger - time.Millisecond)
		if s := c.Stats(); s.Waiting != 1 || s.Reserved != 9*MbitPerSecond {
			t.Errorf("before the linger ends: %+v", s)
		}
		time.Sleep(time.Millisecond)
		in.want(t, "bfilm too many streams: the link is full", "cfilm")
	})
}

func TestWhoNeverSentLeavesNoPlace(t *testing.T) {
	c := NewController(linkFor(10))
	g, err := c.Try(ask("a", "film", megabits(9)))
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
	must(t, c, ask("b", "film", megabits(9)))
}

func TestQueueOrder(t *testing.T) {
	const full = " too many streams: the link is full"
	for _, row := range []struct {
		name string
		asks []string // client, item, Mbit/s; each holds its place for a second and the linger
		want []string
	}{
		{"first come, first served", []string{"a1 9", "b1 9", "c1 9"}, []string{"a1", "b1", "c1"}},
		{"one client's in their order", []string{"a1 9", "a2 9", "a3 9"}, []string{"a1", "a2", "a3"}},
		{"who asks for much lets others in", []string{"a1 9", "a2 9", "a3 9", "b1 9"}, []string{"a1", "b1", "a2", "a3" + full}},
		{"the turn goes round", []string{"a1 9", "a2 9", "b1 9", "b2 9"}, []string{"a1", "b1", "a2", "b2" + full}},
		{"who fits need not wait", []string{"a1 9", "b1 1"}, []string{"b1", "a1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewController(linkFor(10))
				first := must(t, c, ask("x", "film", megabits(9)))
				var in arrivals
				for _, a := range row.asks {
					var name string
					var rate float64
					fmt.Sscan(a, &name, &rate)
					in.wait(t, c, ask(name[:1], name[1:], megabits(rate)), time.Second)
				}
				first.Release()
				time.Sleep(2 * time.Minute)
				in.want(t, row.want...)
			})
		})
	}
}

// A film that needs most of the link would never come in if all smaller ones
// could pass it.
func TestNobodyStarves(t *testing.T) {
	for _, big := range []float64{9, 50} {
		t.Run(fmt.Sprint(big), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := linkFor(10)
				c := NewController(config)
				running := make(chan bool)
				go func() { // small ones come and go all the time
					defer close(running)
					for i := range 200 {
						if g, err := c.Try(ask(fmt.Sprint("small", i), "song", megabits(3))); err == nil {
							g.Reserve(time.Now(), 1)
							time.AfterFunc(5*time.Second, g.Release)
						}
						time.Sleep(time.Second)
					}
				}()
				time.Sleep(30 * time.Second)
				start := time.Now()
				g, err := c.Admit(t.Context(), ask("big", "film", megabits(big)))
				if err != nil {
					t.Fatal(err)
				}
				if waited, most := time.Since(start), config.QueueWait/2+linger+6*time.Second; waited > most {
					t.Errorf("waited %v, want at most %v", waited, most)
				}
				g.Release()
				<-running
			})
		})
	}
}

func TestQueueWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		must(t, c, ask("a", "film", megabits(9)))
		start := time.Now()
		if _, err := c.Admit(t.Context(), ask("b", "film", megabits(9))); !errors.Is(err, ErrFull) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want ErrFull after a minute", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := c.Admit(ctx, ask("b", "film", megabits(9))); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want the context's error after a second", err, time.Since(start))
		}
		if s := c.Stats(); s.Waiting != 0 || s.Streams != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		must(t, c, ask("a", "film", megabits(9)))
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for i := range queueMax {
			group.Go(func() { c.Admit(ctx, ask(fmt.Sprint(i), "film", megabits(9))) })
		}
		synctest.Wait()
		if _, err := c.Admit(ctx, ask("b", "film", megabits(9))); !errors.Is(err, ErrFull) {
			t.Errorf("%v, want ErrFull at once", err)
		}
		if s := c.Stats(); s.Waiting != queueMax {
			t.Errorf("%d wait, want %d", s.Waiting, queueMax)
		}
		cancel()
		group.Wait()
	})
}

func TestLongPauseGivesThePlaceToWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		paused := must(t, c, ask("a", "film", megabits(9)))
		spend(paused, time.Now())
		time.Sleep(2 * time.Hour)
		if s := c.Stats(); s.Reserved != 9*MbitPerSecond {
			t.Errorf("nobody waits, and the place is lost: %+v", s)
		}
		var in arrivals
		in.wait(t, c, ask("b", "film", megabits(9)), 10*time.Minute)
		in.want(t, "bfilm")
		in.wait(t, c, ask("c", "film", megabits(9)), time.Minute)
		time.Sleep(time.Second)
		// Back from the pause: it gets what others leave, and a place before c.
		if n, at := paused.Reserve(time.Now(), huge); n < 1 || time.Until(at) > 2*time.Second {
			t.Errorf("%d bytes in %v", n, time.Until(at))
		}
		if s := c.Stats(); s.Waiting != 2 || s.Viewers != 2 {
			t.Errorf("stats %+v", s)
		}
		c.mu.Lock()
		order := c.queue.order(time.Time{})
		c.mu.Unlock()
		if order[0] != paused.viewer {
			t.Error("who comes back from a pause is not the first in the queue")
		}
		paused.Release()
	})
}

// Who has a place but nothing to send yet, as while its share is away, leaves
// it to those who wait, and is the first to get one when it begins.
func TestWhoHasNotBegunLeavesHisPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		waits, err := c.Try(ask("a", "away", megabits(9)))
		if err != nil {
			t.Fatal(err)
		}
		var in arrivals
		in.wait(t, c, ask("b", "film", megabits(9)), time.Minute)
		time.Sleep(startMost - time.Second)
		in.want(t)
		time.Sleep(2 * time.Second)
		in.want(t, "bfilm")
		in.wait(t, c, ask("c", "film", megabits(9)), time.Minute)
		waits.Start(0)
		if n, at := waits.Reserve(time.Now(), huge); n < 1 || time.Until(at) > 2*time.Second {
			t.Errorf("%d bytes in %v", n, time.Until(at))
		}
		time.Sleep(2 * time.Minute)
		if s := c.Stats(); !waits.viewer.placed {
			t.Errorf("who begins late does not get the next place: %+v", s)
		}
		waits.Release()
	})
}

func TestShortPauseKeepsThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		paused := must(t, c, ask("a", "film", megabits(9)))
		var in arrivals
		time.Sleep(pauseMost - 30*time.Second)
		in.wait(t, c, ask("b", "film", megabits(9)), time.Minute)
		time.Sleep(29 * time.Second)
		in.want(t)
		paused.Reserve(time.Now(), 1)
		time.Sleep(time.Minute)
		in.want(t, "bfilm too many streams: the link is full")
	})
}

func TestShareCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		slow := 3500 * KbitPerSecond
		c.SetShares(map[string]Rate{"nas": slow})
		on := func(client, share string, rate float64) Request {
			r := ask(client, "film", megabits(rate))
			r.Share = share
			return r
		}
		must(t, c, on("a", "nas", 3))
		if _, err := c.Try(on("b", "nas", 3)); !errors.Is(err, ErrFull) {
			t.Errorf("second film of the slow share: %v", err)
		}
		must(t, c, on("c", "disk", 3))
		var in arrivals
		in.wait(t, c, on("d", "nas", 1), time.Hour)
		time.Sleep(45 * time.Second) // d has waited for long; that is no reason to keep others off another share
		must(t, c, on("e", "disk", 3))
		in.want(t)
		c.SetShares(nil)
		in.want(t, "dfilm")
	})
}

func TestSharePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		c.SetShares(map[string]Rate{"s": 2 * MbitPerSecond})
		g := must(t, c, ask("a", "film", megabits(8)))
		s := &sender{grant: g}
		s.send(t, 20*time.Second)
		if got := float64(s.sent) * 8 / 20; got > 2.4e6 {
			t.Errorf("a share of 2 Mbit/s delivered %.1f Mbit/s", got/1e6)
		}
	})
}

func TestLiveChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(linkFor(10))
		a, b := must(t, c, ask("a", "film", megabits(5))), must(t, c, ask("b", "film", megabits(5)))
		var in arrivals
		in.wait(t, c, ask("c", "film", megabits(9)), time.Hour)
		twenty := linkFor(10)
		twenty.Capacity *= 2
		c.SetConfig(twenty)
		in.want(t, "cfilm")
		c.SetConfig(linkFor(10))
		if s := c.Stats(); s.Viewers != 3 || s.Reserved != 19*MbitPerSecond || s.Free != 0 {
			t.Errorf("after it was lowered again: %+v", s)
		}
		if _, err := c.Try(ask("d", "film", megabits(0.1))); !errors.Is(err, ErrFull) {
			t.Errorf("a new viewer of an overbooked link: %v", err)
		}
		must(t, c, ask("a", "film", megabits(5))) // who watches stays
		a.Release()
		b.Release()
	})
}

// TestNothingIsLeft lets many viewers come, wait, give up, seek and leave at
// random moments, and looks for what is forgotten.
func TestNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := linkFor(10)
		config.QueueWait = 5 * time.Second
		c := NewController(config)
		var group sync.WaitGroup
		for i := range 200 {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			group.Go(func() {
				span := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
				for range 20 {
					time.Sleep(span(3 * time.Second))
					ctx, cancel := context.WithCancel(t.Context())
					// To the same nanosecond as the end of somebody else's linger, now and then.
					time.AfterFunc(span(10*time.Second).Round(time.Second), cancel)
					r := ask(fmt.Sprint(i%20), fmt.Sprint(i%50), megabits(1+float64(i%4)))
					if g, err := c.Admit(ctx, r); err == nil {
						g.Start(0)
						if random.IntN(2) == 0 {
							g.Take(ctx, huge)
						}
						time.Sleep(span(4 * time.Second).Round(time.Second))
						g.Release()
					}
					cancel()
				}
			})
		}
		group.Wait()
		for range 60 {
			time.Sleep(time.Second)
			c.Stats()
		}
		if s := c.Stats(); s != (Stats{Capacity: s.Capacity, Free: c.network.room}) || len(c.viewers)+len(c.clients)+len(c.queue.waiting) != 0 {
			t.Errorf("%+v, %d viewers, %d clients, %d in the queue", s, len(c.viewers), len(c.clients), len(c.queue.waiting))
		}
		if left := c.share("s").reserved; left != 0 {
			t.Errorf("%v of the share are reserved for nobody", left)
		}
	})
}

func TestCapacityAsText(t *testing.T) {
	for _, row := range []struct {
		text string
		want Capacity
		back string
	}{
		{"auto", Auto, "auto"},
		{" Auto ", Auto, "auto"},
		{"off", 0, "0 bit/s"},
		{"1 Gbit/s", Capacity(GbitPerSecond), "1 Gbit/s"},
	} {
		var got Capacity
		if err := got.UnmarshalText([]byte(row.text)); err != nil || got != row.want {
			t.Errorf("%q is %v, %v; want %v", row.text, got, err, row.want)
		}
		if text, err := got.MarshalText(); err != nil || string(text) != row.back {
			t.Errorf("%q is written %q, %v; want %q", row.text, text, err, row.back)
		}
	}
	var c Capacity
	if err := c.UnmarshalText([]byte("fast")); err == nil || !strings.Contains(err.Error(), `"auto"`) {
		t.Errorf(`"fast": %v, want to hear of "auto"`, err)
	}
}

// TestSumOfRatesFillsTheLink has as many viewers as the link has room for, all
// reading at their rates, and somebody who fetches pictures all the time: the
// streams slow down by their headroom at most.
func TestSumOfRatesFillsTheLink(t *testing.T) {
	for _, row := range []struct {
		headroom float64
		viewers  int // of 1 Mbit/s on 20 Mbit/s
	}{
		{1.05, 20},
		{1.5, 20},
		{1, 19}, // what is short needs a place of its own
	} {
		t.Run(fmt.Sprint(row.headroom), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := linkFor(20)
				config.Headroom = row.headroom
				c, flow := NewController(config), newTraffic()
				for i := range row.viewers {
					defer flow.watch(t, c, fmt.Sprint(i), megabits(1))()
				}
				if _, err := c.Try(ask("beyond", "film", megabits(1))); !errors.Is(err, ErrFull) {
					t.Errorf("one more: %v, want that the link is full", err)
				}
				pictures, err := c.Try(Request{Client: "beyond", Share: "s", Short: true})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				go flow.send(ctx, "pictures", pictures)
				time.Sleep(3 * time.Minute)
				cancel()
				least := Rate(float64(MbitPerSecond) / row.headroom)
				for i := range row.viewers {
					if got := flow.between(fmt.Sprint(i), time.Minute, 3*time.Minute); got < least*99/100 {
						t.Errorf("viewer %d gets %v, its film needs %v", i, got, least)
					}
				}
				if got := flow.between("pictures", time.Minute, 3*time.Minute); float64(got) < 0.8*shortShare*20e6 {
					t.Errorf("pictures get %v", got)
				}
			})
		})
	}
}
