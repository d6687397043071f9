package probe_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

func TestOgg(t *testing.T) {
	song := probe.Track{Kind: "audio", Channels: 2, Hertz: 48000}
	film := probe.Track{Kind: "video", Codec: "theora", Width: 320, Height: 240, Frames: 25}
	with := func(codec, language string) probe.Track {
		s := song
		s.Codec, s.Language = codec, language
		return s
	}
	said := []string{"TITLE=Été", "artist=A", "TRACKNUMBER=3/12", "GENRE=Rock", "DATE=2006-05-04", "LANGUAGE=fra", "METADATA_BLOCK_PICTURE=" + strings.Repeat("A", 70000)}
	vorbis := probetest.Ogg(probetest.OggOptions{})
	moved := probetest.Ogg(probetest.OggOptions{Serial: 7, Seconds: 30})
	for _, tt := range []struct {
		name      string
		data      []byte
		container string
		seconds   float64
		average   float64 // kbit/s
		exact     bool
		codecs    string
		tracks    []probe.Track
	}{
		{"vorbis", vorbis, "ogg", 10, 98.5, false, "vorbis", []probe.Track{with("vorbis", "")}},
		{"opus", probetest.Ogg(probetest.OggOptions{Codec: "opus", Seconds: 600}), "ogg", 600, 96.6, false, "opus", []probe.Track{with("opus", "")}},
		{"flac", probetest.Ogg(probetest.OggOptions{Codec: "flac"}), "ogg", 10, 96.6, false, "flac", []probe.Track{with("flac", "")}},
		{"speex", probetest.Ogg(probetest.OggOptions{Codec: "speex"}), "ogg", 10, 96.6, false, "speex", []probe.Track{with("speex", "")}},
		{"film", probetest.Ogg(probetest.OggOptions{Film: true}), "ogv", 10, 503, true, "theora, vorbis", []probe.Track{film, with("vorbis", "")}},
		{"big pictures", probetest.Ogg(probetest.OggOptions{Film: true, Seconds: 4, FrameSize: func(int) int { return 70000 }}), "ogv", 4, 14167, true, "theora, vorbis", []probe.Track{film, with("vorbis", "")}},
		{"cut off", cut(vorbis, 0.55), "ogg", 5, 108, false, "vorbis", []probe.Track{with("vorbis", "")}},
		{"chain", slices.Concat(vorbis, moved), "ogg", 40, 96.6, true, "vorbis", []probe.Track{with("vorbis", "")}},
		{"chain of equals", slices.Concat(vorbis, vorbis, vorbis), "ogg", 30, 96.6, true, "vorbis", []probe.Track{with("vorbis", "")}},
		{"long chain", slices.Repeat(slices.Concat(moved, vorbis), 20), "ogg", 800, 96.6, false, "vorbis", []probe.Track{with("vorbis", "")}},
		{"chain of films", slices.Repeat(probetest.Ogg(probetest.OggOptions{Film: true}), 2), "ogv", 20, 503, true, "theora, vorbis", []probe.Track{film, with("vorbis", "")}},
		{"garbage behind", slices.Concat(vorbis, make([]byte, 9000)), "ogg", 10, 98.5, false, "vorbis", []probe.Track{with("vorbis", "")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{data: tt.data}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 0.02
			if tt.name == "cut off" {
				tolerance = 0.12 // the last page is not whole
			}
			if info.Container != tt.container || !near(info.Duration, tt.seconds, tolerance) || !near(float64(info.Curve.Average)/1000, tt.average, tolerance) {
				t.Errorf("%s of %.3f s, %v, want %s of %.3f, %.0f kbit/s", info.Container, info.Duration, info.Curve.Average, tt.container, tt.seconds, tt.average)
			}
			if info.Curve.Exact != tt.exact || info.Codecs != tt.codecs || !slices.Equal(info.Tracks, tt.tracks) {
				t.Errorf("%+v", info)
			}
			t.Logf("%d of %d bytes in %d reads", f.bytes, len(tt.data), f.reads)
			if !tt.exact && f.bytes > 120<<10 && !strings.Contains(tt.name, "chain") {
				t.Errorf("read %d of %d bytes", f.bytes, len(tt.data))
			}
		})
	}
	for _, codec := range []string{"vorbis", "opus", "flac", "speex"} {
		info, err := probeBytes(t, probetest.Ogg(probetest.OggOptions{Codec: codec, Comments: said}))
		if err != nil {
			t.Fatal(err)
		}
		if info.Title != "Été" || info.Artist != "A" || info.Number != 3 || info.Genre != "Rock" || info.Year != 2006 || info.Tracks[0].Language != "fra" || info.Cover != nil {
			t.Errorf("%s: %+v", codec, info)
		}
	}
	info, err := probeBytes(t, probetest.Ogg(probetest.OggOptions{Comments: []string{
		"CHAPTER001=00:00:00.000", "CHAPTER001NAME=Eins", "CHAPTER002=00:00:05.500", "CHAPTER002NAME=Zwei", "CHAPTERX=1"}}))
	if want := []probe.Chapter{{Start: 0, Title: "Eins"}, {Start: 5.5, Title: "Zwei"}}; err != nil || !reflect.DeepEqual(info.Chapters, want) {
		t.Errorf("%+v %v", info, err)
	}
}

// TestOggLongFilm compares pieces of a long film with the same scenes in a
// short one, of which all pages are looked at.
func TestOggLongFilm(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes func(scene int) int
	}{
		{"even", func(int) int { return 5000 }},
		{"scenes", func(scene int) int { return 2000 + scene*7%11*900 }},
		{"action at the end", func(scene int) int { return 3000 + scene/20*9000 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			size := func(i int) int {
				n := tt.bytes(i / 250)
				r := rand.New(rand.NewPCG(1, uint64(i)))
				n = n/2 + r.IntN(n)
				if i%25 == 0 {
					n *= 4
				}
				return n
			}
			data := probetest.Ogg(probetest.OggOptions{Film: true, Seconds: 300, FrameSize: size})
			f := &file{data: data}
			info, err := probe.Probe(t.Context(), f, int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			exact, err := probeBytes(t, probetest.MP4(probetest.MP4Options{Seconds: 300, FrameSize: size, Audio: true, Chunk: 1}))
			if err != nil {
				t.Fatal(err)
			}
			p := ratelimit.DefaultPolicy()
			p.Burst, p.BurstMin = 0, exact.Curve.Spec(p).Burst
			p.BurstMax = p.BurstMin
			got, want := info.Curve.Spec(p), exact.Curve.Spec(p)
			ratio := float64(got.Rate) / float64(want.Rate)
			t.Logf("%v of %v: %.3f; %v in %.1f s, %.1f %% read in %d reads", got, want, ratio, info.Curve.Average, info.Duration, float64(f.bytes)/float64(len(data))*100, f.reads)
			if ratio < 1/1.02 || ratio > 1.20 || info.Curve.Exact || !near(info.Duration, 300, 0.01) || f.bytes > int64(len(data)/7) {
				t.Errorf("%v, want %v; duration %.1f s; %d of %d bytes read", got, want, info.Duration, f.bytes, len(data))
			}
		})
	}
}

// oggMistakes are files whose headers lie.
func oggMistakes() []mistake {
	song := probetest.Ogg(probetest.OggOptions{Seconds: 3})
	film := probetest.Ogg(probetest.OggOptions{Seconds: 3, Film: true})
	return []mistake{
		{"headers only", song[:150], "ogg: no sound or pictures up to byte"},
		{"unknown codec", patch(song, 28, []byte("\x01varbis")), "ogg: no sound or pictures up to byte"},
		{"0 Hz", patch(song, 40, make([]byte, 4)), "ogg: no sound or pictures up to byte"},
		{"no pictures per second", patch(probetest.Ogg(probetest.OggOptions{Film: true, Seconds: 1}), 28+22, make([]byte, 4)), ""},
		{"streams without end", slices.Repeat(song[:58], 100), "ogg: page at byte 58: stream 0 begins again"},
		{"many streams", manyStreams(song[:58]), "ogg: page at byte 3712: more than 64 streams begin"},
		{"second page is none", patch(song, 58, []byte("OggX")), "ogg: no page at byte 58"},
		{"film without pages", slices.Concat(film[:250], make([]byte, 5000)), "ogv: no audio or video samples"},
	}
}

// manyStreams returns the first page of a stream again and again, with serial
// numbers of their own.
func manyStreams(page []byte) []byte {
	var out []byte
	for i := range 100 {
		out = append(out, patch(page, 14, []byte{byte(i)})...)
	}
	return out
}

func TestOggMistakes(t *testing.T) {
	for _, tt := range oggMistakes() {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, error %v, want %q", info, err, tt.want)
			}
		})
	}
	// What the last page says is not believed.
	song := probetest.Ogg(probetest.OggOptions{Seconds: 30})
	last := bytes.LastIndex(song, []byte("OggS"))
	for name, granule := range map[string][]byte{"max": {255, 255, 255, 255, 255, 255, 255, 127}, "minus 1": bytes.Repeat([]byte{255}, 8), "min": {0, 0, 0, 0, 0, 0, 0, 128}, "0": make([]byte, 8)} {
		info, err := probeBytes(t, patch(song, last+6, granule))
		if err != nil || !near(info.Duration, 29.5, 0.02) {
			t.Errorf("granule %s: %+v %v", name, info, err)
		}
	}
}

func FuzzOgg(f *testing.F) {
	tiny := func(int) int { return 20 }
	song := probetest.Ogg(probetest.OggOptions{Seconds: 1, Comments: []string{"TITLE=T"}})
	for _, m := range oggMistakes() {
		f.Add(m.data)
	}
	fuzz(f, song, slices.Concat(song, song), probetest.Ogg(probetest.OggOptions{Seconds: 1, Codec: "opus"}), probetest.Ogg(probetest.OggOptions{Seconds: 1, Codec: "flac"}),
		probetest.Ogg(probetest.OggOptions{Seconds: 2, Film: true, FrameSize: tiny}))
}
