package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mustserv/library/source"
)

func testStat(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a.mp3": "12345", "Films/b/c.mp4": ""})
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

func testList(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a.mp3": "12345", "b.mp3": "1", "Films/c.mp4": "", "Films/d/e.mp4": ""})
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

func testRead(t *testing.T, s Setup) {
	content := pattern(200_000)
	src := s.with(t, map[string]string{"f/a.mp4": string(content)})
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

func testConcurrent(t *testing.T, s Setup) {
	content := pattern(100_000)
	src := s.with(t, map[string]string{"a.mp4": string(content)})
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

func testInvalid(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a/b.mp3": "x", "x.mp3": "x"})
	for _, name := range InvalidNames() {
		for method, err := range errorsOf(t.Context(), src, name) {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s(%q) answers %v, want fs.ErrInvalid", method, name, err)
			}
		}
	}
}

func testMissing(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a/b.mp3": ""})
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
			t.Errorf("%s of a name of 5000 bytes answers %.200v", method, err)
		}
	}
}

func testWrongType(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a/b.mp3": ""})
	if _, err := src.List(t.Context(), "a/b.mp3"); err == nil {
		t.Error("a file can be listed")
	}
	for _, name := range []string{"a", "."} {
		if _, err := src.Open(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open of the folder %q answers %v, want fs.ErrInvalid", name, err)
		}
	}
}

// testOddNames has a test for each name, that may be skipped.
func testOddNames(t *testing.T, s Setup) {
	for _, name := range OddNames() {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			if runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`) {
				t.Skip("Windows has no such names")
			}
			if s.Hides != nil && s.Hides(name) {
				t.Skip("this kind of source has no such names")
			}
			src := s.with(t, map[string]string{name: "content", "dir/" + name: "content"})
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

func testEnded(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a/b.mp3": "x"})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		for _, name := range []string{"a", "a/b.mp3", "."} {
			for method, err := range errorsOf(ctx, src, name) {
				if !errors.Is(err, ctx.Err()) {
					t.Errorf("%s(%q) answers %v, want %v", method, name, err, ctx.Err())
				}
			}
		}
	}
}

func testClose(t *testing.T, s Setup) {
	src := s.with(t, map[string]string{"a.mp3": "content"})
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
