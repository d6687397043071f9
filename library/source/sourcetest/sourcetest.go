// Package sourcetest is the contract of source.Source as tests. Every kind of
// source runs it, and then tests only what is its own.
package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"mustserv/library/source"
)

// New makes a source that holds the files: slash-separated name, contents.
// The folders in the names are made with them. It cleans up after the test.
type New func(t *testing.T, files map[string]string) source.Source

// Run runs the whole suite.
func Run(t *testing.T, open New) {
	t.Run("stat", func(t *testing.T) { testStat(t, open) })
	t.Run("list", func(t *testing.T) { testList(t, open) })
	t.Run("list many", func(t *testing.T) { testMany(t, open) })
	t.Run("read", func(t *testing.T) { testRead(t, open) })
	t.Run("read concurrently", func(t *testing.T) { testConcurrent(t, open) })
	t.Run("invalid names", func(t *testing.T) { testInvalid(t, open) })
	t.Run("missing", func(t *testing.T) { testMissing(t, open) })
	t.Run("wrong type", func(t *testing.T) { testWrongType(t, open) })
	t.Run("odd names", func(t *testing.T) { testOddNames(t, open) })
	t.Run("cancelled", func(t *testing.T) { testCancelled(t, open) })
	t.Run("close", func(t *testing.T) { testClose(t, open) })
}

// InvalidNames returns names that no source may look up.
func InvalidNames() []string {
	return []string{
		"", "..", "../x", "/", "/abs", "a//b", "a/", "a/.", "./a", "a/./b", "a/..", "a/../b",
		"a/../../x", "nul\x00", "a\x00/../..",
	}
}

// OddNames returns file names that a file system may well hold, but that are
// easily got wrong: each has at most 250 bytes.
func OddNames() []string {
	return []string{
		" leading space.mp3", "-dash.mp3", "trailing dot..mp3", "two  spaces.mp3", "no-extension", "...",
		"percent%20+plus#hash?q=1&x.mp3", `quote'"s.mp3`, "semi;colon.mp3", "<script>.mp3", "new\nline.mp3", "tab\there.mp3",
		`back\slash.mp3`, "C:.mp3", "CON.mp3", "café-nfc.mp3", "cafe\u0301-nfd.mp3", "日本 語.mp3", "emoji 🎬.mp4",
		"\u202egnp.mp3", "zero\u200bwidth.mp3", "latin1-\xe9t\xe9.mp3", "bad-\xff\xfe.mp3",
		strings.Repeat("x", 246) + ".mp3",
	}
}

func testStat(t *testing.T, open New) {
	src := open(t, map[string]string{"a.mp3": "12345", "Films/b/c.mp4": ""})
	for _, row := range []struct {
		name string
		base string
		dir  bool
		size int64
	}{
		{"a.mp3", "a.mp3", false, 5},
		{"Films", "Films", true, -1},
		{"Films/b", "b", true, -1},
		{"Films/b/c.mp4", "c.mp4", false, 0},
	} {
		info, err := src.Stat(t.Context(), row.name)
		if err != nil {
			t.Errorf("Stat(%q): %v", row.name, err)
			continue
		}
		if info.Name() != row.base || info.IsDir() != row.dir || (row.size >= 0 && info.Size() != row.size) {
			t.Errorf("Stat(%q) is %q, folder %v, %d bytes", row.name, info.Name(), info.IsDir(), info.Size())
		}
		if !row.dir && info.ModTime().IsZero() {
			t.Errorf("Stat(%q) has no modification time", row.name)
		}
	}
	if info, err := src.Stat(t.Context(), "."); err != nil || !info.IsDir() {
		t.Errorf("Stat of the root: %v, %v", info, err)
	}
}

func testList(t *testing.T, open New) {
	src := open(t, map[string]string{"a.mp3": "12345", "b.mp3": "1", "Films/c.mp4": "", "Films/d/e.mp4": ""})
	for folder, want := range map[string][]string{
		".":       {"Films/", "a.mp3", "b.mp3"},
		"Films":   {"c.mp4", "d/"},
		"Films/d": {"e.mp4"},
	} {
		infos, err := src.List(t.Context(), folder)
		if got := names(infos); err != nil || !slices.Equal(got, want) {
			t.Errorf("List(%q) = %q, %v; want %q", folder, got, err, want)
		}
		for _, info := range infos {
			same, err := src.Stat(t.Context(), strings.TrimPrefix(folder+"/"+info.Name(), "./"))
			if err != nil || same.IsDir() != info.IsDir() {
				t.Fatalf("Stat of the listed %q: %v", info.Name(), err)
			}
			if !info.IsDir() && (same.Size() != info.Size() || !same.ModTime().Equal(info.ModTime())) {
				t.Errorf("List says %q has %d bytes of %v, Stat %d of %v",
					info.Name(), info.Size(), info.ModTime(), same.Size(), same.ModTime())
			}
		}
	}
}

func names(infos []fs.FileInfo) []string {
	var all []string
	for _, info := range infos {
		name := info.Name()
		if info.IsDir() {
			name += "/"
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func testMany(t *testing.T, open New) {
	const many = 10_000
	files := make(map[string]string, many)
	for i := range many {
		files[fmt.Sprintf("many/%05d.mp3", i)] = ""
	}
	src := open(t, files)
	infos, err := src.List(t.Context(), "many")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Compact(names(infos)); len(got) != many || len(infos) != many {
		t.Errorf("%d entries, %d of them different; want %d", len(infos), len(got), many)
	}
}

func testRead(t *testing.T, open New) {
	content := pattern(200_000)
	src := open(t, map[string]string{"f/a.mp4": string(content)})
	file, err := src.Open(t.Context(), "f/a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	listed, err := src.Stat(t.Context(), "f/a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != int64(len(content)) || info.Name() != "a.mp4" || !info.ModTime().Equal(listed.ModTime()) {
		t.Errorf("Stat of the open file: %v, %v", info, err)
	}
	if got, err := io.ReadAll(file); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes that differ, %v", len(got), err)
	}
	if at, err := file.Seek(-7, io.SeekEnd); err != nil || at != int64(len(content)-7) {
		t.Errorf("Seek answers %d, %v", at, err)
	}
	if got, err := io.ReadAll(file); err != nil || !bytes.Equal(got, content[len(content)-7:]) {
		t.Errorf("after a seek %q, %v", got, err)
	}
	testReadAt(t, file, content)
}

func testReadAt(t *testing.T, file source.File, content []byte) {
	t.Helper()
	buf := make([]byte, 1000)
	for _, off := range []int64{0, 65_000, int64(len(content)) - 1000} {
		if n, err := file.ReadAt(buf, off); n != len(buf) || (err != nil && err != io.EOF) || !bytes.Equal(buf, content[off:off+1000]) {
			t.Errorf("ReadAt(%d) answers %d, %v", off, n, err)
		}
	}
	if n, err := file.ReadAt(buf, int64(len(content))-10); n != 10 || err != io.EOF {
		t.Errorf("ReadAt across the end answers %d, %v", n, err)
	}
	if n, err := file.ReadAt(buf, int64(len(content))+10); n != 0 || err != io.EOF {
		t.Errorf("ReadAt behind the end answers %d, %v", n, err)
	}
	if n, err := file.ReadAt(buf, -1); n != 0 || err == nil {
		t.Errorf("ReadAt(-1) answers %d, %v", n, err)
	}
}

func testConcurrent(t *testing.T, open New) {
	content := pattern(100_000)
	src := open(t, map[string]string{"a.mp4": string(content)})
	file, err := src.Open(t.Context(), "a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			buf := make([]byte, 5000)
			for off := int64(i); off+5000 < int64(len(content)); off += 9000 {
				if _, err := file.ReadAt(buf, off); err != nil || !bytes.Equal(buf, content[off:off+5000]) {
					t.Errorf("ReadAt(%d): %v or wrong bytes", off, err)
				}
			}
			if _, err := src.List(t.Context(), "."); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// errorsOf calls every method with name.
func errorsOf(ctx context.Context, src source.Source, name string) map[string]error {
	_, stat := src.Stat(ctx, name)
	_, list := src.List(ctx, name)
	file, open := src.Open(ctx, name)
	if open == nil {
		file.Close()
	}
	return map[string]error{"Stat": stat, "List": list, "Open": open}
}

func testInvalid(t *testing.T, open New) {
	src := open(t, map[string]string{"a/b": "", "x": ""})
	for _, name := range InvalidNames() {
		for method, err := range errorsOf(t.Context(), src, name) {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s(%q) answers %v, want fs.ErrInvalid", method, name, err)
			}
		}
	}
}

func testMissing(t *testing.T, open New) {
	src := open(t, map[string]string{"a/b.mp3": ""})
	for _, name := range []string{"x", "a/x", "x/y/z", "a/b.mp3/c", "A\xff"} {
		for method, err := range errorsOf(t.Context(), src, name) {
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s(%q) answers %v, want fs.ErrNotExist", method, name, err)
			}
			if errors.Is(err, source.ErrUnavailable) {
				t.Errorf("%s(%q) calls a missing file unavailable", method, name)
			}
		}
	}
	long := strings.Repeat("y", 5000)
	for method, err := range errorsOf(t.Context(), src, long) {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s of a name of 5000 bytes answers %v", method, err)
		}
	}
}

func testWrongType(t *testing.T, open New) {
	src := open(t, map[string]string{"a/b.mp3": ""})
	if _, err := src.List(t.Context(), "a/b.mp3"); err == nil {
		t.Error("a file can be listed")
	}
	for _, name := range []string{"a", "."} {
		if _, err := src.Open(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open of the folder %q answers %v, want fs.ErrInvalid", name, err)
		}
	}
}

// testOddNames leaves out names that the file system below refuses: the
// factory is asked for each name alone, in a test that may be skipped.
func testOddNames(t *testing.T, open New) {
	for _, name := range OddNames() {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			src := open(t, map[string]string{name: "content", "dir/" + name: "content"})
			for folder, full := range map[string]string{".": name, "dir": "dir/" + name} {
				infos, err := src.List(t.Context(), folder)
				if err != nil || !slices.Contains(names(infos), name) {
					t.Fatalf("List(%q) = %q, %v", folder, names(infos), err)
				}
				file, err := src.Open(t.Context(), full)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				if got, err := io.ReadAll(file); err != nil || string(got) != "content" {
					t.Errorf("read %q, %v", got, err)
				}
			}
		})
	}
}

func testCancelled(t *testing.T, open New) {
	src := open(t, map[string]string{"a/b.mp3": ""})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for method, err := range errorsOf(ctx, src, "a") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context answers %v", method, err)
		}
	}
}

func testClose(t *testing.T, open New) {
	src := open(t, map[string]string{"a.mp3": "content"})
	file, err := src.Open(t.Context(), "a.mp3")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(file); err != nil || string(got) != "content" {
		t.Errorf("a file opened before Close reads %q, %v", got, err)
	}
}

// pattern returns bytes of which no long run occurs twice.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
