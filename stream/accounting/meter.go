package accounting

import "time"

// meterSpan is over how many whole seconds a rate is taken. It is long enough
// that the small writes of a slow stream do not make it jump.
const meterSpan = 8

// meter counts bytes by second, to tell the rate of the last few.
type meter struct {
	second int64                // the unix second of the newest cell
	cells  [meterSpan + 1]int64 // bytes, by second modulo the length
	since  time.Time            // the first byte ever
}

func (m *meter) add(n int64, now time.Time) {
	if m.since.IsZero() {
		m.since, m.second = now, now.Unix()
	}
	m.advance(now.Unix())
	m.cells[m.second%int64(len(m.cells))] += n
}

// advance empties the cells of the seconds in which nothing came.
func (m *meter) advance(second int64) {
	if second-m.second > int64(len(m.cells)) {
		m.second = second - int64(len(m.cells))
	}
	for m.second < second {
		m.second++
		m.cells[m.second%int64(len(m.cells))] = 0
	}
}

// rate returns bit/s over the last whole seconds, or since the first byte
// where that is shorter ago.
func (m *meter) rate(now time.Time) int64 {
	if m.since.IsZero() {
		return 0
	}
	m.advance(now.Unix())
	var bytes int64
	for _, n := range m.cells {
		bytes += n
	}
	part := float64(now.Nanosecond()) / float64(time.Second)
	span := min(meterSpan+part, now.Sub(m.since).Seconds())
	return int64(float64(bytes) * 8 / max(span, 1))
}
