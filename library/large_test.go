package library_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/library/source"
	"mustserv/library/source/guard"
	"mustserv/library/source/local"
)

// calls counts what is asked of a source.
type calls struct {
	source.Source
	stats, lists, opens *atomic.Int64
}

func (c calls) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	c.stats.Add(1)
	return c.Source.Stat(ctx, name)
}

func (c calls) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	c.lists.Add(1)
	return c.Source.List(ctx, name)
}

func (c calls) Open(ctx context.Context, name string) (source.File, error) {
	c.opens.Add(1)
	return c.Source.Open(ctx, name)
}

// BenchmarkThreeSources100000 scans and measures 100 000 songs, a third of
// them in a folder that is watched and the others in two that are guarded and
// polled, as network mounts are; and then looks through those again.
func BenchmarkThreeSources100000(b *testing.B) {
	dir, err := os.MkdirTemp("/dev/shm", "library")
	if err != nil {
		b.Skipf("needs a file system in memory: %v", err)
	}
	defer os.RemoveAll(dir)
	const folders, songs = 1111, 30
	song := probetest.MP3(0.2, 64)
	var shares []library.Share
	for s := range 3 {
		place := filepath.Join(dir, fmt.Sprint(s))
		shares = append(shares, library.Share{Name: fmt.Sprint("S", s), Place: place, Rescan: time.Duration(min(s, 1)) * time.Second})
		for f := range folders {
			folder := filepath.Join(place, fmt.Sprintf("Artist %d", f%100), fmt.Sprintf("Some album of %d", f))
			must(b, os.MkdirAll(folder, 0o755))
			for i := range songs {
				must(b, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d - A song of some length.mp3", i)), song, 0o644))
			}
			long := time.Now().Add(-1000 * time.Hour)
			must(b, os.Chtimes(folder, long, long))
		}
	}
	x := index.New()
	for _, name := range []string{"first", "again"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if name == "first" {
					x = index.New()
				}
				runLarge(b, x, shares, 3*folders*songs)
			}
		})
	}
}

// runLarge runs a library until all is measured and what is polled was looked
// through twice more.
func runLarge(b *testing.B, x *index.Index, shares []library.Share, items int) {
	var stats, lists, opens atomic.Int64
	c := library.DefaultConfig()
	c.Quiet = 0
	l := library.New(library.Options{
		Config: c, Shares: shares, Index: x, Probe: probe.Probe,
		Openers: map[string]library.Opener{"": func(place string, _ source.Access) (source.Source, error) {
			folder, err := local.Open(place)
			if err != nil || place == shares[0].Place {
				return folder, err
			}
			return calls{guard.Wrap(folder, guard.Options{}), &stats, &lists, &opens}, nil
		}},
	})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	began := time.Now()
	go func() {
		l.Run(ctx)
		close(done)
	}()
	until := func(ok func([]library.ShareStatus) bool) []library.ShareStatus {
		for {
			if now := l.Shares(); ok(now) {
				return now
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	until(func(now []library.ShareStatus) bool {
		return now[0].State == library.Watched && now[1].State == library.Polled && now[2].State == library.Polled
	})
	b.ReportMetric(time.Since(began).Seconds(), "s-to-scan")
	first := until(func(now []library.ShareStatus) bool {
		n, unmeasured := 0, 0
		for _, s := range now {
			n, unmeasured = n+s.Items, unmeasured+s.Unmeasured
		}
		return n == items && unmeasured == 0
	})
	b.ReportMetric(time.Since(began).Seconds(), "s-to-measure")
	again := func(before []library.ShareStatus) []library.ShareStatus {
		return until(func(now []library.ShareStatus) bool {
			return now[1].LastScan.After(before[1].LastScan) && now[2].LastScan.After(before[2].LastScan)
		})
	}
	calm := again(again(first)) // folders above others are listed once more after the first time
	stats.Store(0)
	lists.Store(0)
	opens.Store(0)
	last := again(calm)
	b.ReportMetric(float64(last[1].ScanTook.Milliseconds()), "ms/rescan")
	b.ReportMetric(float64(stats.Load()), "stats")
	b.ReportMetric(float64(lists.Load()), "lists")
	b.ReportMetric(float64(opens.Load()), "opens")
	cancel()
	<-done
}
