package probe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// matroska builds a file.
func matroska(o probetest.MatroskaOptions) []byte { return probetest.Matroska(o) }

func TestMatroska(t *testing.T) {
	type options = probetest.MatroskaOptions
	h264 := probe.Track{Kind: "video", Codec: "h264", Width: 320, Height: 240, Frames: 25}
	opus := probe.Track{Kind: "audio", Codec: "opus", Language: "eng", Channels: 2, Hertz: 48000}
	vp9 := h264
	vp9.Codec = "vp9"
	both := []probe.Track{h264, opus}
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
		{"film", matroska(options{}), "mkv", 10, 803, true, "avc1.64001f", both[:1]},
		{"with sound", matroska(options{Audio: true}), "mkv", 10, 938, true, "avc1.64001f, opus", both},
		{"groups", matroska(options{Audio: true, Groups: true}), "mkv", 10, 948, true, "avc1.64001f, opus", both},
		{"reordered", matroska(options{Audio: true, Reordered: true}), "mkv", 10, 938, true, "avc1.64001f, opus", both},
		{"cues in front", matroska(options{Audio: true, Cues: "front"}), "mkv", 10, 938, true, "avc1.64001f, opus", both},
		{"cues at the end", matroska(options{Audio: true, Cues: "end"}), "mkv", 10, 938, true, "avc1.64001f, opus", both},
		{"live", matroska(options{Audio: true, Live: true}), "mkv", 10, 938, true, "avc1.64001f, opus", both},
		{"webm", matroska(options{Audio: true, WebM: true}), "webm", 10, 938, true, "vp9, opus", []probe.Track{vp9, opus}},
		{"sound", matroska(options{SoundOnly: true, Cues: "end"}), "mkv", 10, 134, false, "opus", both[1:]},
		{"live sound", matroska(options{SoundOnly: true, Live: true}), "mkv", 10, 134, true, "opus", both[1:]},
		{"subtitles", matroska(options{Subtitles: true}), "mkv", 10, 803, true, "avc1.64001f", []probe.Track{h264, {Kind: "subtitle", Codec: "srt", Language: "de"}}},
		{"cut off", cut(matroska(options{Audio: true, Cues: "end"}), 0.5), "mkv", 5, 938, false, "avc1.64001f, opus", both},
		{"long", matroska(options{Seconds: 120, Audio: true, Cues: "end"}), "mkv", 120, 938, false, "avc1.64001f, opus", both},
		{"long without cues", matroska(options{Seconds: 120, Audio: true}), "mkv", 120, 938, false, "avc1.64001f, opus", both},
		{"long and live", matroska(options{Seconds: 120, Audio: true, Live: true}), "mkv", 120, 938, false, "avc1.64001f, opus", both},
		{"long and cut off", cut(matroska(options{Seconds: 120, Audio: true, Cues: "end"}), 0.5), "mkv", 60, 938, false, "avc1.64001f, opus", both},
		{"long live sound", matroska(options{Seconds: 400, SoundOnly: true, Live: true}), "mkv", 400, 134, false, "opus", both[1:]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{data: tt.data}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			if info.Container != tt.container || !near(info.Duration, tt.seconds, 0.02) || info.Codecs != tt.codecs {
				t.Errorf("%s of %.3f s %q, want %s of %.3f %q", info.Container, info.Duration, info.Codecs, tt.container, tt.seconds, tt.codecs)
			}
			if a := float64(info.Curve.Average) / 1000; !near(a, tt.average, 0.02) || info.Curve.Exact != tt.exact {
				t.Errorf("average %.1f kbit/s exact %v, want %.1f %v", a, info.Curve.Exact, tt.average, tt.exact)
			}
			if !slices.Equal(info.Tracks, tt.tracks) {
				t.Errorf("tracks %+v, want %+v", info.Tracks, tt.tracks)
			}
			most := int64(len(tt.data)) + 40<<10
			switch {
			case strings.Contains(tt.name, "live") && len(tt.data) > 4<<20:
				most = int64(len(tt.data))/4 + 64<<10 // clusters have to be looked for
			case len(tt.data) > 4<<20:
				most = int64(len(tt.data)) / 100
			}
			if f.bytes > most {
				t.Errorf("read %d of %d bytes", f.bytes, len(tt.data))
			}
		})
	}
}

func TestMatroskaDescription(t *testing.T) {
	data := matroska(probetest.MatroskaOptions{Title: "A Film", Attach: 3 << 20, Cues: "front"})
	info, err := probeBytes(t, data)
	if err != nil {
		t.Fatal(err)
	}
	if info.Title != "A Film" || info.Year != 2006 {
		t.Errorf("%q of %d", info.Title, info.Year)
	}
	if want := []probe.Chapter{{0, "one"}, {5, "two"}}; !slices.Equal(info.Chapters, want) {
		t.Errorf("chapters %+v, want %+v", info.Chapters, want)
	}
	if c := info.Cover; c == nil || c.MIME != "image/jpeg" || c.Size != 3<<20 {
		t.Errorf("cover %+v", info.Cover)
	}
	if c := info.Curve; c.Header < 3<<20 || !near(float64(c.Average), 803e3, 0.02) {
		t.Errorf("the attachment counts: %+v", c)
	}
}

// TestMatroskaIsNotMisled feeds files whose index or lengths lie.
func TestMatroskaIsNotMisled(t *testing.T) {
	type options = probetest.MatroskaOptions
	long := matroska(options{Seconds: 120, Cues: "end"})
	cues := bytes.Index(long, []byte{0x1c, 0x53, 0xbb, 0x6b, 1})
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"cues of another file", patch(long, cues+70, bytes.Repeat([]byte{0}, 3))},
		{"cues of half the times", patch(long, cues, matroskaCues(long[cues:]))},
		{"a duration of a day", patch(long, bytes.Index(long, []byte{0x44, 0x89, 1})+9, []byte{0x41, 0x94, 0x99, 0x70, 0, 0, 0, 0})},
		{"damaged clusters", clear(long, len(long)/2, 1<<20)},
		{"another file behind it", slices.Concat(matroska(options{}), matroska(options{Seconds: 2}))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if r := info.Curve.Spec(ratelimit.DefaultPolicy()).Rate; r < 800e3 || r > 1.3e6 {
				t.Errorf("%v: %+v", r, info)
			}
		})
	}
}

// matroskaCues returns an element Cues with all times halved.
func matroskaCues(b []byte) []byte {
	b = slices.Clone(b)
	for i := 0; i+17 < len(b); i++ {
		if b[i] == 0xb3 && b[i+1] == 1 && b[i+8] == 8 {
			v := (int(b[i+14])<<16 | int(b[i+15])<<8 | int(b[i+16])) / 2
			b[i+14], b[i+15], b[i+16] = byte(v>>16), byte(v>>8), byte(v)
		}
	}
	return b
}

func TestMatroskaMistakes(t *testing.T) {
	film := matroska(probetest.MatroskaOptions{Seconds: 2, Audio: true, Attach: 100})
	at := func(mark ...byte) int { return bytes.Index(film, mark) }
	tracks, attached := at(0x16, 0x54, 0xae, 0x6b), at(0x19, 0x41, 0xa4, 0x69)
	huge := []byte{1, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"only a header", film[:at(0x18, 0x53, 0x80, 0x67)], "where the one around it ends"},
		{"no segment", clear(film, at(0x18, 0x53, 0x80, 0x67), 12), "mkv: no element begins at byte 66 (00 00 00 00)"},
		{"no clusters", film[:at(0x1f, 0x43, 0xb6, 0x75)], "mkv: no Cluster up to the end, byte 785"},
		{"tracks of 2 GB", patch(film, tracks+4, huge), fmt.Sprintf("mkv: element Tracks at byte %d: length 2147483647 is past the end of the file (%d bytes)", tracks, len(film))},
		{"tracks of no length", patch(film, tracks+4, ones(8)), fmt.Sprintf("mkv: element Tracks at byte %d does not tell its length", tracks)},
		{"attachment of 2 GB", patch(film, attached+12+4, huge), "past the end of the file"},
		{"timescale 0", clear(film, at(0x2a, 0xd7, 0xb1)+4+7, 8), "its timescale is 0"},
		{"no tracks", patch(film, tracks, []byte{0xec, 0x41, 0}), "mkv: "},
		{"empty clusters", film[:at(0x1f, 0x43, 0xb6, 0x75)+12], "no audio or video samples"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			if err == nil {
				t.Fatalf("no error, but %+v", info)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
		})
	}
}

// ones is n bytes of which all bits are set but those of the first that say
// how long the number is.
func ones(n int) []byte {
	b := bytes.Repeat([]byte{0xff}, n)
	b[0] = 1
	return b
}

func FuzzMatroska(f *testing.F) {
	o := probetest.MatroskaOptions{Seconds: 0.3, Cluster: 0.1, FrameSize: func(int) int { return 20 }, Audio: true, Title: "T", Attach: 20, Subtitles: true, Cues: "front"}
	live, web, sound := o, o, o
	live.Live, live.Cues, web.WebM, web.Cues, web.Groups, sound.SoundOnly = true, "", true, "end", true, true
	fuzz(f, matroska(o), matroska(live), matroska(web), matroska(sound))
}

// TestReadErrorsOfFilms lets reads fail from some byte on.
func TestReadErrorsOfFilms(t *testing.T) {
	away := errors.New("disk is away")
	for name, data := range map[string][]byte{
		"film":      matroska(probetest.MatroskaOptions{Audio: true, Cues: "end"}),
		"long":      matroska(probetest.MatroskaOptions{Seconds: 120, Audio: true, Cues: "end"}),
		"long live": matroska(probetest.MatroskaOptions{Seconds: 120, Audio: true, Live: true}),
		"flv":       probetest.FLV(probetest.FLVOptions{Audio: true}),
		"long flv":  probetest.FLV(probetest.FLVOptions{Seconds: 120, Audio: true}),
	} {
		for _, at := range []int64{0, 8192, int64(len(data) / 2), int64(len(data) - 1)} {
			_, err := probe.Probe(t.Context(), &broken{data: data, at: at, err: away}, int64(len(data)))
			if at == 0 && err == nil || err != nil && !errors.Is(err, away) {
				t.Errorf("%s from byte %d on: error %v, want %v", name, at, err, away)
			}
			_, err = probe.Probe(t.Context(), &broken{data: data, at: at, err: io.EOF}, int64(len(data)))
			if at == 0 && err == nil || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s that has shrunk to %d bytes: error %v", name, at, err)
			}
		}
	}
}

// TestFlippedBytesOfFilms is a small part of what the fuzz tests do.
func TestFlippedBytesOfFilms(t *testing.T) {
	tiny := func(int) int { return 20 }
	o := probetest.MatroskaOptions{Seconds: 0.3, Cluster: 0.1, FrameSize: tiny, Audio: true, Title: "T", Attach: 20, Cues: "end"}
	live := o
	live.Live, live.Cues = true, ""
	for _, data := range [][]byte{matroska(o), matroska(live), probetest.FLV(probetest.FLVOptions{Seconds: 0.3, FrameSize: tiny, Audio: true, Index: true})} {
		for at := 0; at < min(len(data), 2500); at += 2 {
			for _, with := range []byte{0, 0xff} {
				harmless(t, patch(data, at, []byte{with}))
			}
			harmless(t, data[:at])
		}
	}
}
