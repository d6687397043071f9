package ratelimit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	gift      = 64 * KiB        // of each request that is not charged: players throw much of it away
	giftRate  = 2               // such gifts per second and viewer,
	giftBurst = 20              // after so many at once
	freeMax   = 16 * MiB        // of bytes without playing time that one viewer gets uncharged
	seekEvery = 3 * time.Second // a seek fills the bucket at most this often
)

// viewer is one client playing one item, over however many connections.
type viewer struct {
	bucket         *Bucket
	gifts          *rate.Limiter
	client         *client
	network, share *link // that carry what it gets

	// Guarded by the controller's lock.
	grants   int       // open streams, and
	queued   int       // of these, those that wait for a place
	turn     turn      // in the queue
	left     time.Time // by the last stream
	reserved [2]Rate   // of network and share

	mu     sync.Mutex
	free   Size      // of freeMax, not yet used
	next   int64     // offset behind the last byte sent, wherever that was
	filled time.Time // of the last seek that filled the bucket
	rate   Rate      // of the bucket; rate and placed change under both locks
	placed bool      // the rate is reserved
	used   bool      // since it was placed
	active time.Time // when a byte was last asked for
	due    time.Time // when the next step goes at the viewer's own rate
}

// client is one address with all that it plays.
type client struct {
	cap    *Bucket
	grants int // open ones; guarded by the controller's lock, as is the next
	turn   int // of its next viewer in the queue
}

func newViewer(c *client, need TSpec) *viewer {
	return &viewer{
		bucket: NewBucket(need),
		gifts:  rate.NewLimiter(giftRate, giftBurst),
		client: c,
		free:   freeMax,
		next:   math.MaxInt64, // the first request is no seek: the bucket is full
	}
}

// start says that a request begins to send at offset; it returns how many of
// its bytes are a gift. A start far from where the viewer has been is a seek.
func (v *viewer) start(offset int64, now time.Time) Size {
	v.mu.Lock()
	defer v.mu.Unlock()
	far := v.next != math.MaxInt64 && abs(offset-v.next) > int64(v.bucket.Spec().Burst)
	if far && now.Sub(v.filled) >= seekEvery {
		v.filled = now
		v.bucket.Fill()
	}
	v.next = offset
	if v.gifts.AllowN(now, 1) {
		return gift
	}
	return 0
}

// takeFree takes up to n of the viewer's free bytes.
func (v *viewer) takeFree(n int64) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	n = min(n, int64(v.free))
	v.free -= Size(n)
	return n
}

func (v *viewer) sentUpTo(offset int64) {
	v.mu.Lock()
	v.next = offset
	v.mu.Unlock()
}

func abs(n int64) int64 { return max(n, -n) }
