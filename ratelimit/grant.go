package ratelimit

import (
	"context"
	"sync"
	"time"
)

const (
	stepTime = 100 * time.Millisecond // of playing time in one write,
	stepMin  = 512                    // but at least so many bytes
	stepMax  = 32 * KiB               // and never more, nor more than an eighth of the burst
	freeStep = 64 * KiB               // bytes in one write that are not charged
	stalled  = time.Second            // a write that took so long met a player with full buffers
)

// step is the size of one write: small, so that bursts on the wire stay short
// and a chunk costs little of the bucket.
func step(need TSpec) int64 {
	if need.Rate <= 0 {
		return int64(4 * freeStep)
	}
	s := Size(need.Rate.BytesPerSecond() * stepTime.Seconds())
	return int64(max(1, min(max(s, stepMin), stepMax, need.Burst/8)))
}

// Grant lets one stream send. It belongs to one goroutine, but Release may be
// called from any, more than once.
type Grant struct {
	controller *Controller
	viewer     *viewer
	request    Request
	step       int64
	offset     int64 // of the next byte; -1 where it is not known
	gift       int64 // bytes left of this request's gift
	once       sync.Once
}

// Need returns the bucket that the grant's viewer has.
func (g *Grant) Need() TSpec { return g.request.Need }

// Start says at which offset of the item the stream begins; -1 is an offset
// not known, of which all bytes are charged.
func (g *Grant) Start(offset int64) {
	g.offset = offset
	if offset >= 0 {
		g.gift = int64(g.viewer.start(offset, time.Now()))
	}
}

// Take waits until bytes may be sent and returns how many, at least one and
// at most limit. It returns ctx's error as soon as ctx ends.
func (g *Grant) Take(ctx context.Context, limit int64) (int64, error) {
	n, charged := g.next(limit)
	if charged {
		if err := g.viewer.bucket.Wait(ctx, n); err != nil {
			return 0, err
		}
	}
	if err := g.viewer.client.cap.Wait(ctx, n); err != nil {
		return 0, err
	}
	if err := g.controller.total.Wait(ctx, n); err != nil {
		return 0, err
	}
	if g.offset >= 0 {
		g.offset += n
		g.viewer.sentUpTo(g.offset)
	}
	return n, nil
}

// next returns the size of the next write and whether the viewer's bucket
// pays for it. Bytes that have no playing time and the request's gift are
// free, within their bounds.
func (g *Grant) next(limit int64) (n int64, charged bool) {
	if untimed := g.untimed(min(limit, int64(freeStep))); untimed > 0 {
		if n = g.viewer.takeFree(untimed); n > 0 {
			return n, false
		}
	}
	if g.gift > 0 {
		n = min(limit, g.gift)
		g.gift -= n
		return n, false
	}
	return min(limit, g.step), true
}

// untimed returns how many of the next n bytes stand before the item's first
// sample or after its last.
func (g *Grant) untimed(n int64) int64 {
	switch r := &g.request; {
	case g.offset < 0:
		return 0
	case g.offset < r.Header:
		return min(n, r.Header-g.offset)
	case g.offset >= r.Size-r.Trailer:
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
	second := Size(g.request.Need.Rate.BytesPerSecond())
	g.viewer.bucket.Drain(min(second, g.request.Need.Burst/2))
}

// Release ends the stream.
func (g *Grant) Release() {
	g.once.Do(func() { g.controller.release(g.viewer) })
}
