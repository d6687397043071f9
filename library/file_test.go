package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/index"
	"mustserv/library/source"
)

// film is content of which no two parts are alike.
func film(n int) string {
	var b strings.Builder
	for b.WriteString("film"); b.Len() < n; {
		fmt.Fprintf(&b, " %d", b.Len())
	}
	return b.String()[:n]
}

// twoShares runs a library with the same film in two shares of one name, and
// opens it.
func twoShares(t *testing.T, content string) (*rig, *memory, *memory, source.File) {
	t.Helper()
	a, b := newMemory(100), newMemory(100)
	at := old()
	a.put("f.mp4", content, at)
	b.put("f.mp4", content, at.Add(time.Second))
	r := start(t, index.New(), map[string]*memory{"/a": a, "/b": b}, Share{Name: "S", Place: "/a"}, Share{Name: "S", Place: "/b"})
	settled()
	f, err := r.item("S/f.mp4").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, a, b, f
}

func TestReadsOnFromAnotherShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := film(1000)
		r, a, _, f := twoShares(t, content)
		defer r.end()
		defer f.Close()
		p := make([]byte, 600)
		if n, err := io.ReadFull(f, p); err != nil {
			t.Fatal(n, err)
		}
		a.set(func() { a.down = true })
		before := time.Now()
		rest, err := io.ReadAll(f)
		if err != nil || string(p)+string(rest) != content {
			t.Errorf("%d bytes of the rest, %v", len(rest), err)
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// What the system says when a disk is pulled is as good as a server's silence.
func TestReadsOnWhenADiskIsPulled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := film(1000)
		r, a, _, f := twoShares(t, content)
		defer r.end()
		defer f.Close()
		a.set(func() { a.broken = &os.PathError{Op: "read", Path: "f.mp4", Err: syscall.EIO} })
		if got, err := io.ReadAll(f); err != nil || string(got) != content {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestWaitsForTheShare(t *testing.T) {
	for _, row := range []struct {
		name   string
		away   time.Duration
		within time.Duration // after it is back
		err    error
	}{
		{"a second", time.Second, lastPause, nil},
		{"most of the time", 50 * time.Second, lastPause, nil},
		{"too long", 70 * time.Second, 0, source.ErrUnavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				content := film(1000)
				r, a, b, f := twoShares(t, content)
				defer r.end()
				defer f.Close()
				down := func(is bool) {
					a.set(func() { a.down = is })
					b.set(func() { b.down = is })
				}
				down(true)
				before := time.Now()
				time.AfterFunc(row.away/2, func() {
					if s := r.Shares()[1]; s.Waiting != 1 || s.State != Unavailable {
						t.Errorf("while it waits: %+v", s)
					}
				})
				time.AfterFunc(row.away, func() { down(false) })
				got, err := io.ReadAll(f)
				took := time.Since(before)
				if !errors.Is(err, row.err) || row.err == nil && string(got) != content {
					t.Errorf("%d bytes, %v after %v", len(got), err, took)
				}
				if over := took - row.away; row.err == nil && over > row.within || took > 61*time.Second {
					t.Errorf("it took %v, share away for %v", took, row.away)
				}
				if s := r.Shares()[0]; s.Waiting != 0 {
					t.Errorf("it waits no longer, yet: %+v", s)
				}
			})
		})
	}
}

// Players don't ask again: what is opened while the share is away waits, too.
func TestOpenWaitsForTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("f.mp4", film(100), old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		defer r.end()
		settled()
		m.set(func() { m.down = true })
		r.Rescan()
		settled()
		if _, err := r.item("S/f.mp4").Examine(t.Context()); !errors.Is(err, source.ErrUnavailable) {
			t.Errorf("Examine answers %v", err)
		}
		time.AfterFunc(20*time.Second, func() { m.set(func() { m.down = false }) })
		before := time.Now()
		f, err := r.item("S/f.mp4").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if took := time.Since(before); took < 20*time.Second || took > 21*time.Second {
			t.Errorf("it took %v", took)
		}
		m.remove("f.mp4")
		before = time.Now()
		if _, err := r.item("S/f.mp4").Open(t.Context()); !errors.Is(err, fs.ErrNotExist) || time.Since(before) > 0 {
			t.Errorf("what is gone is waited for: %v after %v", err, time.Since(before))
		}
	})
}

func TestOpenNowDoesNotWait(t *testing.T) {
	for name, fail := range map[string]func(m *memory){
		"away":   func(m *memory) { m.down = true },
		"broken": func(m *memory) { m.broken = errors.New("bad sector") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, a, b, f := twoShares(t, film(1000))
				defer r.end()
				f.Close()
				f, err := r.item("S/f.mp4").OpenNow(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				a.set(func() { a.down = true })
				if _, err := io.ReadFull(f, make([]byte, 500)); err != nil {
					t.Errorf("it is not read from the other share: %v", err)
				}
				b.set(func() { fail(b) })
				before := time.Now()
				got, err := io.ReadAll(f) // a broken one yields some bytes each time, so perhaps all
				if time.Since(before) > 0 || name == "away" && err == nil {
					t.Errorf("%d bytes, %v after %v", len(got), err, time.Since(before))
				}
			})
		})
	}
}

func TestWaitEnds(t *testing.T) {
	for name, end := range map[string]func(f source.File, cancel func(), r *rig){
		"with the context": func(_ source.File, cancel func(), _ *rig) { cancel() },
		"by Close":         func(f source.File, _ func(), _ *rig) { f.Close() },
		"with the share":   func(_ source.File, _ func(), r *rig) { r.Configure(testConfig(), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(100)
				m.put("f.mp4", film(100), old())
				sources, share := one(m)
				r := start(t, index.New(), sources, share)
				defer r.end()
				settled()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				f, err := r.item("S/f.mp4").Open(ctx)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				m.set(func() { m.down = true })
				time.AfterFunc(10*time.Second, func() { end(f, cancel, r) })
				before := time.Now()
				if n, err := f.Read(make([]byte, 10)); err == nil {
					t.Errorf("read %d bytes", n)
				}
				if took := time.Since(before); took < 10*time.Second || took > 12*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// Streams of a share that is taken out run to their end, if it can be read.
func TestStreamOfARemovedShareRunsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := film(1000)
		r, _, _, f := twoShares(t, content)
		defer r.end()
		defer f.Close()
		r.Configure(testConfig(), nil)
		settled()
		if got, err := io.ReadAll(f); err != nil || string(got) != content {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

func TestVersionsAreNotMixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, a, b, f := twoShares(t, film(1000))
		defer r.end()
		defer f.Close()
		f.Read(make([]byte, 500))
		a.set(func() { a.down = true })
		b.put("f.mp4", film(1000), time.Now())
		time.AfterFunc(5*time.Second, func() { a.put("f.mp4", film(1001), time.Now()); a.set(func() { a.down = false }) })
		before := time.Now()
		if n, err := f.Read(make([]byte, 500)); !errors.Is(err, source.ErrChanged) {
			t.Errorf("%d bytes, %v", n, err)
		}
		if took := time.Since(before); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A file that has changed since the tree was made is opened as it is now.
func TestOpenTellsWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(-1)
		written := time.Unix(1_000_000_001, 500)
		m.put("f.mp4", film(100), written)
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		defer r.end()
		settled()
		told := func() string {
			f, err := r.item("S/f.mp4").Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			info, err := f.Stat()
			end, failed := f.Seek(0, io.SeekEnd)
			return fmt.Sprint(info.Size(), end, info.ModTime().UnixNano(), err, failed)
		}
		if got := told(); got != "100 100 1000000000000000000 <nil> <nil>" {
			t.Errorf("told %s", got)
		}
		m.put("f.mp4", film(120), written.Add(time.Hour))
		if got := told(); got != "120 120 1000003600000000000 <nil> <nil>" {
			t.Errorf("of the changed one told %s", got)
		}
	})
}

// Two nodes with the shares in another order, one of which does not answer,
// tell the same of a file.
func TestAllNodesTellTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tell := func(order ...string) (told []string) {
			a, b := newMemory(100), newMemory(100)
			at := time.Unix(1_000_000_001, 900_000_000)
			a.put("f.mp4", film(100), at)
			b.put("f.mp4", film(100), time.Unix(1_000_000_002, 0)) // FAT, rounded
			r := start(t, index.New(), map[string]*memory{"/a": a, "/b": b}, Share{Name: "S", Place: order[0]}, Share{Name: "S", Place: order[1]})
			defer r.end()
			settled()
			for _, down := range []*memory{nil, a, b} {
				for _, m := range []*memory{a, b} {
					m.set(func() { m.down = m == down })
				}
				r.Rescan()
				settled()
				f, err := r.item("S/f.mp4").Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				info, err := f.Stat()
				told = append(told, fmt.Sprint(info.Size(), info.ModTime().UnixNano(), err))
				f.Close()
			}
			return told
		}
		for _, told := range append(tell("/a", "/b"), tell("/b", "/a")...) {
			if told != "100 1000000000000000000 <nil>" {
				t.Errorf("told %s", told)
			}
		}
	})
}

// Both shares come and go at random, reads break off anywhere.
func TestEveryByteArrives(t *testing.T) {
	seeds := uint64(10)
	if os.Getenv("MUSTSERV_LONG") != "" {
		seeds = 1000
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			content := film(100_000)
			r, a, b, f := twoShares(t, content)
			defer r.end()
			defer f.Close()
			ctx, end := context.WithCancel(t.Context())
			var shares sync.WaitGroup
			defer shares.Wait()
			defer end()
			for _, m := range []*memory{a, b} {
				pause := func() time.Duration { return time.Duration(random.Int64N(int64(20 * time.Second))) }
				up, away := pause(), pause()
				shares.Go(func() {
					for down := true; ctx.Err() == nil; down = !down {
						m.set(func() { m.broken = errors.New("reset by peer") })
						time.Sleep(time.Millisecond)
						m.set(func() { m.down, m.broken = down, nil })
						time.Sleep(map[bool]time.Duration{true: away, false: up}[down])
					}
				})
			}
			var got strings.Builder
			p := make([]byte, 1000)
			for n, err := f.Read(p); ; n, err = f.Read(p) {
				got.Write(p[:n])
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("seed %d: after %d bytes: %v", seed, got.Len(), err)
				}
				time.Sleep(time.Second)
			}
			if got.String() != content {
				t.Fatalf("seed %d: %d bytes, not those of the file", seed, got.Len())
			}
		})
	}
}

// A new password opens the share anew, and keeps its tree.
func TestConfigureAccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := film(1000)
		m, next := newMemory(100), newMemory(100)
		m.put("f.mp4", content, old())
		next.put("f.mp4", content, m.files["f.mp4"].modified)
		lib := New(Options{
			Config: testConfig(), Shares: []Share{{Name: "S", Place: "x://y"}},
			Openers: map[string]Opener{"x": func(_ string, a source.Access) (source.Source, error) {
				if a.Password == "new" {
					return next, nil
				}
				return m, nil
			}},
		})
		ctx, cancel := context.WithCancel(t.Context())
		go lib.Run(ctx)
		settled()
		it, _, _ := lib.Tree().Lookup("S/f.mp4")
		f, err := it.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lib.Configure(testConfig(), []Share{{Name: "S", Place: "x://y", Access: source.Access{User: "u", Password: "new"}}})
		if same, _, _ := lib.Tree().Lookup("S/f.mp4"); same != it {
			t.Error("the tree is made anew")
		}
		settled()
		if lists, _ := next.counts(); lists != 1 || !m.closed || next.closed {
			t.Errorf("the new source was listed %d times; closed: before %v, now %v", lists, m.closed, next.closed)
		}
		m.set(func() { m.down = true })
		if got, err := io.ReadAll(f); err != nil || string(got) != content {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		lib.Reopen()
		settled()
		if lists, _ := next.counts(); lists != 2 || !next.closed {
			t.Errorf("opened again, it was listed %d times; closed before: %v", lists, next.closed)
		}
		cancel()
		settled()
	})
}
