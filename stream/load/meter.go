package load

import (
	"math"
	"time"
)

const (
	settling = 5 * time.Second       // the start of a stream is a burst, which is no error of its rate
	window   = 5 * time.Second       // over which a rate is taken, and on until a step begins: a part of one would be an error
	lull     = 20 * time.Millisecond // in which nothing came, before a step,
	patience = time.Second           // where there are steps
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
	opened time.Time // when the window was opened, with its first bytes
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
	paused := now.Sub(m.last) >= lull
	m.last = now
	if now.After(m.all) {
		m.late += n
	}
	if m.begun.IsZero() {
		m.begun = now
	}
	if m.rate > 0 && now.Sub(m.begun) >= settling {
		m.compare(n, now, paused)
	}
}

// compare looks how far what has come is from the rate.
func (m *meter) compare(n int64, now time.Time, paused bool) {
	took := now.Sub(m.opened)
	switch {
	case m.opened.IsZero():
		if !paused && now.Sub(m.begun) < settling+patience {
			return
		}
		m.opened, m.at = now, now
	case took >= window && paused, took >= window+patience:
		m.errors = append(m.errors, math.Abs(float64(m.inside)/took.Seconds()/m.rate-1))
		m.opened, m.inside = now, 0
	}
	m.inside += n
	m.level = max(0, m.level-m.rate*now.Sub(m.at).Seconds()) + float64(n)
	m.at, m.burst = now, max(m.burst, m.level)
}
