package index

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

func sample(i int) (Key, Entry) {
	k := Key{Share: "/srv/films", Path: fmt.Sprintf("Action/The film number %d (1999)/film.mp4", i), Size: int64(i) << 22, Modified: 1_700_000_000_123_456_789 + int64(i)}
	info := &probe.Info{
		Container: "mp4", Duration: 5400.25, Title: fmt.Sprintf("Film %d", i), Year: 1999,
		Tracks: []probe.Track{{Kind: "video", Codec: "h264", Width: 1280, Height: 720}, {Kind: "audio", Codec: "aac", Language: "eng", Channels: 2, Hertz: 48000}},
		Curve:  probe.Curve{Average: 1_087_000, Peak: 3_120_000, Lead: 80_000, Header: 900_000, Exact: true},
	}
	for b := range 8 {
		info.Curve.Rates = append(info.Curve.Rates, probe.BurstRate{Burst: 256 * ratelimit.KiB << b, Rate: ratelimit.Rate(1_900_000 - b*100_000)})
	}
	return k, Entry{Info: info}
}

// oddEntries are hard to write down.
func oddEntries() map[Key]Entry {
	entries := map[Key]Entry{
		{Share: "/a", Path: "garbage.mp4", Size: 1}:                  {Problem: "not measured: \"no\"\tmoov\nhere \xff"},
		{Share: "/b", Path: "garbage.mp4", Size: 2}:                  {Problem: "another share"},
		{Share: "/a", Path: "list.m3u8", Size: 3, Modified: -5}:      {Kind: "video", Problem: "x"},
		{Share: "/a", Path: "new\nline\ttab \"quote\"<&>.mp3"}:       {Problem: "p"},
		{Share: "/a", Path: "bad-\xff\xfe.mp3", Size: 1 << 40}:       {Problem: "p"},
		{Share: "/a", Path: strings.Repeat("x", 5000), Modified: 77}: {Problem: "p"},
		{Share: "", Path: ""}:                                        {},
	}
	for i := range 3 {
		k, e := sample(i)
		entries[k] = e
	}
	return entries
}

func fill(x *Index, entries map[Key]Entry) {
	for k, e := range entries {
		x.Put(k, e)
	}
}

func TestSaveAndOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", "index")
	x, err := Open(file)
	if err != nil || x.Len() != 0 {
		t.Fatalf("a missing file gives %d entries, %v", x.Len(), err)
	}
	entries := oddEntries()
	fill(x, entries)
	if err := x.Save(); err != nil {
		t.Fatal(err)
	}
	for round := range 2 { // the second writes entries that were read as text
		x, err = Open(file)
		if err != nil || x.Len() != len(entries) {
			t.Fatalf("round %d: %d entries, %v; want %d", round, x.Len(), err, len(entries))
		}
		x.Put(Key{Path: "one more"}, Entry{})
		if err := x.Save(); err != nil {
			t.Fatal(err)
		}
		entries[Key{Path: "one more"}] = Entry{}
	}
	for k, want := range entries {
		want.Problem = strings.ToValidUTF8(want.Problem, "\ufffd")
		for range 2 { // decoded, then as it was decoded
			if got, ok := x.Get(k); !ok || !reflect.DeepEqual(got, want) {
				t.Errorf("Get(%q) = %+v, %v; want %+v", k.Path, got, ok, want)
			}
		}
	}
	if left, _ := filepath.Glob(file + ".*"); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// Every field of an Info must come back, also one that is added later.
func TestWholeInfo(t *testing.T) {
	var info probe.Info
	probetest.SetEach(&info)
	info.Curve.Shape, info.Curve.Schedule = nil, probe.Schedule{} // which nobody keeps
	text, err := record{value: &Entry{Info: &info}}.text()
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(text)
	if err != nil || !reflect.DeepEqual(*got.Info, info) {
		t.Errorf("%+v came back as %+v, %v", info, got.Info, err)
	}
}

func TestGetKnowsTheState(t *testing.T) {
	x := New()
	k, e := sample(1)
	x.Put(k, e)
	for what, change := range map[string]func(*Key){
		"size":     func(k *Key) { k.Size++ },
		"modified": func(k *Key) { k.Modified++ },
		"path":     func(k *Key) { k.Path += "x" },
		"share":    func(k *Key) { k.Share += "x" },
	} {
		other := k
		change(&other)
		if _, ok := x.Get(other); ok {
			t.Errorf("another %s finds the entry", what)
		}
	}
	newer := k
	newer.Size++
	x.Put(newer, e)
	if _, ok := x.Get(k); ok || x.Len() != 1 {
		t.Errorf("the old state of a file is kept, %d entries", x.Len())
	}
}

func TestSaveOnlyIfChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "index")
	x, _ := Open(file)
	stamp := func() (info os.FileInfo) { info, _ = os.Stat(file); return }
	x.Save()
	if stamp() != nil {
		t.Error("an empty index is written")
	}
	x.Put(sample(1))
	x.Save()
	first := stamp()
	x.Save()
	if !os.SameFile(first, stamp()) {
		t.Error("an unchanged index is written again")
	}
	x.Prune(func(Key) bool { return false })
	if x.Save(); os.SameFile(first, stamp()) {
		t.Error("a pruned index is not written")
	}
	if x, err := Open(file); err != nil || x.Len() != 0 {
		t.Errorf("pruned entries are back: %d, %v", x.Len(), err)
	}
}

// At rest the index is only in its file, whatever is done with it next.
func TestRest(t *testing.T) {
	k1, e1 := sample(1)
	k2, e2 := sample(2)
	known := func(x *Index, k Key) bool { _, ok := x.Get(k); return ok }
	for _, row := range []struct {
		name string
		use  func(x *Index) bool
	}{
		{"get", func(x *Index) bool { return known(x, k1) }},
		{"len", func(x *Index) bool { return x.Len() == 1 }},
		{"put", func(x *Index) bool { x.Put(k2, e2); return known(x, k1) && known(x, k2) }},
		{"prune", func(x *Index) bool { x.Prune(func(Key) bool { return false }); return !known(x, k1) }},
		{"each", func(x *Index) (found bool) {
			x.Each(k1.Share, func(k Key, e Entry) { found = k == k1 && reflect.DeepEqual(e, e1) })
			return found
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			x, _ := Open(filepath.Join(t.TempDir(), "index"))
			if x.Rest() {
				t.Error("an empty index rests")
			}
			x.Put(k1, e1)
			if x.Rest() {
				t.Error("an index rests that is not saved")
			}
			if err := x.Save(); err != nil || !x.Rest() || x.records != nil || x.Rest() {
				t.Fatalf("it does not rest, or twice: %v", err)
			}
			if !row.use(x) {
				t.Error("not as before the rest")
			}
			if err := x.Save(); err != nil {
				t.Error(err)
			}
			if again, err := Open(x.file); err != nil || again.Len() != x.Len() {
				t.Errorf("%d entries in the file, %d before: %v", again.Len(), x.Len(), err)
			}
		})
	}
	if x := New(); !func() bool { x.Put(k1, e1); return !x.Rest() && x.Len() == 1 }() {
		t.Error("an index without a file rests")
	}
}

// What happens to the file during a rest is told by the next Save, which mends it.
func TestDamagedAtRest(t *testing.T) {
	for name, damage := range map[string]func(file string) error{
		"gone":    os.Remove,
		"cut off": func(file string) error { return os.Truncate(file, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			x, _ := Open(filepath.Join(t.TempDir(), "index"))
			x.Put(sample(1))
			if err := x.Save(); err != nil || !x.Rest() {
				t.Fatalf("it does not rest: %v", err)
			}
			if err := damage(x.file); err != nil {
				t.Fatal(err)
			}
			x.Put(sample(2))
			if err := x.Save(); err == nil || !strings.Contains(err.Error(), "measured again") {
				t.Errorf("Save answers %v", err)
			}
			if err := x.Save(); err != nil {
				t.Errorf("it is told again: %v", err)
			}
			if again, err := Open(x.file); err != nil || again.Len() != 1 {
				t.Errorf("the file has %d entries, %v", again.Len(), err)
			}
		})
	}
}

func TestInMemory(t *testing.T) {
	x, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	x.Put(sample(1))
	if err := x.Save(); err != nil || x.Len() != 1 {
		t.Errorf("Save answers %v, %d entries", err, x.Len())
	}
}

func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	os.WriteFile(blocked, nil, 0o600)
	x, _ := Open(filepath.Join(dir, "index"))
	x.file = filepath.Join(blocked, "index")
	x.Put(sample(1))
	if err := x.Save(); err == nil {
		t.Error("no error where the folder is a file")
	}
	x.file = filepath.Join(dir, "index")
	if err := x.Save(); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(x.file); err != nil || again.Len() != 1 {
		t.Errorf("a failed save is not made up for: %d, %v", again.Len(), err)
	}
}

func TestDamage(t *testing.T) {
	const entries = 50
	file := filepath.Join(t.TempDir(), "index")
	x, _ := Open(file)
	for i := range entries {
		x.Put(sample(i))
	}
	if err := x.Save(); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(file)
	second := bytes.IndexByte(whole, '\n') + 1
	for _, row := range []struct {
		name   string
		damage func(b []byte) []byte
		left   int
		says   string
	}{
		{"empty", func(b []byte) []byte { return nil }, 0, "all files"},
		{"first line", func(b []byte) []byte { b[3] ^= 1; return b }, 0, "all files"},
		{"other version", func(b []byte) []byte { return bytes.Replace(b, []byte(" 1 "), []byte(" 2 "), 1) }, 0, "all files"},
		{"other prober", func(b []byte) []byte {
			return bytes.Replace(b, []byte(" "+strconv.Itoa(proberVersion)+"\n"), []byte(" 0\n"), 1)
		}, 0, "all files"},
		{"no newline at all", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte(" ")) }, 0, "all files"},
		{"one bit", func(b []byte) []byte { b[second+100] ^= 1; return b }, entries - 1, "1 damaged"},
		{"checksum", func(b []byte) []byte { b[second] = '+'; return b }, entries - 1, "1 damaged"},
		{"short line", func(b []byte) []byte { return append(b, "12\n"...) }, entries, "1 damaged"},
		{"empty line", func(b []byte) []byte { return append(b, "\n"...) }, entries, "1 damaged"},
		{"long line", func(b []byte) []byte { return append(append(b, bytes.Repeat([]byte("x"), 3*maxLine)...), '\n') }, entries, "1 damaged"},
		{"lost newline", func(b []byte) []byte {
			i := second + bytes.IndexByte(b[second:], '\n')
			b[i] = ' '
			return b
		}, entries - 2, "1 damaged"},
		{"zeros", func(b []byte) []byte { clear(b[len(b)/2:]); return b }, -1, ""},
		{"cut off", func(b []byte) []byte { return b[:len(b)-10] }, entries - 1, ""},
		{"binary", func(b []byte) []byte { return bytes.Repeat([]byte{0, 255, '\n', 7}, 1000) }, 0, "all files"},
	} {
		t.Run(row.name, func(t *testing.T) {
			damaged := filepath.Join(t.TempDir(), "index")
			os.WriteFile(damaged, row.damage(bytes.Clone(whole)), 0o600)
			x, err := Open(damaged)
			if row.says == "" != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.says)) {
				t.Errorf("Open answers %v", err)
			}
			if row.left >= 0 && x.Len() != row.left {
				t.Errorf("%d entries are left, want %d", x.Len(), row.left)
			}
			x.Put(sample(1000))
			if err := x.Save(); err != nil {
				t.Fatal(err)
			}
			if again, err := Open(damaged); err != nil || again.Len() != x.Len() {
				t.Errorf("not mended by Save: %v", err)
			}
		})
	}
}

func TestConcurrent(t *testing.T) {
	x, _ := Open(filepath.Join(t.TempDir(), "index"))
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 200 {
				k, e := sample(i)
				x.Put(k, e)
				if _, ok := x.Get(k); !ok {
					t.Error("an entry is not found")
				}
				if i%50 == w {
					if err := x.Save(); err != nil {
						t.Error(err)
					}
					x.Prune(func(Key) bool { return true })
				}
			}
		})
	}
	all.Wait()
}

func FuzzRead(f *testing.F) {
	x := New()
	fill(x, oddEntries())
	whole := []byte(header() + "\n")
	for at, r := range x.records {
		line, _ := appendLine(nil, at, r)
		whole = append(whole, line...)
	}
	f.Add(whole)
	f.Add([]byte(header() + "\n00000000 {}\t{}\n"))
	f.Add([]byte("mustserv-index"))
	f.Fuzz(func(t *testing.T, content []byte) {
		x := New()
		x.read(bytes.NewReader(content))
		if x.Len() > bytes.Count(content, []byte("\n")) {
			t.Errorf("%d entries in %d lines", x.Len(), bytes.Count(content, []byte("\n")))
		}
		var keys []Key
		x.Prune(func(k Key) bool { keys = append(keys, k); return true })
		for _, k := range keys {
			x.Get(k)
		}
	})
}

// FuzzLine writes a line and reads it again.
func FuzzLine(f *testing.F) {
	f.Add("share", "path", "problem", int64(1), int64(2))
	f.Add("", "bad\xff", "\n\t", int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, share, path, problem string, size, modified int64) {
		if size < 0 || !utf8.ValidString(share) || !utf8.ValidString(problem) {
			return
		}
		x := New()
		k, e := Key{share, path, size, modified}, Entry{Problem: problem}
		line, err := appendLine(nil, id{share, path}, record{size, modified, &e})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.read(strings.NewReader(header() + "\n" + string(line))); err != nil {
			t.Fatal(err)
		}
		if got, ok := x.Get(k); !ok || got != e {
			t.Errorf("%q became %+v, %v", line, got, ok)
		}
	})
}

func benchmarkFile(b *testing.B) string {
	file := filepath.Join(b.TempDir(), "index")
	x, _ := Open(file)
	for i := range 20_000 {
		x.Put(sample(i))
	}
	if err := x.Save(); err != nil {
		b.Fatal(err)
	}
	return file
}

func BenchmarkLoad20000(b *testing.B) {
	file := benchmarkFile(b)
	info, _ := os.Stat(file)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var x *Index
	for b.Loop() {
		var err error
		if x, err = Open(file); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/20_000, "heap-B/entry")
	b.ReportMetric(float64(info.Size())/20_000, "disk-B/entry")
	runtime.KeepAlive(x)
}

func BenchmarkLoadAndGet20000(b *testing.B) {
	file := benchmarkFile(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var x *Index
	for b.Loop() {
		x, _ = Open(file)
		for i := range 20_000 {
			k, _ := sample(i)
			if _, ok := x.Get(k); !ok {
				b.Fatal("not found")
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/20_000, "heap-B/entry")
	runtime.KeepAlive(x)
}

func BenchmarkSave20000(b *testing.B) {
	file := benchmarkFile(b)
	x, _ := Open(file)
	for b.Loop() {
		x.Put(sample(1))
		if err := x.Save(); err != nil {
			b.Fatal(err)
		}
	}
}
