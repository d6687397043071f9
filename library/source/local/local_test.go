package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"mustserv/library/source"
	"mustserv/library/source/sourcetest"
)

func TestContract(t *testing.T) {
	sourcetest.Run(t, sourcetest.Setup{
		Open: func(t *testing.T, dir string) source.Source { return openFolder(t, dir) },
		Away: func(t *testing.T) source.Source { return openFolder(t, filepath.Join(t.TempDir(), "gone")) },
	})
}

func openFolder(t testing.TB, place string) source.Source {
	t.Helper()
	src, err := Open(place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// folderOf writes the files into a new folder. A name that the file system
// refuses skips the test: there is nothing to be served then.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`) {
			t.Skipf("Windows has no names such as %q", name)
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Skipf("this file system refuses the name %q: %v", name, err)
		}
	}
	return dir
}

func TestOpenRefusesWhatIsNoPath(t *testing.T) {
	for _, place := range []string{"", "a\x00b"} {
		if _, err := Open(place); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open(%q) answers %v", place, err)
		}
	}
}

func TestFileIsOSFile(t *testing.T) {
	file, err := openFolder(t, folderOf(t, map[string]string{"a": "x"})).Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, ok := file.(*os.File); !ok {
		t.Errorf("Open answers a %T: sendfile needs *os.File", file)
	}
}

func TestUnavailable(t *testing.T) {
	place := filepath.Join(t.TempDir(), "share")
	src := openFolder(t, place)
	want := func(reason string) {
		t.Helper()
		_, list := src.List(t.Context(), ".")
		_, stat := src.Stat(t.Context(), "a")
		_, open := src.Open(t.Context(), "a")
		for _, err := range []error{list, stat, open} {
			if !errors.Is(err, source.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), reason) {
				t.Errorf("got %v, want unavailable with %q", err, reason)
			}
		}
	}
	fill := func(name string) {
		t.Helper()
		must(t, os.Mkdir(place, 0o755))
		must(t, os.WriteFile(filepath.Join(place, name), nil, 0o644))
		if infos, err := src.List(t.Context(), "."); err != nil || len(infos) != 1 || infos[0].Name() != name {
			t.Errorf("List with %s there: %v, %v", name, infos, err)
		}
	}
	want("does not exist")
	must(t, os.WriteFile(place, nil, 0o644))
	want("is not a folder")
	must(t, os.Remove(place))
	fill("a")
	must(t, os.RemoveAll(place))
	want("does not exist")
	fill("b")
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	share, outside := filepath.Join(dir, "share"), filepath.Join(dir, "outside")
	for _, folder := range []string{share, outside, filepath.Join(share, "real")} {
		must(t, os.Mkdir(folder, 0o755))
	}
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	must(t, os.WriteFile(filepath.Join(share, "real", "a.mp3"), []byte("inside"), 0o644))
	for name, target := range map[string]string{
		"in.mp3":      "real/a.mp3",
		"real/up.mp3": "../real/a.mp3",
		"out":         "../outside/secret",
		"outdir":      "../outside",
		"abs":         filepath.Join(outside, "secret"),
		"real/far":    "../../outside/secret",
		"chain":       "out",
		"dangling":    "nowhere",
		"self":        "self",
		"loop":        ".",
		"real/loop":   "..",
		"linkdir":     "real",
	} {
		if err := os.Symlink(target, filepath.Join(share, filepath.FromSlash(name))); err != nil {
			t.Skipf("can't make symbolic links here: %v", err)
		}
	}
	src := openFolder(t, share)
	for folder, want := range map[string]string{".": "in.mp3 real", "real": "a.mp3 up.mp3"} {
		infos, err := src.List(t.Context(), folder)
		must(t, err)
		if got := sortedNames(infos); got != want {
			t.Errorf("List(%q) = %q, want %q", folder, got, want)
		}
	}
	for _, name := range []string{"in.mp3", "real/up.mp3"} {
		if got, err := read(t, src, name); err != nil || got != "inside" {
			t.Errorf("link %s reads %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"out", "outdir/secret", "abs", "real/far", "chain", "dangling", "self"} {
		if got, err := read(t, src, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("link %s answers %q, %v; want fs.ErrNotExist", name, got, err)
		}
	}
}

func TestShareBehindLink(t *testing.T) {
	dir := folderOf(t, map[string]string{"real/a.mp3": "x"})
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Skipf("can't make symbolic links here: %v", err)
	}
	if got, err := read(t, openFolder(t, link), "a.mp3"); err != nil || got != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFileShrinks(t *testing.T) {
	dir := folderOf(t, map[string]string{"a.mp4": strings.Repeat("x", 10_000)})
	file, err := openFolder(t, dir).Open(t.Context(), "a.mp4")
	must(t, err)
	defer file.Close()
	if err := os.Truncate(filepath.Join(dir, "a.mp4"), 100); err != nil {
		t.Skipf("an open file can't be cut here: %v", err)
	}
	if n, err := file.ReadAt(make([]byte, 1000), 0); n != 100 || err != io.EOF {
		t.Errorf("ReadAt across the new end answers %d, %v", n, err)
	}
	if n, err := file.ReadAt(make([]byte, 1000), 5000); n != 0 || err != io.EOF {
		t.Errorf("ReadAt behind the new end answers %d, %v", n, err)
	}
}

// FuzzNames looks for a name that leads out of the share, or through a link.
func FuzzNames(f *testing.F) {
	for _, name := range sourcetest.InvalidNames() {
		f.Add(name)
	}
	for _, name := range []string{"out", "outdir/secret", "a/../../outside/secret", `..\outside\secret`, "C:secret", "real/a"} {
		f.Add(name)
	}
	dir := folderOf(f, map[string]string{"share/real/a": "inside", "outside/secret": "secret"})
	os.Symlink("../outside/secret", filepath.Join(dir, "share", "out"))
	os.Symlink("../outside", filepath.Join(dir, "share", "outdir"))
	src := openFolder(f, filepath.Join(dir, "share"))
	f.Fuzz(func(t *testing.T, name string) {
		if got, err := read(t, src, name); err == nil && got != "inside" {
			t.Fatalf("Open(%q) reads %q", name, got)
		}
		infos, _ := src.List(t.Context(), name)
		for _, info := range infos {
			if n := info.Name(); n == "secret" || n == "outside" || n == "share" {
				t.Fatalf("List(%q) shows %q", name, n)
			}
		}
	})
}

func BenchmarkList10000(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		must(b, os.WriteFile(filepath.Join(dir, "film "+string(rune('a'+i%26))+strings.Repeat("x", i%7)+itoa(i)), nil, 0o644))
	}
	src := openFolder(b, dir)
	for b.Loop() {
		if _, err := src.List(b.Context(), "."); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	src := openFolder(b, folderOf(b, map[string]string{"a/b/c/d.mp4": "x"}))
	for b.Loop() {
		file, err := src.Open(b.Context(), "a/b/c/d.mp4")
		if err != nil {
			b.Fatal(err)
		}
		file.Close()
	}
}
