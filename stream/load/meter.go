package load

import (
	"math"
	"time"
)

// The start of a stream is a burst, which is no error of its rate.
const (
	settling = 5 * time.Second
	window   = 5 * time.Second
)

// meter compares what comes with the rate that was promised.
type meter struct {
	rate  float64 // promised bytes per second; 0: not known
	bytes int64
	all   time.Time // when all players have begun
	late  int64     // bytes that came after that
	first time.Time
	last  time.Time

	begun  time.Time // when the first byte after a start or a jump came
	opened time.Time // when the window was opened, with the last byte before it
	inside int64     // bytes in the window
	level  float64   // of a bucket that runs out at rate
	at     time.Time // when it had that level

	errors []float64 // of the rate in each window, as a share
	burst  float64   // highest level
}

// restart says that a burst is due again.
func (m *meter) restart() {
	m.begun, m.opened, m.inside, m.level = time.Time{}, time.Time{}, 0, 0
}

func (m *meter) got(n int64, now time.Time) {
	if m.first.IsZero() {
		m.first = now
	}
	m.bytes += n
	m.last = now
	if now.After(m.all) {
		m.late += n
	}
	if m.begun.IsZero() {
		m.begun = now
	}
	if m.rate <= 0 || now.Sub(m.begun) < settling {
		return
	}
	if m.opened.IsZero() {
		m.opened, m.at = now, now
		return
	}
	m.level = max(0, m.level-m.rate*now.Sub(m.at).Seconds()) + float64(n)
	m.at, m.burst = now, max(m.burst, m.level)
	m.inside += n
	if took := now.Sub(m.opened); took >= window {
		m.errors = append(m.errors, math.Abs(float64(m.inside)/took.Seconds()/m.rate-1))
		m.opened, m.inside = now, 0
	}
}
