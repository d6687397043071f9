package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// street is a network of fake nodes at 10.0.0.1, 10.0.0.2 and so on, in the
// virtual time of a bubble.
type street struct {
	mu    sync.Mutex
	nodes map[netip.AddrPort]*fake
	names map[string][]netip.Addr
	asked map[string]int // requests, by method and path
}

// fake is a node that answers as told.
type fake struct {
	id     string
	report Report
	raw    string        // instead of the report
	status int           // instead of 200
	dead   error         // instead of any answer
	late   time.Duration // before the answer
	etag   string        // of all items; none has none
	item   string        // what the API says of each
	cached http.HandlerFunc
}

func newStreet(n int) *street {
	s := &street{nodes: make(map[netip.AddrPort]*fake), names: make(map[string][]netip.Addr), asked: make(map[string]int)}
	for i := range n {
		f := &fake{id: fmt.Sprintf("node%d", i+1), etag: `"1"`}
		f.report = Report{Capacity: 100e6, Free: 90e6, Told: Told{Weight: 1, Shares: "same"}}
		s.nodes[addr(i+1)] = f
	}
	return s
}

func addr(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 8000)
}

// change changes what a node does.
func (s *street) change(n int, how func(*fake)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how(s.nodes[addr(n)])
}

func (s *street) lookup(_ context.Context, host string) ([]netip.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.names[host]; found != nil {
		return found, nil
	}
	return nil, errors.New("no such host")
}

// count returns how often a request was made: "GET /path".
func (s *street) count(request string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[request]
}

// way is the network to one node.
type way struct {
	*street
	to netip.AddrPort
}

func (w way) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	f := *w.nodes[w.to]
	w.asked[r.Method+" "+r.URL.Path]++
	w.mu.Unlock()
	if f.late > 0 { // go1.26's race detector crashes where two timers of a bubble are due at once
		wait := time.NewTimer(f.late)
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-wait.C:
		}
	}
	if f.dead != nil {
		return nil, f.dead
	}
	if f.cached != nil && r.URL.Path == CachedPath {
		recorder := httptest.NewRecorder()
		recorder.Header().Set(nodeHeader, f.id)
		f.cached(recorder, r)
		return recorder.Result(), nil
	}
	answer := &http.Response{StatusCode: 200, Status: "200 OK", Header: make(http.Header), Request: r}
	answer.Header.Set(nodeHeader, f.id)
	body := []byte(f.raw)
	switch {
	case f.status != 0:
		answer.StatusCode, answer.Status = f.status, fmt.Sprint(f.status)
	case r.Method == http.MethodHead && f.etag == "":
		answer.StatusCode, answer.Status = 404, "404"
	case r.Method == http.MethodHead:
		answer.Header.Set("ETag", f.etag)
	case strings.HasPrefix(r.URL.Path, "/api/v1/items/"):
		body = []byte(f.item)
	case f.raw == "":
		f.report.Told.Now += time.Now().Unix()
		body, _ = json.Marshal(f.report) // of plain fields
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// journal is what a cluster logs.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(says string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), says)
}

// inStreet runs a test as the first of some nodes, once it has asked all.
func inStreet(t *testing.T, n int, config func(*Config), test func(t *testing.T, c *Cluster, s *street, j *journal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, j, all := newStreet(n), new(journal), DefaultConfig()
		for i := range n {
			all.Nodes = append(all.Nodes, "http://"+addr(i+1).String())
		}
		if config != nil {
			config(&all)
		}
		if err := all.Validate(); err != nil {
			t.Fatal(err)
		}
		c := New(Options{
			Config: all, ID: "node1", Log: slog.New(slog.NewTextHandler(j, nil)), Lookup: s.lookup,
			Transport: func(to netip.AddrPort) http.RoundTripper { return way{s, to} },
			Self: func() Report {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.nodes[addr(1)].report
			},
		})
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.Run(ctx); close(ended) }()
		synctest.Wait()
		test(t, c, s, j)
		end()
		<-ended
		synctest.Wait()
	})
}

// nodes says of each node: its id, and u for up, d for draining, s for itself.
func nodes(c *Cluster) string {
	var list []string
	for _, n := range c.Nodes() {
		text := n.ID + ":"
		for _, mark := range []struct {
			is   bool
			text string
		}{{n.Up, "u"}, {n.Draining, "d"}, {n.Self, "s"}, {n.Resting, "r"}} {
			if mark.is {
				text += mark.text
			}
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func TestNodesKnowEachOther(t *testing.T) {
	inStreet(t, 3, nil, func(t *testing.T, c *Cluster, s *street, j *journal) {
		if got := nodes(c); got != "node1:us node2:u node3:u" {
			t.Fatal(got)
		}
		for _, row := range []struct {
			name  string
			how   func(*fake)
			after time.Duration // at the latest
			want  string
		}{
			{"killed", func(f *fake) { f.dead = errors.New("refused") }, 3 * time.Second, "node1:us node2: node3:u"},
			{"back", func(f *fake) { f.dead = nil }, 3 * time.Second, "node1:us node2:u node3:u"},
			{"silent", func(f *fake) { f.late = time.Hour }, 5 * time.Second, "node1:us node2: node3:u"},
			{"slow", func(f *fake) { f.late = 500 * time.Millisecond }, 5 * time.Second, "node1:us node2:u node3:u"},
			{"draining", func(f *fake) { f.report.Told.Draining = true }, 5 * time.Second, "node1:us node2:ud node3:u"},
			{"no more", func(f *fake) { f.report.Told.Draining = false }, 5 * time.Second, "node1:us node2:u node3:u"},
			{"does not know us", func(f *fake) { f.status = 401 }, 5 * time.Second, "node1:us node2: node3:u"},
			{"another server", func(f *fake) { f.status, f.raw = 0, "<html>" }, 0, "node1:us node2: node3:u"},
			{"endless", func(f *fake) { f.raw = strings.Repeat(" ", 2*reportMost) }, 0, "node1:us node2: node3:u"},
			{"impossible", func(f *fake) { f.raw, f.report.Free = "", -1 }, 0, "node1:us node2: node3:u"},
			{"right again", func(f *fake) { f.report.Free = 90e6 }, 5 * time.Second, "node1:us node2:u node3:u"},
		} {
			s.change(2, row.how)
			time.Sleep(row.after)
			if got := nodes(c); got != row.want {
				t.Errorf("%s: after %v %s, want %s", row.name, row.after, got, row.want)
			}
		}
		if down, up := j.count("node is down"), j.count("node is up"); down != 3 || up != 5 {
			t.Errorf("said %d times down, %d times up:\n%s", down, up, &j.text)
		}
	})
}

func TestOneNameForAllNodes(t *testing.T) {
	inStreet(t, 3, func(c *Config) { c.Nodes = []string{"http://media.lab:8000"} }, func(t *testing.T, c *Cluster, s *street, j *journal) {
		if got := nodes(c); got != "" || j.count("no such host") != 1 {
			t.Fatalf("before the name is there: %s\n%s", got, &j.text)
		}
		hosts := func(n ...int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.names["media.lab"] = nil
			for _, i := range n {
				s.names["media.lab"] = append(s.names["media.lab"], addr(i).Addr())
			}
		}
		for _, row := range []struct {
			hosts []int
			want  string
		}{{[]int{1, 2}, "node1:us node2:u"}, {[]int{2, 1, 3}, "node2:u node1:us node3:u"}, {[]int{3, 3}, "node3:u"}, {nil, "node3:u"}} {
			hosts(row.hosts...)
			time.Sleep(lookupEvery + askEvery)
			if got := nodes(c); got != row.want {
				t.Errorf("%v: %s, want %s", row.hosts, got, row.want)
			}
		}
		if c.Nodes()[0].Public != "http://10.0.0.3:8000" {
			t.Errorf("players are sent to %s", c.Nodes()[0].Public)
		}
	})
}

func TestNodesThatDiffer(t *testing.T) {
	for _, row := range []struct {
		name string
		how  func(*fake)
		says string
	}{
		{"shares", func(f *fake) { f.report.Told.Shares = "other" }, "it has other shares"},
		{"key", func(f *fake) { f.report.Told.Signing = "other" }, "signed addresses from here are not good there"},
		{"nodes", func(f *fake) { f.report.Told.Nodes = "other" }, "it has other [routing] nodes"},
		{"a minute ahead", func(f *fake) { f.report.Told.Now = 60 }, "its clock and ours differ"},
		{"a minute behind", func(f *fake) { f.report.Told.Now = -60 }, "its clock and ours differ"},
		{"an old version", func(f *fake) { f.report.Told.Weight = 0 }, "no MuStServ, or an old one"},
	} {
		t.Run(row.name, func(t *testing.T) {
			inStreet(t, 2, nil, func(t *testing.T, c *Cluster, s *street, j *journal) {
				s.change(2, row.how)
				time.Sleep(time.Minute)
				if n := j.count(row.says); n != 1 {
					t.Errorf("said %d times, want once:\n%s", n, &j.text)
				}
				if n := c.Nodes()[1]; !strings.Contains(n.Problem, row.says) || n.Skew.Abs() > time.Minute {
					t.Errorf("the page says %q, clock %v", n.Problem, n.Skew)
				}
			})
		})
	}
}

func TestConfigIsTakenOver(t *testing.T) {
	inStreet(t, 3, nil, func(t *testing.T, c *Cluster, s *street, j *journal) {
		fewer := c.config
		fewer.Nodes = slices.Clone(fewer.Nodes[:2])
		c.SetConfig(fewer)
		time.Sleep(time.Millisecond)
		s.mu.Lock()
		clear(s.asked)
		s.mu.Unlock()
		time.Sleep(time.Minute)
		if got := nodes(c); got != "node1:us node2:u" || j.count("node is up") != 2 {
			t.Errorf("%s\n%s", got, &j.text)
		}
		if n := s.count("GET /api/v1/status"); n < 50 || n > 70 {
			t.Errorf("%d questions in a minute, want about 60", n)
		}
	})
}
