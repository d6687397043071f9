package probe_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
)

func TestFramedSound(t *testing.T) {
	aac := probe.Track{Kind: "audio", Codec: "aac", Channels: 2, Hertz: 44100}
	ac3 := probe.Track{Kind: "audio", Codec: "ac3", Channels: 6, Hertz: 48000}
	eac3 := probe.Track{Kind: "audio", Codec: "eac3", Channels: 2, Hertz: 48000}
	wild := func(i int) int { return 100 + rand.New(rand.NewPCG(2, uint64(i))).IntN(400) }
	tag := probetest.MP3With(probetest.MP3Options{Seconds: 1, ID3v2: 3000, Title: "T"})[:3000]
	for _, tt := range []struct {
		name, container string
		data            []byte
		seconds         float64
		average         float64 // kbit/s
		exact           bool
		track           probe.Track
		codecs          string
	}{
		{"aac", "aac", probetest.ADTS(10, nil), 10, 103.4, true, aac, "mp4a.40.2"},
		{"aac that varies", "aac", probetest.ADTS(60, wild), 60, 103.4, false, aac, "mp4a.40.2"},
		{"long aac that varies", "aac", probetest.ADTS(600, wild), 600, 103.4, false, aac, "mp4a.40.2"},
		{"aac behind ID3", "aac", slices.Concat(tag, probetest.ADTS(10, wild)), 10, 103.4, false, aac, "mp4a.40.2"},
		{"aac begun amid a frame", "aac", probetest.ADTS(10, wild)[50:], 10, 103.4, false, aac, "mp4a.40.2"},
		{"one frame", "aac", probetest.ADTS(0.02, nil), 0.023, 103.4, true, aac, "mp4a.40.2"},
		{"aac cut off", "aac", cut(probetest.ADTS(10, nil), 0.5), 5, 103.4, true, aac, "mp4a.40.2"},
		{"ac3", "ac3", probetest.AC3(30), 30, 448, true, ac3, "ac-3"},
		{"ac3 cut at both ends", "ac3", cut(probetest.AC3(30)[1000:], 0.99), 30, 448, true, ac3, "ac-3"},
		{"eac3", "eac3", probetest.EAC3(30, nil), 30, 192, true, eac3, "ec-3"},
		{"eac3 that varies", "eac3", probetest.EAC3(60, func(i int) int { return 500 + i%3*50 }), 60, 137.5, false, eac3, "ec-3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{data: tt.data}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			tolerance := 0.02
			if strings.Contains(tt.name, "long") {
				tolerance = 0.06 // it is judged by a few percent of the frames
			}
			if info.Container != tt.container || !near(info.Duration, tt.seconds, tolerance) || !near(float64(info.Curve.Average)/1000, tt.average, tolerance) {
				t.Errorf("%s of %.3f s, %v, want %s of %.3f, %.1f kbit/s", info.Container, info.Duration, info.Curve.Average, tt.container, tt.seconds, tt.average)
			}
			if info.Curve.Exact != tt.exact || !slices.Equal(info.Tracks, []probe.Track{tt.track}) || info.Codecs != tt.codecs {
				t.Errorf("%+v", info)
			}
			t.Logf("%.3f s, %v: %d of %d bytes in %d reads", info.Duration, info.Curve.Average, f.bytes, len(tt.data), f.reads)
			if int64(len(tt.data)) > 1<<20 && f.bytes > int64(len(tt.data)/8) {
				t.Errorf("read %d of %d bytes", f.bytes, len(tt.data))
			}
		})
	}
}

func FuzzADTS(f *testing.F) {
	fuzz(f, probetest.ADTS(0.3, nil), probetest.ADTS(0.3, func(i int) int { return 20 + i }), probetest.ADTS(0.5, nil)[10:])
}

func FuzzAC3(f *testing.F) {
	fuzz(f, probetest.AC3(0.1), probetest.EAC3(0.2, nil), probetest.EAC3(0.2, func(i int) int { return 20 + i*2 }))
}

// small returns a tiny file of each container that came after the first four.
func small() map[string][]byte {
	tiny := func(i int) int { return 24 + i%5 }
	return map[string][]byte{
		"ogg":   probetest.Ogg(probetest.OggOptions{Seconds: 2}),
		"ogv":   probetest.Ogg(probetest.OggOptions{Seconds: 2, Film: true, FrameSize: tiny}),
		"chain": slices.Repeat(probetest.Ogg(probetest.OggOptions{Seconds: 1}), 2),
		"aac":   probetest.ADTS(1, func(i int) int { return 300 + i%7 }),
		"ac3":   probetest.AC3(1),
		"eac3":  probetest.EAC3(1, nil),
		"aiff":  probetest.AIFF(1, 1, "sowt", "T"),
		"mjpeg": probetest.MJPEG(5, func(int) int { return 500 }),
	}
}

func TestReadErrorsOfOthers(t *testing.T) {
	away := errors.New("disk is away")
	for name, data := range small() {
		for _, at := range []int64{0, 8192, int64(len(data) / 2), int64(len(data) - 1)} {
			_, err := probe.Probe(t.Context(), &broken{data: data, at: at, err: away}, int64(len(data)))
			if at == 0 && err == nil || err != nil && !errors.Is(err, away) {
				t.Errorf("%s, byte %d: error %v, want %v", name, at, err, away)
			}
		}
	}
}

func TestFlippedBytesOfOthers(t *testing.T) {
	for _, data := range small() {
		for at := 0; at < min(len(data), 1000); at += 3 {
			for _, with := range []byte{0, 0xff} {
				harmless(t, patch(data, at, []byte{with}))
			}
			harmless(t, data[:at])
		}
	}
}
