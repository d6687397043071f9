package probe_test

import (
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
)

func TestMJPEG(t *testing.T) {
	data := probetest.MJPEG(10, func(i int) int { return 4000 + i%2*2000 })
	track := probe.Track{Kind: "video", Codec: "mjpeg", Width: 320, Height: 240, Frames: 20}
	for _, tt := range []struct {
		name    string
		data    []byte
		seconds float64
		exact   bool
	}{
		{"whole", data, 10, true},
		{"cut off", cut(data, 0.513), 5.15, false},
		{"garbage behind", slices.Concat(data, make([]byte, 500)), 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if info.Container != "mjpeg" || !near(info.Duration, tt.seconds, 0.01) || !near(float64(info.Curve.Average), 5005*20*8, 0.01) ||
				info.Curve.Exact != tt.exact || !slices.Equal(info.Tracks, []probe.Track{track}) {
				t.Errorf("%+v", info)
			}
		})
	}
	for _, tt := range []mistake{
		{"length 0", slices.Concat(probetest.MJPEG(0.05, func(int) int { return 24 }), []byte(strings.Repeat("00000", 100))), "mjpeg: picture 2 at byte 29"},
		{"no digits", patch(data, 0, []byte("-0001")), "not a known media container"},
		{"no picture", patch(data, 5, []byte("ab")), "not a known media container"},
	} {
		if info, err := probeBytes(t, tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, error %v, want %q", tt.name, info, err, tt.want)
		}
	}
}

func FuzzMJPEG(f *testing.F) {
	fuzz(f, probetest.MJPEG(0.5, func(i int) int { return 24 + i }))
}
