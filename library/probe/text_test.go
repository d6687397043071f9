package probe_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
)

// texts returns what Texts yields, a line for each.
func texts(t *testing.T, f *file, track int) (string, error) {
	t.Helper()
	var b strings.Builder
	err := probe.Texts(t.Context(), f, int64(len(f.data)), track, func(x probe.Text) error {
		fmt.Fprintf(&b, "%g+%g %s\n", math.Round(x.Start*10)/10, x.Length, x.Data)
		return nil
	})
	return b.String(), err
}

func TestTexts(t *testing.T) {
	two := [][]byte{[]byte("begin one"), []byte("begin two\nlines")}
	const want = "1+1 begin one\n3+1 begin two\nlines\n"
	for _, row := range []struct {
		name  string
		data  []byte
		track int
		want  string
	}{
		{"srt", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: two}), 1, want},
		{"ass", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/ASS", Texts: two}), 1, want},
		{"webvtt of Matroska", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/WEBVTT", Texts: two}), 1, want},
		{"webvtt of WebM", probetest.MatroskaTexts(probetest.TextOptions{Codec: "D_WEBVTT/SUBTITLES", Texts: [][]byte{[]byte("7\nline:0\nbegin one"), []byte("\n\nbegin two\nlines")}}), 1, want},
		{"zlib", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: two, Packing: "zlib"}), 1, want},
		{"begin left out", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: two, Packing: "header"}), 1, want},
		{"simple blocks", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: two, Simple: true}), 1, "1+0 begin one\n3+0 begin two\nlines\n"},
		{"far apart", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: two, Pad: 3 << 20}), 1, want},
		{"far apart, with an index", probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: two, Pad: 3 << 20, Cues: true}), 1, want},
		{"tx3g", probetest.MP4Texts(probetest.TextOptions{Codec: "tx3g", Texts: two}), 0, want},
		{"tx3g, far apart", probetest.MP4Texts(probetest.TextOptions{Codec: "tx3g", Texts: two, Pad: 1 << 20}), 0, want},
		{"tx3g in fragments", probetest.MP4Texts(probetest.TextOptions{Codec: "tx3g", Texts: two, Fragmented: true, Pad: 1000}), 0, want},
		{"tx3g in UTF-16", probetest.MP4Texts(probetest.TextOptions{Codec: "tx3g", Texts: [][]byte{{0xfe, 0xff, 0, 'a', 0x01, 0x42}}}), 0, "1+1 ał\n"},
		{"wvtt", probetest.MP4Texts(probetest.TextOptions{Codec: "wvtt", Texts: two}), 0, want},
		{"wvtt in fragments", probetest.MP4Texts(probetest.TextOptions{Codec: "wvtt", Texts: two, Fragmented: true}), 0, want},
		{"long after all times", late(probetest.MP4Texts(probetest.TextOptions{Codec: "wvtt", Texts: two, Fragmented: true})), 0, "1+1 begin one\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := &file{data: row.data}
			if got, err := texts(t, f, row.track); err != nil || got != row.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, row.want)
			}
			if f.bytes > 64<<10 {
				t.Errorf("%d of %d bytes are read", f.bytes, len(row.data))
			}
			info, err := probe.Probe(t.Context(), f, int64(len(row.data)))
			if err == nil && !info.Tracks[row.track].HasTexts(info.Container) {
				t.Errorf("%+v is not said to have texts", info.Tracks)
			}
		})
	}
}

// late has the last fragment of an MP4 file begin in 146 million years.
func late(film []byte) []byte {
	film[bytes.LastIndex(film, []byte("tfdt"))+len("tfdt")+4] = 0x40
	return film
}

func TestTextsThatAreNotThere(t *testing.T) {
	film := probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_HDMV/PGS", Texts: [][]byte{[]byte("x")}})
	for name, row := range map[string]struct {
		data  []byte
		track int
		want  error
	}{
		"pictures of text": {film, 1, probe.ErrNoTexts},
		"a film's track":   {film, 0, probe.ErrNoTexts},
		"no such track":    {film, 2, probe.ErrNoTexts},
		"before the first": {film, -1, probe.ErrNoTexts},
		"sound":            {probetest.MP4(probetest.MP4Options{Audio: true}), 1, probe.ErrNoTexts},
		"another format":   {probetest.FLAC(0.1), 0, probe.ErrUnsupported},
		"nothing":          {nil, 0, probe.ErrUnsupported},
	} {
		if got, err := texts(t, &file{data: row.data}, row.track); !errors.Is(err, row.want) || got != "" {
			t.Errorf("%s: %v, %q; want %v", name, err, got, row.want)
		}
	}
}

func TestTextsEndWithTheirReader(t *testing.T) {
	enough := errors.New("enough")
	many := make([][]byte, 100)
	for i := range many {
		many[i] = []byte("text")
	}
	for name, data := range map[string][]byte{
		"Matroska":  probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: many}),
		"by cues":   probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: many, Pad: 50_000, Cues: true}),
		"MP4":       probetest.MP4Texts(probetest.TextOptions{Codec: "tx3g", Texts: many}),
		"fragments": probetest.MP4Texts(probetest.TextOptions{Codec: "tx3g", Texts: many, Fragmented: true}),
	} {
		seen := 0
		track := 1
		if data[4] == 'f' { // ftyp
			track = 0
		}
		err := probe.Texts(t.Context(), &file{data: data}, int64(len(data)), track, func(probe.Text) error {
			if seen++; seen == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || seen != 3 {
			t.Errorf("%s: %v after %d texts", name, err, seen)
		}
	}
}

// TestTextsOfTheCorpus reads tracks that another program has written.
func TestTextsOfTheCorpus(t *testing.T) {
	dir := corpus(t)
	for name, track := range map[string]int{"h264-movtext-cover.mp4": 2, "h264-2audio-subs-attach.mkv": 3} {
		data, err := os.ReadFile(filepath.Join(dir, "video", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := texts(t, &file{data: data}, track); err != nil || got != "1+2 Hello subtitle\n30+3 Second line é\n" {
			t.Errorf("%s: %v, %q", name, err, got)
		}
	}
}

// FuzzTexts reads any file: little is read, and nothing too long comes out.
func FuzzTexts(f *testing.F) {
	few := [][]byte{[]byte("one"), []byte("two")}
	for _, codec := range []string{"S_TEXT/UTF8", "D_WEBVTT/SUBTITLES"} {
		f.Add(probetest.MatroskaTexts(probetest.TextOptions{Codec: codec, Texts: few, Cues: true, Packing: "zlib"}), 1)
	}
	for _, codec := range []string{"tx3g", "wvtt"} {
		f.Add(probetest.MP4Texts(probetest.TextOptions{Codec: codec, Texts: few}), 0)
		f.Add(probetest.MP4Texts(probetest.TextOptions{Codec: codec, Texts: few, Fragmented: true}), 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, track int) {
		source := &file{data: data}
		total := 0
		err := probe.Texts(t.Context(), source, int64(len(data)), track, func(x probe.Text) error {
			if total += len(x.Data); len(x.Data) > 64<<10 || !(math.Abs(x.Start) < 1e12) {
				t.Errorf("a text of %d bytes at %g", len(x.Data), x.Start)
			}
			return nil
		})
		if err != nil && strings.Contains(err.Error(), "reader failed") {
			t.Error(err)
		}
		if source.bytes > 100<<20 {
			t.Errorf("%d bytes are read", source.bytes)
		}
	})
}
