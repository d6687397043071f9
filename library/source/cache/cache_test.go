package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mustserv/library/source"
	"mustserv/library/source/local"
	"mustserv/library/source/sourcetest"
	"mustserv/ratelimit"
)

const mib = 1 << 20

// server is a source that counts what is read from it, and may be told to fail.
type server struct {
	source.Source
	bytes atomic.Int64
	reads atomic.Int64
	fail  atomic.Pointer[error] // what reads answer
	gate  chan struct{}         // if not nil, a read takes one
}

type serverFile struct {
	source.File
	server *server
}

func (s *server) Open(ctx context.Context, name string) (source.File, error) {
	f, err := s.Source.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return &serverFile{f, s}, nil
}

func (f *serverFile) ReadAt(b []byte, off int64) (int, error) {
	if f.server.gate != nil {
		<-f.server.gate
	}
	if err := f.server.fail.Load(); err != nil {
		return 0, *err
	}
	n, err := f.File.ReadAt(b, off)
	f.server.bytes.Add(int64(n))
	f.server.reads.Add(1)
	return n, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noise is content of which no part is like another.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// serve makes a server with one file a.mp4.
func serve(t testing.TB, content []byte) (*server, string) {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.mp4"), content, 0o644))
	src, err := local.Open(dir)
	must(t, err)
	return &server{Source: src}, dir
}

func config(folder string) Config {
	return Config{Folder: folder, Size: Bound(ratelimit.GiB), Segment: ratelimit.MiB}
}

func newStore(t testing.TB, folder string) *Store {
	t.Helper()
	s, err := NewStore(config(folder), nil)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close(context.Background())) })
	return s
}

func open(t testing.TB, src source.Source) source.File {
	t.Helper()
	f, err := src.Open(t.Context(), "a.mp4")
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// stream reads as delivery does: what lies on this computer from there, the
// rest by ReadAt. It reports how many bytes came from local files.
func stream(f source.File, from, size int64) (content []byte, here int64, err error) {
	b := make([]byte, 32<<10)
	for off := from; off < size; {
		n, local := 0, false
		if file, at, left, ok := source.Locate(f, off); ok {
			n, err = file.ReadAt(b[:min(int64(len(b)), left)], at)
			local = true
		} else {
			n, err = f.ReadAt(b[:min(int64(len(b)), size-off)], off)
		}
		content, off = append(content, b[:n]...), off+int64(n)
		if local {
			here += int64(n)
		}
		if err != nil && (err != io.EOF || off < size) {
			return content, here, err
		}
	}
	return content, here, nil
}

// systems has a test run as on systems that rename open files and on those
// that don't.
func systems(t *testing.T, test func(t *testing.T, newStore func(t testing.TB, folder string) *Store)) {
	for name, moves := range map[string]bool{"renames open files": runtime.GOOS != "windows", "only closed ones": false} {
		t.Run(name, func(t *testing.T) {
			test(t, func(t testing.TB, folder string) *Store {
				s := newStore(t, folder)
				s.movesOpen = moves
				return s
			})
		})
	}
}

func TestContract(t *testing.T) {
	systems(t, func(t *testing.T, newStore func(testing.TB, string) *Store) {
		sourcetest.Run(t, sourcetest.Setup{
			Open: func(t *testing.T, dir string) source.Source {
				src, err := local.Open(dir)
				must(t, err)
				return Wrap(&server{Source: src}, "test://"+dir, newStore(t, t.TempDir()))
			},
			Many: 1000,
		})
	})
}

// What one has read in sequence, the next gets from this computer.
func TestSecondReaderIsServedHere(t *testing.T) {
	systems(t, func(t *testing.T, newStore func(testing.TB, string) *Store) {
		content := noise(1, 5*mib+12345)
		s, _ := serve(t, content)
		src := Wrap(s, "test://a", newStore(t, t.TempDir()))
		first, _, err := stream(open(t, src), 0, int64(len(content)))
		if err != nil || !bytes.Equal(first, content) {
			t.Fatalf("the first reader gets %d bytes, %v", len(first), err)
		}
		if got := s.bytes.Load(); got != int64(len(content)) {
			t.Errorf("for the first, %d bytes were fetched, want %d", got, len(content))
		}
		second, here, err := stream(open(t, src), 0, int64(len(content)))
		if err != nil || !bytes.Equal(second, content) {
			t.Fatalf("the second reader gets %d bytes, %v", len(second), err)
		}
		if got := s.bytes.Load(); got != int64(len(content)) {
			t.Errorf("for the second, %d bytes were fetched again", got-int64(len(content)))
		}
		if here < int64(len(content))*9/10 {
			t.Errorf("only %d bytes could be sent by the kernel", here)
		}
		stats := source.CacheOf(src)
		if stats.Misses != 6 || stats.Hits != 6 || stats.Saved != int64(len(content)) {
			t.Errorf("counted %+v", stats)
		}
	})
}

// A file is fetched once, however many watch it at the same time.
func TestManyViewersOneFetch(t *testing.T) {
	systems(t, func(t *testing.T, newStore func(testing.TB, string) *Store) {
		const viewers = 50
		size := 8 * mib
		if testing.Short() {
			size = 2 * mib
		}
		content := noise(2, size)
		s, _ := serve(t, content)
		src := Wrap(s, "test://a", newStore(t, t.TempDir()))
		var all sync.WaitGroup
		for range viewers {
			file := open(t, src)
			all.Go(func() {
				got, _, err := stream(file, 0, int64(len(content)))
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("a viewer gets %d bytes, %v", len(got), err)
				}
			})
		}
		all.Wait()
		if got := s.bytes.Load(); got != int64(len(content)) {
			t.Errorf("for %d viewers, %d bytes were fetched, want %d", viewers, got, len(content))
		}
	})
}

// Who looks here and there costs what he asks for, and nothing is kept.
func TestRandomReadsPassThrough(t *testing.T) {
	content := noise(3, 20*mib)
	s, _ := serve(t, content)
	folder := t.TempDir()
	file := open(t, Wrap(s, "test://a", newStore(t, folder)))
	b := make([]byte, 4096)
	for i := range 100 {
		off := int64(i) * 7919 * 4099 % int64(len(content)-len(b))
		if _, err := file.ReadAt(b, off); err != nil || !bytes.Equal(b, content[off:off+4096]) {
			t.Fatalf("ReadAt(%d): %v or wrong bytes", off, err)
		}
	}
	if got := s.bytes.Load(); got != 100*4096 {
		t.Errorf("%d bytes were fetched for 100 reads of 4096", got)
	}
	if names := files(t, folder); len(names) != 0 {
		t.Errorf("kept %q", names)
	}
}

func files(t testing.TB, folder string) (names []string) {
	t.Helper()
	must(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	}))
	return names
}

// The first bytes of a segment are served while the rest is still on its way.
func TestServedWhileItIsFetched(t *testing.T) {
	content := noise(4, 2*mib)
	s, _ := serve(t, content)
	s.gate = make(chan struct{}, 1000)
	file := open(t, Wrap(s, "test://a", newStore(t, t.TempDir())))
	if _, _, _, ok := source.Locate(file, 0); ok {
		t.Fatal("what was never read is here")
	}
	s.gate <- struct{}{} // one piece
	b := make([]byte, 1000)
	if _, err := file.ReadAt(b, 0); err != nil || !bytes.Equal(b, content[:1000]) {
		t.Fatal(err)
	}
	local, at, n, ok := source.Locate(file, 1000)
	if !ok || n != pieceBytes-1000 {
		t.Fatalf("Locate answers %d, %v; want what has come", n, ok)
	}
	if _, err := local.ReadAt(b, at); err != nil || !bytes.Equal(b, content[1000:2000]) {
		t.Error("Locate shows other bytes")
	}
	if _, _, _, ok := source.Locate(file, pieceBytes); ok {
		t.Error("Locate shows what has not come")
	}
	close(s.gate)
	if got, _, err := stream(file, 0, int64(len(content))); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the whole is %d bytes, %v", len(got), err)
	}
}

// Who asks only where what was said ends still finds the next segment ready.
func TestLocateAloneIsEnough(t *testing.T) {
	const segments = 6
	s, _ := serve(t, noise(16, segments*mib))
	folder := t.TempDir()
	_, _, err := stream(open(t, Wrap(s, "test://a", newStore(t, folder))), 0, segments*mib)
	must(t, err)
	file := open(t, Wrap(s, "test://a", newStore(t, folder))).(*file)
	_, err = file.ReadAt(make([]byte, 1), 0)
	must(t, err)
	source.Locate(file, 0)
	_, err = file.ReadAt(make([]byte, 1), 0)
	must(t, err)
	for off := int64(0); off < segments*mib; {
		_, _, n, ok := source.Locate(file, off)
		if !ok {
			t.Fatalf("byte %d is not here", off)
		}
		off += n
		for ready := false; !ready; time.Sleep(time.Millisecond) { // a stream is that slow
			file.mu.Lock()
			ready = !file.preparing
			file.mu.Unlock()
		}
	}
}

// A fetch goes on at the same byte, whoever goes on with it.
func TestFetchIsTakenOver(t *testing.T) {
	content := noise(5, mib)
	s, _ := serve(t, content)
	src := Wrap(s, "test://a", newStore(t, t.TempDir()))
	first, second := open(t, src), open(t, src)
	read := func(f source.File) error {
		source.Locate(f, 0)
		_, err := f.ReadAt(make([]byte, mib/2), 0)
		return err
	}
	s.gate = make(chan struct{}, 1000)
	s.gate <- struct{}{}
	s.gate <- struct{}{}
	ended := make(chan error, 2)
	go func() { ended <- read(first) }()
	for s.reads.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	go func() { ended <- read(second) }()
	must(t, first.Close())
	if err := <-ended; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the reader of a closed file gets %v", err)
	}
	close(s.gate)
	if err := <-ended; err != nil {
		t.Errorf("the other reader gets %v", err)
	}
	away := fmt.Errorf("gone: %w", source.ErrUnavailable)
	if got, _, err := stream(second, 0, mib); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the whole is %d bytes, %v", len(got), err)
	}
	s.fail.Store(&away)
	if got, _, err := stream(second, 0, mib); err != nil || !bytes.Equal(got, content) {
		t.Errorf("what is here can't be read while the server is away: %d bytes, %v", len(got), err)
	}
}

func TestServerGoesAway(t *testing.T) {
	content := noise(6, 2*mib)
	s, _ := serve(t, content)
	file := open(t, Wrap(s, "test://a", newStore(t, t.TempDir())))
	away := fmt.Errorf("gone: %w", source.ErrUnavailable)
	s.fail.Store(&away)
	if _, _, err := stream(file, 0, mib); !errors.Is(err, source.ErrUnavailable) {
		t.Errorf("reading answers %v", err)
	}
	s.fail.Store(nil)
	if got, _, err := stream(file, 0, int64(len(content))); err != nil || !bytes.Equal(got, content) {
		t.Errorf("when it is back, %d bytes, %v", len(got), err)
	}
}

// A file that changes is never mixed with what is kept of it.
func TestChangedFile(t *testing.T) {
	old, now := noise(7, 3*mib), noise(8, 3*mib)
	s, dir := serve(t, old)
	src := Wrap(s, "test://a", newStore(t, t.TempDir()))
	file := open(t, src)
	if _, _, err := stream(file, 0, mib/4); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "a.mp4")
	must(t, os.WriteFile(path, now, 0o644))
	must(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Minute)))
	got, _, err := stream(file, mib, 2*mib)
	if !errors.Is(err, source.ErrChanged) || len(got) > 0 {
		t.Errorf("the reader of the old file gets %d bytes of the new one, %v", len(got), err)
	}
	if got, _, err := stream(open(t, src), 0, int64(len(now))); err != nil || !bytes.Equal(got, now) {
		t.Errorf("a new reader gets %d bytes, %v", len(got), err)
	}
}

// What a power loss, a crash or a bad disk leaves is dropped, and fetched anew.
func TestDamagedSegments(t *testing.T) {
	content := noise(9, mib)
	for name, damage := range map[string]func(path string, b []byte) error{
		"zeroed":        func(path string, b []byte) error { return os.WriteFile(path, make([]byte, len(b)), 0o644) },
		"zeroed inside": func(path string, b []byte) error { clear(b[500_000:504_096]); return os.WriteFile(path, b, 0o644) },
		"one bit":       func(path string, b []byte) error { b[700_000] ^= 4; return os.WriteFile(path, b, 0o644) },
		"cut":           func(path string, b []byte) error { return os.Truncate(path, 300_000) },
		"cut in header": func(path string, b []byte) error { return os.Truncate(path, 20) },
		"empty":         func(path string, b []byte) error { return os.Truncate(path, 0) },
		"longer":        func(path string, b []byte) error { return os.WriteFile(path, append(b, 0), 0o644) },
		"another's": func(path string, b []byte) error {
			h, err := parseHeader(b)
			h.key[31]++
			copy(b, h.bytes())
			return errors.Join(err, os.WriteFile(path, b, 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := serve(t, content)
			folder := t.TempDir()
			src := Wrap(s, "test://a", newStore(t, folder))
			_, _, err := stream(open(t, src), 0, mib)
			must(t, err)
			path := onlySegment(t, folder)
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, damage(path, b))
			again := Wrap(s, "test://a", newStore(t, folder))
			if got, _, err := stream(open(t, again), 0, mib); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if got := s.bytes.Load(); got != 2*mib {
				t.Errorf("%d bytes were fetched, want all of them twice", got)
			}
			onlySegment(t, folder)
		})
	}
}

// onlySegment waits until the folder holds nothing but one whole segment.
func onlySegment(t *testing.T, folder string) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		names := files(t, folder)
		if len(names) == 1 && strings.HasSuffix(names[0], whole) {
			return names[0]
		}
		if time.Now().After(end) {
			t.Fatalf("the cache holds %q", names)
		}
	}
}

// A disk that can't be written costs nobody his film; the log says it once.
func TestFullDisk(t *testing.T) {
	content := noise(10, 4*mib)
	s, _ := serve(t, content)
	folder := filepath.Join(t.TempDir(), "cache")
	var log bytes.Buffer
	store := newStore(t, folder)
	store.tasks.Wait()
	store.log = slog.New(slog.NewTextHandler(&log, nil))
	must(t, os.RemoveAll(folder))
	must(t, os.WriteFile(folder, nil, 0o644)) // no folder can be made there
	src := Wrap(s, "test://a", store)
	for range 2 {
		if got, _, err := stream(open(t, src), 0, int64(len(content))); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if got := s.bytes.Load(); got > 2*int64(len(content))+2*mib {
		t.Errorf("%d bytes were fetched for two readers of %d", got, len(content))
	}
	if got := strings.Count(log.String(), "the cache is off"); got != 1 {
		t.Errorf("the log says it %d times: %s", got, &log)
	}
	must(t, os.Remove(folder))
	store.mu.Lock()
	store.off = time.Now() // the time is over
	store.mu.Unlock()
	_, _, err := stream(open(t, src), 0, int64(len(content)))
	must(t, err)
	if got := source.CacheOf(src); got.Misses == 0 {
		t.Error("the cache stays off")
	}
}

// Closed files leave nothing open, and nothing half fetched.
func TestNothingIsLeft(t *testing.T) {
	s, _ := serve(t, noise(11, 4*mib))
	folder := t.TempDir()
	store := newStore(t, folder)
	src := Wrap(s, "test://a", store)
	for i := range 20 {
		file, err := src.Open(t.Context(), "a.mp4")
		must(t, err)
		_, _, err = stream(file, 0, int64(1+i*200_000))
		must(t, err)
		must(t, file.Close())
	}
	store.tasks.Wait()
	for _, name := range files(t, folder) {
		if !strings.HasSuffix(name, whole) {
			t.Errorf("%s is left", name)
		}
	}
}
