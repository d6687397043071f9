package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"mustserv/library/source"
	"mustserv/library/source/local"
	"mustserv/ratelimit"
)

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{"off": "off", "2 GiB": "2 GiB", " OFF ": "off", "500 MB": "476.84 MiB"} {
		var b Bound
		if err := b.UnmarshalText([]byte(text)); err != nil || b.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, b, err, want)
		}
		if again, _ := b.MarshalText(); string(again) != want {
			t.Errorf("%q is written %q", text, again)
		}
	}
	for name, c := range map[string]Config{
		"segment = ": {Size: Bound(ratelimit.GiB), Segment: 100 * ratelimit.KiB},
		"size = ":    {Size: Bound(ratelimit.MiB), Segment: ratelimit.MiB},
	} {
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%+v is found wrong for %v", c, err)
		}
	}
	if err := (Config{Segment: ratelimit.MiB}).Validate(); err != nil {
		t.Errorf("size off: %v", err)
	}
}

// Whatever makes a file another one makes other segments.
func TestKeys(t *testing.T) {
	id := identity{place: "smb://nas/films", path: "a/b.mp4", size: 10 * mib, time: 12345, segment: mib}
	others := []identity{id, id, id, id, id, id}
	others[0].place += "/a"
	others[0].path = "b.mp4"
	others[1].path += "x"
	others[2].size++
	others[3].time++
	others[4].segment *= 2
	others[5].place += `" "`
	seen := map[key]bool{id.key(0): true, id.key(1): true}
	for _, other := range others {
		seen[other.key(0)] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d of 8 keys are different", len(seen))
	}
	if id.segments() != 10 || id.length(9) != mib || (identity{size: 10*mib + 5, segment: mib}).length(10) != 5 {
		t.Error("a file is cut in other segments")
	}
}

func FuzzHeader(f *testing.F) {
	good := header{key: key{1, 2, 3}, length: mib, sum: 77}.bytes()
	f.Add(good)
	f.Add(good[:50])
	f.Add(make([]byte, 100))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeader(b)
		if err == nil && !bytes.Equal(h.bytes(), b[:headerBytes]) {
			t.Errorf("%x is read as %+v", b, h)
		}
	})
}

// fill puts n segments of 1 KiB of content into the folder, each used a minute
// after the one before.
func fill(t testing.TB, store *Store, n int, last time.Time) (paths []string) {
	t.Helper()
	id := identity{place: "p", path: "f", size: int64(n) << 10, segment: 1 << 10}
	b := bytes.Repeat([]byte{1}, contentBegin+1<<10)
	for k := range n {
		h := header{key: id.key(int64(k)), length: 1 << 10, sum: crc32.Checksum(b[contentBegin:], castagnoli())}
		copy(b, h.bytes())
		path := store.name(h.key) + whole
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, b, 0o644))
		at := last.Add(time.Duration(k-n) * time.Minute)
		must(t, os.Chtimes(path, at, at))
		paths = append(paths, path)
	}
	return paths
}

// A sweep deletes what was not used for longest, and what crashes have left,
// and nothing that is not the cache's.
func TestSweep(t *testing.T) {
	folder := t.TempDir()
	store := newStore(t, folder)
	store.tasks.Wait()
	paths := fill(t, store, 100, time.Now())
	one := int64(contentBegin + 1<<10)
	store.size = 50 * one
	old := time.Now().Add(-2 * leftover)
	for name, at := range map[string]time.Time{
		"aa/old.1234" + partial: old, "aa/old" + locked: old,
		"aa/new.1234" + partial: time.Now(), "aa/new" + locked: time.Now(),
		"aa/mine.txt": old, "mine" + whole: old, "documents/mine" + partial: old,
	} {
		path := filepath.Join(folder, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, nil, 0o644))
		must(t, os.Chtimes(path, at, at))
	}
	store.sweep()
	for k, path := range paths {
		_, err := os.Stat(path)
		if kept := err == nil; kept != (k >= 55) {
			t.Errorf("segment %d of 100 is kept: %v", k, kept)
		}
	}
	var others []string
	for _, name := range files(t, folder) {
		if !strings.HasSuffix(name, whole) || strings.HasPrefix(filepath.Base(name), "mine") {
			name, _ = filepath.Rel(folder, name)
			others = append(others, filepath.ToSlash(name))
		}
	}
	if got := strings.Join(others, " "); got != "aa/mine.txt aa/new.1234.part aa/new.lock documents/mine.part mine.seg" {
		t.Errorf("beside them, there are %s", got)
	}
}

// A full disk gets a tenth of the cache back.
func TestSweepOfFullDisk(t *testing.T) {
	folder := t.TempDir()
	store := newStore(t, folder)
	store.tasks.Wait()
	fill(t, store, 100, time.Now())
	store.full.Store(true)
	for _, want := range []int{90, 90} {
		store.sweep()
		if got := len(files(t, folder)); got != want {
			t.Errorf("%d segments of 100 are left, want %d", got, want)
		}
	}
}

// What is read stays, and what is not goes; the folder never grows far beyond
// its size.
func TestSizeBound(t *testing.T) {
	s, dir := serve(t, nil)
	for i := range 20 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), noise(byte(i), 4*mib), 0o644))
	}
	folder := t.TempDir()
	c := config(folder)
	c.Size = Bound(32 * mib)
	store, err := NewStore(c, nil)
	must(t, err)
	src := Wrap(s, "test://a", store)
	for i := range 20 {
		file, err := src.Open(t.Context(), fmt.Sprint(i))
		must(t, err)
		_, _, err = stream(file, 0, 4*mib)
		must(t, err)
		must(t, file.Close())
		store.tasks.Wait()
	}
	must(t, store.Close(t.Context()))
	var total int64
	for _, path := range files(t, folder) {
		info, err := os.Stat(path)
		must(t, err)
		total += info.Size()
	}
	if total > 33*mib || total < 20*mib {
		t.Errorf("the folder holds %d bytes, its size is %d", total, 32*mib)
	}
}

// A store that is closed in the middle of a fetch leaves neither a lock nor a
// part behind, and its open files are read on.
func TestCloseWhileItIsFetched(t *testing.T) {
	content := noise(30, 2*mib)
	s, _ := serve(t, content)
	s.gate = make(chan struct{}, 1000)
	folder := t.TempDir()
	store, err := NewStore(config(folder), nil)
	must(t, err)
	file := open(t, Wrap(s, "test://a", store))
	source.Locate(file, 0) // it is about to be read in sequence
	s.gate <- struct{}{}
	if _, err := file.ReadAt(make([]byte, 1000), 0); err != nil {
		t.Fatal(err)
	}
	if got := files(t, folder); len(got) != 2 {
		t.Fatalf("while it is fetched, there are %q; want a lock and a part", got)
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Close(late); !errors.Is(err, context.Canceled) {
		t.Errorf("closed while its server hangs: %v", err)
	}
	for range 1000 {
		s.gate <- struct{}{}
	}
	must(t, store.Close(t.Context()))
	got, _, err := stream(file, 0, 2*mib)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("read on: %d bytes, %v", len(got), err)
	}
	must(t, file.Close())
	if got := files(t, folder); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestUseIsNoted(t *testing.T) {
	content := noise(12, mib)
	s, _ := serve(t, content)
	folder := t.TempDir()
	src := Wrap(s, "test://a", newStore(t, folder))
	_, _, err := stream(open(t, src), 0, mib)
	must(t, err)
	path := onlySegment(t, folder)
	for name, row := range map[string]struct {
		age     time.Duration
		touched bool
	}{"lately": {touchEvery / 2, false}, "long ago": {2 * touchEvery, true}} {
		at := time.Now().Add(-row.age)
		must(t, os.Chtimes(path, at, at))
		_, _, err := stream(open(t, Wrap(s, "test://a", newStore(t, folder))), 0, mib)
		must(t, err)
		info, err := os.Stat(path)
		must(t, err)
		if touched := time.Since(info.ModTime()) < row.age/2; touched != row.touched {
			t.Errorf("used %s, its time is set: %v", name, touched)
		}
	}
}

// Idle, a cache takes no memory, however many segments lie in it.
func TestIdleMemory(t *testing.T) {
	folder := t.TempDir()
	fill(t, newStore(t, folder), 1000, time.Now())
	before := heap()
	store, err := NewStore(config(folder), nil)
	must(t, err)
	must(t, store.Close(t.Context()))
	if grown := int64(heap()) - int64(before); grown > 32<<10 {
		t.Errorf("after a look through 1000 segments, %d KiB are kept", grown>>10)
	}
	runtime.KeepAlive(store)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestLock(t *testing.T) {
	store := newStore(t, t.TempDir())
	k := key{1}
	mine, other := store.lockOf(k), store.lockOf(k)
	try := func(l *lock, want bool) {
		t.Helper()
		if held, err := l.take(); held != want || err != nil {
			t.Fatalf("take answers %v, %v; want %v", held, err, want)
		}
	}
	try(mine, true)
	try(other, false)
	mine.release()
	try(other, true)
	// Its owner has died: it is seen to show no life for too long,
	try(mine, false)
	mine.seen = mine.seen.Add(-lockExpiry - time.Second)
	try(mine, false)
	try(mine, true)
	// or has been there for very long already.
	old := time.Now().Add(-2 * lockStale)
	must(t, os.Chtimes(mine.path, old, old))
	try(other, false)
	try(other, true)
	// One that shows life is kept, whatever its clock says.
	other.beaten = other.beaten.Add(-2 * lockBeat)
	soon := time.Now().Add(lockStale / 2)
	must(t, os.Chtimes(other.path, soon, soon))
	watcher := store.lockOf(k)
	try(watcher, false)
	watcher.seen = watcher.seen.Add(-lockExpiry - time.Second)
	other.beat()
	try(watcher, false)
	try(watcher, false)
}

// What another instance fetches is waited for, and not fetched too.
func TestTwoInstancesOneFetch(t *testing.T) {
	content := noise(13, 3*mib)
	s, _ := serve(t, content)
	s.gate = make(chan struct{}, 1000)
	folder := t.TempDir()
	a, b := open(t, Wrap(s, "test://a", newStore(t, folder))), open(t, Wrap(s, "test://a", newStore(t, folder)))
	results := make(chan error, 2)
	read := func(f source.File) {
		got, _, err := stream(f, 0, int64(len(content)))
		if err == nil && !bytes.Equal(got, content) {
			err = fmt.Errorf("%d bytes that differ", len(got))
		}
		results <- err
	}
	s.gate <- struct{}{}
	go read(a)
	for s.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	go read(b)
	time.Sleep(2 * lockPoll) // it most likely waits now
	close(s.gate)
	must(t, <-results)
	must(t, <-results)
	if got := s.bytes.Load(); got > int64(len(content))+mib {
		t.Errorf("two instances fetched %d bytes of a file of %d", got, len(content))
	}
}

// A lock that nobody gives back costs a few seconds once, and no film.
func TestInstanceDiedWithItsLock(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a lock to expire; left out with -short")
	}
	content := noise(14, mib)
	s, _ := serve(t, content)
	folder := t.TempDir()
	store := newStore(t, folder)
	src := Wrap(s, "test://a", store)
	info, err := src.Stat(t.Context(), "a.mp4")
	must(t, err)
	id := identity{place: "test://a", path: "a.mp4", size: mib, time: info.ModTime().UnixNano(), segment: mib}
	dead := store.lockOf(id.key(0))
	_, err = dead.take()
	must(t, err)
	start := time.Now()
	if got, _, err := stream(open(t, src), 0, mib); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if took := time.Since(start); took > 2*elsewhere {
		t.Errorf("the reader waited for %v", took)
	}
}

// What a source says of itself, it still says.
func TestDescription(t *testing.T) {
	s, _ := serve(t, nil)
	store := newStore(t, t.TempDir())
	if _, ok := Wrap(s, "test://a", store).(source.Describer); ok {
		t.Error("a source that says nothing of itself does now")
	}
	spoken := struct {
		source.Source
		source.Describer
	}{s, words("nfs4 mount at /mnt/nas")}
	if d, ok := Wrap(spoken, "test://a", store).(source.Describer); !ok || d.Describe() != "nfs4 mount at /mnt/nas" {
		t.Error("a source does not say any more what it is")
	}
}

type words string

func (w words) Describe() string { return string(w) }

func BenchmarkLocate(b *testing.B) {
	s, _ := serve(b, noise(1, 4*mib))
	file := open(b, Wrap(s, "test://a", newStore(b, b.TempDir())))
	if _, _, err := stream(file, 0, 4*mib); err != nil {
		b.Fatal(err)
	}
	if _, _, _, ok := source.Locate(file, 3*mib+5); !ok {
		b.Fatal("it is not here")
	}
	for b.Loop() {
		source.Locate(file, 3*mib+5)
	}
}

// BenchmarkCachedRead against BenchmarkLocalRead says what the checks cost.
func BenchmarkCachedRead(b *testing.B) {
	s, _ := serve(b, noise(1, 16*mib))
	src := Wrap(s, "test://a", newStore(b, b.TempDir()))
	b.SetBytes(16 * mib)
	for b.Loop() {
		file, err := src.Open(b.Context(), "a.mp4")
		must(b, err)
		benchRead(b, file)
	}
}

func BenchmarkLocalRead(b *testing.B) {
	_, dir := serve(b, noise(1, 16*mib))
	src, err := local.Open(dir)
	must(b, err)
	b.SetBytes(16 * mib)
	for b.Loop() {
		file, err := src.Open(b.Context(), "a.mp4")
		must(b, err)
		benchRead(b, file)
	}
}

func benchRead(b *testing.B, file source.File) {
	defer file.Close()
	buf := make([]byte, 256<<10)
	for off := int64(0); off < 16*mib; off += int64(len(buf)) {
		if _, err := file.ReadAt(buf, off); err != nil {
			b.Fatal(err)
		}
	}
}
