package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// film is 1 Mbit/s with a burst of 256 KiB: 125 000 bytes a second.
var film = TSpec{Rate: MbitPerSecond, Burst: 256 * KiB}

const huge = 1 << 40 // bytes of an item that never ends

// sender sends as fast as its grant lets it and counts.
type sender struct {
	grant *Grant
	sent  int64
}

func admit(t *testing.T, c *Controller, client, item string, need TSpec, offset int64) *sender {
	t.Helper()
	g, err := c.Admit(t.Context(), Request{Client: client, Item: item, Need: need, Size: huge})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Release)
	g.Start(offset)
	return &sender{grant: g}
}

// send sends for so long.
func (s *sender) send(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for {
		n, err := s.grant.Take(ctx, math.MaxInt64)
		if err != nil {
			return
		}
		s.sent += n
	}
}

// within reports whether got is want give or take one step.
func within(got, want int64, need TSpec) bool { return abs(got-want) <= step(need) }

func TestStreamFollowsItsBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", film, 0)
		s.send(t, time.Nanosecond)
		first := int64(gift + film.Burst)
		if !within(s.sent, first, film) {
			t.Errorf("sent %d bytes at once, want gift and burst, %d", s.sent, first)
		}
		for second := range 20 {
			before := s.sent
			s.send(t, 5*time.Second)
			if got := s.sent - before; math.Abs(float64(got)/625000-1) > 0.03 {
				t.Errorf("seconds %d to %d: %d bytes, want 625000 give or take 3 %%", 5*second, 5*second+5, got)
			}
		}
	})
}

func TestConnectionsOfOneViewerShareABucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		a, b := admit(t, c, "10.0.0.1", "a", film, 0), admit(t, c, "10.0.0.1", "a", film, 1000)
		other := admit(t, c, "10.0.0.2", "a", film, 0)
		done := make(chan bool)
		for _, s := range []*sender{a, b, other} {
			go func() { s.send(t, 10*time.Second); done <- true }()
		}
		for range 3 {
			<-done
		}
		one := int64(film.Burst) + 10*125000
		if got := a.sent + b.sent - int64(2*gift); !within(got, one, film) {
			t.Errorf("two connections of one client got %d bytes, want one bucket of %d", got, one)
		}
		if got := other.sent - int64(gift); !within(got, one, film) {
			t.Errorf("another client got %d bytes, want %d of its own", got, one)
		}
		if got := c.Stats(); got.Viewers != 2 || got.Streams != 3 || got.Reserved != 2*film.Rate {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestPauseThenNoMoreThanTheBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", film, 0)
		s.send(t, 10*time.Second)
		// The player pauses: the write that was under way takes a minute.
		if _, err := s.grant.Take(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.grant.Sent(time.Minute)
		before := s.sent
		s.send(t, time.Nanosecond)
		if got := s.sent - before; got > int64(film.Burst)/2 {
			t.Errorf("after the pause %d bytes at once; the burst is %d, half of which may lie in socket buffers", got, film.Burst)
		}
	})
}

func TestSeekFillsTheBucketNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", film, 0)
		s.send(t, 10*time.Second)
		atOnce := func(offset int64) int64 {
			s := admit(t, c, "10.0.0.1", "a", film, offset)
			s.send(t, time.Nanosecond)
			return s.sent
		}
		if got, want := atOnce(1<<30), int64(gift+film.Burst); !within(got, want, film) {
			t.Errorf("after a seek %d bytes at once, want %d", got, want)
		}
		if got := atOnce(2 << 30); !within(got, int64(gift), film) {
			t.Errorf("after a second seek at once %d bytes, want the gift of %d", got, gift)
		}
		if got := atOnce(2<<30 + int64(gift)); !within(got, int64(gift), film) {
			t.Errorf("a new connection at the same place got %d bytes at once, want %d", got, gift)
		}
		time.Sleep(seekEvery)
		if got, want := atOnce(3<<30), int64(gift+film.Burst); !within(got, want, film) {
			t.Errorf("a seek after %v: %d bytes at once, want %d", seekEvery, got, want)
		}
	})
}

func TestGiftsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		first := admit(t, c, "10.0.0.1", "a", film, 0)
		first.send(t, time.Nanosecond)
		var sent int64
		for range 100 {
			s := admit(t, c, "10.0.0.1", "a", film, first.sent)
			s.send(t, time.Nanosecond)
			sent += s.sent
			s.grant.Release()
		}
		if want := int64((giftBurst - 1) * gift); !within(sent, want, film) {
			t.Errorf("100 requests got %d bytes, want %d", sent, want)
		}
	})
}

func TestBytesWithoutPlayingTimeAreFree(t *testing.T) {
	for _, row := range []struct {
		name                         string
		header, trailer, start, want int64
	}{
		{"header", 4 << 20, 0, 0, 4<<20 + int64(gift+film.Burst)},
		{"trailer", 0, 4 << 20, 60 << 20, 4 << 20},
		{"up to a bound", 60 << 20, 0, 0, int64(freeMax + gift + film.Burst)},
		{"none", 0, 0, 1 << 20, int64(gift + film.Burst)},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewController(DefaultConfig())
				g, err := c.Admit(t.Context(), Request{Need: film, Size: 64 << 20, Header: row.header, Trailer: row.trailer})
				if err != nil {
					t.Fatal(err)
				}
				g.Start(row.start)
				ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
				defer cancel()
				var sent int64
				for left := 64<<20 - row.start; left > 0; {
					n, err := g.Take(ctx, left)
					if err != nil {
						break
					}
					sent, left = sent+n, left-n
				}
				if !within(sent, row.want, film) {
					t.Errorf("at once %d bytes, want %d", sent, row.want)
				}
			})
		})
	}
}

func TestCaps(t *testing.T) {
	for _, row := range []struct {
		name   string
		config func(*Config)
		want   float64 // Mbit/s of two clients with two films of 10 Mbit/s each
	}{
		{"none", func(*Config) {}, 40},
		{"capacity", func(c *Config) { c.Capacity, c.CapacityUse = Capacity(25*MbitPerSecond), 1 }, 25},
		{"part of the capacity", func(c *Config) { c.Capacity, c.CapacityUse = Capacity(50*MbitPerSecond), 0.5 }, 25},
		{"per client", func(c *Config) { c.PerClient = 8 * MbitPerSecond }, 16},
		{"both", func(c *Config) {
			c.Capacity, c.CapacityUse, c.PerClient = Capacity(9*MbitPerSecond), 1, 8*MbitPerSecond
		}, 9},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				c := NewController(config)
				fast := TSpec{Rate: 10 * MbitPerSecond, Burst: 256 * KiB}
				var all []*sender
				done := make(chan bool)
				for i := range 4 {
					all = append(all, admit(t, c, fmt.Sprint(i/2), fmt.Sprint(i%2), fast, 0))
				}
				row.config(&config)
				c.SetConfig(config) // for what runs already
				for _, s := range all {
					go func() { s.send(t, time.Minute); done <- true }()
				}
				sent := int64(0)
				for range all {
					<-done
				}
				for _, s := range all {
					sent += s.sent
				}
				if got := float64(sent) * 8 / 60e6; math.Abs(got/row.want-1) > 0.02 {
					t.Errorf("%.2f Mbit/s, want %v", got, row.want)
				}
			})
		})
	}
}

func TestUnpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", TSpec{}, 0)
		for range 1000 {
			n, err := s.grant.Take(t.Context(), math.MaxInt64)
			if err != nil || n < int64(freeStep) {
				t.Fatal(n, err)
			}
		}
	})
}

func TestTooManyStreamsOfOneClient(t *testing.T) {
	config := DefaultConfig()
	config.StreamsPerClient = 2
	c := NewController(config)
	admit(t, c, "10.0.0.1", "a", film, 0)
	b := admit(t, c, "10.0.0.1", "b", film, 0)
	if _, err := c.Admit(t.Context(), Request{Client: "10.0.0.1", Item: "c"}); !errors.Is(err, ErrBusy) {
		t.Errorf("third stream: %v", err)
	}
	admit(t, c, "10.0.0.2", "c", film, 0)
	b.grant.Release()
	b.grant.Release() // twice is once
	admit(t, c, "10.0.0.1", "c", film, 0)
	if _, err := c.Admit(t.Context(), Request{Client: "10.0.0.1", Item: "d"}); !errors.Is(err, ErrBusy) {
		t.Errorf("third stream after a release: %v", err)
	}
}

// What one address reads as a node has no caps, and takes none of what its own
// viewers may have.
func TestNodeHasNoCaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.StreamsPerClient, config.PerClient = 2, MbitPerSecond
		c := NewController(config)
		own := admit(t, c, "10.0.0.1", "a", film, 0)
		for i := range 5 {
			g, err := c.Try(Request{Client: "10.0.0.1", Item: fmt.Sprint(i), Need: film, Node: true, Size: huge})
			if err != nil {
				t.Fatalf("stream %d of a node: %v", i, err)
			}
			defer g.Release()
			c.SetConfig(config)
			for range 100 {
				if n, at := g.Reserve(time.Now(), huge); at.After(time.Now()) {
					t.Fatalf("%d bytes for a node wait for %v", n, time.Until(at))
				}
			}
		}
		own.send(t, 10*time.Second)
		admit(t, c, "10.0.0.1", "b", film, 0)
		if _, err := c.Try(Request{Client: "10.0.0.1", Item: "c"}); !errors.Is(err, ErrBusy) {
			t.Errorf("third stream of its own: %v", err)
		}
	})
}

func TestViewersAreForgottenOnceTheirBucketIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", film, 0)
		s.send(t, 5*time.Second)
		s.grant.Release()
		again := admit(t, c, "10.0.0.1", "a", film, s.grant.offset)
		again.send(t, time.Nanosecond)
		if !within(again.sent, int64(gift), film) {
			t.Errorf("who comes back at once gets %d bytes, want no second burst", again.sent)
		}
		again.grant.Release()
		time.Sleep(time.Minute)
		c.Stats() // gives the place back,
		time.Sleep(time.Second)
		c.Stats() // and forgets
		if len(c.viewers) != 0 || len(c.clients) != 0 {
			t.Errorf("%d viewers and %d clients are still known", len(c.viewers), len(c.clients))
		}
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", TSpec{Rate: KbitPerSecond, Burst: 256 * KiB}, 0)
		s.send(t, time.Nanosecond)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		for {
			if _, err := s.grant.Take(ctx, math.MaxInt64); err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
		}
	})
}

func BenchmarkTake(b *testing.B) {
	c := NewController(DefaultConfig())
	g, err := c.Admit(b.Context(), Request{Need: TSpec{Rate: 1000 * GbitPerSecond, Burst: GiB}, Size: huge})
	if err != nil {
		b.Fatal(err)
	}
	g.Start(0)
	b.ReportAllocs()
	for b.Loop() {
		g.Take(b.Context(), huge)
	}
}
