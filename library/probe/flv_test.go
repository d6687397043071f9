package probe_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
)

func TestFLV(t *testing.T) {
	type options = probetest.FLVOptions
	h264 := probe.Track{Kind: "video", Codec: "h264", Width: 320, Height: 240, Frames: 25}
	bare := probe.Track{Kind: "video", Codec: "h264"}
	aac := probe.Track{Kind: "audio", Codec: "aac", Channels: 2, Hertz: 48000}
	for _, tt := range []struct {
		name    string
		data    []byte
		seconds float64
		average float64 // kbit/s
		exact   bool
		tracks  []probe.Track
		share   float64 // of the file that may be read
	}{
		{"film", probetest.FLV(options{}), 10, 804, true, []probe.Track{h264}, 1.1},
		{"with sound", probetest.FLV(options{Audio: true, Title: "A Film"}), 10, 939, true, []probe.Track{h264, aac}, 1.1},
		{"without metadata", probetest.FLV(options{Audio: true, NoMeta: true}), 10, 939, true, []probe.Track{bare, aac}, 1.1},
		{"cut off", cut(probetest.FLV(options{Audio: true}), 0.5), 5, 939, false, []probe.Track{h264, aac}, 1.2},
		{"long with index", probetest.FLV(options{Seconds: 120, Audio: true, Index: true}), 120, 939, false, []probe.Track{h264, aac}, 0.02},
		{"long without index", probetest.FLV(options{Seconds: 120, Audio: true}), 120, 939, false, []probe.Track{h264, aac}, 0.2},
		{"long without metadata", probetest.FLV(options{Seconds: 120, NoMeta: true}), 120, 804, false, []probe.Track{bare}, 0.2},
		{"long and cut off", cut(probetest.FLV(options{Seconds: 120, Audio: true, Index: true}), 0.6), 72, 939, false, []probe.Track{h264, aac}, 0.2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{data: tt.data}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			if info.Container != "flv" || !near(info.Duration, tt.seconds, 0.02) {
				t.Errorf("%s of %.3f s, want %.3f", info.Container, info.Duration, tt.seconds)
			}
			if a := float64(info.Curve.Average) / 1000; !near(a, tt.average, 0.02) || info.Curve.Exact != tt.exact {
				t.Errorf("average %.1f kbit/s exact %v, want %.1f %v", a, info.Curve.Exact, tt.average, tt.exact)
			}
			if !slices.Equal(info.Tracks, tt.tracks) {
				t.Errorf("tracks %+v, want %+v", info.Tracks, tt.tracks)
			}
			if !strings.HasPrefix(info.Codecs, "avc1.64001f") {
				t.Errorf("codecs %q", info.Codecs)
			}
			if most := int64(tt.share*float64(len(tt.data))) + 20<<10; f.bytes > most {
				t.Errorf("read %d of %d bytes, want at most %d", f.bytes, len(tt.data), most)
			}
		})
	}
}

func TestFLVMistakes(t *testing.T) {
	film := probetest.FLV(probetest.FLVOptions{Seconds: 2, Audio: true})
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"only a header", film[:13], "flv: header at byte 0: no tag follows it at byte 9"},
		{"header of 2 GB", patch(film, 5, []byte{0, 0xff, 0xff, 0xff}), "no tag follows it at byte 16777215"},
		{"tag of 16 MB", patch(film[:40], 14, []byte{0xff, 0xff, 0xff}), "flv: tag at byte 13: size 16777215 is past the end of the file (40 bytes)"},
		{"unknown type", patch(film, 13, []byte{3}), "flv: tag at byte 13: unknown type 3"},
		{"only metadata", film[:bytes.Index(film, []byte{0x17, 0, 0, 0, 0, 1})-11], "no audio or video samples"},
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

// TestFLVGoesOn damages a file in the middle, and joins two.
func TestFLVGoesOn(t *testing.T) {
	film := probetest.FLV(probetest.FLVOptions{})
	for name, tt := range map[string]struct {
		data    []byte
		seconds float64
	}{
		"damaged": {clear(film, len(film)/2, 9000), 10},
		"joined":  {slices.Concat(film, film[13:]), 20},
	} {
		info, err := probeBytes(t, tt.data)
		if err != nil {
			t.Fatal(err)
		}
		if !near(info.Duration, tt.seconds, 0.02) || !near(float64(info.Curve.Average), 804e3, 0.02) {
			t.Errorf("%s: %+v", name, info)
		}
	}
}

func FuzzFLV(f *testing.F) {
	o := probetest.FLVOptions{Seconds: 0.3, FrameSize: func(int) int { return 20 }, Audio: true, Index: true, Title: "T"}
	bare := o
	bare.NoMeta = true
	fuzz(f, probetest.FLV(o), probetest.FLV(bare))
}
