package routing

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestMeasurementsAreShared(t *testing.T) {
	modified := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	const known = `{"size":7,"modified":"2026-05-01T12:00:01Z","measured":{"duration":1}}`
	busy := func(f *fake) { f.report.Unmeasured, f.item = 9, `{"size":7,"modified":"2026-05-01T12:00:00Z"}` }
	for _, row := range []struct {
		name string
		ours bool // the file belongs to this node
		how  func(*fake)
		want string
		err  error
		took time.Duration
	}{
		{"of its owner", false, func(f *fake) { f.item = known }, `{"duration":1}`, nil, 0},
		{"ours, and the other one has it", true, func(f *fake) { f.item = known }, `{"duration":1}`, nil, 0},
		{"another size", false, func(f *fake) { f.item = `{"size":8,"modified":"2026-05-01T12:00:00Z","measured":{}}` }, "", errNotThere, 0},
		{"another time", false, func(f *fake) { f.item = `{"size":7,"modified":"2026-05-01T12:00:02Z","measured":{}}` }, "", errNotThere, 0},
		{"not there", false, func(f *fake) { f.status = 404 }, "", errNotThere, 0},
		{"nonsense", false, func(f *fake) { f.item = "<html>" }, "", errNotThere, 0},
		{"its owner is at it", false, busy, "", ErrPending, measuredWait},
		{"ours, and the other one is at it", true, busy, "", errNotThere, 0},
		{"its owner is done, but for this", false, func(f *fake) { busy(f); f.report.Unmeasured = 0 }, "", errNotThere, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			inStreet(t, 2, nil, func(t *testing.T, c *Cluster, s *street, _ *journal) {
				path := ""
				for i := 0; path == "" || c.Owns(path) != row.ours; i++ {
					path = fmt.Sprintf("Films/%d.mp4", i)
				}
				s.change(2, row.how)
				time.Sleep(askEvery + time.Second)
				began := time.Now()
				text, err := c.Measured(t.Context(), path, 7, modified)
				pending := errors.Is(err, ErrPending)
				if string(text) != row.want || (err == nil) != (row.err == nil) || pending != (row.err == ErrPending) || time.Since(began) != row.took {
					t.Errorf("%q, %v after %v", text, err, time.Since(began))
				}
			})
		})
	}
}

// A node that says for ever that it will measure a file keeps nobody waiting.
func TestNodeThatMeasuresNothingIsNotWaitedFor(t *testing.T) {
	inStreet(t, 2, nil, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		s.change(2, func(f *fake) { f.report.Unmeasured, f.item = 9, `{"size":7,"modified":"2026-05-01T12:00:00Z"}` })
		path := "a"
		for c.Owns(path) {
			path += "a"
		}
		time.Sleep(idleMost + askEvery)
		if _, err := c.Measured(t.Context(), path, 7, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)); err == nil || errors.Is(err, ErrPending) {
			t.Errorf("after a minute: %v", err)
		}
	})
}

func TestAllAgreeOnOwners(t *testing.T) {
	inStreet(t, 3, nil, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		mine := 0
		for i := range 3000 {
			if c.Owns(fmt.Sprint(i)) {
				mine++
			}
		}
		if mine < 900 || mine > 1100 {
			t.Errorf("%d of 3000 belong to one of three", mine)
		}
		s.change(2, func(f *fake) { f.dead = errors.New("refused") })
		s.change(3, func(f *fake) { f.dead = errors.New("refused") })
		time.Sleep(5 * time.Second)
		for i := range 100 {
			if !c.Owns(fmt.Sprint(i)) {
				t.Fatal("the last one does not own everything")
			}
		}
	})
}
