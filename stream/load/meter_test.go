package load

import (
	"testing"
	"time"
)

// arrival is bytes that come after a while.
type arrival struct {
	after time.Duration
	bytes int64
}

func TestMeterCountsWholeSteps(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name  string
		step  []arrival // again and again, for 30 s
		burst float64
	}{
		{"steps in one piece", []arrival{{250 * ms, 250}}, 250},
		{"steps in pieces, never the same", []arrival{{250 * ms, 250}, {245 * ms, 100}, {5 * ms, 150}, {249 * ms, 10}, {1 * ms, 240}}, 250},
		{"without a pause", []arrival{{10 * ms, 10}}, 10},
	} {
		t.Run(row.name, func(t *testing.T) {
			now := time.Now()
			m := meter{rate: 1000}
			for end := now.Add(30 * time.Second); now.Before(end); {
				for _, a := range row.step {
					now = now.Add(a.after)
					m.got(a.bytes, now)
				}
			}
			if len(m.errors) < 3 {
				t.Fatalf("%d windows of 5 s in 30 s", len(m.errors))
			}
			for _, off := range m.errors {
				if off > 0.001 {
					t.Errorf("an even stream is off by %.3f", off)
				}
			}
			if m.burst < row.burst-1 || m.burst > row.burst+10 {
				t.Errorf("largest burst of %.0f bytes, want %.0f", m.burst, row.burst)
			}
		})
	}
}
