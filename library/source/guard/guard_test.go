package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/source"
	"mustserv/library/source/sourcetest"
)

// hanging is a folder whose calls, once begun while it hangs, heed nothing
// until it does not hang any more, as those into a dead mount do.
type hanging struct {
	dir    string
	calls  atomic.Int64 // that have begun
	under  atomic.Int64 // that have not ended
	closed atomic.Int64 // files

	mu   sync.Mutex
	gate chan struct{} // closed when calls may go on
}

func newHanging(dir string) *hanging {
	h := &hanging{dir: dir, gate: make(chan struct{})}
	close(h.gate)
	return h
}

func (h *hanging) hang() (resume func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gate := make(chan struct{})
	h.gate = gate
	return func() { close(gate) }
}

func (h *hanging) pass() {
	h.calls.Add(1)
	h.under.Add(1)
	defer h.under.Add(-1)
	h.mu.Lock()
	gate := h.gate
	h.mu.Unlock()
	<-gate
}

func (h *hanging) file(name string) (string, error) {
	h.pass()
	if !source.ValidName(name) {
		return "", fs.ErrInvalid
	}
	return filepath.Join(h.dir, filepath.FromSlash(name)), nil
}

func (h *hanging) Stat(_ context.Context, name string) (fs.FileInfo, error) {
	file, err := h.file(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	return info, notThere(err)
}

func (h *hanging) List(_ context.Context, name string) (infos []fs.FileInfo, err error) {
	file, err := h.file(name)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(file)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			infos = append(infos, info)
		}
	}
	return infos, notThere(err)
}

func (h *hanging) Open(_ context.Context, name string) (source.File, error) {
	file, err := h.file(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, notThere(err)
	}
	if info.IsDir() {
		return nil, fs.ErrInvalid
	}
	f, err := os.Open(file)
	return &hangingFile{f, h}, err
}

func notThere(err error) error {
	if err != nil {
		return errors.Join(err, fs.ErrNotExist)
	}
	return nil
}

func (h *hanging) Close() error { return nil }

type hangingFile struct {
	*os.File
	h *hanging
}

func (f *hangingFile) ReadAt(b []byte, off int64) (int, error) {
	f.h.pass()
	return f.File.ReadAt(b, off)
}

func (f *hangingFile) Stat() (fs.FileInfo, error) {
	f.h.pass()
	return f.File.Stat()
}

func (f *hangingFile) Close() error {
	f.h.pass()
	f.h.closed.Add(1)
	return f.File.Close()
}

func TestContract(t *testing.T) {
	sourcetest.Run(t, sourcetest.Setup{
		Open: func(t *testing.T, dir string) source.Source {
			g := Wrap(newHanging(dir), Options{Timeout: time.Second})
			t.Cleanup(func() { g.Close() })
			return g
		},
		Hang: func(t *testing.T, src source.Source) (resume func()) { return src.(*guard).inner.(*hanging).hang() },
		Away: func(*testing.T) source.Source { return Wrap(away{}, Options{}) },
	})
}

type away struct{}

func (away) Stat(context.Context, string) (fs.FileInfo, error)   { return nil, source.ErrUnavailable }
func (away) List(context.Context, string) ([]fs.FileInfo, error) { return nil, source.ErrUnavailable }
func (away) Open(context.Context, string) (source.File, error)   { return nil, source.ErrUnavailable }
func (away) Close() error                                        { return nil }

// hung makes a guarded source with an open file in it, that hangs.
func hung(t *testing.T, content string, o Options) (h *hanging, g source.Source, file source.File, resume func()) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.mp4"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	h = newHanging(dir)
	g = Wrap(h, o)
	file, err := g.Open(t.Context(), "a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	return h, g, file, h.hang()
}

// bubbled counts the goroutines of the bubble, those of the runtime and of
// other tests left out.
func bubbled() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(", synctest bubble "))
}

// All that comes in while it hangs costs the goroutines of the pool and no
// more, whether its callers wait or come again and again.
func TestTenMinutesOfHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g, file, resume := hung(t, "content", Options{What: "nfs4 mount at /mnt/nas"})
		before := bubbled()
		end := time.Now().Add(10 * time.Minute)
		var callers sync.WaitGroup
		var failed, slow atomic.Int64
		for i := range 50 {
			callers.Go(func() {
				for time.Now().Before(end) {
					began := time.Now()
					var err error
					switch i % 4 {
					case 0:
						_, err = g.Stat(t.Context(), ".")
					case 1:
						_, err = g.List(t.Context(), ".")
					case 2:
						_, err = g.Open(t.Context(), "a.mp4")
					case 3:
						_, err = file.ReadAt(make([]byte, 10), 0)
					}
					if !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "/mnt/nas") {
						t.Errorf("while it hangs: %v", err)
					}
					if failed.Add(1); time.Since(began) > time.Second {
						slow.Add(1)
					}
					time.Sleep(time.Second)
				}
			})
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := bubbled() - before; n < 16 || n > 50+16 {
			t.Errorf("%d goroutines more while 50 callers call", n)
		}
		if n := h.under.Load(); n != 16 {
			t.Errorf("%d calls hang, want the 16 of the pool", n)
		}
		callers.Wait()
		synctest.Wait()
		if n := bubbled() - before; n > 16 {
			t.Errorf("%d goroutines more once the callers have gone", n)
		}
		if slow.Load() > 100 || failed.Load() < 20_000 {
			t.Errorf("%d of %d calls took longer than a second", slow.Load(), failed.Load())
		}
		resume()
		synctest.Wait()
		if _, err := g.Stat(t.Context(), "a.mp4"); err != nil {
			t.Errorf("once the server is back: %v", err)
		}
		if got, err := io.ReadAll(file); string(got) != "content" || err != nil {
			t.Errorf("once the server is back, the file reads %q, %v", got, err)
		}
		file.Close()
		synctest.Wait()
		if n := bubbled() - before; n > 0 {
			t.Errorf("%d goroutines are left", n)
		}
		if opened := 1 + h.calls.Load(); h.closed.Load() == 0 || h.under.Load() != 0 {
			t.Errorf("of %d calls %d are under way, %d files closed", opened, h.under.Load(), h.closed.Load())
		}
	})
}

// What a read that hung writes at last must not reach a buffer that its
// caller uses for something else by then.
func TestLateReadWritesNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, file, resume := hung(t, "content", Options{})
		buf := []byte("-------")
		if _, err := file.ReadAt(buf, 0); !errors.Is(err, source.ErrUnavailable) {
			t.Fatal(err)
		}
		if _, err := file.Read(buf); !errors.Is(err, source.ErrUnavailable) {
			t.Fatal(err)
		}
		resume()
		synctest.Wait()
		if string(buf) != "-------" {
			t.Errorf("the buffer holds %q", buf)
		}
		if got, err := io.ReadAll(file); string(got) != "content" || err != nil {
			t.Errorf("a read that hung has moved the file: %q, %v", got, err)
		}
	})
}

// A file that was opened too late for its caller, and all that were closed
// while nothing could be closed, are closed in the end.
func TestNothingStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, g, file, resume := hung(t, "content", Options{Calls: 2})
		for range 2 {
			if _, err := g.Open(t.Context(), "a.mp4"); !errors.Is(err, source.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		g.Close()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("Close waits %v", waited)
		}
		if err := file.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("a second Close answers %v", err)
		}
		resume()
		synctest.Wait()
		if n := h.closed.Load(); n != 3 {
			t.Errorf("%d of 3 files were closed", n)
		}
	})
}

// Slow is not hanging: with all calls under way, others wait for their turn.
func TestBusyIsNotHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Wrap(slow{newHanging(t.TempDir())}, Options{Calls: 2})
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if _, err := g.Stat(t.Context(), "."); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
	})
}

// slow takes 9 s for each call.
type slow struct{ *hanging }

func (s slow) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	time.Sleep(9 * time.Second)
	return s.hanging.Stat(ctx, name)
}

func TestWrapped(t *testing.T) {
	g := Wrap(newHanging(t.TempDir()), Options{What: "cifs mount at /mnt/nas"})
	if _, ok := g.(source.Watcher); ok {
		t.Error("a guarded source claims to see changes")
	}
	if got := g.(source.Describer).Describe(); got != "cifs mount at /mnt/nas" {
		t.Errorf("it is described as %q", got)
	}
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	content := make([]byte, 8<<20)
	if err := os.WriteFile(filepath.Join(dir, "a.mp4"), content, 0o644); err != nil {
		b.Fatal(err)
	}
	plain := newHanging(dir)
	for name, src := range map[string]source.Source{"plain": plain, "guarded": Wrap(plain, Options{})} {
		b.Run(name, func(b *testing.B) {
			file, err := src.Open(b.Context(), "a.mp4")
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			b.SetBytes(32 << 10)
			b.ReportAllocs()
			buf, off := make([]byte, 32<<10), int64(0)
			for b.Loop() {
				if _, err := file.ReadAt(buf, off); err != nil {
					b.Fatal(err)
				}
				off = (off + 32<<10) % int64(len(content))
			}
		})
	}
}
