package probe

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	for _, tt := range []struct {
		name, codec, data string
		want              Track
		code              string
	}{
		{"H.264", "h264", "00000167640015acd941b1fe4f016a040402800000030080000019078b16cb0000000168", Track{Codec: "h264", Width: 426, Height: 240, Frames: 25}, "avc1.640015"},
		{"H.264 of fields and all colours", "h264", "00000167f40028919b280f0089f9701100000303e90000ea601f162d960000000168fba3", Track{Codec: "h264", Width: 1920, Height: 1080, Frames: 30000.0 / 1001}, "avc1.f40028"},
		{"H.264 that is not told", "video", "000001b600000167640015acd941b1fe4f016a040402800000030080000019078b16cb", Track{Codec: "h264", Width: 426, Height: 240, Frames: 25}, "avc1.640015"},
		{"H.264 cut off", "h264", "0000000167640015acd9", Track{Codec: "h264"}, ""},
		{"HEVC", "hevc", "000001420101016000000300900000030000030" + "03ca00d880f1c9e595952930bc05a810100f0800000030080", Track{Codec: "hevc", Width: 426, Height: 240}, "hvc1.1.6.L60.90"},
		{"HEVC of 10 bits", "hevc", "000001420101022000000300900000030000030078a00280802d1365959a4932bc05a02000000300200000064100", Track{Codec: "hevc", Width: 1280, Height: 720}, "hvc1.2.4.L120.90"},
		{"MPEG-1", "mpeg1", "000001b31400b415ffffe0180000", Track{Codec: "mpeg1", Width: 320, Height: 180, Frames: 30}, "mp4v.6A"},
		{"MPEG-2", "mpeg2", "000001b31601203309c42380000001b5148a00010000000001b5", Track{Codec: "mpeg2", Width: 352, Height: 288, Frames: 25}, "mp4v.61"},
		{"VC-1", "vc1", "0000010fcb1a3bf21b8080", Track{Codec: "vc1", Width: 1920, Height: 1080}, ""},
		{"AAC", "aac", "fff14d805f3ffcde0200", Track{Codec: "aac", Channels: 6, Hertz: 48000}, "mp4a.40.2"},
		{"AC-3", "ac3", "0b77cd625e40ebf8403e", Track{Codec: "ac3", Channels: 6, Hertz: 44100}, "ac-3"},
		{"AC-3 behind the header of discs", "ac3", "800100010b775052144043e106f4", Track{Codec: "ac3", Channels: 2, Hertz: 48000}, "ac-3"},
		{"E-AC-3", "ac3", "0b77037f3f87c00020f8", Track{Codec: "eac3", Channels: 6, Hertz: 48000}, "ec-3"},
		{"DTS", "dts", "7ffe8001fc3c75b276c005380009ef7b", Track{Codec: "dts", Channels: 6, Hertz: 48000}, "dtsc"},
		{"MP3 said to be layer II", "mp2", "fffb9064", Track{Codec: "mp3", Channels: 2, Hertz: 44100}, "mp4a.6B"},
		{"AAC that is not told", "audio", "fff14d805f3ffcde0200", Track{Codec: "aac", Channels: 6, Hertz: 48000}, "mp4a.40.2"},
		{"nothing", "h264", "", Track{Codec: "h264"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(tt.data)
			if err != nil {
				t.Fatal(err)
			}
			track := muxTrack{Track: Track{Codec: tt.codec}}
			track.sniff(b)
			if math.Abs(track.Frames-tt.want.Frames) < 1e-9 {
				track.Frames = tt.want.Frames
			}
			if track.Track != tt.want || track.code != tt.code {
				t.Errorf("%+v %q, want %+v %q", track.Track, track.code, tt.want, tt.code)
			}
			for n := range b { // cut off anywhere
				cut := muxTrack{Track: Track{Codec: tt.codec}}
				cut.sniff(b[:n])
			}
		})
	}
}

func TestSampledCurve(t *testing.T) {
	const size = 10_000_000
	line := []place{{5, 1000}, {45, 2_001_000}, {55, 4_001_000}, {105, size - 500}}
	c := sampledCurve(line, 1.15, size, 1000, 500)
	if c.Exact || c.Header != 1000 || c.Trailer != 500 || c.Lead > 20000 {
		t.Errorf("%+v", c)
	}
	if want := float64(size-1500) * 8 / 100; math.Abs(float64(c.Average)/want-1) > 0.001 {
		t.Errorf("average %v, want %.0f", c.Average, want)
	}
	// With a burst of 64 KiB, eleven seconds for the two million bytes of the steepest ten.
	if want := (2e6 - 65536) / 11 * 8 * 1.15; math.Abs(float64(c.Rates[0].Rate)/want-1) > 0.01 {
		t.Errorf("rate %v, want %.0f", c.Rates[0], want)
	}
	for name, points := range map[string][]place{
		"none": nil, "one": line[:1], "backwards": {{5, 1000}, {6, 500}}, "past the end": {{5, size + 1}, {6, size + 2}},
	} {
		if c := sampledCurve(points, 1.15, size, 0, 0); c.Average != 0 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestStreamCodecs(t *testing.T) {
	for _, tt := range []struct {
		kind        byte
		descriptors string
		disc        bool
		want        Track
	}{
		{0x1b, "", false, Track{Kind: "video", Codec: "h264"}},
		{0x06, "\x0a\x04DEU\x00\x6a\x01\x00", false, Track{Kind: "audio", Codec: "ac3", Language: "deu"}},
		{0x06, "\x05\x04HEVC", false, Track{Kind: "video", Codec: "hevc"}},
		{0x06, "\x59\x08eng\x10\x00\x01\x00\x01", false, Track{Kind: "subtitle", Codec: "dvbsub", Language: "eng"}},
		{0x06, "\x56\x05fra\x09\x00", false, Track{Kind: "subtitle", Codec: "teletext", Language: "fra"}},
		{0x80, "", true, Track{Kind: "audio", Codec: "pcm"}},
		{0x80, "", false, Track{Kind: "video", Codec: "mpeg2"}},
		{0x83, "", true, Track{Kind: "audio", Codec: "truehd"}},
		{0x90, "", true, Track{Kind: "subtitle", Codec: "pgs"}},
		{0x06, "\x0a\x40cut", false, Track{Kind: "private"}},
	} {
		got := tsTrack(tt.kind, []byte(tt.descriptors), tt.disc)
		if got == nil || got.Track != tt.want {
			t.Errorf("%#x %q: %+v, want %+v", tt.kind, tt.descriptors, got, tt.want)
		}
	}
	if got := tsTrack(0x05, nil, false); got != nil {
		t.Errorf("a table is %+v", got.Track)
	}
	if got := joinCodes([]string{"a", ""}); got != "" || !strings.Contains(joinCodes([]string{"a", "b"}), "a, b") {
		t.Errorf("codes %q", got)
	}
}
