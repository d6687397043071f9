package ratelimit

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"golang.org/x/time/rate"
)

// second is 1000 bytes of a bucket's rate.
var second = TSpec{Rate: 8 * KbitPerSecond, Burst: 3000}

func TestBucketReserves(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(b *Bucket, now time.Time)
		take int64
		wait time.Duration
	}{
		{"all of the burst at once", nil, 3000, 0},
		{"a byte more has to come in", nil, 3001, time.Millisecond},
		{"more than the burst holds", nil, 10_000, 7 * time.Second},
		{"behind those who came before", func(b *Bucket, now time.Time) { b.Reserve(now, 4000) }, 1000, 2 * time.Second},
		{"what was given back", func(b *Bucket, now time.Time) { b.Reserve(now, 4000); b.Return(2000) }, 1000, 0},
		{"no more than the burst", func(b *Bucket, now time.Time) { b.Return(9000) }, 4000, time.Second},
		{"full anew", func(b *Bucket, now time.Time) { b.Reserve(now, 9000); b.Fill() }, 3000, 0},
		{"what Drain left", func(b *Bucket, now time.Time) { b.Drain(now, 1000) }, 2000, time.Second},
		{"as little as before Drain", func(b *Bucket, now time.Time) { b.Reserve(now, 2500); b.Drain(now, 1000) }, 1500, time.Second},
		{"faster", func(b *Bucket, now time.Time) {
			b.Reserve(now, 3000)
			b.SetSpec(TSpec{Rate: 80 * KbitPerSecond, Burst: 3000})
		}, 1000, 100 * time.Millisecond},
		{"a smaller burst", func(b *Bucket, now time.Time) { b.SetSpec(TSpec{second.Rate, 1000}) }, 2000, time.Second},
		{"a larger burst does not fill at once", func(b *Bucket, now time.Time) { b.SetSpec(TSpec{second.Rate, 9000}) }, 4000, time.Second},
		{"off", func(b *Bucket, now time.Time) { b.SetSpec(TSpec{}) }, math.MaxInt64, 0},
		{"off and on is full", func(b *Bucket, now time.Time) { b.Reserve(now, 9000); b.SetSpec(TSpec{}); b.SetSpec(second) }, 3000, 0},
		{"nothing", func(b *Bucket, now time.Time) { b.Reserve(now, 9000) }, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // SetSpec looks at the clock
				b, now := NewBucket(second), time.Now()
				if row.do != nil {
					row.do(b, now)
				}
				if wait := b.Reserve(now, row.take).Sub(now); wait != row.wait {
					t.Errorf("%d bytes go after %v, want %v", row.take, wait, row.wait)
				}
			})
		})
	}
}

// A bucket has the semantics of x/time/rate: asked the same, at the same
// times, it says the same.
func TestBucketIsALimiter(t *testing.T) {
	for _, spec := range []TSpec{second, {Rate: 5 * MbitPerSecond, Burst: 1 * MiB}, {Rate: 800, Burst: 70}} {
		dice := rand.New(rand.NewPCG(3, 4))
		b, limiter := NewBucket(spec), rate.NewLimiter(rate.Limit(spec.Rate.BytesPerSecond()), int(spec.Burst))
		now := time.Now()
		for range 2000 {
			now = now.Add(spec.Rate.time(dice.Int64N(int64(spec.Burst))))
			n := 1 + dice.Int64N(int64(spec.Burst)) // a Limiter refuses more
			want := limiter.ReserveN(now, int(n)).DelayFrom(now)
			if got := b.Reserve(now, n).Sub(now); (got - want).Abs() > 10*time.Microsecond { // its tokens are rounded
				t.Fatalf("%v: %d bytes go after %v, a Limiter says %v", spec, n, got, want)
			}
		}
	}
}

// However it is asked, a bucket lets through its burst and its rate, no more,
// and no less where somebody always asks.
func TestBucketKeepsItsRate(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for _, spec := range []TSpec{second, {Rate: 5 * MbitPerSecond, Burst: 1 * MiB}, {Rate: 7, Burst: 1}, {Rate: 10_000 * MbitPerSecond, Burst: 64 * KiB}} {
		b, begin := NewBucket(spec), time.Now()
		var sent int64
		at := begin
		for range 20_000 {
			n := 1 + dice.Int64N(2*int64(spec.Burst))
			at = b.Reserve(at, n)
			sent += n
		}
		want := float64(spec.Burst) + at.Sub(begin).Seconds()*spec.Rate.BytesPerSecond()
		if off := float64(sent)/want - 1; math.Abs(off) > 1e-5 { // whole nanoseconds
			t.Errorf("%+v: %d bytes in %v, %.9f of what it may", spec, sent, at.Sub(begin), off)
		}
	}
}

func TestBucketTokens(t *testing.T) {
	b, now := NewBucket(second), time.Now()
	b.Reserve(now, 5000)
	for after, want := range map[time.Duration]float64{0: -2000, time.Second: -1000, 4 * time.Second: 2000, time.Minute: 3000} {
		if got := b.Tokens(now.Add(after)); math.Abs(got-want) > 0.01 {
			t.Errorf("after %v there are %v tokens, want %v", after, got, want)
		}
	}
	if b.Full(now.Add(4*time.Second)) || !b.Full(now.Add(5*time.Second)) {
		t.Error("it takes 5 s to be full")
	}
}

// There are thousands of viewers, and each has all of this.
func TestViewerIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(viewer{}) + unsafe.Sizeof(client{}) + unsafe.Sizeof(Grant{}); size > 384 {
		t.Errorf("a viewer takes %d bytes", size)
	}
}
