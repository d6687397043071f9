package library_test

import (
	"maps"
	"slices"
	"testing"

	"mustserv/ratelimit"
)

// TestStreamInSegmentsIsOneItem scans folders as packagers write them and
// looks at what is left for people to see.
func TestStreamInSegmentsIsOneItem(t *testing.T) {
	media := func(names ...string) string {
		text := "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n"
		for _, name := range names {
			text += "#EXTINF:4,\n" + name + "\n"
		}
		return text
	}
	files := map[string]string{
		"one/index.m3u8": media("s1.ts", "s2.ts", "s3.ts", "s10.ts"),
		"one/s1.ts":      "x", "one/s2.ts": "x", "one/s3.ts": "x", "one/s10.ts": "x", "one/init.mp4": "x",
		"one/holiday.ts":  "x",
		"two/master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nlow/v.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=3000000\nhigh/v.m3u8\n",
		"two/low/v.m3u8":  media("a.m4s"), "two/low/a.m4s": "x", "two/low/init.mp4": "x",
		"two/high/v.m3u8": media("a.m4s", "../../one/holiday.ts.bak"), "two/high/a.m4s": "x",
		"dash/film.mpd":   `<MPD><Period><AdaptationSet><SegmentTemplate initialization="init-$RepresentationID$.mp4" media="c-$Number$.mp4"/><Representation bandwidth="500000"/></AdaptationSet></Period></MPD>`,
		"dash/init-0.mp4": "x", "dash/c-1.mp4": "x", "dash/c-2.mp4": "x",
		"out/evil.m3u8": media("../../../etc/passwd", "/etc/passwd", "http://x/y.ts", "evil.m3u8", "own.ts"), "out/own.ts": "x",
		"songs/list.m3u8": "#EXTM3U\n#EXTINF:4,\na.mp3\n", "songs/a.mp3": "x",
	}
	dir := t.TempDir()
	for name, content := range files {
		write(t, dir, map[string][]byte{name: []byte(content)})
	}
	r := run(t, nil, dir)
	want := map[string]string{
		"S/one/s1.ts": "S/one/index.m3u8", "S/one/s2.ts": "S/one/index.m3u8", "S/one/s3.ts": "S/one/index.m3u8",
		"S/one/s10.ts": "S/one/index.m3u8", "S/one/init.mp4": "S/one/index.m3u8",
		"S/two/low/v.m3u8": "S/two/master.m3u8", "S/two/low/a.m4s": "S/two/master.m3u8", "S/two/low/init.mp4": "S/two/master.m3u8",
		"S/two/high/v.m3u8": "S/two/master.m3u8", "S/two/high/a.m4s": "S/two/master.m3u8",
		"S/dash/init-0.mp4": "S/dash/film.mpd", "S/dash/c-1.mp4": "S/dash/film.mpd", "S/dash/c-2.mp4": "S/dash/film.mpd",
		"S/out/own.ts": "S/out/evil.m3u8",
	}
	var stream map[string]string
	r.until("the segments belong to their streams", func() bool {
		stream = make(map[string]string)
		for it := range r.Tree().Root.All {
			if it.Stream != nil {
				stream[it.Path] = it.Stream.Path
			}
		}
		return len(stream) >= len(want)
	})
	r.scanned()
	if !maps.Equal(stream, want) {
		t.Errorf("segments %v, want %v", stream, want)
	}
	var seen []string
	for it := range r.Tree().Root.All {
		if it.Playable() {
			seen = append(seen, it.Path)
		}
	}
	slices.Sort(seen)
	if want := []string{"S/dash/film.mpd", "S/one/holiday.ts", "S/one/index.m3u8", "S/out/evil.m3u8", "S/songs/a.mp3", "S/two/master.m3u8"}; !slices.Equal(seen, want) {
		t.Errorf("people see %v, want %v", seen, want)
	}
	if it, _, err := r.Tree().Lookup("S/two/low/a.m4s"); err != nil || it.Stream.Info().Curve.Rates[0].Rate != 6*ratelimit.MbitPerSecond {
		t.Errorf("a segment of the poor picture: %+v, %v; want twice the rate of the best", it, err)
	}
}
