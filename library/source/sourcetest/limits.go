package sourcetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"mustserv/library/source"
)

func testMany(t *testing.T, s Setup) {
	many := cmp.Or(s.Many, 100_000)
	if testing.Short() {
		many = min(many, 2_000)
	}
	dir := memoryFolder(t)
	for i := range many {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.mp3", i)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src := s.Open(t, dir)
	infos, err := src.List(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Compact(names(infos)); len(got) != many || len(infos) != many {
		t.Errorf("%d entries, %d of them different; want %d", len(infos), len(got), many)
	}
	brief, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	within(t, 5*time.Second, "List of a large folder with a short deadline", func() {
		if _, err := src.List(brief, "."); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("List with a short deadline: %v", err)
		}
	})
}

// memoryFolder is a new folder in memory, where the system has such: some
// disks take minutes for so many files.
func memoryFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sourcetest")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // a server may run as another user
		t.Fatal(err)
	}
	return dir
}

// testLarge reads where 31 and 32 bits end, in a file that is all holes but
// for marks there.
func testLarge(t *testing.T, s Setup) {
	if s.FromStart {
		t.Skip("this kind of source does not read far into a file")
	}
	const size = 5<<30 + 1
	marks := map[int64]string{0: "begin", 1<<31 - 3: "31 bits", 1<<32 - 3: "32 bits", size - 3: "end"}
	src := s.Open(t, largeFolder(t, size, marks))
	if info, err := src.Stat(t.Context(), "large.mp4"); err != nil || info.Size() != size {
		t.Fatalf("Stat answers %v, %v", info, err)
	}
	file := open(t, src, "large.mp4")
	for off, mark := range marks {
		got := make([]byte, len(mark))
		if n, err := file.ReadAt(got, off); n != len(mark) || (err != nil && err != io.EOF) || string(got) != mark {
			t.Errorf("ReadAt(%d) answers %q, %v; want %q", off, got[:n], err, mark)
		}
		if at, err := file.Seek(off, io.SeekStart); err != nil || at != off {
			t.Errorf("Seek(%d) answers %d, %v", off, at, err)
		}
		if _, err := io.ReadFull(file, got); err != nil || string(got) != mark {
			t.Errorf("Read at %d answers %q, %v; want %q", off, got, err, mark)
		}
	}
}

func largeFolder(t *testing.T, size int64, marks map[int64]string) string {
	t.Helper()
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "large.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(size); err != nil {
		t.Skipf("this file system refuses a file of %d bytes: %v", size, err)
	}
	for off, mark := range marks {
		if _, err := file.WriteAt([]byte(mark), off); err != nil {
			t.Skipf("this file system refuses a file of %d bytes: %v", size, err)
		}
	}
	return dir
}

// testShrinks cuts a file while it is read. What is read must be what the
// file held, and the reader must learn of its end: the new one, or the old
// one where all was kept elsewhere.
func testShrinks(t *testing.T, s Setup) {
	content := pattern(6 << 20)
	const left = 2<<20 + 17
	dir := folderOf(t, map[string]string{"a.mp4": string(content)})
	file := open(t, s.Open(t, dir), "a.mp4")
	begin := make([]byte, 1000)
	if _, err := io.ReadFull(file, begin); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "a.mp4"), left); err != nil {
		t.Skipf("an open file can't be cut here: %v", err)
	}
	rest, err := io.ReadAll(file)
	got := append(begin, rest...)
	if len(got) > len(content) || !bytes.Equal(got, content[:len(got)]) {
		t.Errorf("read %d bytes that the file never held", len(got))
	}
	whole := len(got) == left || len(got) == len(content)
	if (err == nil && !whole) || (err != nil && !errors.Is(err, source.ErrChanged)) {
		t.Errorf("read %d bytes of %d that became %d, then %v", len(got), len(content), left, err)
	}
}

// testGrows appends to a file while it is open: its Stat and the source's
// tell of the same file, or that it is another one now.
func testGrows(t *testing.T, s Setup) {
	dir := folderOf(t, map[string]string{"a.mp4": "12345"})
	src := s.Open(t, dir)
	file := open(t, src, "a.mp4")
	if err := os.WriteFile(filepath.Join(dir, "a.mp4"), []byte("123456789"), 0o644); err != nil {
		t.Skipf("an open file can't be written here: %v", err)
	}
	got, err := io.ReadAll(file)
	if err != nil && !errors.Is(err, source.ErrChanged) || len(got) > 9 || string(got) != "123456789"[:len(got)] {
		t.Errorf("read %q, %v", got, err)
	}
	if info, err := src.Stat(t.Context(), "a.mp4"); err != nil || info.Size() != 9 {
		t.Errorf("Stat answers %v, %v; want 9 bytes", info, err)
	}
}

func testAway(t *testing.T, s Setup) {
	if s.Away == nil {
		t.Skip("this kind of source can't be away")
	}
	src := s.Away(t)
	for _, name := range []string{".", "a", "a/b.mp3"} {
		for method, err := range errorsOf(t.Context(), src, name) {
			if !errors.Is(err, source.ErrUnavailable) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s(%q) answers %v, want source.ErrUnavailable", method, name, err)
			}
		}
	}
}

// How long a source that hangs may take: to see that a context has ended, to
// end a read by itself, and to be there again.
const (
	soon    = 5 * time.Second
	patient = 30 * time.Second
)

// testHangs has names that were not asked for before, so that no memory of
// them helps.
func testHangs(t *testing.T, s Setup) {
	if s.Hang == nil {
		t.Skip("this kind of source can't hang")
	}
	content := pattern(8 << 20)
	src := s.with(t, map[string]string{"a.mp4": string(content), "d/b.mp3": "x"})
	file := open(t, src, "a.mp4")
	resume := sync.OnceFunc(s.Hang(t, src))
	defer resume()
	for _, name := range []string{"d", "d/b.mp3"} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		within(t, soon, "calls with a deadline while it hangs", func() {
			for method, err := range errorsOf(ctx, src, name) {
				if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, source.ErrUnavailable) {
					t.Errorf("%s(%q) while it hangs answers %v", method, name, err)
				}
			}
		})
		cancel()
	}
	buf := make([]byte, 1000)
	within(t, patient, "ReadAt while it hangs", func() {
		if n, err := file.ReadAt(buf, 7<<20); !errors.Is(err, source.ErrUnavailable) {
			t.Errorf("ReadAt while it hangs answers %d, %v; want source.ErrUnavailable", n, err)
		}
	})
	resume()
	healed(t, "Stat", func() error { _, err := src.Stat(t.Context(), "d/b.mp3"); return err })
	healed(t, "ReadAt", func() error { _, err := file.ReadAt(buf, 7<<20); return err })
	if !bytes.Equal(buf, content[7<<20:][:len(buf)]) {
		t.Error("after it hung, a file reads other bytes")
	}
	if got, err := io.ReadAll(file); err != nil || !bytes.Equal(got, content) {
		t.Errorf("after it hung, a file reads %d bytes that differ, %v", len(got), err)
	}
}

func testCloseWhileHung(t *testing.T, s Setup) {
	if s.Hang == nil {
		t.Skip("this kind of source can't hang")
	}
	src := s.with(t, map[string]string{"a.mp4": string(pattern(8 << 20))})
	file := open(t, src, "a.mp4")
	resume := sync.OnceFunc(s.Hang(t, src))
	defer resume()
	read := make(chan error, 1)
	go func() {
		_, err := file.ReadAt(make([]byte, 1000), 7<<20)
		read <- err
	}()
	time.Sleep(100 * time.Millisecond) // the read is most likely under way; if not, it fails too
	within(t, soon, "Close of a file that hangs", func() { file.Close() })
	within(t, soon, "a read of a file that was closed", func() {
		if err := <-read; err == nil {
			t.Error("a read of a file that hangs, closed meanwhile, answers no error")
		}
	})
	within(t, soon, "Close of the source", func() { src.Close() })
}

// within fails if do takes longer than limit; it does not wait for it then.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("%s takes longer than %v", what, limit)
	}
}

// healed tries until it goes well.
func healed(t *testing.T, what string, try func() error) {
	t.Helper()
	for end := time.Now().Add(patient); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil || err == io.EOF {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s answers %v long after the source came back", what, err)
		}
	}
}

// open opens a file for the length of the test.
func open(t *testing.T, src source.Source, name string) source.File {
	t.Helper()
	file, err := src.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}
