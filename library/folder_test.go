package library_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/library/source"
	"mustserv/library/source/local"
	"mustserv/library/source/sourcetest"
)

// These tests run on real folders that the system watches.

// counting counts the files that are opened below it.
type counting struct {
	source.Source
	opens *atomic.Int64
}

func (c counting) Open(ctx context.Context, name string) (source.File, error) {
	c.opens.Add(1)
	return c.Source.Open(ctx, name)
}

func (c counting) Watch(ctx context.Context) (source.Watch, error) {
	return c.Source.(source.Watcher).Watch(ctx)
}

type running struct {
	*library.Library
	t     testing.TB
	opens atomic.Int64
	stop  func()
}

func quickConfig() library.Config {
	c := library.DefaultConfig()
	c.Quiet = 300 * time.Millisecond
	c.Outage = 100 * time.Millisecond
	return c
}

// run starts a library of folders, as shares S, S2 …
func run(t testing.TB, x *index.Index, places ...string) *running {
	t.Helper()
	r := &running{t: t}
	var shares []library.Share
	for i, place := range places {
		name := "S"
		if i > 0 {
			name = fmt.Sprintf("S%d", i+1)
		}
		shares = append(shares, library.Share{Name: name, Place: place})
	}
	r.Library = library.New(library.Options{
		Config: quickConfig(), Shares: shares, Index: x,
		Openers: map[string]library.Opener{"": func(place string, _ source.Access) (source.Source, error) {
			src, err := local.Open(place)
			return counting{src, &r.opens}, err
		}},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		r.Run(ctx)
		close(done)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(r.stop)
	return r
}

// until waits for something to come true.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			var paths []string
			for it := range r.Tree().Root.All {
				paths = append(paths, it.Path)
			}
			r.t.Fatalf("never came true: %s; shares %+v; %.2000q", what, r.Shares(), paths)
		}
	}
}

// scanned waits until everything is scanned and measured.
func (r *running) scanned() {
	r.t.Helper()
	r.until("scanned and measured", func() bool {
		for _, s := range r.Shares() {
			if s.LastScan.IsZero() || s.Unmeasured > 0 {
				return false
			}
		}
		return r.Tree().Root.Totals().Unmeasured == 0
	})
	time.Sleep(150 * time.Millisecond) // the tree is published within a tenth of a second
}

func (r *running) has(path string) bool {
	_, _, err := r.Tree().Lookup(path)
	return err == nil
}

func (r *running) appears(path string) {
	r.t.Helper()
	r.until(path+" is there", func() bool { return r.has(path) })
}

func (r *running) vanishes(path string) {
	r.t.Helper()
	r.until(path+" is gone", func() bool { return !r.has(path) })
}

// item waits until an item is there and measured.
func (r *running) item(path string) (it *library.Item) {
	r.t.Helper()
	r.until(path+" is measured", func() bool {
		it, _, _ = r.Tree().Lookup(path)
		return it != nil && (it.Info() != nil || it.Problem != "")
	})
	return it
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes files whose times say that they have long been quiet.
func write(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	past := time.Now().Add(-time.Hour)
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, content, 0o644))
		must(t, os.Chtimes(file, past, past))
	}
}

func TestMeasuresRealFiles(t *testing.T) {
	dir := t.TempDir()
	wav := probetest.WAV(2, 8000, 1)
	write(t, dir, map[string][]byte{
		"a.wav":         wav,
		"b.mp3":         probetest.MP3(3, 128),
		"wav-named.mp4": wav,
		"no-extension":  probetest.MP3(3, 128),
		"Makefile":      []byte("all:\n\techo hello\n"),
		"garbage.mp4":   []byte(strings.Repeat("garbage", 100)),
		"later.mkv":     []byte("\x1aE\xdf\xa3 and so on"),
	})
	r := run(t, nil, dir)
	r.scanned()
	r.until("the file without extension is recognised", func() bool { return r.has("S/no-extension") })
	for path, want := range map[string]struct {
		kind library.Kind
		mime string
	}{
		"S/a.wav":         {library.Audio, "audio/wav"},
		"S/b.mp3":         {library.Audio, "audio/mpeg"},
		"S/wav-named.mp4": {library.Audio, "audio/wav"},
		"S/no-extension":  {library.Audio, "audio/mpeg"},
	} {
		it := r.item(path)
		if it.Kind != want.kind || it.MIME != want.mime || it.Info() == nil || it.Info().Duration < 1.9 || it.Info().Duration > 3.2 {
			t.Errorf("%s: %+v", path, it)
		}
	}
	for _, path := range []string{"S/garbage.mp4", "S/later.mkv"} {
		if it := r.item(path); it.Info() != nil || it.Problem == "" {
			t.Errorf("%s: %+v", path, it)
		}
	}
	if r.has("S/Makefile") {
		t.Error("a Makefile is taken for media")
	}
}

func TestOddNames(t *testing.T) {
	dir := t.TempDir()
	content := probetest.WAV(0.1, 8000, 1)
	want := map[string]string{}
	for i, name := range sourcetest.OddNames() {
		if strings.HasPrefix(name, ".") || os.WriteFile(filepath.Join(dir, name), append(content, byte(i)), 0o644) != nil {
			continue // left out, or not to be had on this file system
		}
		want["S/"+name] = name
	}
	r := run(t, nil, dir)
	r.scanned()
	for path := range want {
		r.appears(path)
	}
	for path, name := range want {
		escaped, slash, err := library.ParsePath(library.EscapePath(path))
		if err != nil || slash || escaped != path {
			t.Fatalf("%q as a URL: %q, %v", path, escaped, err)
		}
		it := r.item(path)
		file, err := it.Open(t.Context())
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if b, err := io.ReadAll(file); err != nil || len(b) != len(content)+1 || int64(len(b)) != it.Size {
			t.Errorf("%q: %d bytes, %v", name, len(b), err)
		}
		file.Close()
	}
}

func TestFilesComeAndGo(t *testing.T) {
	dir := t.TempDir()
	wav := probetest.WAV(1, 8000, 1)
	write(t, dir, map[string][]byte{"a.wav": wav, "sub/b.wav": wav})
	r := run(t, nil, dir)
	r.scanned()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

	must(t, os.Rename(at("a.wav"), at("sub/renamed.wav")))
	r.appears("S/sub/renamed.wav")
	r.vanishes("S/a.wav")
	must(t, os.Remove(at("sub/b.wav")))
	r.vanishes("S/sub/b.wav")
	write(t, dir, map[string][]byte{"new/deep/deeper/c.wav": wav})
	if it := r.item("S/new/deep/deeper/c.wav"); it.Info() == nil {
		t.Errorf("not measured: %+v", it)
	}
	must(t, os.WriteFile(at("sub/renamed.wav"), probetest.WAV(2, 8000, 1), 0o644))
	r.until("the replaced file is measured", func() bool {
		it, _, _ := r.Tree().Lookup("S/sub/renamed.wav")
		return it != nil && it.Info() != nil && it.Info().Duration > 1.9
	})
}

func TestFoldersMove(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	wav := probetest.WAV(1, 8000, 1)
	write(t, dir, map[string][]byte{"a/b/c.wav": wav, "a/d.wav": wav, "e.wav": wav})
	r := run(t, nil, dir)
	r.scanned()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

	must(t, os.Rename(at("a"), at("moved")))
	r.appears("S/moved/b/c.wav")
	r.vanishes("S/a")
	write(t, dir, map[string][]byte{"moved/b/new.wav": wav}) // below the folder that moved
	r.appears("S/moved/b/new.wav")

	must(t, os.Rename(at("moved"), filepath.Join(outside, "out")))
	r.vanishes("S/moved")
	write(t, outside, map[string][]byte{"out/b/unseen.wav": wav})
	must(t, os.Rename(filepath.Join(outside, "out"), at("in")))
	r.appears("S/in/b/unseen.wav")
	write(t, dir, map[string][]byte{"in/b/again.wav": wav})
	r.appears("S/in/b/again.wav")

	must(t, os.RemoveAll(at("in")))
	write(t, dir, map[string][]byte{"in/b/made-again.wav": wav})
	r.appears("S/in/b/made-again.wav")
	r.vanishes("S/in/b/again.wav")
	write(t, dir, map[string][]byte{"in/b/last.wav": wav})
	r.appears("S/in/b/last.wav")
	must(t, os.RemoveAll(at("in")))
	r.vanishes("S/in")
	if s := r.Shares()[0]; s.State != library.Watched || s.Items != 1 {
		t.Errorf("in the end: %+v", s)
	}
}

func TestFileBeingCopied(t *testing.T) {
	dir := t.TempDir()
	r := run(t, nil, dir)
	r.scanned()
	slow := quickConfig()
	slow.Quiet = 2 * time.Second
	r.Configure(slow, []library.Share{{Name: "S", Place: dir}})
	wav := probetest.WAV(2, 8000, 1)
	f, err := os.Create(filepath.Join(dir, "copy.wav"))
	must(t, err)
	defer f.Close()
	for step := len(wav)/12 + 1; len(wav) > 0; {
		n := min(step, len(wav))
		_, err := f.Write(wav[:n])
		must(t, err)
		wav = wav[n:]
		time.Sleep(100 * time.Millisecond) // well within the time to be quiet
		if n := r.opens.Load(); n != 0 {
			t.Fatalf("opened %d times while it is copied", n)
		}
	}
	if it := r.item("S/copy.wav"); it.Info() == nil || it.Info().Duration < 1.99 {
		t.Errorf("after it was copied: %+v", it)
	}
	if n := r.opens.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
}

func TestShareComesBack(t *testing.T) {
	place := filepath.Join(t.TempDir(), "share")
	r := run(t, nil, place)
	unavailable := func() bool { return r.Shares()[0].State == library.Unavailable }
	r.until("missing at the start", unavailable)
	if s := r.Shares()[0]; !strings.Contains(s.Reason, "does not exist") || strings.Contains(s.Reason, "unavailable") {
		t.Errorf("status %+v", s)
	}
	write(t, place, map[string][]byte{"a/b.wav": probetest.WAV(1, 8000, 1)})
	r.item("S/a/b.wav")
	must(t, os.Rename(place, place+".away"))
	r.until("away", unavailable)
	r.until("the item is kept", func() bool {
		it, _, _ := r.Tree().Lookup("S/a/b.wav")
		return it != nil && !it.Available && it.Info() != nil
	})
	it, _, _ := r.Tree().Lookup("S/a/b.wav")
	if _, err := it.Open(t.Context()); !errors.Is(err, source.ErrUnavailable) {
		t.Errorf("Open answers %v", err)
	}
	must(t, os.Rename(place+".away", place))
	r.until("back", func() bool {
		it, _, _ := r.Tree().Lookup("S/a/b.wav")
		return it != nil && it.Available
	})
	write(t, place, map[string][]byte{"a/new.wav": probetest.WAV(1, 8000, 1)})
	r.appears("S/a/new.wav")
}

func TestLinksOutAreNotListed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string][]byte{"outside/secret.wav": probetest.WAV(1, 8000, 1), "share/real.wav": probetest.WAV(1, 8000, 1)})
	for name, target := range map[string]string{
		"out.wav": "../outside/secret.wav", "outdir": "../outside", "abs.wav": filepath.Join(dir, "outside", "secret.wav"),
		"loop": ".", "in.wav": "real.wav",
	} {
		if err := os.Symlink(target, filepath.Join(dir, "share", name)); err != nil {
			t.Skipf("can't make symbolic links here: %v", err)
		}
	}
	r := run(t, nil, filepath.Join(dir, "share"))
	r.scanned()
	var got []string
	for it := range r.Tree().Root.All {
		got = append(got, it.Path)
	}
	if want := "S/in.wav S/real.wav"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// A file that becomes a link later must not be followed either.
	it := r.item("S/real.wav")
	must(t, os.Remove(filepath.Join(dir, "share", "real.wav")))
	must(t, os.Symlink("../outside/secret.wav", filepath.Join(dir, "share", "real.wav")))
	if _, err := it.Open(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a link out answers %v", err)
	}
}

func TestSecondStartOpensNothing(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "index")
	write(t, dir, map[string][]byte{
		"a.wav": probetest.WAV(1, 8000, 1), "b/c.mp3": probetest.MP3(1, 64), "garbage.mp4": []byte("garbage garbage"),
		"none": []byte("text"), "latin1-\xe9.wav": probetest.WAV(1, 8000, 2),
	})
	x, err := index.Open(state)
	must(t, err)
	first := run(t, x, dir)
	first.scanned()
	first.until("all were opened", func() bool { return first.opens.Load() == 5 })
	first.stop()
	x, err = index.Open(state)
	must(t, err)
	second := run(t, x, dir)
	second.scanned()
	time.Sleep(500 * time.Millisecond)
	if n := second.opens.Load(); n != 0 {
		t.Errorf("%d files were opened at the second start", n)
	}
	for it := range first.Tree().Root.All {
		same := second.item(it.Path)
		if fmt.Sprint(same.Kind, same.MIME, same.Problem) != fmt.Sprint(it.Kind, it.MIME, it.Problem) || (same.Info() == nil) != (it.Info() == nil) {
			t.Errorf("%+v became %+v", it, same)
		}
		if it.Info() != nil && fmt.Sprintf("%+v", *same.Info()) != fmt.Sprintf("%+v", *it.Info()) {
			t.Errorf("%+v became %+v", *it.Info(), *same.Info())
		}
	}
	if _, err := os.Stat(state); err != nil {
		t.Error(err)
	}
}

func TestEverythingEnds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string][]byte{"a/b.wav": probetest.WAV(1, 8000, 1)})
	before := runtime.NumGoroutine()
	for range 5 {
		r := run(t, nil, dir, filepath.Join(dir, "missing"))
		r.item("S/a/b.wav")
		r.stop()
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestCorpus(t *testing.T) {
	corpus := os.Getenv("MUSTSERV_CORPUS")
	if corpus == "" {
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatal("MUSTSERV_CORPUS does not name the test media")
		}
		t.Skip("MUSTSERV_CORPUS does not name the test media")
	}
	r := run(t, nil, corpus)
	r.scanned()
	files := 0
	must(t, filepath.WalkDir(corpus, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		rel, err := filepath.Rel(corpus, file)
		must(t, err)
		path := "S/" + filepath.ToSlash(rel)
		if strings.HasPrefix(d.Name(), ".") {
			if r.has(path) {
				t.Errorf("%q is not left out", path)
			}
			return nil
		}
		r.appears(path)
		it, _, _ := r.Tree().Lookup(path)
		info, err := d.Info()
		must(t, err)
		opened, err := it.Open(t.Context())
		if err != nil || it.Size != info.Size() || (it.Playable() && it.Info() == nil && it.Problem == "") {
			t.Errorf("%q: %v, %+v", path, err, it)
			return nil
		}
		return opened.Close()
	}))
	if files < 300 {
		t.Errorf("only %d files in the corpus", files)
	}
	for path, want := range map[string]library.Kind{"S/names/mp4-called.mp3": library.Video, "S/names/mp3-called.mp4": library.Audio} {
		if it := r.item(path); it.Kind != want {
			t.Errorf("%s is %s %s", path, it.Kind, it.MIME)
		}
	}
}

// tally counts what is read through it.
type tally struct {
	io.ReaderAt
	bytes, reads *atomic.Int64
}

func (t tally) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.ReaderAt.ReadAt(p, off)
	t.bytes.Add(int64(n))
	t.reads.Add(1)
	return n, err
}

// BenchmarkScan20000 finds and measures 20 000 short songs, and then knows
// them again.
func BenchmarkScan20000(b *testing.B) {
	dir, song := b.TempDir(), probetest.MP3(0.2, 64)
	var bytes, reads atomic.Int64
	for i := range 200 {
		folder := filepath.Join(dir, fmt.Sprintf("Artist %d", i%20), fmt.Sprintf("Album %d", i))
		must(b, os.MkdirAll(folder, 0o755))
		for j := range 100 {
			must(b, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d - A song of some length.mp3", j)), song, 0o644))
		}
	}
	measured := library.Options{
		Config:  library.DefaultConfig(),
		Shares:  []library.Share{{Name: "S", Place: dir}},
		Openers: map[string]library.Opener{"": func(place string, _ source.Access) (source.Source, error) { return local.Open(place) }},
		Index:   index.New(),
		Probe: func(ctx context.Context, r io.ReaderAt, size int64) (*probe.Info, error) {
			return probe.Probe(ctx, tally{r, &bytes, &reads}, size)
		},
	}
	measured.Config.Quiet = 0
	for _, name := range []string{"first", "again"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bytes.Store(0)
				reads.Store(0)
				if name == "first" {
					measured.Index = index.New()
				}
				l := library.New(measured)
				ctx, cancel := context.WithCancel(b.Context())
				done := make(chan struct{})
				go func() { l.Run(ctx); close(done) }()
				for s := l.Shares()[0]; s.LastScan.IsZero() || s.Unmeasured > 0; s = l.Shares()[0] {
					time.Sleep(5 * time.Millisecond)
				}
				b.ReportMetric(float64(bytes.Load())/20000, "read-B/file")
				b.ReportMetric(float64(reads.Load())/20000, "reads/file")
				b.ReportMetric(float64(l.Shares()[0].ScanTook.Milliseconds()), "scan-ms")
				cancel()
				<-done
			}
		})
	}
}
