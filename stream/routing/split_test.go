package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// town is a network of real clusters in the virtual time of a bubble; each node
// has room for ten viewers.
type town struct {
	t         *testing.T
	nodes     []*resident
	mu        sync.Mutex
	connected func(from, to int) bool
}

// resident is one of its nodes.
type resident struct {
	*Cluster
	journal
	mu      sync.Mutex
	viewers map[string]bool
}

const townRoom = 10

// road leads from one node to another.
type road struct {
	*town
	from, to int
}

func (r road) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	open := r.connected(r.from, r.to)
	r.mu.Unlock()
	if !open {
		<-request.Context().Done() // as where packets are lost
		return nil, request.Context().Err()
	}
	n := r.nodes[r.to]
	answer := &http.Response{StatusCode: 200, Status: "200 OK", Header: make(http.Header), Request: request}
	answer.Header.Set(nodeHeader, n.ID)
	answer.Header.Set("ETag", `"1"`)
	body, err := json.Marshal(n.report())
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, err
}

func (n *resident) report() Report {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := int64(len(n.viewers)) * film
	return Report{
		Viewers: len(n.viewers), Capacity: townRoom * film, Reserved: taken, Free: townRoom*film - taken,
		Told: Told{Weight: 1, Shares: "same", Now: time.Now().Unix()},
	}
}

// inTown runs a test with some nodes that know each other.
func inTown(t *testing.T, count int, config func(*Config), test func(*testing.T, *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		all, town := DefaultConfig(), &town{t: t, connected: func(int, int) bool { return true }}
		for i := range count {
			all.Nodes = append(all.Nodes, at(i))
		}
		config(&all)
		ctx, end := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for i := range count {
			n := &resident{viewers: make(map[string]bool)}
			n.Cluster = New(Options{
				Config: all, ID: fmt.Sprint("node", i), Log: slog.New(slog.NewTextHandler(&n.journal, nil)), Self: n.report,
				Transport: func(to netip.AddrPort) http.RoundTripper { return road{town, i, int(to.Addr().As4()[3])} },
			})
			town.nodes = append(town.nodes, n)
		}
		for _, n := range town.nodes {
			running.Go(func() { n.Run(ctx) })
		}
		synctest.Wait()
		test(t, town)
		end()
		running.Wait()
	})
}

// connect says which nodes reach which from now on.
func (town *town) connect(connected func(from, to int) bool) {
	town.mu.Lock()
	town.connected = connected
	town.mu.Unlock()
}

// visit is a viewer that comes to a node, and goes where it is sent to. It
// returns where it gets the film; false says that it waits there.
func (town *town) visit(viewer string, to int) (node int, served bool) {
	town.t.Helper()
	for hops := 0; ; hops++ {
		n := town.nodes[to]
		asked := Asked{Viewer: viewer, Item: viewer, Path: "/media/f", ETag: `"1"`, Need: film, Hops: hops}
		n.mu.Lock()
		room := n.viewers[viewer] || len(n.viewers) < townRoom
		n.mu.Unlock()
		if !room {
			asked.Reason = Full
		}
		base, ok := n.Route(town.t.Context(), asked)
		if ok && hops > 0 {
			town.t.Errorf("%s was sent on twice, to %s", viewer, base)
		}
		if ok && hops < 5 {
			to = int(netip.MustParseAddrPort(strings.TrimPrefix(base, "http://")).Addr().As4()[3])
			continue
		}
		if room {
			n.mu.Lock()
			n.viewers[viewer] = true
			n.mu.Unlock()
		}
		return to, room
	}
}

// watching returns how many viewers a node has.
func (n *resident) watching() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.viewers)
}

// end is that of all films.
func (n *resident) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.viewers)
}

// come lets viewers come to a node, one in a second. None may be sent to a node
// that this one does not reach, nor wait while a node that it reaches has room,
// but that what is known of a node may be older than the last two who came.
func (town *town) come(n int, who string, to int, reaches func(from, to int) bool) {
	town.t.Helper()
	for i := range n {
		at, served := town.visit(fmt.Sprint(who, i), to)
		if !reaches(to, at) {
			town.t.Errorf("%s%d came to node %d, and was sent to %d", who, i, to, at)
		}
		for other, n := range town.nodes {
			if !served && reaches(to, other) && n.watching() < townRoom-2 {
				town.t.Errorf("%s%d waits while node %d has room", who, i, other)
			}
		}
		time.Sleep(time.Second)
	}
}

// TestSplitBrain: parts of a cluster that do not see each other go on, each with
// what it has; afterwards they are one again.
func TestSplitBrain(t *testing.T) {
	everywhere := func(int, int) bool { return true }
	for _, row := range []struct {
		name    string
		reaches func(from, to int) bool
	}{
		{"two halves", func(from, to int) bool { return from/2 == to/2 }},
		{"one half reaches the other, but not the other way", func(from, to int) bool { return from/2 >= to/2 }},
		{"each for itself", func(from, to int) bool { return from == to }},
	} {
		for _, redirect := range []Redirect{WhenFull, Always} {
			t.Run(fmt.Sprint(row.name, ", redirect ", redirect), func(t *testing.T) {
				inTown(t, 4, func(c *Config) { c.Redirect = redirect }, func(t *testing.T, town *town) {
					town.come(16, "before", 0, everywhere)
					town.connect(row.reaches)
					town.come(12, "first", 0, row.reaches) // at once: nobody knows yet
					town.come(12, "second", 3, row.reaches)
					town.connect(everywhere)
					time.Sleep(2 * askEvery)
					for i, n := range town.nodes {
						lost := 0
						for other := range town.nodes {
							if !row.reaches(i, other) {
								lost++
							}
						}
						if down, up := n.journal.count("node is down"), n.journal.count("node is up"); down != lost || up != 3+lost {
							t.Errorf("node %d lost %d others, and said:\n%s", i, lost, &n.text)
						}
						n.end()
					}
					time.Sleep(2 * askEvery)
					town.come(40, "after", 1, everywhere)
					for _, n := range town.nodes {
						n.end()
					}
					time.Sleep(2 * askEvery)
					for i := range 80 { // at one moment: each node takes the others for free
						town.visit(fmt.Sprint("crowd", i), i%4)
					}
				})
			})
		}
	}
}
