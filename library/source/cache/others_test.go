package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/source"
)

const place = "http://nas/films"

// owner is Others of which one has all files.
type owner struct {
	store *Store // nil answers nothing
	asked atomic.Int64
	how   func(io.ReadCloser) io.ReadCloser // what comes of its answers; nil leaves them
}

func (o *owner) Have(Version) bool { return true }

func (o *owner) Read(ctx context.Context, v Version, off, end int64) (io.ReadCloser, error) {
	o.asked.Add(1)
	if o.store == nil {
		return nil, errors.New("down")
	}
	r, err := o.store.Open(ctx, v, off, end)
	if err == nil && o.how != nil {
		r = o.how(r)
	}
	return r, err
}

// alone is who has all files himself.
type alone struct{ t *testing.T }

func (a alone) Have(Version) bool { return false }

func (a alone) Read(context.Context, Version, int64, int64) (io.ReadCloser, error) {
	a.t.Error("others are asked for what they don't have")
	return nil, fs.ErrNotExist
}

// body is an answer that is not what the owner sends.
type body struct {
	io.Reader
	io.Closer
}

// instances returns n stores of a bubble with folders of their own, of which
// the first one owns all files, as the others see them through owners.
func instances(t *testing.T, s *server, n int) (stores []*Store, sources []source.Source, owners []*owner) {
	for i := range n {
		stores = append(stores, newStore(t, t.TempDir()))
		owners = append(owners, &owner{store: stores[0]})
		if i > 0 {
			stores[i].Join(owners[i])
		} else {
			stores[i].Join(alone{t})
		}
		sources = append(sources, Wrap(s, place, stores[i]))
	}
	t.Cleanup(synctest.Wait) // what is begun is fetched to the end
	return stores, sources, owners
}

// watch streams the film from a source and says where it is wrong.
func watch(t *testing.T, src source.Source, content []byte) {
	t.Helper()
	f, err := src.Open(t.Context(), "a.mp4")
	if err != nil {
		t.Error(err)
		return
	}
	if got, _, err := stream(f, 0, int64(len(content))); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d, not as they are: %v", len(got), len(content), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestInstancesReadEachByteOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(1, 5*mib+12345)
		s, _ := serve(t, content)
		_, sources, _ := instances(t, s, 3)
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() { watch(t, sources[i%3], content) })
		}
		all.Wait()
		if got := s.bytes.Load(); got != int64(len(content)) {
			t.Errorf("%d bytes were read of the server, for a file of %d", got, len(content))
		}
		stats := source.CacheOf(sources[1])
		if stats.FromOthers < 6 || source.CacheOf(sources[0]).ForOthers < 12 {
			t.Errorf("counted %+v, and at the owner %+v", stats, source.CacheOf(sources[0]))
		}
	})
}

// What others have is kept by who reads it again.
func TestKeptByWhoReadsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(2, 3*mib)
		s, _ := serve(t, content)
		stores, sources, owners := instances(t, s, 2)
		for i, row := range []struct{ kept, asked int }{{0, 3}, {3, 6}, {3, 6}} {
			watch(t, sources[1], content)
			synctest.Wait() // the last segment is being written still
			kept, asked := len(files(t, stores[1].folder)), int(owners[1].asked.Load())
			if kept != row.kept || asked != row.asked {
				t.Errorf("after %d times %d segments are kept, %d were asked for", i+1, kept, asked)
			}
		}
		if got := s.bytes.Load(); got != int64(len(content)) {
			t.Errorf("%d bytes were read of the server", got)
		}
	})
}

// Whatever becomes of the owner, the bytes are those of the file, and the
// server is read for what did not come.
func TestOwnerFails(t *testing.T) {
	content := noise(3, 3*mib)
	for _, row := range []struct {
		name string
		how  func(io.ReadCloser) io.ReadCloser
		more int64 // bytes read of the server by this instance too
	}{
		{"none is there", nil, 3 * mib},
		{"it ends after a part", func(r io.ReadCloser) io.ReadCloser { return body{io.LimitReader(r, 300_000), r} }, 3*mib - 900_000},
		{"it sends nothing", func(r io.ReadCloser) io.ReadCloser { return body{bytes.NewReader(nil), r} }, 3 * mib},
		{"it sends too much", func(r io.ReadCloser) io.ReadCloser { return body{io.MultiReader(r, bytes.NewReader(content)), r} }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := serve(t, content)
				_, sources, owners := instances(t, s, 2)
				if owners[1].how = row.how; row.how == nil {
					owners[1].store = nil
				} else {
					watch(t, sources[0], content)
				}
				before := s.bytes.Load()
				watch(t, sources[1], content)
				synctest.Wait()
				if more := s.bytes.Load() - before; more != row.more {
					t.Errorf("%d bytes were read of the server, not %d", more, row.more)
				}
			})
		})
	}
}

// silent has all, and never sends it.
type silent struct{}

func (silent) Have(Version) bool { return true }

func (s silent) Read(ctx context.Context, _ Version, _, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(silentBody(ctx.Done())), nil
}

type silentBody <-chan struct{}

func (b silentBody) Read([]byte) (int, error) { <-b; return 0, context.Canceled }

func TestSilentOwnerIsNotWaitedForForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(4, mib)
		s, _ := serve(t, content)
		store := newStore(t, t.TempDir())
		store.Join(silent{})
		began := time.Now()
		watch(t, Wrap(s, place, store), content)
		if took := time.Since(began); took != elsewhere {
			t.Errorf("the file server was read after %v", took)
		}
	})
}

// Two that each take the other one for the owner don't wait for each other.
func TestOwnersInACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(5, 5*mib)
		s, _ := serve(t, content)
		stores, sources, _ := instances(t, s, 2)
		stores[0].Join(&owner{store: stores[1]})
		began := time.Now()
		var both sync.WaitGroup
		for _, src := range sources {
			both.Go(func() { watch(t, src, content) })
		}
		both.Wait()
		if took := time.Since(began); took >= elsewhere {
			t.Errorf("it took %v", took)
		}
	})
}

func TestOpenForOthers(t *testing.T) {
	content := noise(6, 3*mib+77)
	for _, row := range []struct {
		name     string
		change   func(*Version)
		off, end int64
		want     error
	}{
		{"a part", nil, mib - 5, mib + 5, nil},
		{"the end", nil, 3 * mib, 3*mib + 77, nil},
		{"beyond the end", nil, 3 * mib, 3*mib + 78, fs.ErrInvalid},
		{"nothing", nil, 7, 7, fs.ErrInvalid},
		{"before the begin", nil, -1, 7, fs.ErrInvalid},
		{"another size", func(v *Version) { v.Size-- }, 0, 7, source.ErrChanged},
		{"another time", func(v *Version) { v.Time++ }, 0, 7, source.ErrChanged},
		{"another place", func(v *Version) { v.Place += "x" }, 0, 7, fs.ErrNotExist},
		{"no such file", func(v *Version) { v.Path = "b.mp4" }, 0, 7, fs.ErrNotExist},
		{"out of the folder", func(v *Version) { v.Path = "../a.mp4" }, 0, 7, fs.ErrInvalid},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := serve(t, content)
				stores, _, _ := instances(t, s, 1)
				v := versionOf(t, s)
				if row.change != nil {
					row.change(&v)
				}
				r, err := stores[0].Open(t.Context(), v, row.off, row.end)
				if !errors.Is(err, row.want) {
					t.Fatalf("%v, not %v", err, row.want)
				}
				if err == nil {
					defer r.Close()
					if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[row.off:row.end]) {
						t.Errorf("%d bytes, %v", len(got), err)
					}
				}
			})
		})
	}
}

func versionOf(t *testing.T, s *server) Version {
	t.Helper()
	info, err := s.Stat(t.Context(), "a.mp4")
	must(t, err)
	return Version{Place: place, Path: "a.mp4", Size: info.Size(), Time: info.ModTime().UnixNano()}
}

func TestOpenAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(8, 5*mib+77)
		s, _ := serve(t, content)
		stores, _, _ := instances(t, s, 1)
		v := versionOf(t, s)
		rnd := rand.New(rand.NewPCG(1, 2))
		var all sync.WaitGroup
		for range 50 {
			off := rnd.Int64N(v.Size)
			end := off + 1 + rnd.Int64N(v.Size-off)
			all.Go(func() {
				r, err := stores[0].Open(t.Context(), v, off, end)
				if err != nil {
					t.Error(err)
					return
				}
				defer r.Close()
				if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content[off:end]) {
					t.Errorf("bytes %d to %d are others: %d, %v", off, end, len(got), err)
				}
			})
		}
		all.Wait()
		if got := s.bytes.Load(); got > v.Size {
			t.Errorf("%d bytes were read of the server", got)
		}
	})
}

// What turns out to be of two versions is not whole for anybody.
func TestChangedWhileOthersRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := serve(t, noise(9, 2*mib))
		stores, _, _ := instances(t, s, 1)
		v := versionOf(t, s)
		s.gate = make(chan struct{})
		go func() {
			for range mib / pieceBytes {
				s.gate <- struct{}{}
			}
			now := time.Now().Add(time.Hour)
			os.Chtimes(filepath.Join(dir, "a.mp4"), now, now)
			close(s.gate)
		}()
		var got []byte
		r, err := stores[0].Open(t.Context(), v, 0, 2*mib)
		if err == nil { // it was opened before the change
			defer r.Close()
			got, err = io.ReadAll(r)
		}
		if !errors.Is(err, source.ErrChanged) || len(got) >= 2*mib {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// A file that others read from stays open between their segments, and not for
// ever.
func TestOpenForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := noise(7, 4*mib)
		s, _ := serve(t, content)
		opened := &openings{Source: s}
		store := newStore(t, t.TempDir())
		src, v := Wrap(opened, place, store), versionOf(t, s)
		for k := range int64(4) {
			r, err := store.Open(t.Context(), v, k*mib, (k+1)*mib)
			must(t, err)
			_, err = io.Copy(io.Discard, r)
			must(t, err)
			r.Close()
			time.Sleep(openFor - time.Second)
		}
		if got := opened.open.Load(); got != 1 || opened.ever.Load() != 1 {
			t.Errorf("%d are open, of %d", got, opened.ever.Load())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := opened.open.Load(); got != 0 || len(store.visits) != 0 || len(store.open) != 0 {
			t.Errorf("%d are open still, with %d visits and %d segments", got, len(store.visits), len(store.open))
		}
		must(t, src.Close())
		if _, err := store.Open(t.Context(), v, 0, 1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of a source that is closed: %v", err)
		}
	})
}

// openings counts open files.
type openings struct {
	source.Source
	open, ever atomic.Int64
}

func (o *openings) Open(ctx context.Context, name string) (source.File, error) {
	f, err := o.Source.Open(ctx, name)
	if err == nil {
		o.open.Add(1)
		o.ever.Add(1)
		f = &opening{f, o}
	}
	return f, err
}

type opening struct {
	source.File
	of *openings
}

func (f *opening) Close() error {
	f.of.open.Add(-1)
	return f.File.Close()
}

func TestOnceIsForgotten(t *testing.T) {
	store := newStore(t, t.TempDir())
	id := identity{segment: mib}
	if store.again(id.key(0)) || !store.again(id.key(0)) {
		t.Error("the second time is not known from the first")
	}
	for k := range int64(3 * onceMost) {
		store.again(id.key(k + 1))
	}
	if store.again(id.key(0)) {
		t.Error("it is remembered for ever")
	}
	if n := len(store.once.now) + len(store.once.before); n > 2*onceMost {
		t.Errorf("%d are remembered", n)
	}
}
