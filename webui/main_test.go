package webui

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
	"mustserv/library/source"
	"mustserv/stream/accounting"
)

// fakeLibrary is a library that stands still.
type fakeLibrary struct {
	tree   *library.Tree
	shares []library.ShareStatus
	fails  error // what Find ends with
}

func (f fakeLibrary) Tree() *library.Tree { return f.tree }
func (f fakeLibrary) Find(_ context.Context, path string) (*library.Item, *library.Folder, error) {
	if f.fails != nil {
		return nil, nil, f.fails
	}
	return f.tree.Lookup(path)
}
func (f fakeLibrary) Shares() []library.ShareStatus { return f.shares }

func when() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC) }

// folder makes a folder and sets the paths of all below it.
func folder(path string, folders []*library.Folder, items ...*library.Item) *library.Folder {
	f := &library.Folder{Path: path, Name: path[len(parent(path)):], Folders: folders, Items: items}
	if f.Name != "" && f.Name[0] == '/' {
		f.Name = f.Name[1:]
	}
	for _, it := range items {
		it.Path = path + "/" + it.Name
	}
	return f
}

func film(name string) *library.Item {
	it := &library.Item{Name: name, Kind: library.Video, MIME: "video/mp4", Size: 734003200, Modified: when(), Available: true}
	return it.WithInfo(&probe.Info{
		Container: "mp4", Duration: 5400.2,
		Tracks: []probe.Track{
			{Kind: "video", Codec: "h264", Width: 1280, Height: 720},
			{Kind: "audio", Codec: "aac", Language: "en", Channels: 2, Hertz: 48000},
		},
		Curve: probe.Curve{Average: 1087000, Peak: 3120000, Exact: true},
	})
}

func song(name, title, artist string) *library.Item {
	it := &library.Item{Name: name, Kind: library.Audio, MIME: "audio/mpeg", Size: 4096000, Modified: when(), Available: true}
	return it.WithInfo(&probe.Info{
		Container: "mp3", Duration: 200.5, Title: title, Artist: artist, Album: "Album", Year: 1999,
		Tracks: []probe.Track{{Kind: "audio", Codec: "mp3", Channels: 2, Hertz: 44100}},
	})
}

// retold returns the item as if something else had been found in it.
func retold(it *library.Item, change func(*probe.Info)) *library.Item {
	info := it.Info()
	change(info)
	return it.WithInfo(info)
}

func unmeasured(name, problem string) *library.Item {
	return &library.Item{Name: name, Kind: library.Video, MIME: "video/x-msvideo", Size: 1 << 20, Modified: when(), Problem: problem, Available: true}
}

func testRoot() *library.Folder {
	away := film("gone.mp4")
	away.Available = false
	return folder("", []*library.Folder{
		folder("Attic", nil, away),
		folder("Movies", []*library.Folder{folder("Movies/Été", nil, film("A B.mp4"))},
			film("a.mp4"),
			&library.Item{Name: "a.srt", Kind: library.Subtitle, MIME: "application/x-subrip", Size: 100, Modified: when(), Available: true},
			unmeasured("b.avi", "the file ends in the middle"),
			unmeasured("c.avi", ""),
			&library.Item{Name: "live.pls", Kind: library.Playlist, MIME: "audio/x-scpls", Size: 100, Modified: when(), Available: true}),
		folder("Music", nil, song("s.mp3", "A Song", "Zoë")),
	})
}

func testShares() []library.ShareStatus {
	return []library.ShareStatus{
		{Name: "Movies", Kind: "smb", Place: "smb://attic/secret", Cache: source.CacheStats{Hits: 9, Misses: 1, Saved: 9 << 20}, State: library.Watched, Since: when(), Items: 5, Unmeasured: 1, Bytes: 1 << 30, LastScan: when(), ScanTook: 1500 * time.Millisecond},
		{Name: "Music", Kind: "local", State: library.Scanning, Items: 1},
		{Name: "Attic", Kind: "https", Waiting: 2, State: library.Unavailable, Reason: "mount does not answer", Since: when(), Items: 1},
		{Name: "Unseen", Kind: "local", State: library.Unavailable, Reason: "no such folder"},
	}
}

func testOptions(root *library.Folder) Options {
	return Options{
		Library: fakeLibrary{tree: &library.Tree{Root: root}, shares: testShares()},
		Sessions: func() []accounting.Session {
			return []accounting.Session{
				{ID: "1", Client: "192.0.2.1", UserAgent: "VLC/3.0.24 LibVLC/3.0.24", Path: "Movies/a.mp4", Started: when(), Bytes: 1 << 20, NeededRate: 1490000, SentRate: 1500000, Lead: 11.5, Active: true},
				{ID: "2", Client: "2001:db8::1", UserAgent: `"><script>alert(1)</script>`, Path: "Movies/deleted.mp4", Started: when()},
			}
		},
		Status: func() Status {
			return Status{Version: "1.2.3", Node: "box", Uptime: 90 * time.Minute, Viewers: 1, Capacity: 25_000_000, Reserved: 1_490_000, Free: 19_885_000, Waiting: 2, Lent: 5_587_500, SentRate: 1_500_000}
		},
		Need: func(it *library.Item) (int64, int64) {
			if it.Info() == nil {
				return 2_000_000, 1 << 20
			}
			return 1_490_000, 2_048_000
		},
		Config: DefaultConfig,
	}
}

func testHandler(t testing.TB, root *library.Folder) *Handler {
	t.Helper()
	h, err := New(testOptions(root))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// get asks for a target, which is sent as it stands.
func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://box:8080"+target, nil)
	h.ServeHTTP(w, r)
	return w
}
