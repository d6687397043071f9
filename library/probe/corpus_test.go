package probe_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe"
	"mustserv/ratelimit"
)

// corpus returns the folder of the generated media.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("MUSTSERV_CORPUS")
	if dir != "" {
		return dir
	}
	const why = "MUSTSERV_CORPUS does not name the folder of the generated media"
	if os.Getenv("MUSTSERV_NO_SKIP") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// expectation is a line of expected.jsonl.
type expectation struct {
	File       string  `json:"file"`
	Size       int64   `json:"size"`
	Container  string  `json:"container"`
	Duration   float64 `json:"duration"`
	Average    float64 `json:"average"`
	Peak       float64 `json:"peak1s"`
	Lead       int64   `json:"k0max"`
	Header     int64   `json:"header"`
	Trailer    int64   `json:"trailer"`
	Burst      int64   `json:"burst"`
	Rate       float64 `json:"rate"`
	Video      string  `json:"video"`
	Audio      string  `json:"audio"`
	Width      int     `json:"width"`
	Tags       map[string]string
	Interleave bool `json:"badly_interleaved"`
}

// expectations reads expected.jsonl.
func expectations(t *testing.T, dir string) []expectation {
	t.Helper()
	name := os.Getenv("MUSTSERV_EXPECTED")
	if name == "" {
		name = filepath.Join(dir, "..", "expected.jsonl")
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatalf("open the expected values: %v; name their file in MUSTSERV_EXPECTED", err)
	}
	defer f.Close()
	var out []expectation
	for s := bufio.NewScanner(f); s.Scan(); {
		var e expectation
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// counter counts the bytes that are read.
type counter struct {
	f     *os.File
	bytes int64
	reads int
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.f.ReadAt(b, off)
	c.bytes += int64(n)
	c.reads++
	return n, err
}

// probeFile probes a file and counts what is read of it.
func probeFile(t *testing.T, name string) (*probe.Info, *counter, error) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{f: f}
	info, err := probe.Probe(t.Context(), c, st.Size())
	return info, c, err
}

// bounds are those of the media's README: the rate at the same burst, as a
// part of the expected one or, for sound by the rule, of the average. The rate
// of a file that contradicts itself is none to go by.
func bounds(e expectation, exact bool) (low, high float64) {
	switch {
	case e.File == "mpeg2-cbr-muxrate.ts":
		return e.Average, e.Rate * 2
	case exact:
		return e.Rate / 1.02, e.Rate * 1.02
	case e.Video != "":
		return e.Rate / 1.02, e.Rate * 1.20
	}
	return e.Rate / 1.02, max(e.Rate*1.02, e.Average*1.25*1.001)
}

// allowed is how much of a file may be read: of MP4 the index, which lies in
// front of the media or behind, and with fragments a twentieth at most; of the
// others 70 kB, save those that tell nothing of themselves, and short films of
// which each block has to be looked at.
func allowed(info *probe.Info, e expectation) int64 {
	switch {
	case info.Curve.Exact && (info.Container == "mkv" || info.Container == "webm" || info.Container == "flv"):
		return 4<<20 + 64<<10
	case info.Container == "mp4":
		return info.Curve.Header + info.Curve.Trailer + 20<<10 + info.Curve.Lead/10
	case e.Container == "mpegts" || e.Container == "mpeg":
		return max(8<<20, int64(e.Duration*e.Average/8/5)) + 16<<10 // whole, if it is small
	case e.Container == "avi":
		return info.Curve.Header + info.Curve.Trailer + 20<<10
	case e.File == "free-format.mp3" || e.File == "vbr-noxing.mp3":
		return 1 << 20
	case e.File == "chained.ogg" || e.File == "adts.aac" || e.File == "theora-vorbis.ogv" || e.File == "lab.mjpeg":
		return 2 * e.Size // small and without an index: all of it
	case info.Container == "ogg":
		return 110 << 10 // begin, end, and three places to see that it is one song
	}
	return 70 << 10
}

func TestCorpusRates(t *testing.T) {
	dir := corpus(t)
	known := []string{
		"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "avi", "mpegts", "mpeg", "asf",
		"mp3", "flac", "wav", "aiff", "aac", "ac3", "ogg", "lab-mjpeg",
	}
	t.Logf("%-30s %9s %9s %7s %7s %9s %9s %7s %7s %8s %5s %7s", "file", "average", "expected", "/", "peak/", "rate", "expected", "/", "burst/", "lead", "reads", "bytes")
	for _, e := range expectations(t, dir) {
		if !slices.Contains(known, e.Container) {
			continue
		}
		name := filepath.Join(dir, "video", e.File)
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			name = filepath.Join(dir, "audio", e.File)
		}
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			name = filepath.Join(dir, "sets", "hls", e.File)
		}
		info, read, err := probeFile(t, name)
		if err != nil {
			t.Errorf("%s: %v", e.File, err)
			continue
		}
		c := info.Curve
		spec := c.Spec(ratelimit.DefaultPolicy())
		same := ratelimit.DefaultPolicy()
		same.Burst, same.BurstMin, same.BurstMax = 0, ratelimit.Size(e.Burst), ratelimit.Size(e.Burst)
		rate := float64(c.Spec(same).Rate)
		t.Logf("%-30s %9d %9.0f %7.4f %7.4f %9.0f %9.0f %7.4f %7.4f %8d %5d %7d", e.File,
			c.Average, e.Average, float64(c.Average)/e.Average, float64(c.Peak)/e.Peak, rate, e.Rate, rate/e.Rate,
			float64(spec.Burst)/float64(e.Burst), c.Lead, read.reads, read.bytes)
		if low, high := bounds(e, c.Exact); rate < low || rate > high {
			t.Errorf("%s: rate %.0f at a burst of %d, want %.0f to %.0f", e.File, rate, e.Burst, low, high)
		}
		if r := float64(spec.Rate); r < e.Rate/1.02 || r > max(e.Rate*1.20, e.Average*1.25*1.001) {
			t.Errorf("%s: recommended %v", e.File, spec)
		}
		if r := float64(c.Average) / e.Average; r < 0.98 || r > 1.02 {
			t.Errorf("%s: average %v, want %.0f", e.File, c.Average, e.Average)
		}
		if d := info.Duration - e.Duration; (d < -0.1 || d > 0.1) && e.File != "h264-editlist-ss.mp4" && e.File != "vfr.mkv" { // what it plays, not what it holds; until its last picture goes
			t.Errorf("%s: duration %.3f s, want %.3f", e.File, info.Duration, e.Duration)
		}
		if most := allowed(info, e); read.bytes > most {
			t.Errorf("%s: read %d bytes, want at most %d", e.File, read.bytes, most)
		}
		if c.Header != e.Header || c.Trailer != e.Trailer {
			t.Logf("%s: header %d and trailer %d, want %d and %d", e.File, c.Header, c.Trailer, e.Header, e.Trailer)
		}
		for _, k := range []struct{ got, want string }{{info.Title, e.Tags["title"]}, {info.Artist, e.Tags["artist"]}, {info.Album, e.Tags["album"]}} {
			if k.got != k.want {
				t.Logf("%s: tag %q, want %q", e.File, k.got, k.want)
			}
		}
		t.Logf("    %s %.3f s %+v", info.Container, info.Duration, info.Tracks)
	}
}

func TestCorpusIsHarmless(t *testing.T) {
	dir := corpus(t)
	var before, after runtime.MemStats
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		runtime.ReadMemStats(&before)
		start := time.Now()
		info, read, err := probeFile(t, name)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if took > time.Second && !testing.Short() { // with the race detector, which -short goes with, all is slower
			t.Errorf("%s: took %v", name, took)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
			t.Errorf("%s: took %d bytes of memory", name, grown)
		}
		if read.bytes > 8<<20 {
			t.Errorf("%s: read %d bytes", name, read.bytes)
		}
		short := strings.TrimPrefix(name, dir)
		if err != nil && !strings.Contains(err.Error(), "byte ") {
			t.Errorf("%s: %q does not say at which byte", name, err)
		}
		if err != nil {
			t.Logf("%-40q %6d bytes read, %8v: %v", short, read.bytes, took.Round(time.Microsecond), err)
			return nil
		}
		if info.Container == "hls" && info.Curve.Average == 0 {
			t.Logf("%q declares no bit rate", short)
		} else if s := info.Curve.Spec(ratelimit.DefaultPolicy()); s.Rate <= 0 || s.Burst <= 0 || info.Duration < 0 {
			t.Errorf("%s: %+v", name, info)
		}
		t.Logf("%-40q %6d bytes read, %8v: %s %.3f s, %v exact %v %q", short, read.bytes, took.Round(time.Microsecond), info.Container,
			info.Duration, info.Curve.Spec(ratelimit.DefaultPolicy()).Rate, info.Curve.Exact, info.Title)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files", files)
}
