package ratelimit

import (
	"math"
	"sync"
	"time"
)

const (
	linkBurst  = 40 * time.Millisecond  // of a link's capacity goes out at once at most
	linkAhead  = 10 * time.Millisecond  // of it is given away before it is there, or a start would leave gaps
	linkDebt   = 500 * time.Millisecond // how far a link is behind when reserved rates begin to wait for it as well
	lendLevel  = 0.25                   // of the burst is not lent for read-ahead: it stays for those who start
	shortShare = 0.045                  // of a link, for what is short and must not wait behind films
)

// link is a way that bytes take and that carries only so much: the network's,
// or the one to the disks of a share. The rates that viewers have reserved go
// first. Starts and seeks, which are faster, use what these leave of it, and
// read-ahead what is left even then.
type link struct {
	room     Rate // for viewers; guarded by the controller's lock, as are the next two
	reserved Rate // by viewers
	held     bool // for one who has waited long; only while places are given

	bucket *Bucket   // of the whole capacity
	begin  time.Time // the 0 of its viewers' moments

	mu    sync.Mutex
	short Rate          // the share for what is short; 0 where there is no capacity
	due   time.Time     // when that share is free again
	ahead time.Duration // how far ahead the link lends to viewers
}

// newLink returns a link that carries everything.
func newLink() *link {
	return &link{room: math.MaxInt64, bucket: NewBucket(TSpec{}), begin: time.Now().Add(-seekEvery)}
}

// setCapacity changes what the link carries, where 0 is no limit. What is
// short has the headroom of the rates: viewers need so much less than they
// reserve, and get so much less while all of them read at their rates.
func (l *link) setCapacity(r Rate, c Config) {
	l.bucket.SetSpec(TSpec{Rate: r, Burst: max(64*KiB, Size(r.BytesPerSecond()*linkBurst.Seconds()))})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.short, l.ahead = Rate(float64(r)*shortShare), c.ReadAhead
	l.room = math.MaxInt64
	if r > 0 {
		l.room = min(r, Rate(float64(r-l.short)*c.Headroom))
	}
}

// cost is what a viewer of a rate reserves. A film that needs more than the
// link carries takes all of it, so it is admitted where it is alone.
func (l *link) cost(r Rate) Rate { return min(r, l.room) }

// fits reports whether there is room for a viewer of a rate.
func (l *link) fits(r Rate) bool {
	return r <= 0 || !l.held && l.reserved <= l.room-l.cost(r)
}

// takeShort returns when n bytes of something short go: in the share that is
// kept for such, or when the link is free if that is sooner.
func (l *link) takeShort(now, free time.Time, n int64) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.short <= 0 {
		return now
	}
	at := later(now, l.due)
	if !at.Before(free) {
		return free
	}
	l.due = at.Add(l.short.time(n))
	return at
}

// spare returns how many bytes the link lends to a viewer who is so far ahead:
// a part of the burst always stays for those who start.
func (l *link) spare(now time.Time, ahead time.Duration) int64 {
	l.mu.Lock()
	most := l.ahead
	l.mu.Unlock()
	if ahead >= most {
		return 0
	}
	return int64(l.bucket.Tokens(now) - lendLevel*float64(l.bucket.Spec().Burst))
}

// limited reports whether the link has a capacity.
func (l *link) limited() bool { return l.bucket.Limited() }

// time is how long n bytes take at a rate; none where there is no rate.
func (r Rate) time(n int64) time.Duration {
	if r <= 0 {
		return 0
	}
	return time.Duration(float64(n) / r.BytesPerSecond() * float64(time.Second))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
