package library

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/index"
	"mustserv/library/source"
)

// unwatched is a source that can't tell of changes.
type unwatched struct{ m *memory }

func (u unwatched) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	return u.m.Stat(ctx, name)
}

func (u unwatched) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	return u.m.List(ctx, name)
}

func (u unwatched) Open(ctx context.Context, name string) (source.File, error) {
	return u.m.Open(ctx, name)
}

func (u unwatched) Close() error { return u.m.Close() }

func (u unwatched) Describe() string { return "nfs4 mount at /m" }

// startPolled runs a library with one share that can't be watched.
func startPolled(t *testing.T, x *index.Index, m *memory, rescan time.Duration) *rig {
	t.Helper()
	r := start(t, x, map[string]*memory{})
	r.env.openers[""] = func(string, source.Access) (source.Source, error) { return unwatched{m}, nil }
	r.Configure(testConfig(), []Share{{Name: "S", Place: "/m", Rescan: rescan}})
	settled()
	return r
}

// reset forgets what was counted.
func (m *memory) reset() { m.set(func() { m.stats, m.lists, m.listed = 0, 0, nil }) }

func (m *memory) looked() (stats, lists int, listed []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stats, m.lists, slices.Clone(m.listed)
}

// seasons fills a source with folders that have not changed for days.
func seasons(folders int) *memory {
	m := newMemory(-1)
	for i := range folders {
		m.put(fmt.Sprintf("show/season %d/1.mp4", i), "film", old())
	}
	time.Sleep(3 * longAgo)
	return m
}

func TestPollListsOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(20)
		r := startPolled(t, index.New(), m, time.Minute)
		if s := r.Shares()[0]; s.State != Polled || s.Kind != "nfs4 mount at /m" || s.Reason != "nfs4 mount at /m can't tell of changes" {
			t.Errorf("status %+v", s)
		}
		_, opens := m.counts()
		m.reset()
		time.Sleep(time.Minute + time.Second)
		settled()
		if stats, lists, _ := m.looked(); stats != 22 || lists != 1 { // the root's time was not known before
			t.Errorf("the first look again at 22 folders: %d times looked at, %d times listed", stats, lists)
		}
		m.reset()
		time.Sleep(20 * time.Hour)
		settled()
		if _, lists, _ := m.looked(); lists != 0 {
			t.Errorf("%d folders were listed though none has changed", lists)
		}
		if _, now := m.counts(); now != opens {
			t.Errorf("%d files were read though none has changed", now-opens)
		}
		m.put("show/season 3/2.mp4", "film", old())
		m.put("show/season 20/1.mp4", "film", old())
		m.reset()
		time.Sleep(4 * time.Minute)
		settled()
		r.item("S/show/season 3/2.mp4")
		r.item("S/show/season 20/1.mp4")
		time.Sleep(10 * time.Minute)
		_, lists, listed := m.looked()
		want := map[string]int{"show": 2, "show/season 3": 2, "show/season 20": 2} // each once more, for what may have followed unseen
		for _, name := range listed {
			want[name]--
		}
		for name, n := range want {
			if n < 0 || n > 1 {
				t.Errorf("%q was listed %d times too few, of %d: %q", name, n, lists, listed)
			}
		}
		r.end()
	})
}

// The folder that changed last is looked at first.
func TestPollOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(-1)
		for _, name := range []string{"b", "c", "a"} {
			m.put(name+"/1.mp4", "film", old())
			time.Sleep(time.Hour)
		}
		r := startPolled(t, index.New(), m, time.Minute)
		m.reset()
		time.Sleep(time.Minute + time.Second)
		settled()
		if _, _, listed := m.looked(); !slices.Equal(listed, []string{".", "a", "c", "b"}) {
			t.Errorf("listed %q", listed)
		}
		r.end()
	})
}

// The pause grows while nothing changes, so that disks may sleep, and is as
// short as it was when something has.
func TestPollBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(1)
		r := startPolled(t, index.New(), m, 10*time.Minute)
		looks := func(span time.Duration) int {
			m.reset()
			time.Sleep(span)
			settled()
			stats, _, _ := m.looked()
			return stats / 3
		}
		looks(2 * time.Hour)
		if n := looks(4 * time.Hour); n != 6 {
			t.Errorf("looked %d times in four calm hours, want every 40 minutes", n)
		}
		m.put("show/season 0/2.mp4", "film", old())
		for len(pathsOf(r.Tree().Root)) < 2 {
			time.Sleep(time.Second)
		}
		if n := looks(11 * time.Minute); n != 1 {
			t.Errorf("looked %d times in the ten minutes after a change", n)
		}
		r.end()
	})
}

// Something may change in the moment after a folder was listed, in which its
// time stays the same.
func TestPollSeesWhatTheTimeHides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(2)
		r := startPolled(t, index.New(), m, time.Minute)
		time.Sleep(10 * time.Minute)
		m.put("show/season 1/2.mp4", "film", old())
		for len(pathsOf(r.Tree().Root)) < 3 {
			time.Sleep(time.Second)
		}
		m.set(func() { m.noNews = true })
		m.put("show/season 1/3.mp4", "film", old())
		time.Sleep(2 * time.Minute)
		settled()
		r.item("S/show/season 1/3.mp4")
		r.end()
	})
}

// Servers that don't keep the times of folders: all are listed at last, and
// from then on each time.
func TestPollWithoutTimes(t *testing.T) {
	for name, set := range map[string]func(*memory){
		"none":  func(m *memory) { m.noTimes = true },
		"wrong": func(m *memory) { m.noNews = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := seasons(2)
				m.set(func() { set(m) })
				r := startPolled(t, index.New(), m, time.Minute)
				time.Sleep(time.Hour)
				m.put("show/season 1/2.mp4", "film", old())
				time.Sleep(listAllEvery)
				settled()
				r.item("S/show/season 1/2.mp4")
				m.put("show/season 1/3.mp4", "film", old())
				time.Sleep(5 * time.Minute)
				settled()
				r.item("S/show/season 1/3.mp4")
				r.end()
			})
		})
	}
}

// A file that was overwritten shows in no folder's time.
func TestPollSeesOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(2)
		r := startPolled(t, index.New(), m, time.Minute)
		time.Sleep(time.Hour)
		m.put("show/season 1/1.mp4", "film, longer", old())
		time.Sleep(listAllEvery + time.Hour)
		settled()
		if it := r.item("S/show/season 1/1.mp4"); it.Size != int64(len("film, longer")) {
			t.Errorf("it has %d bytes", it.Size)
		}
		if r.current()[0].poll.blurry {
			t.Error("times are distrusted because a file was overwritten")
		}
		r.end()
	})
}

// Who opens such a file finds it out at once.
func TestOpenSeesOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(2)
		r := startPolled(t, index.New(), m, time.Hour)
		m.put("show/season 1/1.mp4", "film, longer", old())
		file, err := r.item("S/show/season 1/1.mp4").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
		time.Sleep(2 * time.Second)
		settled()
		if it := r.item("S/show/season 1/1.mp4"); it.Size != int64(len("film, longer")) {
			t.Errorf("it has %d bytes", it.Size)
		}
		r.end()
	})
}

func TestPollSeesWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(3)
		r := startPolled(t, index.New(), m, time.Minute)
		m.put("show/extra/1.mp4", "film", old())
		time.Sleep(5 * time.Minute)
		settled()
		r.item("S/show/extra/1.mp4")
		m.set(func() {
			delete(m.files, "show/extra/1.mp4")
			delete(m.folders, "show/extra")
			m.touch("show")
		})
		m.remove("show/season 1/1.mp4")
		time.Sleep(5 * time.Minute)
		settled()
		r.missing("S/show/extra")
		r.missing("S/show/season 1/1.mp4")
		r.item("S/show/season 0/1.mp4")
		r.end()
	})
}

// What could not be measured while the share was away is when it is back,
// though no folder has changed.
func TestPollMeasuresAfterOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(2)
		m.refused["show/season 1/1.mp4"] = fmt.Errorf("the cable was pulled: %w", source.ErrUnavailable)
		r := startPolled(t, index.New(), m, time.Minute)
		m.set(func() { m.down = true })
		time.Sleep(10 * time.Minute)
		settled()
		if r.item("S/show/season 1/1.mp4").Available {
			t.Error("it is shown as available")
		}
		m.set(func() {
			m.down = false
			clear(m.refused)
		})
		m.reset()
		time.Sleep(time.Minute)
		settled()
		if it := r.item("S/show/season 1/1.mp4"); !it.Available || it.Info() == nil {
			t.Errorf("once it is back: %+v", it)
		}
		if _, lists, _ := m.looked(); lists > 1 {
			t.Errorf("%d folders were listed when it came back", lists)
		}
		r.end()
	})
}

// A mount point without its mount is an empty folder. Nothing is dropped,
// whether the mount goes away or was not there at the start.
func TestEmptyShareIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := seasons(2)
		x := index.New()
		r := startPolled(t, x, m, time.Minute)
		away := func(r *rig) {
			t.Helper()
			s := r.Shares()[0]
			if s.State != Unavailable || s.Items != 2 || x.Len() != 2 || s.Reason != "/m is empty, though there was something in it; "+
				"most likely what belongs there is not mounted. If you have emptied it, put any file into it" {
				t.Errorf("status %+v, %d in the index", s, x.Len())
			}
			if it := r.item("S/show/season 1/1.mp4"); it.Available || it.Info() == nil {
				t.Errorf("item %+v", it)
			}
		}
		back := func(r *rig) {
			t.Helper()
			m.set(func() {
				m.empty = false
				m.folders["."] = time.Now()
			})
			time.Sleep(time.Minute)
			settled()
			if it := r.item("S/show/season 1/1.mp4"); !it.Available || r.Shares()[0].State != Polled {
				t.Errorf("back, item %+v, status %+v", it, r.Shares()[0])
			}
		}
		empty := func() {
			m.set(func() {
				m.empty = true
				m.folders["."] = time.Now()
			})
		}
		empty()
		time.Sleep(time.Hour)
		settled()
		away(r)
		back(r)
		r.end()
		empty()
		again := startPolled(t, x, m, time.Minute)
		away(again)
		probes := again.probes.Load()
		back(again)
		if again.probes.Load() != probes {
			t.Error("what is known was measured again")
		}
		m.set(func() {
			m.empty = true
			m.files = map[string]memoryFile{"read me.txt": {"read me.txt", "", old()}}
			m.empty = false
			m.folders = map[string]time.Time{".": time.Now()}
		})
		time.Sleep(time.Hour)
		settled()
		if s := again.Shares()[0]; s.State != Polled || s.Items != 0 || x.Len() != 0 {
			t.Errorf("emptied on purpose: %+v, %d in the index", s, x.Len())
		}
		again.end()
	})
}

// Where the system tells of each change, an empty folder is one that was emptied.
func TestWatchedShareMayBeEmptied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		m.remove("a.mp4")
		time.Sleep(time.Minute)
		settled()
		r.missing("S/a.mp4")
		if s := r.Shares()[0]; s.State != Watched {
			t.Errorf("status %+v", s)
		}
		r.end()
	})
}

// What is known from the last run is shown before the share answers at all.
func TestKnownItemsAreShownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := index.New()
		m := newMemory(100)
		m.put("a/b/1.mp4", "film", old())
		m.put("hls/all.m3u8", "#EXTM3U\n#EXT-X-VERSION:3", old())
		m.put("hls/1.m4s", "x", old())
		sources, share := one(m)
		r := start(t, x, sources, share)
		settled()
		before := r.item("S/a/b/1.mp4")
		r.end()

		m.set(func() { m.down = true })
		r = start(t, x, sources, share)
		settled()
		it := r.item("S/a/b/1.mp4")
		if it.Available || it.Info() == nil || it.Size != before.Size || !it.Modified.Equal(before.Modified) || it.Kind != before.Kind {
			t.Errorf("while it is away: %+v, want %+v", it, before)
		}
		if s := r.Shares()[0]; s.State != Unavailable || s.Items != 2 {
			t.Errorf("status %+v", s)
		}
		m.set(func() { m.down = false })
		time.Sleep(time.Minute)
		settled()
		if it := r.item("S/a/b/1.mp4"); !it.Available {
			t.Errorf("once it is back: %+v", it)
		}
		r.item("S/hls/1.m4s")
		m.remove("a/b/1.mp4")
		time.Sleep(time.Minute)
		settled()
		r.missing("S/a/b/1.mp4")
		r.end()
	})
}

// Who waits for a share has it tried soon, and does not delay it for the next.
func TestWaitingDoesNotDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		m.set(func() { m.down = true })
		brief, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.item("S/a.mp4").Open(brief); err == nil {
			t.Error("opened while it is away")
		}
		m.set(func() { m.down = false })
		time.Sleep(2 * firstRetry)
		settled()
		if !r.item("S/a.mp4").Available {
			t.Error("it is back, and still shown as away")
		}
		r.end()
	})
}

// A source that says that something else is there now is opened anew.
func TestReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100)
		m.put("a.mp4", "film", old())
		sources, share := one(m)
		r := start(t, index.New(), sources, share)
		settled()
		next := newMemory(100)
		next.put("b.mp4", "film", old())
		m.set(func() {
			m.refused["."] = fmt.Errorf("nas:/ is mounted at /m: %w: %w", source.ErrReopen, source.ErrUnavailable)
		})
		r.env.openers[""] = func(string, source.Access) (source.Source, error) { return next, nil }
		r.Rescan()
		time.Sleep(2 * time.Second)
		settled()
		r.missing("S/a.mp4")
		r.item("S/b.mp4")
		if !m.closed || r.Shares()[0].State != Watched {
			t.Errorf("closed %v, status %+v", m.closed, r.Shares()[0])
		}
		r.end()
	})
}
