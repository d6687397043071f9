package ratelimit

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

const (
	stepTime = 5 * time.Second / 18 // of sending in one step: few wake-ups, short bursts
	stepMin  = 512                  // bytes, but at least so many
	freeStep = 64 * KiB             // bytes in one step that are not charged
	openStep = 1 * MiB              // bytes in one step of what is not paced
	stalled  = time.Second          // a write that took so long met a player with full buffers
)

// step is the size of one step: what is sent in stepTime or, where that is
// too much of the burst, in a half, a quarter and so on of it. Then the same
// number of steps falls into any five seconds. A sixth of the burst is little
// enough to be late by; and so is a gift, which comes on top of it.
func step(need TSpec) int64 {
	if need.Rate <= 0 {
		return int64(openStep)
	}
	s, most := need.Rate.BytesPerSecond()*stepTime.Seconds(), float64(max(need.Burst/6, min(need.Burst/4, gift)))
	for s > most && s > stepMin {
		s /= 2
	}
	return int64(max(1, min(max(math.Round(s), stepMin), most, math.MaxInt32)))
}

// Grant lets one stream send. It belongs to one goroutine at a time, but
// Release may be called from any, more than once. There may be thousands: it
// is kept small.
type Grant struct {
	controller *Controller
	viewer     *viewer
	media      [2]int64 // where in the item the first sample begins, and the last one ends
	offset     int64    // of the next byte; -1 where it is not known
	timer      *time.Timer
	step       int32
	gift       int32 // bytes left of this request's gift
	unpaced    bool  // its bytes go as soon as there is room
	charged    bool  // the viewer's bucket paid for the last step
	released   atomic.Bool
}

func newGrant(c *Controller, v *viewer, r Request) *Grant {
	return &Grant{
		controller: c, viewer: v, step: int32(step(r.Need)), media: [2]int64{r.Header, r.Size - r.Trailer}, unpaced: r.Unpaced(),
	}
}

// Need returns the bucket that the grant's viewer has.
func (g *Grant) Need() TSpec { return g.viewer.bucket.Spec() }

// Step returns the most bytes that the viewer's bucket pays for at a time.
func (g *Grant) Step() int64 { return int64(g.step) }

// Packets says how many bytes the way's packets hold, at most. A step that
// would need one more for hardly anything does without: that costs as much as
// a full one. The last may be a byte short, so that the kernel, which is told
// to wait for full ones, sends it with others of its kind.
func (g *Grant) Packets(size int64) {
	if step := g.Step(); size > 0 && step >= size && step%size < size/4 {
		g.step -= int32(step%size + 1)
	}
}

// Start says at which offset of the item the stream begins; -1 is an offset
// not known, of which all bytes are charged.
func (g *Grant) Start(offset int64) {
	g.offset = offset
	if offset >= 0 {
		g.gift = int32(g.viewer.start(offset, time.Now()))
	}
}

// Reserve takes tokens for the next step and says when its bytes may be sent:
// now or later. It returns their number, at least one and at most limit.
// What is not sent then is given back with Return.
func (g *Grant) Reserve(now time.Time, limit int64) (n int64, at time.Time) {
	v := g.viewer
	if !v.touch(now) {
		g.controller.resume(v)
	}
	n, g.charged = g.next(limit)
	if g.charged {
		var lent int64
		lent, at = v.pace(now, n, limit-n)
		n += lent
	} else {
		at = v.short(now, n)
	}
	at = later(at, v.client.cap.Load().Reserve(now, n))
	g.advance(n)
	return n, at
}

// Keep notes that bytes of the stream go out elsewhere, so that its viewer
// keeps its place. Without a grant it does nothing.
func (g *Grant) Keep(now time.Time) {
	if g != nil && !g.viewer.touch(now) {
		g.controller.resume(g.viewer)
	}
}

// Return gives back the tokens of n bytes, the last of those that Reserve
// took, because they are not going to be sent.
func (g *Grant) Return(n int64) {
	if g.charged {
		g.viewer.unpace(n)
	}
	g.viewer.giveBack(n)
	g.viewer.client.cap.Load().Return(n)
	g.advance(-n)
}

func (g *Grant) advance(n int64) {
	if g.offset >= 0 {
		g.offset += n
		g.viewer.sentUpTo(g.offset)
	}
}

// Take is Reserve and the wait until the bytes may be sent. It returns ctx's
// error as soon as ctx ends, and has taken nothing then.
func (g *Grant) Take(ctx context.Context, limit int64) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	now := time.Now()
	n, at := g.Reserve(now, limit)
	if !at.After(now) {
		return n, nil
	}
	if g.timer == nil {
		g.timer = time.NewTimer(at.Sub(now))
	} else {
		g.timer.Reset(at.Sub(now))
	}
	select {
	case <-g.timer.C:
		return n, nil
	case <-ctx.Done():
		g.timer.Stop()
		g.Return(n)
		return 0, ctx.Err()
	}
}

// next returns the size of the next step and whether the viewer's bucket
// pays for it. Bytes that have no playing time and the request's gift are
// free, within their bounds.
func (g *Grant) next(limit int64) (n int64, charged bool) {
	if g.unpaced {
		return min(limit, int64(freeStep)), false
	}
	if untimed := g.untimed(min(limit, int64(freeStep))); untimed > 0 {
		if n = g.viewer.takeFree(untimed); n > 0 {
			return n, false
		}
	}
	if g.gift > 0 {
		n = min(limit, int64(g.gift))
		g.gift -= int32(n)
		return n, false
	}
	return min(limit, g.Step()), true
}

// untimed returns how many of the next n bytes stand before the item's first
// sample or after its last.
func (g *Grant) untimed(n int64) int64 {
	switch {
	case g.offset < 0:
		return 0
	case g.offset < g.media[0]:
		return min(n, g.media[0]-g.offset)
	case g.offset >= g.media[1]:
		return n
	}
	return 0
}

// Sent says how long a write took. One that took long met a player whose
// buffers were full, as when it pauses: it has its burst in hand, so what the
// bucket has saved up meanwhile is not sent in one go on top of that.
func (g *Grant) Sent(took time.Duration) {
	if took < stalled {
		return
	}
	need := g.Need()
	g.viewer.bucket.Drain(time.Now(), min(Size(need.Rate.BytesPerSecond()), need.Burst/2))
}

// Release ends the stream. Without a grant it does nothing.
func (g *Grant) Release() {
	if g == nil {
		return
	}
	if !g.released.Swap(true) {
		g.controller.release(g.viewer)
	}
}

// Forfeit is Release, and gives the viewer's place to others at once; else it
// keeps it for a while, to come back. It may be called from any goroutine.
func (g *Grant) Forfeit() {
	g.Release()
	g.controller.evict(g.viewer)
}
