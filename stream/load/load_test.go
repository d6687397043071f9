package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCurve(t *testing.T) {
	c, err := NewCurve(0.5, []int64{100, 0, 50, 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		bytes int64
		until float64
	}{{0, 0}, {50, 0.25}, {99, 0.495}, {100, 1}, {125, 1.25}, {199, 1.99}, {200, 2}, {math.MaxInt64 - 1, 2}} {
		if got := c.until(test.bytes).Seconds(); math.Abs(got-test.until) > 1e-6 {
			t.Errorf("%d bytes last until %g, want %g", test.bytes, got, test.until)
		}
	}
	for _, test := range []struct {
		at  float64
		due int64
	}{{-1, 0}, {0, 0}, {0.25, 50}, {0.5, 100}, {0.9, 100}, {1.25, 125}, {2, 200}, {1e6, 200}} {
		if got := c.due(seconds(test.at)); got != test.due {
			t.Errorf("%d bytes are due by %g, want %d", got, test.at, test.due)
		}
	}
	if c.average() != 100 || c.duration() != 2*time.Second {
		t.Errorf("%g bytes/s, %v", c.average(), c.duration())
	}
}

func TestNoCurve(t *testing.T) {
	for _, test := range []struct {
		name  string
		cell  float64
		bytes []int64
	}{
		{"no cells", 1, nil}, {"no time", 0, []int64{1}}, {"negative time", -1, []int64{1}}, {"no number", math.NaN(), []int64{1}},
		{"endless", math.Inf(1), []int64{1}}, {"no bytes", 1, []int64{0, 0}}, {"negative bytes", 1, []int64{5, -1}},
		{"overflow", 1, []int64{math.MaxInt64, 1}}, {"too long", 1, make([]int64, maxCells+1)},
	} {
		if c, err := NewCurve(test.cell, test.bytes); err == nil {
			t.Errorf("%s: %v", test.name, c)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"players":         func(o *Options) { o.Players = 0 },
		"run":             func(o *Options) { o.For = 0 },
		"begin over":      func(o *Options) { o.Over = o.For },
		"negative":        func(o *Options) { o.Seek = -1 },
		"a buffer of 2s":  func(o *Options) { o.Buffer = o.Start },
		"0 bytes":         func(o *Options) { o.BufferBytes = 0 },
		"nothing to play": func(o *Options) { o.Targets = nil },
		"nobody says":     func(o *Options) { o.Targets = []Target{{URL: "http://a/b"}} },
		"no address":      func(o *Options) { o.Targets[0].URL = "film.mp4" },
	} {
		o := DefaultOptions()
		o.Targets = []Target{film(t, 10)}
		change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// web serves a film of size bytes on loopback and notes who asks.
type web struct {
	*httptest.Server
	mu      sync.Mutex
	clients map[string]bool
}

func serveFilm(t *testing.T, size int) *web {
	t.Helper()
	content := make([]byte, size)
	w := &web{clients: make(map[string]bool)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old/film" {
			http.Redirect(out, r, "/media/film", http.StatusTemporaryRedirect)
			return
		}
		at, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		w.clients[at.Addr().String()] = true
		w.mu.Unlock()
		http.ServeContent(out, r, "film.mp4", time.Unix(1, 0), bytes.NewReader(content))
	}))
	t.Cleanup(w.Close)
	return w
}

// TestOverTCP plays over real connections, where bytes are thrown away by the
// kernel, and counts each of them.
func TestOverTCP(t *testing.T) {
	const size, players = 2*filmRate + 12345, 20
	w := serveFilm(t, size)
	target := film(t, 2)
	target.URL = w.URL + "/old/film"
	o := DefaultOptions()
	o.Players, o.For, o.Over, o.Targets = players, 10*time.Second, 100*time.Millisecond, []Target{target}
	r, err := Run(t.Context(), o)
	if err != nil || r.Smooth != players || r.Bytes != players*size {
		t.Fatalf("%+v, %v; want %d bytes", r.Total, err, players*size)
	}
	if want := map[bool]int{true: players, false: 1}[runtime.GOOS == "linux"]; len(w.clients) != want {
		t.Errorf("players came from %d addresses, want %d", len(w.clients), want)
	}
	for _, each := range r.Each {
		if each.Bytes != size {
			t.Errorf("%+v, want %d bytes", each, size)
		}
	}
}

func TestDrain(t *testing.T) {
	w := serveFilm(t, 5<<20)
	o := DefaultOptions()
	o.Players, o.For, o.Over, o.Drain, o.Targets = 3, time.Second, 0, true, []Target{{URL: w.URL + "/media/film"}}
	r, err := Run(t.Context(), o)
	if err != nil || r.Smooth != 3 || r.Bytes < 15<<20 || r.Mode != "drain" {
		t.Errorf("%+v, %v", r.Total, err)
	}
}

// TestEnds: a run ends with its context, whatever its players wait for.
func TestEnds(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	before := runtime.NumGoroutine()
	target := film(t, 10)
	target.URL = silent.URL + "/media/film"
	o := DefaultOptions()
	o.Players, o.For, o.Over, o.Targets = 10, time.Hour, 0, []Target{target}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	r, err := Run(ctx, o)
	if err != nil || r.Started != 0 || r.Failed != 0 {
		t.Errorf("%+v, %v", r.Total, err)
	}
	silent.CloseClientConnections()
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // the server's own
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

func TestLookup(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/base/api/v1/items/Films/%C3%89t%C3%A9%2F.mp4?curve":
			fmt.Fprint(w, `{"name": "a", "bitrate": {"rate": 8000, "exact": true}, "curve": {"cell": 0.5, "bytes": [10, 20]}}`)
		case "/api/v1/items/unmeasured?curve":
			fmt.Fprint(w, `{"problem": "a text"}`)
		case "/api/v1/items/page?curve":
			fmt.Fprint(w, `<html>`)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	for _, test := range []struct{ path, want string }{
		{"/base/media/Films/%C3%89t%C3%A9%2F.mp4", ""},
		{"/media/unmeasured", "not measured: a text"},
		{"/media/page", "invalid character"},
		{"/media/gone", "404"},
		{"/film.mp4", "/media/"},
	} {
		got, err := Lookup(t.Context(), server.URL+test.path)
		switch {
		case test.want == "" && (err != nil || got.Rate != 1000 || got.Curve.average() != 30 || got.URL != server.URL+test.path):
			t.Errorf("%s: %+v, %v", test.path, got, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.path, err, test.want)
		}
	}
}

// TestTargets: each film has its own address, and the curve of its server or
// the one that is given for it.
func TestTargets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/items/a.mp4" {
			fmt.Fprint(w, `{"bitrate": {"rate": 8000}, "curve": {"cell": 1, "bytes": [10]}}`)
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	measure := func(_ context.Context, file string) (*Curve, error) {
		if file == "none.mp4" {
			return nil, errors.New("no such file")
		}
		return NewCurve(1, []int64{int64(len(file))})
	}
	here, other := server.URL+"/media/a.mp4", server.URL+"/media/b.mp4"
	for _, row := range []struct {
		name          string
		films, curves []string
		drain         bool
		want          string // the bytes of each curve and the rate, or what is wrong
	}{
		{"as the server says", []string{here}, nil, false, "10 at 1000"},
		{"unknown to the server", []string{here, other}, nil, false, "-curve FILE"},
		{"unknown, to drain", []string{here, other}, nil, true, "10 at 1000, none at 0"},
		{"of a file", []string{here, other}, []string{"abc"}, false, "3 at 0, 3 at 0"},
		{"of one for each", []string{other, other}, []string{"abc", here}, false, "3 at 0, 10 at 0"},
		{"of a file that is not there", []string{here}, []string{"none.mp4"}, true, "no such file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			targets, err := Targets(t.Context(), row.films, row.curves, row.drain, measure)
			var got []string
			for i, target := range targets {
				bytes := "none"
				if target.Curve != nil {
					bytes = fmt.Sprint(target.Curve.ends[len(target.Curve.ends)-1])
				}
				got = append(got, fmt.Sprintf("%s at %.0f", bytes, target.Rate))
				if target.URL != row.films[i] {
					t.Errorf("film %d is at %s", i, target.URL)
				}
			}
			if said := strings.Join(got, ", ") + fmt.Sprint(err); err == nil && said != row.want+"<nil>" || !strings.Contains(said, row.want) {
				t.Errorf("got %s, want %s", said, row.want)
			}
		})
	}
}

// TestVerdict: each outcome has its sentence, and a table that names it.
func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		name   string
		report Report
		want   string
	}{
		{"nobody", Report{Mode: "play"}, "nothing can be said"},
		{"all", Report{Mode: "play", Total: Total{Players: 5, Started: 5, Smooth: 5}}, "carry 5 such viewers without a stall, and perhaps more"},
		{"some wait", Report{Mode: "play", Total: Total{Players: 5, Started: 3, Smooth: 3}}, "carry 3 such viewers; the others could not start"},
		{"some stall", Report{Mode: "play", Total: Total{Players: 5, Started: 5, Smooth: 2, Stalled: 3}}, "5 such viewers are too many for this box or link: only 2"},
		{"drained", Report{Mode: "drain", Total: Total{Players: 2, Started: 2, Smooth: 2, NeededRate: 8e6, Rate: 40e6}}, "40 Mbit/s, as much as 10 viewers"},
		{"drained blindly", Report{Mode: "drain", Total: Total{Players: 2, Started: 2, Smooth: 2, Rate: 40e6}}, "got 40 Mbit/s."},
	} {
		test.report.Verdict = test.report.verdict()
		var text bytes.Buffer
		if err := test.report.Print(&text); err != nil || !strings.Contains(text.String(), test.want) {
			t.Errorf("%s: %q, %v; want %q", test.name, &text, err, test.want)
		}
	}
}

// TestPrint shows a whole report.
func TestPrint(t *testing.T) {
	one := Total{URL: "http://a/media/x", Players: 2, Started: 1, Smooth: 1, Failed: 1, StartupMedian: 1.25, StartupP99: 1.5, Bytes: 3 << 20, NeededRate: 4e6, Rate: 5e6}
	r := Report{
		Mode: "play", Verdict: "So it is.", Total: one, Targets: []Total{one, one},
		Each: []Result{{Error: "404"}, {Error: "503"}, {}, {Error: "503"}},
	}
	r.Broken, r.RateErrorP99, r.LargestBurst = 7, 0.02, 150
	var text bytes.Buffer
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	const want = `  PLAYERS  STARTED  START-UP  WORST 1 %  STALLED  STALLS    FOR    NEEDED       GOT  BYTES  FAILED  FILM
        2        1    1.25 s     1.50 s        0       0  0.0 s  4 Mbit/s  5 Mbit/s  3 MiB       1  http://a/media/x
        2        1    1.25 s     1.50 s        0       0  0.0 s  4 Mbit/s  5 Mbit/s  3 MiB       1  http://a/media/x
        2        1    1.25 s     1.50 s        0       0  0.0 s  4 Mbit/s  5 Mbit/s  3 MiB       1  all
2 failed: 503
1 failed: 404
7 connections broke and were made again
rate over 5 s: off by 0.0 % (median), 2.0 % (worst 1 %); largest burst 150 ms of the film

So it is.
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &text, want)
	}
	whole, err := json.Marshal(r)
	if err != nil || !bytes.Contains(whole, []byte(`"seconds":0,"verdict":"So it is.","url":"http://a/media/x","players":2,`)) {
		t.Errorf("%s, %v", whole, err)
	}
}

// FuzzAnswer feeds the reader of answers: nothing is believed that makes a
// player read more than there is, or be where it did not ask to be.
func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", int64(0))
	f.Add("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 7-11/12\r\n\r\nabc", int64(7))
	f.Add("HTTP/1.1 307 Temporary Redirect\r\nLocation: //other/film\r\n\r\n", int64(1))
	f.Add("HTTP/1.0 404 \x1b[31m\r\n\r\n", int64(0))
	f.Fuzz(func(t *testing.T, text string, offset int64) {
		offset = max(0, offset)
		a, err := readAnswer(strings.NewReader(text), offset)
		if err == nil && !a.redirects() && (a.early < 0 || a.early > a.length || a.status != 200 && a.status != 206) {
			t.Errorf("%+v", a)
		}
		if a.redirects() {
			u, err := parse("http://server/film")
			if err != nil {
				t.Fatal(err)
			}
			p := player{url: u}
			if err := p.follow(a.location); err == nil || p.url.Host == "" {
				t.Errorf("%q leads to %v, %v", a.location, p.url, err)
			}
		}
	})
}

// FuzzItem feeds the reader of what the API says: what is believed can be
// played.
func FuzzItem(f *testing.F) {
	f.Add(`{"bitrate": {"rate": 8000}, "curve": {"cell": 0.5, "bytes": [10, 20]}}`)
	f.Add(`{"problem": "no film", "curve": {"cell": 1e308, "bytes": [-1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		target, err := decode(strings.NewReader(text))
		if err != nil {
			return
		}
		c := target.Curve
		if end := c.due(c.duration()); end <= 0 || c.until(end) != c.duration() || !(c.average() > 0) {
			t.Errorf("%d bytes in %v", end, c.duration())
		}
	})
}
