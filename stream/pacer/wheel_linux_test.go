package pacer

import (
	"math/rand/v2"
	"testing"
)

// TestWheel compares the wheel with a list that is looked through each time.
func TestWheel(t *testing.T) {
	for _, row := range []struct {
		name  string
		reach int64 // ticks that timers lie ahead at most
		step  int64 // ticks between two looks at most
	}{
		{"steps", 20, 3},
		{"minutes", 1 << 13, 200},
		{"days", 1 << 29, 1 << 24},
		{"beyond what it holds", 1 << 40, 1 << 28},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(row.reach)))
			var w wheel
			all := make([]Stream, 300)
			want := make(map[*Stream]int64)
			for i := range all {
				all[i].level = -1
			}
			for now := int64(0); len(want) > 0 || now == 0; now += r.Int64N(row.step) + 1 {
				w.advance(now, func(s *Stream) {
					if due, in := want[s]; !in || due > now {
						t.Fatalf("due at %d (%v), handed out by %d", due, in, now)
					}
					delete(want, s)
				})
				for s, due := range want {
					if due <= now {
						t.Fatalf("due at %d and not handed out by %d", due, now)
					}
					if tick, ok := w.next(); !ok || tick > due {
						t.Fatalf("next is %d %v, and one is due at %d", tick, ok, s.due)
					}
				}
				if now > 40*row.step {
					continue // no new ones
				}
				for range 20 {
					s := &all[r.IntN(len(all))]
					w.remove(s)
					delete(want, s)
					if r.IntN(4) > 0 {
						w.add(s, now+r.Int64N(row.reach))
						want[s] = s.due
					}
				}
			}
			if _, ok := w.next(); ok {
				t.Error("an empty wheel has something next")
			}
		})
	}
}
