package accounting

import "time"

// meterSpan is over how many whole seconds a rate is taken. It is long enough
// that the small writes of a slow stream do not make it jump.
const meterSpan = 8

// meter counts bytes by second, to tell the rate of the last few.
type meter struct {
	since  int64                  // unix nanosecond of the first byte ever
	second uint32                 // the unix second of the newest cell
	cells  [meterSpan + 1]float32 // bytes, by second modulo the length
}

func (m *meter) add(n int64, now time.Time) {
	if m.since == 0 {
		m.since, m.second = now.UnixNano(), uint32(now.Unix())
	}
	m.advance(now.Unix())
	m.cells[m.second%uint32(len(m.cells))] += float32(n)
}

// advance empties the cells of the seconds in which nothing came.
func (m *meter) advance(second int64) {
	now := uint32(second) // good until 2106
	if now > m.second+uint32(len(m.cells)) {
		m.second = now - uint32(len(m.cells))
	}
	for m.second < now {
		m.second++
		m.cells[m.second%uint32(len(m.cells))] = 0
	}
}

// rate returns bit/s over the last whole seconds, or since the first byte
// where that is shorter ago.
func (m *meter) rate(now time.Time) int64 {
	if m.since == 0 {
		return 0
	}
	m.advance(now.Unix())
	var bytes float64
	for _, n := range m.cells {
		bytes += float64(n)
	}
	part := float64(now.Nanosecond()) / float64(time.Second)
	span := min(meterSpan+part, time.Duration(now.UnixNano()-m.since).Seconds())
	return int64(bytes * 8 / max(span, 1))
}
