package ratelimit

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Bucket is a token bucket of one viewer or of one cap, on x/time/rate, with
// the moves that players need besides: Fill after a seek, Drain after a
// pause, Return when they hang up. It may be used concurrently; who reserves
// gets tokens in the order of coming.
type Bucket struct {
	limiter atomic.Pointer[rate.Limiter] // replaced by Fill, else changed in place; nil where nothing is limited

	mu   sync.Mutex // of what changes it
	spec TSpec
}

// NewBucket returns a full bucket.
func NewBucket(spec TSpec) *Bucket {
	b := &Bucket{spec: spec}
	b.limiter.Store(newLimiter(spec))
	return b
}

// newLimiter holds at least one token, else nothing would ever go through.
func newLimiter(s TSpec) *rate.Limiter {
	if s.Rate <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(s.Rate.BytesPerSecond()), max(1, int(s.Burst)))
}

// Spec returns the spec that the bucket has now.
func (b *Bucket) Spec() TSpec {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spec
}

// Limited reports whether the bucket limits anything.
func (b *Bucket) Limited() bool { return b.limiter.Load() != nil }

// SetSpec changes rate and burst; the tokens that are there stay, up to the
// new burst.
func (b *Bucket) SetSpec(s TSpec) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s == b.spec {
		return
	}
	if limiter := b.limiter.Load(); s.Rate <= 0 || limiter == nil {
		b.limiter.Store(newLimiter(s))
	} else {
		limiter.SetLimit(rate.Limit(s.Rate.BytesPerSecond()))
		limiter.SetBurst(max(1, int(s.Burst)))
	}
	b.spec = s
}

// Reserve takes n tokens, which may be more than the burst, and returns when
// the bytes they stand for may be sent: now or later.
func (b *Bucket) Reserve(now time.Time, n int64) (at time.Time) {
	at = now
	limiter := b.limiter.Load()
	for limiter != nil && n > 0 {
		part := min(n, int64(limiter.Burst()))
		r := limiter.ReserveN(now, int(part))
		if !r.OK() {
			continue // the burst has just become smaller
		}
		at = now.Add(r.DelayFrom(now))
		n -= part
	}
	return at
}

// Return puts back n reserved tokens of bytes that will not be sent.
func (b *Bucket) Return(now time.Time, n int64) {
	if limiter := b.limiter.Load(); limiter != nil {
		limiter.ReserveN(now, -int(n)) // a reservation can't be cancelled once its time has come
	}
}

// Fill gives the bucket all the tokens that it can hold.
func (b *Bucket) Fill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limiter.Store(newLimiter(b.spec))
}

// Drain takes tokens away until at most keep are left.
func (b *Bucket) Drain(now time.Time, keep Size) {
	limiter := b.limiter.Load()
	if limiter == nil {
		return
	}
	if over := int(limiter.TokensAt(now) - float64(keep)); over > 0 {
		limiter.ReserveN(now, over)
	}
}

// Full reports whether the bucket holds its whole burst, so that a new one
// would be the same.
func (b *Bucket) Full(now time.Time) bool {
	limiter := b.limiter.Load()
	return limiter == nil || limiter.TokensAt(now) >= float64(limiter.Burst())
}

// Tokens returns how many tokens there are; fewer than none where some are
// reserved that have yet to come in.
func (b *Bucket) Tokens(now time.Time) float64 {
	limiter := b.limiter.Load()
	if limiter == nil {
		return math.Inf(1)
	}
	return limiter.TokensAt(now)
}
