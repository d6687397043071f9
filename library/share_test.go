package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/source"
)

// These tests run on a clock of their own, with sources in memory.

type rig struct {
	*Library
	t      *testing.T
	probes atomic.Int64
	logged *logBuffer
	index  *index.Index
	end    func()
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func testConfig() Config {
	c := DefaultConfig()
	c.Rescan = 15 * time.Minute
	return c
}

// start runs a library with the sources as shares, by name.
func start(t *testing.T, x *index.Index, sources map[string]*memory, shares ...Share) *rig {
	t.Helper()
	r := &rig{t: t, logged: &logBuffer{}, index: x}
	openers := map[string]Opener{"": func(place string, _ source.Access) (source.Source, error) {
		if m, ok := sources[place]; ok {
			return m, nil
		}
		return nil, errors.New("no such place")
	}}
	r.Library = New(Options{
		Config: testConfig(), Shares: shares, Openers: openers, Index: x,
		Log: slog.New(slog.NewTextHandler(r.logged, nil)),
		Probe: func(_ context.Context, f io.ReaderAt, size int64) (*probe.Info, error) {
			r.probes.Add(1)
			b := make([]byte, 64)
			n, _ := f.ReadAt(b, 0)
			if strings.Contains(string(b[:n]), "#EXT-X-") {
				return &probe.Info{Container: "hls", Duration: 4}, nil
			}
			switch string(b[:min(n, 4)]) {
			case "film":
				return &probe.Info{Container: "mp4", Duration: float64(size), Tracks: []probe.Track{{Kind: "video"}, {Kind: "audio"}}}, nil
			case "boom":
				panic("a bug in the prober")
			case "slow":
				time.Sleep(11 * time.Second)
			case "oops":
				return nil, errors.New("byte 17 is wrong")
			}
			return nil, fmt.Errorf("no: %w", probe.ErrUnsupported)
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(done)
	}()
	r.end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(r.end)
	return r
}

// settled waits until nothing goes on but waits of over a fifth of a second.
func settled() {
	for range 3 {
		time.Sleep(publishEvery)
		synctest.Wait()
	}
}

func (r *rig) item(path string) *Item {
	r.t.Helper()
	it, _, err := r.Tree().Lookup(path)
	if err != nil || it == nil {
		r.t.Fatalf("%q is not in the library: %q", path, pathsOf(r.Tree().Root))
	}
	return it
}

func (r *rig) missing(path string) {
	r.t.Helper()
	if _, _, err := r.Tree().Lookup(path); !errors.Is(err, fs.ErrNotExist) {
		r.t.Errorf("%q is in the library", path)
	}
}

func old() time.Time { return time.Now().Add(-time.Hour) }

func one(m *memory) (map[string]*memory, Share) {
	return map[string]*memory{"/m": m}, Share{Name: "S", Place: "/m"}
}

// dawdling is a source that takes its time to list a folder.
type dawdling struct {
	*memory
	takes time.Duration
}

func (s dawdling) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	time.Sleep(s.takes)
	return s.memory.List(ctx, name)
}

// What is asked for while the first scan goes on is waited for, so that a
// restart loses nobody; what is not there after it is not there.
func TestFindWaitsForTheFirstScan(t *testing.T) {
	for _, row := range []struct {
		name       string
		scan, asks time.Duration // a folder is listed, the client waits
		path       string
		want       error
		took       time.Duration
	}{
		{"in time", 3 * time.Second, time.Minute, "S/a/film.mp4", nil, 6 * time.Second},
		{"never there", 3 * time.Second, time.Minute, "S/a/other.mp4", fs.ErrNotExist, 6 * time.Second},
		{"of no share", 3 * time.Second, time.Minute, "T/film.mp4", fs.ErrNotExist, 0},
		{"too late", time.Minute, time.Minute, "S/a/film.mp4", ErrScanning, findMost},
		{"the client goes", time.Minute, 2 * time.Second, "S/a/film.mp4", context.DeadlineExceeded, 2 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(100)
				m.put("a/film.mp4", "film", old())
				r := start(t, index.New(), map[string]*memory{})
				r.env.openers[""] = func(string, source.Access) (source.Source, error) { return dawdling{m, row.scan}, nil }
				r.Configure(testConfig(), []Share{{Name: "S", Place: "/m"}})
				ctx, cancel := context.WithTimeout(t.Context(), row.asks)
				defer cancel()
				began := time.Now()
				item, _, err := r.Find(ctx, row.path)
				if !errors.Is(err, row.want) || (err == nil) != (item != nil) {
					t.Errorf("got %v, %v, want %v", item, err, row.want)
				}
				if took := time.Since(began); took < row.took || took > row.took+time.Second {
					t.Errorf("it took %v, want %v", took, row.took)
				}
				if row.scan < findMost {
					settled()
					if _, _, err := r.Find(t.Context(), row.path); !errors.Is(err, row.want) {
						t.Errorf("after the scan: %v, want %v", err, row.want)
					}
				}
			})
		})
	}
}

func TestFirstScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		for name, content := range map[string]string{
			"a.mp4": "film", "b/c.mkv": "film", "b/d.mp3": "noise", "b/e.mp4": "", "b/f.ogg": "oops", "g/h/boom.mp4": "boom",
			"film-without-extension": "film", "text-without-extension": "text", "notes.txt": "film", ".hidden/x.mp4": "film",
			"b/named.mp3": "film", "hls/all.m3u8": "#EXTM3U\n#EXT-X-VERSION:3", "hls/1.m4s": "x", "songs.m3u8": "#EXTM3U\na.mp3", "b/slow.mp4": "slow",
		} {
			m.put(name, content, old())
		}
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		time.Sleep(15 * time.Second)
		settled()
		for path, want := range map[string]struct {
			kind    Kind
			mime    string
			info    bool
			problem string
		}{
			"S/a.mp4":                  {Video, "video/mp4", true, ""},
			"S/b/c.mkv":                {Video, "video/mp4", true, ""},
			"S/b/d.mp3":                {Audio, "audio/mpeg", false, notAsNamed},
			"S/b/e.mp4":                {Video, "video/mp4", false, "not measured: the file is empty"},
			"S/b/f.ogg":                {Audio, "audio/ogg", false, "not measured: byte 17 is wrong"},
			"S/b/named.mp3":            {Video, "video/mp4", true, ""},
			"S/b/slow.mp4":             {Video, "video/mp4", false, "not measured: it took longer than 10s"},
			"S/g/h/boom.mp4":           {Video, "video/mp4", false, "not measured: the prober failed"},
			"S/film-without-extension": {Video, "video/mp4", true, ""},
			"S/hls/all.m3u8":           {Video, "application/vnd.apple.mpegurl", true, ""},
			"S/hls/1.m4s":              {Segment, "video/iso.segment", false, ""},
			"S/songs.m3u8":             {Playlist, "audio/x-mpegurl", false, ""},
		} {
			it := r.item(path)
			if it.Kind != want.kind || it.MIME != want.mime || (it.Info() != nil) != want.info || it.Problem != want.problem || !it.Available {
				t.Errorf("%s: %+v, want %+v", path, it, want)
			}
		}
		for _, path := range []string{"S/text-without-extension", "S/notes.txt", "S/.hidden", "S/.hidden/x.mp4"} {
			r.missing(path)
		}
		got := r.Shares()[0]
		if got.State != Watched || got.Items != 10 || got.Unmeasured != 0 || got.LastScan.IsZero() || got.Reason != "" {
			t.Errorf("status %+v", got)
		}
		r.end()
	})
}

// The tree must be there before the scan has ended.
func TestPublishedDuringScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a.mp4", "film", old())
		m.put("z/b.mp4", "film", old())
		sources, share := one(m)
		sources["/m"] = m
		slow := &slowSource{memory: m}
		l := New(Options{Config: testConfig(), Shares: []Share{share}, Openers: map[string]Opener{"": func(string, source.Access) (source.Source, error) { return slow, nil }}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { l.Run(ctx); close(done) }()
		time.Sleep(time.Second)
		if _, _, err := l.Tree().Lookup("S/a.mp4"); err != nil {
			t.Errorf("while the second folder is listed: %v", err)
		}
		if s := l.Shares()[0]; s.State != Scanning {
			t.Errorf("state %s", s.State)
		}
		cancel()
		<-done
	})
}

// slowSource takes 30 s for a folder that is not the root.
type slowSource struct{ *memory }

func (s *slowSource) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	if name != "." {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(30 * time.Second):
		}
	}
	return s.memory.List(ctx, name)
}

func TestChangesAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a/1.mp4", "film", old())
		m.put("b/2.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		lists, _ := m.counts()

		m.put("a/new.mp4", "film new", time.Now())
		m.remove("b/2.mp4")
		m.tell(".")
		m.put("a/sub/deep/3.mp4", "film", old())
		m.tell("a")
		time.Sleep(2 * time.Second)
		settled()
		r.missing("S/b")
		r.item("S/a/sub/deep/3.mp4")
		if it := r.item("S/a/new.mp4"); it.Info() != nil {
			t.Error("a new file is measured before it is quiet")
		}
		time.Sleep(10 * time.Second)
		settled()
		if it := r.item("S/a/new.mp4"); it.Info() == nil {
			t.Error("a new file is not measured")
		}
		if now, _ := m.counts(); now-lists > 8 {
			t.Errorf("%d folders were listed for a few changes", now-lists)
		}
		r.end()
	})
}

// A file that grows is measured once, when it has been quiet.
func TestGrowingFile(t *testing.T) {
	for _, watched := range []int{100, -1} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(watched)
			m.put("other.mp4", "film", old())
			sources, share := one(m)
			r := start(t, index.New(), sources, share)
			settled()
			before := r.probes.Load()
			content := "film"
			for range 20 {
				content += "x"
				m.put("copy.mp4", content, time.Now())
				time.Sleep(3 * time.Second)
			}
			if watched < 0 {
				r.Rescan()
			}
			settled()
			if n := r.probes.Load() - before; n != 0 {
				t.Errorf("measured %d times while it grew", n)
			}
			if it := r.item("S/copy.mp4"); it.Size != int64(len(content)) || it.Info() != nil || it.Problem != "" {
				t.Errorf("while it grows: %+v", it)
			}
			time.Sleep(12 * time.Second)
			settled()
			if it := r.item("S/copy.mp4"); it.Info() == nil || it.Info().Duration != float64(len(content)) {
				t.Errorf("not measured when quiet: %+v", it)
			}
			if n := r.probes.Load() - before; n != 1 {
				t.Errorf("measured %d times", n)
			}
			r.end()
		})
	}
}

// A clock that is ahead must not make a file wait for ever, nor a copy with
// an old time be measured too soon.
func TestOddTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("future.mp4", "film", time.Now().Add(1000*time.Hour))
		m.put("zero.mp4", "film", time.Time{})
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		if r.item("S/zero.mp4").Info() == nil {
			t.Error("a file without a time is not measured at once")
		}
		if r.item("S/future.mp4").Info() != nil {
			t.Error("a file of the future is not waited for")
		}
		time.Sleep(6 * time.Second)
		settled()
		if r.item("S/future.mp4").Info() == nil {
			t.Error("a file of the future is never measured")
		}
		r.end()
	})
}

func TestUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, other := newMemory(100), newMemory(100)
		m.put("a/1.mp4", "film", old())
		other.put("2.mp4", "film", old())
		sources := map[string]*memory{"/m": m, "/o": other}
		r := start(t, index.New(), sources, Share{Name: "S", Place: "/m"}, Share{Name: "O", Place: "/o"})
		settled()
		m.set(func() { m.down = true })
		if _, err := r.item("S/a/1.mp4").OpenNow(t.Context()); !errors.Is(err, source.ErrUnavailable) {
			t.Errorf("Open answers %v", err)
		}
		settled()
		if it := r.item("S/a/1.mp4"); it.Available || it.Info() == nil {
			t.Errorf("the item of a share that is away: %+v", it)
		}
		if !r.item("O/2.mp4").Available {
			t.Error("another share suffers")
		}
		since := time.Now()
		if s := r.Shares()[0]; s.State != Unavailable || s.Reason != "the cable is out" || s.Items != 1 || since.Sub(s.Since) > time.Second {
			t.Errorf("status %+v", s)
		}
		lists, _ := m.counts()
		time.Sleep(10 * time.Minute)
		if now, _ := m.counts(); now-lists < 15 || now-lists > 30 {
			t.Errorf("tried %d times in 10 minutes", now-lists)
		}
		if n := r.logged.count("unavailable"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		probes := r.probes.Load()
		m.set(func() { m.down = false })
		m.put("b.mp4", "film", old())
		time.Sleep(lastRetry + 10*time.Second)
		settled()
		if s := r.Shares()[0]; s.State != Watched || s.Reason != "" {
			t.Errorf("status after it came back: %+v", s)
		}
		if !r.item("S/a/1.mp4").Available || r.item("S/b.mp4").Info() == nil {
			t.Error("it does not heal")
		}
		if n := r.probes.Load() - probes; n != 1 {
			t.Errorf("%d files were measured again", n)
		}
		m.put("c.mp4", "film", old())
		time.Sleep(10 * time.Second)
		settled()
		r.item("S/c.mp4")
		r.end()
	})
}

// The place is not there at the start; what the index knows is kept.
func TestUnavailableAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.down = true
		m.files["1.mp4"] = memoryFile{"1.mp4", "film", old()}
		x := index.New()
		x.Put(index.Key{Share: "/m", Path: "1.mp4", Size: 4, Modified: m.files["1.mp4"].modified.UnixNano()}, index.Entry{Info: &probe.Info{Container: "mp4"}})
		sources, share := one(m)
		r := start(t, x, sources, share, Share{Name: "Nowhere", Place: "/n"})
		time.Sleep(5 * time.Minute)
		if x.Len() != 1 {
			t.Error("the index forgot a share that is away")
		}
		if s := r.Shares()[1]; s.State != Unavailable || s.Reason != "no such place" {
			t.Errorf("a place that can't be opened: %+v", s)
		}
		m.set(func() { m.down = false })
		time.Sleep(time.Minute)
		settled()
		if it := r.item("S/1.mp4"); it.Info() == nil || !it.Available || r.probes.Load() != 0 {
			t.Errorf("after it came: %+v, %d files measured", it, r.probes.Load())
		}
		r.end()
	})
}

func TestWatchLimit(t *testing.T) {
	for _, limit := range []int{-1, 0, 3} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(limit)
			for i := range 10 {
				m.put(fmt.Sprintf("%d/x.mp4", i), "film", old())
			}
			sources, share := one(m)
			r := start(t, index.New(), sources, share)
			settled()
			if s := r.Shares()[0]; s.State != Polled || !strings.Contains(s.Reason, "no more folder watches") {
				t.Errorf("limit %d: status %+v", limit, s)
			}
			if m.watch != nil && !m.watch.closed {
				t.Errorf("limit %d: the watches are kept", limit)
			}
			m.put("new/y.mp4", "film", old())
			time.Sleep(16 * time.Minute)
			settled()
			if r.item("S/new/y.mp4").Info() == nil {
				t.Errorf("limit %d: a new file is not measured", limit)
			}
			if n := r.logged.count("max_user_watches"); n != 1 {
				t.Errorf("limit %d: logged %d times", limit, n)
			}
			m.set(func() { m.limit = 100 })
			r.Rescan()
			settled()
			if s := r.Shares()[0]; s.State != Watched {
				t.Errorf("limit %d: after it was raised: %+v", limit, s)
			}
			r.end()
		})
	}
}

func TestLostEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a/1.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		m.set(func() { m.files["a/b/2.mp4"] = memoryFile{"2.mp4", "film", old()} })
		m.tell("")
		time.Sleep(lostDelay)
		settled()
		r.item("S/a/b/2.mp4")
		m.set(func() { m.files["3.mp4"] = memoryFile{"3.mp4", "film", old()} })
		m.watch.Close()
		settled()
		if s := r.Shares()[0]; s.State != Polled || s.Reason == "" {
			t.Errorf("when the watch has ended: %+v", s)
		}
		time.Sleep(16 * time.Minute)
		settled()
		r.item("S/3.mp4")
		r.end()
	})
}

// Nothing is told, but it is looked through every so often.
func TestRescan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		add := func(name string) {
			m.set(func() { m.files[name] = memoryFile{name, "film", old()} })
		}
		add("b.mp4")
		time.Sleep(14 * time.Minute)
		r.missing("S/b.mp4")
		time.Sleep(2 * time.Minute)
		r.item("S/b.mp4")
		add("c.mp4")
		r.Rescan()
		settled()
		r.item("S/c.mp4")
		c := testConfig()
		c.Rescan = time.Minute
		r.Configure(c, []Share{share})
		add("d.mp4")
		time.Sleep(62 * time.Second)
		r.item("S/d.mp4")
		r.end()
	})
}

func TestUnreadable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("ok/1.mp4", "film", old())
		m.put("closed/2.mp4", "film", old())
		m.put("file.mp4", "film", old())
		m.refused["closed"] = fs.ErrPermission
		m.refused["file.mp4"] = fs.ErrPermission
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		r.item("S/ok/1.mp4")
		r.missing("S/closed")
		if it := r.item("S/file.mp4"); it.Problem != "not measured: permission denied" {
			t.Errorf("an unreadable file: %+v", it)
		}
		time.Sleep(20 * time.Minute)
		if n := r.logged.count("can't be read"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		if r.index.Len() != 1 {
			t.Errorf("the index has %d entries: a missing permission was kept", r.index.Len())
		}
		m.set(func() { clear(m.refused) })
		m.tell(".")
		time.Sleep(10 * time.Second)
		settled()
		if r.item("S/closed/2.mp4").Info() == nil || r.item("S/file.mp4").Info() == nil {
			t.Error("what may be read now is not")
		}
		r.end()
	})
}

func TestSecondStartProbesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		for name, content := range map[string]string{
			"a.mp4": "film", "b.mp3": "garbage", "c.ogg": "oops", "noext": "film", "text": "text", "d.m3u8": "#EXTM3U\n#EXT-X-VERSION:3", "e.m3u": "a.mp3", "f.mp4": "", "boom.mp4": "boom",
		} {
			m.put(name, content, old())
		}
		x := index.New()
		sources, share := one(m)
		first := start(t, x, sources, share)
		settled()
		first.end()
		_, opens := m.counts()
		if opens != 8 {
			t.Errorf("%d files were opened at first", opens)
		}
		second := start(t, x, sources, share)
		settled()
		time.Sleep(time.Hour)
		if _, again := m.counts(); again != opens {
			t.Errorf("%d files were opened again", again-opens)
		}
		for it := range first.Tree().Root.All {
			same := second.item(it.Path)
			if same.Kind != it.Kind || same.MIME != it.MIME || same.Problem != it.Problem || (same.Info() == nil) != (it.Info() == nil) {
				t.Errorf("%s became %+v, was %+v", it.Path, same, it)
			}
		}
		m.remove("a.mp4")
		m.remove("text")
		time.Sleep(time.Hour)
		if x.Len() != 6 {
			t.Errorf("the index has %d entries after files were removed", x.Len())
		}
		second.end()
	})
}

func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := newMemory(100), newMemory(100), newMemory(100)
		for name, m := range map[string]*memory{"a": a, "b": b, "c": c} {
			m.put(name+".mp4", "film", old())
			m.put("x.part.mp4", "film", old())
		}
		sources := map[string]*memory{"/a": a, "/b": b, "/c": c}
		r := start(t, index.New(), sources, Share{Name: "A", Place: "/a"}, Share{Name: "B", Place: "/b"})
		settled()
		_, folder, _ := r.Tree().Lookup("A")
		lists, _ := a.counts()

		r.Configure(testConfig(), []Share{{Name: "C", Place: "/c"}, {Name: "A", Place: "/a"}})
		if _, same, _ := r.Tree().Lookup("A"); same != folder {
			t.Error("the tree of a share that stays is made again")
		}
		r.missing("B/b.mp4")
		settled()
		r.item("C/c.mp4")
		if !b.closed || a.closed {
			t.Errorf("closed: the removed share %v, the other %v", b.closed, a.closed)
		}
		if now, _ := a.counts(); now != lists {
			t.Error("a share that stays is scanned again")
		}
		if s := r.Shares(); len(s) != 2 || s[0].Name != "C" || s[1].Name != "A" {
			t.Errorf("shares %+v", s)
		}

		skip := testConfig()
		skip.Skip = []string{"*.PART.*"}
		r.Configure(skip, []Share{{Name: "C", Place: "/c"}, {Name: "A", Place: "/a"}})
		settled()
		r.missing("A/x.part.mp4")
		r.missing("C/x.part.mp4")
		r.item("A/a.mp4")

		r.Configure(skip, nil)
		if len(r.Tree().Root.Folders) != 0 || len(r.Shares()) != 0 {
			t.Error("shares are left")
		}
		r.end()
		r.Configure(testConfig(), []Share{{Name: "A", Place: "/a"}}) // after Run: nothing is started
		settled()
	})
}

func TestSharesOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newMemory(100), newMemory(100)
		a.put("same.mp4", "film", old())
		b.put("same.mp4", "film b", old())
		b.put("sub/only.mp4", "film", old())
		r := start(t, index.New(), map[string]*memory{"/a": a, "/b": b}, Share{Name: "S", Place: "/a"}, Share{Name: "S", Place: "/b"})
		settled()
		if it := r.item("S/same.mp4"); it.Size != 4 {
			t.Errorf("it is not the first share's: %+v", it)
		}
		r.item("S/sub/only.mp4")
		if n := len(r.Tree().Root.Folders); n != 1 {
			t.Errorf("%d folders", n)
		}
		a.set(func() { a.down = true })
		r.Rescan()
		settled()
		if it := r.item("S/same.mp4"); it.Size != 6 || !it.Available {
			t.Errorf("it is not had from the share that is there: %+v", it)
		}
		r.end()
	})
}

func TestDeepFoldersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(1000)
		m.put(strings.Repeat("d/", 30)+"ok.mp4", "film", old())
		m.put(strings.Repeat("e/", 100)+"deep.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		if got := pathsOf(r.Tree().Root); len(got) != 1 || !strings.HasSuffix(got[0], "ok.mp4") {
			t.Errorf("got %q", got)
		}
		r.end()
	})
}

func TestHostileNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a.mp4", "film", old())
		src := &hostile{m}
		l := New(Options{Config: testConfig(), Shares: []Share{{Name: "S", Place: "/m"}}, Openers: map[string]Opener{"": func(string, source.Access) (source.Source, error) { return src, nil }}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { l.Run(ctx); close(done) }()
		settled()
		if got := pathsOf(l.Tree().Root); len(got) != 1 || got[0] != "S/a.mp4" {
			t.Errorf("got %q", got)
		}
		cancel()
		<-done
	})
}

// hostile is a source whose listings are made up.
type hostile struct{ *memory }

func (h *hostile) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	infos, err := h.memory.List(ctx, name)
	for _, name := range []string{"", ".", "..", "../x.mp4", "a/b.mp4", "/etc/x.mp4", "nul\x00.mp4", "a.mp4"} {
		infos = append(infos, memoryInfo{memoryFile{name, "film", old()}, false}, memoryInfo{memoryFile{name, "", old()}, name != "a.mp4"})
	}
	return infos, err
}
