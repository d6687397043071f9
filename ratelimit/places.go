package ratelimit

import "time"

const (
	linger    = 15 * time.Second // a viewer keeps its place so long without a stream, as in a seek,
	pauseMost = 5 * time.Minute  // and so long with one but no byte taken, if others wait,
	startMost = 10 * time.Second // or so long before the first, as where a share is away
)

// enqueue lets a viewer wait for a place, which it may get at once. It reports
// false where too many wait.
func (c *Controller) enqueue(v *viewer, now time.Time, back bool) bool {
	if len(c.queue.waiting) == 0 && !v.fits() {
		c.expires = now // who pauses is looked at only while others wait
	}
	if !c.queue.push(v, now, back) {
		return false
	}
	c.serve(now)
	return true
}

// serve gives places to those who wait, as far as there is room, and sees
// that it is called again when a place is given back in silence.
func (c *Controller) serve(now time.Time) {
	c.sweep(now)
	if len(c.queue.waiting) == 0 {
		return
	}
	c.network.held = false
	for _, l := range c.shares {
		l.held = false
	}
	late := now.Add(-c.config.QueueWait / 2)
	for _, v := range c.queue.order(late) {
		switch {
		case v.fits():
			v.place(now)
			c.queue.served(v)
			c.expires = earlier(c.expires, now.Add(startMost)) // when it may not have begun
		case v.turn.rank(late) < 2:
			v.hold()
		}
	}
	c.setAlarm(now)
}

// setAlarm calls serve again at the next expiry, if somebody waits for it.
func (c *Controller) setAlarm(now time.Time) {
	if c.alarm != nil {
		c.alarm.Stop()
	}
	if len(c.queue.waiting) > 0 {
		c.alarm = time.AfterFunc(c.expires.Sub(now), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.serve(time.Now())
		})
	}
}

// sweep takes places back from viewers that have been silent for long, and
// forgets those that are gone.
func (c *Controller) sweep(now time.Time) {
	if now.Before(c.expires) {
		return
	}
	c.expires = now.Add(time.Hour)
	for key, v := range c.viewers {
		if again, gone := v.expire(now, len(c.queue.waiting) > 0); gone {
			delete(c.viewers, key)
		} else {
			c.expires = earlier(c.expires, again)
		}
	}
	if len(c.queue.waiting) == 0 { // nobody needs the places at once
		c.expires = later(c.expires, now.Add(time.Second))
	}
	inUse := make(map[*client]bool, len(c.clients))
	for _, v := range c.viewers {
		inUse[v.client] = true
	}
	for key, cl := range c.clients {
		if cl.grants == 0 && !inUse[cl] {
			delete(c.clients, key)
		}
	}
}

// expire takes the viewer's place back if it is time, and returns when to look
// again. It is gone once its bucket has filled up since, so that one who comes
// back too early finds it as he left it.
func (v *viewer) expire(now time.Time, wanted bool) (again time.Time, gone bool) {
	switch {
	case v.grants > 0 && (!v.placed || !wanted):
		return now.Add(pauseMost), false
	case v.grants > 0:
		again = v.patience()
	case v.placed:
		again = v.time(v.left).Add(linger)
	default:
		return now.Add(time.Second), v.rested(now)
	}
	if !again.After(now) {
		v.unplace()
		again = now.Add(time.Second)
	}
	return again, false
}

// patience is until when a viewer keeps its place without asking for a byte.
func (v *viewer) patience() time.Time {
	if !v.wasActive() {
		return v.lastActive().Add(startMost)
	}
	return v.lastActive().Add(pauseMost)
}

// rate is what the viewer's bucket gets.
func (v *viewer) rate() Rate { return v.bucket.speed() }

// fits reports whether there is room for the viewer on all its way.
func (v *viewer) fits() bool { return v.network.fits(v.rate()) && v.share.fits(v.rate()) }

// hold keeps the room of the links that are too full for the viewer from
// those who are smaller, or it would never come in.
func (v *viewer) hold() {
	v.network.held = v.network.held || !v.network.fits(v.rate())
	v.share.held = v.share.held || !v.share.fits(v.rate())
}

// place gives the viewer a place.
func (v *viewer) place(now time.Time) {
	v.reserve()
	v.mu.Lock()
	v.placed, v.used, v.active = true, v.turn.back, v.moment(now)
	v.mu.Unlock()
}

// unplace takes it back.
func (v *viewer) unplace() {
	v.network.reserved -= v.reserved[0]
	v.share.reserved -= v.reserved[1]
	v.reserved = [2]Rate{}
	v.mu.Lock()
	v.placed = false
	v.mu.Unlock()
}

// reserve reserves the viewer's rate, in place of what it had reserved.
func (v *viewer) reserve() {
	v.network.reserved -= v.reserved[0]
	v.share.reserved -= v.reserved[1]
	v.reserved = [2]Rate{v.network.cost(v.rate()), v.share.cost(v.rate())}
	v.network.reserved += v.reserved[0]
	v.share.reserved += v.reserved[1]
}

// waits reports whether the viewer is in the queue.
func (v *viewer) waits() bool { return v.turn != nil }

// setNeed changes what the viewer is sent through and has reserved.
func (v *viewer) setNeed(need TSpec) {
	v.bucket.SetSpec(need)
	if v.placed {
		v.reserve()
	}
}

// touch notes that a byte is asked for; it reports whether the viewer has a
// place.
func (v *viewer) touch(now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.active, v.used = v.moment(now), true
	return v.placed
}

func (v *viewer) wasActive() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.used
}

func (v *viewer) lastActive() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.time(v.active)
}
