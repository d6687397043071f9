package webui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/library/source"
	"mustserv/library/source/local"
)

// subtitled serves films with texts within, from a disk.
func subtitled(t *testing.T) *Handler {
	t.Helper()
	dir := t.TempDir()
	texts := [][]byte{[]byte("One"), []byte("Two")}
	for name, data := range map[string][]byte{
		"a.mkv":    probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_TEXT/UTF8", Texts: texts, Pad: 1000}),
		"none.mkv": probetest.MatroskaTexts(probetest.TextOptions{Codec: "S_HDMV/PGS", Texts: texts, Pad: 1000}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := library.DefaultConfig()
	c.Quiet = 0
	lib := library.New(library.Options{
		Config: c, Shares: []library.Share{{Name: "S", Place: dir}},
		Openers: map[string]library.Opener{"": func(place string, _ source.Access) (source.Source, error) { return local.Open(place) }},
	})
	run(t, lib, 2)
	measured(t, lib)
	o := testOptions(nil)
	o.Library = lib
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTextsWithinFilms(t *testing.T) {
	h := subtitled(t)
	const vtt = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOne\n\n00:00:03.000 --> 00:00:04.000\nTwo\n"
	w := get(h, "GET", "/subtitles/S/a.mkv?track=1")
	if w.Code != 200 || w.Body.String() != vtt || w.Header().Get("Content-Type") != "text/vtt; charset=utf-8" {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), w.Body)
	}
	for target, status := range map[string]int{
		"/subtitles/S/a.mkv?track=0": 404, "/subtitles/S/a.mkv?track=2": 404, "/subtitles/S/a.mkv?track=x": 400, "/subtitles/S/a.mkv?track=-1": 400,
		"/subtitles/S/none.mkv?track=1": 404, "/subtitles/S/a.mkv": 404, "/subtitles/S?track=1": 404,
	} {
		if got := get(h, "GET", target).Code; got != status {
			t.Errorf("%s is %d, want %d", target, got, status)
		}
	}
	if page := get(h, "GET", "/watch/S/a.mkv").Body.String(); !strings.Contains(page, `<track kind="subtitles" src="/subtitles/S/a.mkv?track=1" label="English" srclang="en">`) {
		t.Errorf("the player has no track:\n%s", page)
	}
	if item := get(h, "GET", "/api/v1/items/S/a.mkv").Body.String(); !strings.Contains(item, `"subtitles":[{"language":"eng","format":"srt","track":1,"vtt":"http://box:8080/subtitles/S/a.mkv?track=1"}]`) {
		t.Errorf("the API tells of no track:\n%s", item)
	}
}

func TestSpokenLanguages(t *testing.T) {
	for code, want := range map[string]string{"en": "en English", "eng": "en English", "GER": "de Deutsch", "deu": "de Deutsch", "fre": "fr français", "xx": " ", "und": " ", "": " ", "english": " ", "a r": " "} {
		if tag, name := spoken(code); tag+" "+name != want {
			t.Errorf("%q is %q %q, want %q", code, tag, name, want)
		}
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(strings.TrimSpace(spokenLanguages)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || len(fields[0]) != 2 || len(fields[1]) != 3 || len(fields[2]) != 3 || seen[fields[0]] {
			t.Errorf("wrong or twice: %q", line)
		}
		seen[fields[0]] = true
	}
}

func TestTracksOfOneLabelAreNumbered(t *testing.T) {
	it := retold(film("a.mkv"), func(i *probe.Info) {
		i.Container = "mkv"
		i.Tracks = append(i.Tracks, probe.Track{Kind: "subtitle", Codec: "srt", Language: "ger"}, probe.Track{Kind: "subtitle", Codec: "ass", Language: "ger"},
			probe.Track{Kind: "subtitle", Codec: "pgs", Language: "ger"}, probe.Track{Kind: "subtitle", Codec: "srt"})
	})
	var labels []string
	for _, t := range (company{}).tracksOf(it) {
		labels = append(labels, t.Label+t.URL[strings.Index(t.URL, "?"):])
	}
	if got := strings.Join(labels, ", "); got != "Deutsch?track=2, Deutsch 2?track=3, srt?track=5" {
		t.Errorf("the tracks are %s", got)
	}
}

// measured waits until all items are.
func measured(t *testing.T, lib *library.Library) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); lib.Tree().Root.Totals().Unmeasured > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not measured: %+v", lib.Shares())
		}
	}
}
