package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mustserv/library/source/sourcetest"
)

// mounted is a server with a share on its own disk, Here, and one that is a
// network folder, There; each holds a film.
type mounted struct {
	*program
	t    *testing.T
	film []byte
	nas  *sourcetest.Mount
}

func startMounted(t *testing.T) *mounted {
	t.Helper()
	m := &mounted{t: t, film: make([]byte, 8<<20)}
	rand.NewChaCha8([32]byte{2}).Read(m.film)
	dir := t.TempDir()
	for _, share := range []string{"here", "nas"} {
		for i := range 20 {
			write(t, filepath.Join(dir, share, fmt.Sprintf("film %d.mkv", i)), m.film[:1<<20])
		}
		write(t, filepath.Join(dir, share, "film.mkv"), m.film)
	}
	m.nas = sourcetest.Mounted(t, filepath.Join(dir, "nas"))
	config := fmt.Sprintf("[ratelimit]\nunmeasured = \"off\"\n[library]\nrescan = \"10s\"\noutage = \"20m\"\n"+
		"[[share]]\nname = \"Here\"\npath = %q\n[[share]]\nname = \"There\"\npath = %q\n", filepath.Join(dir, "here"), m.nas.Dir)
	write(t, filepath.Join(dir, "m.toml"), []byte(config))
	m.program = start(t, "-config", filepath.Join(dir, "m.toml"), "-listen", "127.0.0.1:0")
	eventually(t, "both shares are scanned", func() bool { return m.share("Here").State == "watched" && m.share("There").State == "polled" })
	return m
}

// shareState is what the API says of a share.
type shareState struct {
	Name, Kind, State, Reason string
	Items                     int
}

func (m *mounted) share(name string) shareState {
	m.t.Helper()
	_, body := get(m.t, m.url+"/api/v1/shares")
	var answer struct{ Shares []shareState }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		m.t.Fatalf("%v: %s", err, body)
	}
	i := slices.IndexFunc(answer.Shares, func(s shareState) bool { return s.Name == name })
	if i < 0 {
		m.t.Fatalf("no share %s in %s", name, body)
	}
	return answer.Shares[i]
}

// size returns how many goroutines and threads the server has.
func (m *mounted) size() (goroutines, threads int) {
	m.t.Helper()
	_, body := get(m.t, m.url+"/metrics")
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	if err != nil {
		m.t.Fatal(err)
	}
	number := func(pattern, text string) int {
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			m.t.Fatalf("no %s in %s", pattern, text)
		}
		n, _ := strconv.Atoi(found[1])
		return n
	}
	return number(`(?m)^go_goroutines (\d+)`, body), number(`Threads:\s+(\d+)`, string(status))
}

// timed returns how long a request takes, its body included.
func (m *mounted) timed(path string) time.Duration {
	m.t.Helper()
	began := time.Now()
	if status, body := get(m.t, m.url+path); status != http.StatusOK {
		m.t.Fatalf("%s: %d %.200s", path, status, body)
	}
	return time.Since(began)
}

// TestHungMount stops the server of a network folder in mid-stream. Pages,
// API and films of other shares keep their times, goroutines and threads stay
// bounded while clients ask for it again and again, and once the server is
// back, all goes on.
func TestHungMount(t *testing.T) {
	m, other := startMounted(t), startMounted(t)
	if s := m.share("There"); !strings.Contains(s.Kind, "fuse.sshfs mount at "+m.nas.Dir) {
		t.Errorf("the mount is shown as %+v", s)
	}
	goroutines, threads := m.size()
	var resume func()
	sum, err := readAcross(m.url+"/media/There/film.mkv", 3<<20, func() {
		resume = m.nas.Hang()
		defer resume()
		ctx, stop := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for range 20 {
			clients.Go(func() { askAgainAndAgain(ctx, m.url+"/media/There/film%201.mkv") })
		}
		keepsTimes(t, m, other)
		eventually(t, "the share is unavailable", func() bool { return m.share("There").State == "unavailable" })
		if s := m.share("There"); s.Items != 21 || !strings.Contains(s.Reason, m.nas.Dir) {
			t.Errorf("while it hangs: %+v", s)
		}
		staysBounded(t, m, goroutines, threads)
		keepsTimes(t, m, other)
		stop()
		clients.Wait()
	})
	if err != nil || sum != sha256.Sum256(m.film) {
		t.Errorf("the stream that hung: %v\n%s", err, m.stderr)
	}
	eventually(t, "the share is back", func() bool { return m.share("There").State == "polled" })
	if _, body := get(t, m.url+"/media/There/film.mkv"); !bytes.Equal([]byte(body), m.film) {
		t.Errorf("once it is back it reads %d other bytes", len(body))
	}
	eventually(t, "the goroutines of the hung calls are gone", func() bool {
		http.DefaultClient.CloseIdleConnections()
		now, _ := m.size()
		return now <= goroutines+4
	})
}

// askAgainAndAgain asks for a film, and gives up after a second.
func askAgainAndAgain(ctx context.Context, url string) {
	for ctx.Err() == nil {
		brief, cancel := context.WithTimeout(ctx, time.Second)
		request, err := http.NewRequestWithContext(brief, http.MethodGet, url, nil)
		if err != nil {
			panic(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		cancel()
	}
}

// keepsTimes compares the times of a server one share of which hangs with
// those of one where all answer: medians of requests in turn, so that what
// else goes on counts for both, and the best of some tries: a busy computer
// lets one of two programs wait for a while.
func keepsTimes(t *testing.T, hung, other *mounted) {
	t.Helper()
	for _, path := range []string{"/browse/Here/", "/api/v1/items/Here", "/api/v1/shares", "/api/v1/search?q=film", "/media/Here/film%200.mkv"} {
		const tries, samples, slack = 12, 101, 1.1
		best := 1e9
		for try := 0; try < tries && best > slack; try++ {
			var a, b []time.Duration
			for range samples {
				a, b = append(a, hung.timed(path)), append(b, other.timed(path))
			}
			slices.Sort(a)
			slices.Sort(b)
			best = min(best, float64(a[samples/2])/float64(b[samples/2]))
		}
		if t.Logf("%s: %.2f times as long while a share hangs", path, best); best > slack {
			t.Errorf("%s takes %.2f times as long while a share hangs", path, best)
		}
	}
}

// staysBounded watches a server for some time, ten minutes with MUSTSERV_LONG.
func staysBounded(t *testing.T, m *mounted, goroutines, threads int) {
	t.Helper()
	span := 12 * time.Second
	if os.Getenv("MUSTSERV_LONG") != "" {
		span = 10 * time.Minute
	}
	const clients, pool = 20, 16
	mostGoroutines, mostThreads := 0, 0
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(time.Second) {
		g, th := m.size()
		mostGoroutines, mostThreads = max(mostGoroutines, g), max(mostThreads, th)
	}
	t.Logf("over %v at most %d goroutines (%d before) and %d threads (%d before)", span, mostGoroutines, goroutines, mostThreads, threads)
	if mostGoroutines > goroutines+pool+8*clients {
		t.Errorf("%d goroutines, %d before", mostGoroutines, goroutines)
	}
	if mostThreads > threads+pool+8 {
		t.Errorf("%d threads, %d before", mostThreads, threads)
	}
}

// TestMountVanishes takes a network folder away and mounts it again.
func TestMountVanishes(t *testing.T) {
	t.Parallel()
	m := startMounted(t)
	m.nas.Unmount()
	brief, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	askAgainAndAgain(brief, m.url+"/media/There/film%202.mkv") // so that it is noticed at once
	eventually(t, "the share is unavailable", func() bool { return m.share("There").State == "unavailable" })
	if s := m.share("There"); s.Items != 21 || !strings.Contains(s.Reason, "nothing is mounted at "+m.nas.Dir) {
		t.Errorf("without its mount: %+v", s)
	}
	m.nas.Remount()
	eventually(t, "the share is back", func() bool { return m.share("There").State == "polled" })
	if _, body := get(t, m.url+"/media/There/film.mkv"); !bytes.Equal([]byte(body), m.film) {
		t.Errorf("mounted again it reads %d other bytes", len(body))
	}
}
