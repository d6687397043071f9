package ratelimit

import "time"

// take takes n bytes out of the viewer's links and returns when these have
// room for them, whoever has reserved it.
func (v *viewer) take(now time.Time, n int64) (free time.Time) {
	return later(v.network.bucket.Reserve(now, n), v.share.bucket.Reserve(now, n))
}

// soon is until when n bytes must be free to be taken from what is left by
// those with reserved rates, which don't wait.
func (v *viewer) soon(now time.Time, n int64) time.Time {
	slowest := max(v.network.bucket.Spec().Rate.time(n), v.share.bucket.Spec().Rate.time(n))
	return now.Add(slowest + linkAhead)
}

// giveBack is the opposite of take.
func (v *viewer) giveBack(n int64) {
	v.network.bucket.Return(n)
	v.share.bucket.Return(n)
}

// short returns when n bytes go that have no playing time.
func (v *viewer) short(now time.Time, n int64) time.Time {
	free := v.take(now, n)
	return later(v.network.takeShort(now, free, n), v.share.takeShort(now, free, n))
}

// pace returns when n bytes go that have playing time, and how many more, up
// to spare, are lent to go with them.
//
// Who has a place waits for nobody as long as it goes no faster than its
// rate. Only what is faster, at the start and after a seek, waits for what
// the links have free. Who has none, because he paused for long, waits for
// that with everything.
func (v *viewer) pace(now time.Time, n, spare int64) (lent int64, at time.Time) {
	own := v.bucket.Reserve(now, n)
	if own.After(now) {
		lent = v.borrow(now, min(n, spare), own.Sub(now))
	}
	free := v.take(now, n+lent)
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.placed || v.rate() <= 0 {
		return lent, later(own, free)
	}
	due := later(now, v.time(v.due))
	switch {
	case own.After(now): // no burst left
		due = earlier(due, own) // its bucket is exact, but behind by what was lent
	case free.Before(due) && !free.After(v.soon(now, n)):
		return 0, free
	case v.due < v.moment(now): // it comes, or comes back: a step too early would be one too many
		due = earlier(free, now.Add(v.rate().time(n)))
	}
	at = later(due, free.Add(-linkDebt)) // more is reserved than there is: a capacity was lowered
	v.due = v.moment(at.Add(v.rate().time(n)))
	return lent, at
}

// unpace gives n bytes of the viewer's bucket back, and their time.
func (v *viewer) unpace(n int64) {
	v.bucket.Return(n)
	v.mu.Lock()
	v.due -= moment(v.rate().time(n))
	v.mu.Unlock()
}

// borrow takes up to n bytes more than the viewer's rate, as many as the links
// have to spare for one who is so far ahead of its bucket. So its steps are
// up to twice as large while nobody else needs the capacity.
func (v *viewer) borrow(now time.Time, n int64, ahead time.Duration) int64 {
	if !v.network.limited() {
		return 0
	}
	n = min(n, v.network.spare(now, ahead))
	if v.share.limited() {
		n = min(n, v.share.spare(now, ahead))
	}
	v.bucket.Reserve(now, max(0, n))
	return max(0, n)
}
