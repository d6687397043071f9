package library

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/library/source"
)

// TestMemoryOf100000 fills a library with songs of usual names and tags: what
// it holds on to must leave room on an old PC.
func TestMemoryOf100000(t *testing.T) {
	const items, most = 100_000, 370 + 100*(strconv.IntSize/32-1) // bytes for each, on 32 and 64 bits
	file := filepath.Join(t.TempDir(), "index")
	x, err := index.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	raw := probetest.MP3(1, 128)
	song, err := probe.Probe(t.Context(), bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	song.Curve.Shape, song.Curve.Schedule = nil, probe.Schedule{}
	for i := range items {
		album := i / 12
		info := *song
		info.Title, info.Year, info.Number, info.Genre = fmt.Sprintf("A song of some length %d", i), 1960+album%60, i%12+1, "Rock"
		info.Artist, info.Album = fmt.Sprintf("Artist %d", album/5), fmt.Sprintf("Some album %d", album)
		x.Put(index.Key{
			Share: "/music", Path: fmt.Sprintf("Artist %d/Some album %d/%02d - A song of some length %d.mp3", album/5, album, i%12, i),
			Size: int64(5_000_000 + i), Modified: time.Now().UnixNano(),
		}, index.Entry{Info: &info})
	}
	if err := x.Save(); err != nil {
		t.Fatal(err)
	}
	x = nil
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if x, err = index.Open(file); err != nil {
		t.Fatal(err)
	}
	l := New(Options{
		Config: testConfig(), Shares: []Share{{Name: "Music", Place: "/music"}}, Index: x,
		Openers: map[string]Opener{"": func(string, source.Access) (source.Source, error) { return nil, source.ErrUnavailable }},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		l.Run(ctx)
		close(done)
	}()
	defer func() {
		cancel()
		<-done
	}()
	for l.Shares()[0].Items < items {
		time.Sleep(10 * time.Millisecond)
	}
	if !l.Rest() {
		t.Error("the index stays in memory")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := int64(after.HeapAlloc-before.HeapAlloc) / items
	if t.Logf("%d bytes an item, in all %d MB", per, per*items>>20); per > most {
		t.Errorf("%d bytes an item, want at most %d", per, most)
	}
	runtime.KeepAlive(x)
}
