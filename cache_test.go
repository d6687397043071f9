package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted counts the bytes of answers.
type counted struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}

// TestOneFetchForAllViewers has 50 viewers watch one film of a file server,
// which sends it once.
func TestOneFetchForAllViewers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers; left out with -short")
	}
	const viewers = 50
	dir := t.TempDir()
	content := make([]byte, 24<<20)
	rand.NewChaCha8([32]byte{1}).Read(content)
	write(t, filepath.Join(dir, "nas", "film.mkv"), content)
	var sent atomic.Int64
	files := http.FileServer(http.Dir(filepath.Join(dir, "nas")))
	nas := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(counted{w, &sent}, r)
	}))
	defer nas.Close()
	config := filepath.Join(dir, "m.toml")
	write(t, config, []byte(fmt.Sprintf("[ratelimit]\nunmeasured = \"off\"\n[[share]]\nname = \"NAS\"\nurl = %q\n", nas.URL)))
	p := start(t, "-config", config, "-listen", "127.0.0.1:0")
	film := p.url + "/media/NAS/film.mkv"
	eventually(t, "the film is there", func() bool { status, _ := get(t, p.url+"/browse/NAS/"); return status == 200 && found(t, film) })
	var all sync.WaitGroup
	for range viewers {
		all.Go(func() {
			response, err := http.Get(film)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			sum := sha256.New()
			if n, err := io.Copy(sum, response.Body); err != nil || [32]byte(sum.Sum(nil)) != sha256.Sum256(content) {
				t.Errorf("a viewer gets %d bytes that differ, %v", n, err)
			}
		})
	}
	all.Wait()
	t.Logf("for %d viewers of %d bytes, the file server has sent %d", viewers, len(content), sent.Load())
	if got := sent.Load(); got > int64(len(content))*5/4 {
		t.Errorf("the file server has sent %d bytes for a film of %d", got, len(content))
	}
}

// slowly sends an answer piece by piece, each when the one before is through.
type slowly struct{ http.ResponseWriter }

func (s slowly) Write(b []byte) (n int, err error) {
	for piece := range slices.Chunk(b, 16<<10) {
		time.Sleep(5 * time.Millisecond)
		m, err := s.ResponseWriter.Write(piece)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// A program that ends while it fetches leaves nothing in the cache that
// another instance would wait for.
func TestEndLeavesNoLock(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers; left out with -short")
	}
	dir, state := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "nas", "film.mkv"), make([]byte, 24<<20))
	files := http.FileServer(http.Dir(filepath.Join(dir, "nas")))
	nas := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files.ServeHTTP(slowly{w}, r)
	}))
	defer nas.Close()
	config := filepath.Join(dir, "m.toml")
	write(t, config, []byte(fmt.Sprintf("[ratelimit]\nunmeasured = \"off\"\n[[share]]\nname = \"NAS\"\nurl = %q\n", nas.URL)))
	p := startIn(t, state, "-config", config, "-listen", "127.0.0.1:0")
	film := p.url + "/media/NAS/film.mkv"
	eventually(t, "the film is there", func() bool { status, _ := get(t, p.url+"/browse/NAS/"); return status == 200 && found(t, film) })
	response, err := http.Get(film)
	if err != nil {
		t.Fatal(err)
	}
	underWay := func(ending string) int {
		names, err := filepath.Glob(filepath.Join(state, "cache", "*", "*"+ending))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	go io.Copy(io.Discard, response.Body)
	eventually(t, "a segment is being fetched", func() bool { return underWay(".part") > 0 && underWay(".lock") > 0 })
	response.Body.Close()
	p.cmd.Process.Signal(os.Interrupt)
	if err := <-p.ended; err != nil {
		t.Errorf("ended with %v\n%s", err, p.stderr)
	}
	p.ended <- nil
	if parts, locks := underWay(".part"), underWay(".lock"); parts > 0 || locks > 0 {
		t.Errorf("%d parts and %d locks are left in the cache", parts, locks)
	}
}

// found reports whether a HEAD finds something.
func found(t *testing.T, at string) bool {
	t.Helper()
	response, err := http.Head(at)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
