package ratelimit

import (
	"cmp"
	"slices"
	"time"
)

// queueMax is how many viewers can wait.
const queueMax = 1000

// queue holds the viewers that wait for a place. Each client has its turns:
// the second viewer of one comes after the first of every other who waits.
type queue struct {
	waiting []*viewer
	turn    int // of the last who left it with a place
}

// turn is the place of a viewer in the queue.
type turn struct {
	number int
	since  time.Time
	ready  chan struct{} // closed when the viewer has its place
	back   bool          // it had a place, gave it back in a pause, and goes on
}

// push lets a viewer wait; it reports false where too many do.
func (q *queue) push(v *viewer, now time.Time, back bool) bool {
	if len(q.waiting) >= queueMax && !back {
		return false
	}
	number := max(q.turn, v.client.turn)
	v.client.turn = number + 1
	v.turn = &turn{number: number, since: now, ready: make(chan struct{}), back: back}
	q.waiting = append(q.waiting, v)
	return true
}

// served takes a viewer that has its place out of the queue.
func (q *queue) served(v *viewer) {
	q.turn = v.turn.number
	close(v.turn.ready)
	q.remove(v)
}

// remove takes a viewer out of the queue.
func (q *queue) remove(v *viewer) {
	if i := slices.Index(q.waiting, v); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		v.turn = nil
	}
}

// order returns the viewers in the order in which places are given: who goes
// on after a pause, who waits since before late, all others; each by turns.
func (q *queue) order(late time.Time) []*viewer {
	list := slices.Clone(q.waiting)
	slices.SortStableFunc(list, func(a, b *viewer) int {
		return cmp.Or(cmp.Compare(a.turn.rank(late), b.turn.rank(late)), cmp.Compare(a.turn.number, b.turn.number))
	})
	return list
}

// rank is 0 or 1 for those that others must not pass.
func (t *turn) rank(late time.Time) int {
	switch {
	case t.back:
		return 0
	case t.since.Before(late):
		return 1
	}
	return 2
}
