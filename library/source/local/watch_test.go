package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"mustserv/library/source"
)

func startWatch(t *testing.T, dir string, names ...string) source.Watch {
	t.Helper()
	w, err := openFolder(t, dir).(source.Watcher).Watch(t.Context())
	must(t, err)
	t.Cleanup(func() { w.Close() })
	for _, name := range names {
		must(t, w.Add(name))
	}
	return w
}

// expect reads changes until all the folders were named.
func expect(t *testing.T, w source.Watch, folders ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, f := range folders {
		missing[f] = true
	}
	deadline := time.After(time.Minute)
	for len(missing) > 0 {
		select {
		case name, ok := <-w.Changes():
			if !ok {
				t.Fatal("the watch has ended")
			}
			delete(missing, name)
		case <-deadline:
			t.Fatalf("no change of %v was reported", missing)
		}
	}
}

func TestWatch(t *testing.T) {
	dir := folderOf(t, map[string]string{"a/b/x.mp3": "", "c/y.mp3": "", "new\nline/z.mp3": ""})
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	w := startWatch(t, dir, ".", "a", "a/b", "c", "new\nline")

	must(t, os.WriteFile(at("c/new.mp3"), []byte("1"), 0o644))
	expect(t, w, "c")
	must(t, os.WriteFile(at("a/b/x.mp3"), []byte("longer"), 0o644))
	expect(t, w, "a/b")
	must(t, os.Rename(at("a/b/x.mp3"), at("c/x.mp3")))
	expect(t, w, "a/b", "c")
	must(t, os.Remove(at("new\nline/z.mp3")))
	expect(t, w, "new\nline")
	must(t, os.WriteFile(at("top.mp3"), nil, 0o644))
	expect(t, w, ".")
	must(t, os.Mkdir(at("c/sub"), 0o755))
	expect(t, w, "c")
}

// A folder below one that was moved must report under its new name.
func TestWatchMovedFolder(t *testing.T) {
	dir := folderOf(t, map[string]string{"a/b/x.mp3": ""})
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	w := startWatch(t, dir, ".", "a", "a/b")
	must(t, os.Rename(at("a"), at("moved")))
	expect(t, w, ".", "a", "a/b")
	must(t, w.Add("moved"))
	must(t, w.Add("moved/b"))
	must(t, os.WriteFile(at("moved/b/new.mp3"), nil, 0o644))
	expect(t, w, "moved/b")
}

func TestWatchRootDeleted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not delete a watched folder")
	}
	dir := filepath.Join(t.TempDir(), "share")
	must(t, os.MkdirAll(filepath.Join(dir, "a"), 0o755))
	w := startWatch(t, dir, ".", "a")
	must(t, os.RemoveAll(dir))
	expect(t, w, ".", "a")
	if err := w.Add("."); err == nil || errors.Is(err, source.ErrWatchLimit) {
		t.Errorf("Add of a deleted folder answers %v", err)
	}
	must(t, os.Mkdir(dir, 0o755))
	must(t, w.Add("."))
	must(t, os.WriteFile(filepath.Join(dir, "x.mp3"), nil, 0o644))
	expect(t, w, ".")
}

// Nobody reads the changes while very many happen.
func TestWatchSlowReader(t *testing.T) {
	dir := t.TempDir()
	w := startWatch(t, dir, ".")
	for i := range 5000 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i%50)), nil, 0o644))
	}
	expect(t, w, ".")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for range w.Changes() {
	}
	if err := w.Add("."); err == nil {
		t.Error("Add after Close succeeds")
	}
}

func TestDirtySetIsBounded(t *testing.T) {
	d := dirtySet{}
	for i := range 3 * maxDirty {
		d.add(itoa(i))
	}
	if len(d) != 1 || d.any() != "" {
		t.Errorf("%d names kept, first %q", len(d), d.any())
	}
}

func TestWatchNames(t *testing.T) {
	for _, root := range []string{"/srv/films", "/"} {
		if runtime.GOOS == "windows" {
			t.Skip("paths differ on Windows")
		}
		w := &watch{root: root}
		for _, name := range []string{".", "a", "a/b c", "new\nline"} {
			if got, ok := w.name(w.file(name)); !ok || got != name {
				t.Errorf("root %s: %q becomes %q, %v", root, name, got, ok)
			}
		}
		if root != "/" {
			if got, ok := w.name("/srv/filmsother/a"); ok {
				t.Errorf("a path outside becomes %q", got)
			}
		}
	}
}

func TestWatchLimit(t *testing.T) {
	for _, err := range []error{syscall.ENOSPC, syscall.EMFILE, &os.PathError{Err: syscall.ENFILE}} {
		if !errors.Is(limit(err), source.ErrWatchLimit) || !errors.Is(limit(err), err) {
			t.Errorf("%v becomes %v", err, limit(err))
		}
	}
	if err := limit(fsnotify.ErrClosed); errors.Is(err, source.ErrWatchLimit) {
		t.Error("every error is taken for the limit")
	}
}
