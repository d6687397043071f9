package ratelimit

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	gift      = 64 * KiB                       // of each request that is not charged: players throw much of it away
	giftEvery = moment(500 * time.Millisecond) // a viewer gets one so often,
	giftBurst = 20                             // after so many at once
	freeMax   = 16 * MiB                       // of bytes without playing time that one viewer gets uncharged
	seekEvery = 3 * time.Second                // a seek fills the bucket at most this often
)

// moment is a time in one word, of which a viewer has many: nanoseconds since
// its link was made. 0 was long enough ago for all that is to be seldom.
type moment int64

// viewer is one client playing one item, over however many connections.
type viewer struct {
	bucket         Bucket
	client         *client
	network, share *link // that carry what it gets

	// Guarded by the controller's lock.
	grants   int32   // open streams, and
	queued   int32   // of these, those that wait for a place
	turn     *turn   // in the queue; nil while it does not wait
	left     moment  // by the last stream
	reserved [2]Rate // of network and share

	mu     sync.Mutex
	placed bool   // the rate is reserved; changes under both locks
	used   bool   // since it was placed
	free   Size   // of freeMax, not yet used
	next   int64  // offset behind the last byte sent, wherever that was
	gifts  moment // when all are there again
	filled moment // of the last seek that filled the bucket
	active moment // when a byte was last asked for
	due    moment // when the next step goes at the viewer's own rate
}

// clientKey tells what an address plays from what it reads as a node.
type clientKey struct {
	addr string
	node bool
}

// client is one address with all that it plays.
type client struct {
	cap    atomic.Pointer[Bucket] // nil where there has been none yet
	grants int                    // open ones; guarded by the controller's lock, as is the next
	turn   int                    // of its next viewer in the queue
}

// setCap changes what the client gets in all; 0 is no limit. Called under the
// controller's lock.
func (c *client) setCap(r Rate) {
	if bucket := c.cap.Load(); bucket != nil {
		bucket.SetSpec(capSpec(r))
	} else if r > 0 {
		c.cap.Store(NewBucket(capSpec(r)))
	}
}

func newViewer(c *client, need TSpec) *viewer {
	v := &viewer{
		client: c,
		free:   freeMax,
		next:   math.MaxInt64, // the first request is no seek: the bucket is full
	}
	v.bucket.SetSpec(need)
	return v
}

func (v *viewer) moment(t time.Time) moment { return moment(t.Sub(v.network.begin)) }

func (v *viewer) time(m moment) time.Time { return v.network.begin.Add(time.Duration(m)) }

// start says that a request begins to send at offset; it returns how many of
// its bytes are a gift. A start far from where the viewer has been is a seek.
func (v *viewer) start(offset int64, now time.Time) Size {
	v.mu.Lock()
	defer v.mu.Unlock()
	far := v.next != math.MaxInt64 && abs(offset-v.next) > int64(v.bucket.Spec().Burst)
	if far && now.Sub(v.time(v.filled)) >= seekEvery {
		v.filled = v.moment(now)
		v.bucket.Fill()
	}
	v.next = offset
	if v.takeGift(v.moment(now)) {
		return gift
	}
	return 0
}

// takeGift takes one of the viewer's gifts, if one is left.
func (v *viewer) takeGift(now moment) bool {
	full := max(v.gifts, now) + giftEvery
	if full > now+giftBurst*giftEvery {
		return false
	}
	v.gifts = full
	return true
}

// rested reports whether a new viewer would have no more than this one.
func (v *viewer) rested(now time.Time) bool {
	return v.bucket.Full(now) && v.gifts <= v.moment(now)
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
