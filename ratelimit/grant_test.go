package ratelimit

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestStepsDivideFiveSeconds(t *testing.T) {
	for _, row := range []struct {
		name string
		need TSpec
		want time.Duration // of the stream in one step
	}{
		{"film", TSpec{Rate: 5 * MbitPerSecond, Burst: 2 * MiB}, stepTime},
		{"fast film with little burst", TSpec{Rate: 8 * MbitPerSecond, Burst: MiB}, stepTime / 2},
		{"unmeasured", TSpec{Rate: 40 * MbitPerSecond, Burst: 8 * MiB}, stepTime},
		{"music", TSpec{Rate: 160 * KbitPerSecond, Burst: 256 * KiB}, stepTime},
		{"speech", TSpec{Rate: 32 * KbitPerSecond, Burst: 256 * KiB}, stepTime},
		{"hardly anything", TSpec{Rate: 4096, Burst: 256 * KiB}, time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := time.Duration(float64(step(row.need)) / row.need.Rate.BytesPerSecond() * float64(time.Second))
			if byteTime := row.need.Rate.time(1); abs(int64(got-row.want)) > int64(byteTime) {
				t.Errorf("a step is %v of the stream, want %v", got, row.want)
			}
		})
	}
}

func TestStepsFillPackets(t *testing.T) {
	for _, row := range []struct {
		name               string
		rate               Rate
		packet, step, want int64 // bytes
	}{
		{"film, Ethernet", 5 * MbitPerSecond, 1448, 173611, 119*1448 + 1299},
		{"film, loopback", 5 * MbitPerSecond, 65483, 173611, 173611},
		{"little more than a packet", 2 * MbitPerSecond, 65483, 69444, 65482},
		{"music, little more than three packets", 128 * KbitPerSecond, 1448, 4444, 3*1448 - 1},
		{"music, nearly four packets", 160 * KbitPerSecond, 1448, 5556, 5556},
		{"smaller than a packet", 160 * KbitPerSecond, 65483, 5556, 5556},
		{"not known", 5 * MbitPerSecond, 0, 173611, 173611},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := NewController(DefaultConfig())
			g, err := c.Admit(t.Context(), Request{Client: "a", Item: "b", Need: TSpec{Rate: row.rate, Burst: 16 * MiB}, Size: math.MaxInt64})
			if err != nil {
				t.Fatal(err)
			}
			defer g.Release()
			if got := g.Step(); got != row.step {
				t.Fatalf("a step is %d bytes, want %d", got, row.step)
			}
			for range 2 { // again it is the same
				g.Packets(row.packet)
				if got := g.Step(); got != row.want {
					t.Errorf("in packets of %d bytes a step is %d bytes, want %d", row.packet, got, row.want)
				}
			}
		})
	}
}

// spend takes all that may be sent at now.
func spend(g *Grant, now time.Time) (sent, n int64, at time.Time) {
	for {
		if n, at = g.Reserve(now, math.MaxInt64); at.After(now) {
			return sent, n, at
		}
		sent += n
	}
}

func TestReserve(t *testing.T) {
	for _, row := range []struct {
		name   string
		config func(*Config)
		wait   time.Duration // between two steps of the film
	}{
		{"viewer", func(*Config) {}, stepTime},
		{"client cap", func(c *Config) { c.PerClient = film.Rate / 2 }, 2 * stepTime},
		{"capacity", func(c *Config) { c.Capacity, c.CapacityUse = Capacity(film.Rate/4), 1 }, 4 * stepTime},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := DefaultConfig()
				row.config(&config)
				c := NewController(config)
				g := admit(t, c, "10.0.0.1", "a", film, 0).grant
				_, n, at := spend(g, time.Now())
				for range 20 {
					time.Sleep(time.Until(at))
					var next time.Time
					n, next = g.Reserve(at, math.MaxInt64)
					if got := next.Sub(at); n != step(film) || abs(int64(got-row.wait)) > int64(10*time.Microsecond) { // bytes are whole
						t.Fatalf("%d bytes in %v, want %d in %v", n, got, step(film), row.wait)
					}
					at = next
				}
			})
		})
	}
}

func TestReserveNeverAsksForMoreThanTheLimit(t *testing.T) {
	c := NewController(DefaultConfig())
	g := admit(t, c, "10.0.0.1", "a", film, 0).grant
	for _, limit := range []int64{1, 2, 511, 70000} {
		if n, _ := g.Reserve(time.Now(), limit); n < 1 || n > limit {
			t.Errorf("%d bytes of at most %d", n, limit)
		}
	}
}

func TestWhatIsReturnedMayBeSentByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.PerClient = 2 * film.Rate
		c := NewController(config)
		first := admit(t, c, "10.0.0.1", "a", film, 0).grant
		_, n, at := spend(first, time.Now())
		first.Return(n)
		first.Release()
		second := admit(t, c, "10.0.0.1", "a", film, first.offset).grant
		second.gift = 0
		if _, again := second.Reserve(time.Now(), n); abs(int64(again.Sub(at))) > int64(time.Microsecond) {
			t.Errorf("the next request may send in %v, want %v as the one before", time.Until(again), time.Until(at))
		}
	})
}

func TestTakeThatIsCancelledTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewController(DefaultConfig())
		s := admit(t, c, "10.0.0.1", "a", film, 0)
		s.send(t, time.Nanosecond)
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), stepTime/10)
			n, err := s.grant.Take(ctx, math.MaxInt64)
			cancel()
			if err == nil {
				s.sent += n
			}
		}
		if got, want := s.sent, int64(gift+film.Burst)+10*31250; !within(got, want, film) {
			t.Errorf("%d bytes in 2.5 s of short waits, want %d", got, want)
		}
	})
}

func BenchmarkReserve(b *testing.B) {
	for _, row := range []struct {
		name   string
		config Config
	}{
		{"viewer", Config{StreamsPerClient: 1}},
		{"viewer, client and link", Config{StreamsPerClient: 1, Capacity: Capacity(1000 * GbitPerSecond), CapacityUse: 1, PerClient: 100 * GbitPerSecond}},
	} {
		b.Run(row.name, func(b *testing.B) {
			g, err := NewController(row.config).Admit(b.Context(), Request{Need: film, Size: huge})
			if err != nil {
				b.Fatal(err)
			}
			g.Start(0)
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				_, now = g.Reserve(now, huge)
			}
		})
	}
}

// A step must cost the pacer no memory: it makes thousands a second.
func TestReserveAllocatesNothing(t *testing.T) {
	c := NewController(Config{StreamsPerClient: 1, Capacity: Capacity(GbitPerSecond), CapacityUse: 1, PerClient: GbitPerSecond})
	g := admit(t, c, "", "a", film, 0).grant
	now := time.Now()
	if got := testing.AllocsPerRun(1000, func() { _, now = g.Reserve(now, huge) }); got != 0 {
		t.Errorf("%v allocations in a step", got)
	}
}
