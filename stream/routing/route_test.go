package routing

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

const film = 5e6 // bit/s

// ask asks as the viewer of that number would, of an item of his own.
func ask(c *Cluster, n int, why Reason) string {
	base, _ := c.Route(context.Background(), Asked{
		Viewer: fmt.Sprintf("10.1.0.%d film", n), Item: fmt.Sprint("film", n), Path: "/media/f", ETag: `"1"`, Need: film, Reason: why,
	})
	return base
}

// spread is how many of n new viewers each node gets; "" are those that stay.
func spread(c *Cluster, n int, why Reason) map[string]int {
	all := make(map[string]int)
	for i := range n {
		all[ask(c, i, why)]++
	}
	return all
}

func at(n int) string { return "http://" + addr(n).String() }

func TestFullNodeSendsOn(t *testing.T) {
	for _, row := range []struct {
		name   string
		config func(*Config)
		street func(s *street)
		want   map[int]int // viewers of 18; 0 is who stays
	}{
		{"least load", nil, func(s *street) {
			s.change(3, func(f *fake) { f.report.Reserved, f.report.Free = 45e6, 45e6 })
		}, map[int]int{2: 14, 3: 4}},
		{"least load, the others hardly have room", nil, func(s *street) {
			s.change(2, func(f *fake) { f.report.Reserved, f.report.Free = 78e6, 12e6 })
			s.change(3, func(f *fake) { f.report.Reserved, f.report.Free = 84e6, 6e6 })
		}, map[int]int{2: 2, 3: 1, 0: 15}},
		{"round robin", func(c *Config) { c.Policy = RoundRobin }, func(*street) {}, map[int]int{2: 9, 3: 9}},
		{"weighted", func(c *Config) { c.Policy = Weighted }, func(s *street) {
			s.change(3, func(f *fake) { f.report.Told.Weight = 2 })
		}, map[int]int{2: 6, 3: 12}},
		{"no limit", nil, func(s *street) {
			s.change(3, func(f *fake) { f.report.Capacity, f.report.Free = 0, 0 })
		}, map[int]int{2: 9, 3: 9}},
		{"one is draining", nil, func(s *street) { s.change(3, func(f *fake) { f.report.Told.Draining = true }) }, map[int]int{2: 18}},
		{"one is dead", nil, func(s *street) { s.change(2, func(f *fake) { f.dead = errors.New("refused") }) }, map[int]int{3: 18}},
		{"one has not the film", nil, func(s *street) { s.change(2, func(f *fake) { f.etag = "" }) }, map[int]int{3: 18}},
		{"one has another film there", nil, func(s *street) { s.change(2, func(f *fake) { f.etag = `"2"` }) }, map[int]int{3: 18}},
		{"others wait there", nil, func(s *street) { s.change(2, func(f *fake) { f.report.Waiting = 1 }) }, map[int]int{3: 18}},
		{"nobody has room", nil, func(s *street) {
			s.change(2, func(f *fake) { f.report.Free = 1e6 })
			s.change(3, func(f *fake) { f.report.Free = film - 1 })
		}, map[int]int{0: 18}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inStreet(t, 3, row.config, func(t *testing.T, c *Cluster, s *street, _ *journal) {
				row.street(s)
				time.Sleep(5 * time.Second)
				got := spread(c, 18, Full)
				for n := range 4 {
					base := at(n)
					if n == 0 {
						base = ""
					}
					if got[base] != row.want[n] {
						t.Errorf("node %d gets %d, want %d", n, got[base], row.want[n])
					}
				}
			})
		})
	}
}

// A node that dies between two questions is found out by who sends a viewer
// there, and gets none for a while.
func TestNodeThatRefusesIsRested(t *testing.T) {
	inStreet(t, 3, nil, func(t *testing.T, c *Cluster, s *street, j *journal) {
		s.change(2, func(f *fake) { f.report.Free = 95e6; f.status = 503 })
		if got := spread(c, 4, Full); got[at(3)] != 4 || j.count("node does not take a viewer") != 1 {
			t.Errorf("%v\n%s", got, &j.text)
		}
		s.change(2, func(f *fake) { f.status = 0 })
		time.Sleep(restTime + askEvery)
		if got := ask(c, 9, Full); got != at(2) {
			t.Errorf("after its rest: %s", got)
		}
	})
}

// A node whose figures do not move, however many viewers it gets, gets few.
func TestNodeThatLiesGetsFew(t *testing.T) {
	inStreet(t, 2, nil, func(t *testing.T, c *Cluster, s *street, j *journal) {
		s.change(2, func(f *fake) { f.report.Capacity, f.report.Free = 1e12, 1e12 })
		sent := 0
		for i := range 600 { // one in a second
			if ask(c, i, Full) != "" {
				sent++
			}
			time.Sleep(time.Second)
		}
		if n := j.count("its figures do not change"); n < 10 || sent > 400 || sent < 10 {
			t.Errorf("%d of 600 were sent there, said %d times", sent, n)
		}
	})
}

func TestViewerComesToTheSameNodeAgain(t *testing.T) {
	inStreet(t, 4, func(c *Config) { c.Policy = RoundRobin }, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		first := ask(c, 1, Full)
		for i := range 5 {
			ask(c, 10+i, Full)
		}
		s.change(2, func(f *fake) { f.report.Free = 0 }) // by himself, perhaps
		time.Sleep(askEvery + time.Second)
		for _, why := range []Reason{ByPolicy, Full, Draining} {
			if got := ask(c, 1, why); got != first {
				t.Errorf("reason %d: to %s, before to %s", why, got, first)
			}
		}
		if sent := c.Nodes()[1].Sent; sent != 2 {
			t.Errorf("%d viewers counted, want 2", sent)
		}
		s.change(2, func(f *fake) { f.report.Told.Draining = true })
		time.Sleep(askEvery + time.Second)
		second := ask(c, 1, Full)
		if second == first || second == "" {
			t.Errorf("once that node drains: to %q", second)
		}
		time.Sleep(memoryTime + time.Minute)
		if got := ask(c, 1, ByPolicy); got != "" {
			t.Errorf("the next day: to %s", got)
		}
	})
}

func TestAlwaysSpreadsNewViewers(t *testing.T) {
	inStreet(t, 3, func(c *Config) { c.Redirect = Always }, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		got := make(map[string]int)
		for i := range 60 { // all come to this node, one in a second; each report shows who is there
			base := ask(c, i, ByPolicy)
			got[base]++
			for n := range 3 {
				if base == at(n+1) || base == "" && n == 0 {
					s.change(n+1, func(f *fake) {
						f.report.Reserved, f.report.Free, f.report.Viewers = f.report.Reserved+1e6, f.report.Free-1e6, f.report.Viewers+1
					})
				}
			}
			time.Sleep(time.Second)
		}
		for base, n := range got {
			if n > 24 { // 1.2 x the mean
				t.Errorf("%q has %d of 60", base, n)
			}
		}
	})
}

func TestNoLoops(t *testing.T) {
	inStreet(t, 3, func(c *Config) { c.Redirect = Always; c.Policy = RoundRobin }, func(t *testing.T, c *Cluster, _ *street, _ *journal) {
		for _, row := range []struct {
			hops int
			why  Reason
			want bool // sent on
		}{{0, Full, true}, {1, Full, false}, {1, ByPolicy, false}, {1, Draining, true}, {2, Draining, true}, {3, Draining, false}} {
			base, ok := c.Route(t.Context(), Asked{Viewer: "v", Path: "/media/f", ETag: `"1"`, Need: film, Reason: row.why, Hops: row.hops})
			if ok != row.want {
				t.Errorf("reason %d after %d hops: %v to %q", row.why, row.hops, ok, base)
			}
		}
	})
}

func TestPageByTLSGetsNothingElse(t *testing.T) {
	inStreet(t, 3, nil, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		s.change(2, func(f *fake) { f.report.Free = 95e6 })
		s.change(3, func(f *fake) { f.report.Told.URL = "https://media.example.org/attic" })
		time.Sleep(askEvery + time.Second)
		base, _ := c.Route(t.Context(), Asked{Viewer: "v", Path: "/media/f", ETag: `"1"`, Need: film, Reason: Full, TLS: true})
		if base != "https://media.example.org/attic" {
			t.Errorf("to %q", base)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	var m memory
	now := time.Now()
	for i := range 3 * memoryMost {
		m.note(fmt.Sprint(i), "node", now)
		m.node("0", now) // who comes again and again
	}
	if m.order.Len() != memoryMost || len(m.byViewer) != memoryMost || m.node("0", now) != "node" || m.node("1", now) != "" {
		t.Errorf("%d and %d are remembered, want %d", m.order.Len(), len(m.byViewer), memoryMost)
	}
}

func TestContentBelongsToOneNode(t *testing.T) {
	list := func(weights ...int) (all []Candidate) {
		for i, w := range weights {
			all = append(all, Candidate{ID: fmt.Sprint("node", i), Weight: w})
		}
		return all
	}
	three, without := list(1, 2, 1), list(1, 2)
	count, moved := make(map[string]int), 0
	const items = 10000
	for i := range items {
		item := fmt.Sprintf("Films/%d.mp4", i)
		first := owner(three, item).ID
		count[first]++
		if second := owner(without, item).ID; second != first && first != "node2" {
			moved++
		}
	}
	if moved > 0 {
		t.Errorf("%d films of nodes that stay changed hands", moved)
	}
	for id, want := range map[string]int{"node0": items / 4, "node1": items / 2, "node2": items / 4} {
		if n := count[id]; n < want*95/100 || n > want*105/100 {
			t.Errorf("%s has %d films, want about %d", id, n, want)
		}
	}
}

func TestSmoothTurns(t *testing.T) {
	var turns Turns
	list := []Candidate{{ID: "a", Weight: 5, peer: &peer{Node: Node{ID: "a"}}}, {ID: "b", Weight: 1, peer: &peer{Node: Node{ID: "b"}}}, {ID: "c", Weight: 1, peer: &peer{Node: Node{ID: "c"}}}}
	got := ""
	for range 14 {
		one, _ := turns.Choose(Weighted, list, "")
		got += one.ID
	}
	if got != "aabacaaaabacaa" {
		t.Error(got)
	}
}
