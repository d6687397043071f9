package probe_test

import (
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/ratelimit"
)

func TestManifests(t *testing.T) {
	numbered := "#EXTM3U\n#EXT-X-VERSION:3\n" + strings.Repeat("#EXTINF:4.5,title\nseg001.ts\n#EXTINF:4,\nseg002.ts\n#EXTINF:4,\nseg*[3].ts\n#EXTINF:4,\nseg004.ts\n", 2)
	for _, row := range []struct {
		name, text, container string
		duration              float64
		rate                  ratelimit.Rate
		parts                 []string
	}{
		{"media playlist", numbered, "hls", 33, 0, []string{`seg*.ts`, `seg\*\[3].ts`}},
		{"with a map and odd lengths", "\ufeff#EXTM3U\n#EXT-X-MAP:URI=\"init%20a.mp4\",BYTERANGE=\"5@0\"\n#EXTINF:nan,\na.m4s?x=1\n#EXTINF:-3,\nb.m4s", "hls", 0, 0, []string{"a.m4s", "b.m4s", "init a.mp4"}},
		{"master", "#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=640x360\r\nlow/v.m3u8\r\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\r\nhigh/v.m3u8\r\n", "hls", 0, 6e6, []string{"high/v.m3u8", "low/v.m3u8"}},
		{"references that lead elsewhere", "#EXTM3U\n#EXT-X-VERSION:3\n/etc/passwd\nhttp://x/a.ts\n//x/a.ts\nfile:///a\n\x00.ts\n%00.ts\nup/../a.ts\n../b.ts\n", "hls", 0, 0, []string{"../b.ts", "a.ts"}},
		{"absurd bit rate", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1e300\nv.m3u8\n", "hls", 0, 0, []string{"v.m3u8"}},
		{"MPD", `<?xml version="1.0"?><MPD mediaPresentationDuration="PT1H2M3.5S"><Period>` +
			`<AdaptationSet contentType="video"><Representation bandwidth="2000000" width="640" height="360"/><Representation bandwidth="3000000" width="1280" height="720"/>` +
			`<SegmentTemplate initialization="i-$RepresentationID$.m4s" media="c-$RepresentationID$-$Number%05d$.m4s"/></AdaptationSet>` +
			`<AdaptationSet contentType="audio"><Representation bandwidth="100000"><SegmentList><Initialization sourceURL="a.mp4"/><SegmentURL media="s1.mp4"/></SegmentList></Representation></AdaptationSet></Period></MPD>`,
			"dash", 3723.5, 62e5, []string{"a.mp4", "c-*-*.m4s", "i-*.m4s", "s1.mp4"}},
		{"MPD cut off", `<MPD mediaPresentationDuration="P1DT1S"><Period><AdaptationSet><Representation bandwi`, "dash", 86401, 0, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			info, err := probe.Probe(t.Context(), strings.NewReader(row.text), int64(len(row.text)))
			if err != nil {
				t.Fatal(err)
			}
			var rate ratelimit.Rate
			if len(info.Curve.Rates) > 0 {
				rate = info.Curve.Rates[0].Rate
			}
			if info.Container != row.container || info.Duration != row.duration || rate != row.rate || !slices.Equal(info.Parts, row.parts) {
				t.Errorf("got %+v, rate %d; want %+v", info, rate, row)
			}
		})
	}
	if _, err := probe.Probe(t.Context(), strings.NewReader("#EXTM3U\n#EXTINF:4,x\na.mp3\n"), 25); err == nil {
		t.Error("a list of songs is taken for a stream")
	}
}

func FuzzHLS(f *testing.F) {
	f.Add("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS=\"a,b\"\nhigh/v.m3u8\n")
	f.Add("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\n../../../x\n")
	fuzzManifest(f)
}

func FuzzDASH(f *testing.F) {
	f.Add(`<MPD mediaPresentationDuration="PT4S"><SegmentTemplate media="$a$$b$"/><Representation bandwidth="1e9"/></MPD>`)
	fuzzManifest(f)
}

func fuzzManifest(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		info, err := probe.Probe(t.Context(), strings.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		if s := info.Curve.Spec(ratelimit.DefaultPolicy()); s.Rate < 0 || s.Burst < 0 || len(info.Parts) > 200 || info.Duration < 0 {
			t.Errorf("%+v, %+v", info, s)
		}
		for _, p := range info.Parts {
			if strings.HasPrefix(p, "/") {
				t.Errorf("part %q", p)
			}
		}
	})
}
