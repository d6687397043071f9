package ratelimit

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bucket is a token bucket of one viewer or of one cap, on x/time/rate, with
// the two moves that players need besides: Fill after a seek and Drain after
// a pause. It may be used concurrently; waiters get tokens in the order in
// which they came.
type Bucket struct {
	mu      sync.Mutex
	limiter *rate.Limiter // replaced by Fill, else changed in place
	spec    TSpec
}

// NewBucket returns a full bucket.
func NewBucket(spec TSpec) *Bucket {
	b := &Bucket{spec: spec}
	b.limiter = newLimiter(spec)
	return b
}

func newLimiter(s TSpec) *rate.Limiter {
	if s.Rate <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(s.Rate.BytesPerSecond()), int(s.Burst))
}

// Spec returns the spec that the bucket has now.
func (b *Bucket) Spec() TSpec {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spec
}

// SetSpec changes rate and burst; the tokens that are there stay, up to the
// new burst.
func (b *Bucket) SetSpec(s TSpec) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s == b.spec {
		return
	}
	if s.Rate <= 0 || b.spec.Rate <= 0 {
		b.limiter = newLimiter(s)
	} else {
		b.limiter.SetLimit(rate.Limit(s.Rate.BytesPerSecond()))
		b.limiter.SetBurst(int(s.Burst))
	}
	b.spec = s
}

// Wait takes n tokens, at most the burst at once, and returns when the bytes
// they stand for may be sent, or with ctx's error as soon as ctx ends.
func (b *Bucket) Wait(ctx context.Context, n int64) error {
	limiter := b.current()
	for n > 0 && limiter.Limit() != rate.Inf {
		part := max(1, min(n, int64(limiter.Burst())))
		if err := limiter.WaitN(ctx, int(part)); err != nil {
			return err
		}
		n -= part
	}
	return ctx.Err()
}

// Fill gives the bucket all the tokens that it can hold.
func (b *Bucket) Fill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limiter = newLimiter(b.spec)
}

// Drain takes tokens away until at most keep are left.
func (b *Bucket) Drain(keep Size) {
	limiter, now := b.current(), time.Now()
	if limiter.Limit() == rate.Inf {
		return
	}
	if over := int(limiter.TokensAt(now) - float64(keep)); over > 0 {
		limiter.ReserveN(now, over)
	}
}

// Full reports whether the bucket holds its whole burst, so that a new one
// would be the same.
func (b *Bucket) Full() bool {
	limiter := b.current()
	return limiter.Limit() == rate.Inf || limiter.Tokens() >= float64(limiter.Burst())
}

func (b *Bucket) current() *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limiter
}
