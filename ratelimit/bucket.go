package ratelimit

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Bucket is a token bucket of one viewer or of one cap. It does what
// x/time/rate's Limiter does, and the moves that players need besides: Fill
// after a seek, Drain after a pause, Return when they hang up. All its state
// is when it will be full again, half the memory of a Limiter and no call for
// its burst and its tokens. It may be used concurrently; who reserves gets
// tokens in the order of coming. The nil Bucket limits nothing.
type Bucket struct {
	rate atomic.Int64 // a Rate; changed under mu, so that it can be told without it whether there is one

	mu    sync.Mutex
	burst Size
	full  time.Time
}

// NewBucket returns a full bucket.
func NewBucket(spec TSpec) *Bucket {
	b := new(Bucket)
	b.rate.Store(int64(spec.Rate))
	b.burst = spec.Burst
	return b
}

// Spec returns the spec that the bucket has now.
func (b *Bucket) Spec() TSpec {
	b.mu.Lock()
	defer b.mu.Unlock()
	return TSpec{Rate: b.speed(), Burst: b.burst}
}

// Limited reports whether the bucket limits anything.
func (b *Bucket) Limited() bool { return b.speed() > 0 }

func (b *Bucket) speed() Rate {
	if b == nil {
		return 0
	}
	return Rate(b.rate.Load())
}

// SetSpec changes rate and burst; the tokens that are there stay, up to the
// new burst.
func (b *Bucket) SetSpec(s TSpec) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.Rate == b.speed() && s.Burst == b.burst {
		return
	}
	now := time.Now()
	missing := s.Burst - Size(min(b.tokens(now), float64(s.Burst)))
	b.rate.Store(int64(s.Rate))
	b.burst, b.full = s.Burst, now.Add(s.Rate.time(int64(missing)))
}

// Reserve takes n tokens, which may be more than the burst, and returns when
// the bytes they stand for may be sent: now or later.
func (b *Bucket) Reserve(now time.Time, n int64) (at time.Time) {
	if !b.Limited() || n <= 0 {
		return now
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	rate := b.speed()
	b.full = later(b.full, now).Add(rate.time(n))
	return later(now, b.full.Add(-rate.time(int64(b.burst))))
}

// Return puts back n reserved tokens of bytes that will not be sent.
func (b *Bucket) Return(n int64) {
	if !b.Limited() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = b.full.Add(-b.speed().time(n))
}

// Fill gives the bucket all the tokens that it can hold.
func (b *Bucket) Fill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = time.Time{}
}

// Drain takes tokens away until at most keep are left.
func (b *Bucket) Drain(now time.Time, keep Size) {
	if !b.Limited() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = later(b.full, now.Add(b.speed().time(int64(b.burst-keep))))
}

// Full reports whether the bucket holds its whole burst, so that a new one
// would be the same.
func (b *Bucket) Full(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.Limited() || !b.full.After(now)
}

// Tokens returns how many tokens there are; fewer than none where some are
// reserved that have yet to come in.
func (b *Bucket) Tokens(now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tokens(now)
}

func (b *Bucket) tokens(now time.Time) float64 {
	rate := b.speed()
	if rate <= 0 {
		return math.Inf(1)
	}
	return float64(b.burst) - max(0, b.full.Sub(now).Seconds())*rate.BytesPerSecond()
}
