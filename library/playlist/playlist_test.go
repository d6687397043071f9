package playlist

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

func list(title string, entries ...Entry) List {
	return List{Title: title, URL: "http://box:8080/browse/Films/", Entries: slices.Values(entries)}
}

func written(t testing.TB, ext string, l List) string {
	t.Helper()
	f, ok := ByExtension(ext)
	if !ok {
		t.Fatalf("no format %q", ext)
	}
	var b bytes.Buffer
	if err := f.Write(&b, l); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	lists := map[string]List{
		"plain": list("Films",
			Entry{URL: "http://box:8080/media/Films/a.mp4", ID: "Films/a.mp4", Title: "The Harbour", Duration: 5400.2, Size: 734003200, MIME: "video/mp4", Modified: when},
			Entry{URL: "http://box:8080/media/Films/b%20c.mp3", Title: "Été", Artist: "Zoë & Co", Duration: 0.2, Size: 12, MIME: "audio/mpeg", Modified: when},
			Entry{URL: "http://box:8080/media/Films/%E6%98%A0.mkv", Title: "unmeasured"}),
		"odd": list("<b>\"Films\"</b>\r\n#EXTINF:1,x",
			Entry{URL: "http://box/media/a%0Ab", Title: "two\nlines\r\nFile9=http://evil/", Artist: "映画"},
			Entry{URL: "http://box/media/q'q&x", Title: `"/><script>alert('x')</script>]]>`, Artist: "\x00\x1b[31m"},
			Entry{URL: "http://box/media/%FF", Title: "bad \xff\xfe bytes", Duration: 61.5},
			Entry{URL: "http://box/media/rtl", Title: "\u202Egpj.exe\u202C \u200Fאבג", Duration: -5},
			Entry{URL: "http://box/a b\"<>\n#é", Title: "\uFFFE\uFFFF"}),
		"empty": {},
	}
	for name, l := range lists {
		for _, f := range Formats() {
			t.Run(name+"."+f.Extension, func(t *testing.T) {
				got := written(t, f.Extension, l)
				file := filepath.Join("testdata", name+"."+f.Extension)
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

func TestFormats(t *testing.T) {
	want := map[string]string{
		"m3u": "audio/x-mpegurl", "m3u8": "audio/x-mpegurl", "pls": "audio/x-scpls",
		"xspf": "application/xspf+xml", "asx": "video/x-ms-asf", "rss": "application/rss+xml",
	}
	for _, f := range Formats() {
		if f.MIME != want[f.Extension] {
			t.Errorf("%s is %q, want %q", f.Extension, f.MIME, want[f.Extension])
		}
		delete(want, f.Extension)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, ext := range []string{"", "M3U", ".m3u", "wpl"} {
		if _, ok := ByExtension(ext); ok {
			t.Errorf("ByExtension(%q) found one", ext)
		}
	}
}

func TestM3UEncoding(t *testing.T) {
	for _, c := range []struct {
		name, list, title string
		ext, want         string
	}{
		{"ASCII", "Music", "Plain", "m3u", "Plain"},
		{"Latin-1 for old players", "Music", "Café", "m3u", "Caf\xe9"},
		{"always UTF-8", "Music", "Café", "m3u8", "Café"},
		{"beyond Latin-1", "Music", "映画 Café", "m3u", "映画 Café"},
		{"list title beyond Latin-1", "映画", "Café", "m3u", "Café"},
		{"invalid bytes", "Music", "Caf\xe9", "m3u", "Caf\uFFFD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := written(t, c.ext, list(c.list, Entry{URL: "http://h/x", Title: c.title}))
			if !strings.Contains(got, "#EXTINF:-1,"+c.want+"\n") {
				t.Errorf("%q does not hold %q", got, c.want)
			}
			if strings.Contains(c.want, "\xe9") == utf8.ValidString(got) {
				t.Errorf("mixed encodings in %q", got)
			}
		})
	}
}

func TestWholeSeconds(t *testing.T) {
	inf := math.Inf(1)
	for d, want := range map[float64]int64{0: -1, -1: -1, 0.1: 1, 1.5: 2, 5400.2: 5400, 1e18: -1, inf: -1, -inf: -1} {
		if got := wholeSeconds(d); got != want {
			t.Errorf("%v is %d, want %d", d, got, want)
		}
	}
	if got := wholeSeconds(inf - inf); got != -1 {
		t.Errorf("not a number is %d", got)
	}
}

// endless is a list that only an error ends.
func endless(yielded *int) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for yield(Entry{URL: "http://h/x", Title: "映"}) { // not Latin-1: the look at the titles ends at once
			*yielded++
		}
	}
}

func TestWriteEndsWithItsReader(t *testing.T) {
	gone := errors.New("gone")
	for _, f := range Formats() {
		r, w := io.Pipe()
		r.CloseWithError(gone)
		n := 0
		if err := f.Write(w, List{Entries: endless(&n)}); !errors.Is(err, gone) {
			t.Errorf("%s: %v", f.Name, err)
		}
		if n > 2000 {
			t.Errorf("%s went on for %d entries", f.Name, n)
		}
	}
}

// highWater counts what is written in one piece.
type highWater struct{ most int }

func (h *highWater) Write(b []byte) (int, error) {
	h.most = max(h.most, len(b))
	return len(b), nil
}

func TestWriteHoldsNoList(t *testing.T) {
	entries := func(yield func(Entry) bool) {
		for range 5_000 {
			if !yield(Entry{URL: "http://h/x", Title: "plain", Duration: 3}) {
				return
			}
		}
	}
	for _, f := range Formats() {
		var h highWater
		if err := f.Write(&h, List{Entries: entries}); err != nil {
			t.Fatal(err)
		}
		if h.most > 64<<10 {
			t.Errorf("%s wrote %d bytes at once", f.Name, h.most)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	entries := func(yield func(Entry) bool) {
		for range 10_000 {
			if !yield(Entry{URL: "http://h/media/Films/a.mp4", Title: "Café", Artist: "Somebody", Duration: 3}) {
				return
			}
		}
	}
	for _, f := range Formats() {
		b.Run(f.Extension, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Write(io.Discard, List{Entries: entries})
			}
		})
	}
}
