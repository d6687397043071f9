package probe_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
)

func TestAIFF(t *testing.T) {
	plain := probetest.AIFF(5, 2, "", "Été")
	for _, tt := range []struct {
		name    string
		data    []byte
		seconds float64
		average float64 // kbit/s
		codec   string
		title   string
	}{
		{"aiff", plain, 5, 1411.2, "pcm", "Été"},
		{"aifc", probetest.AIFF(5, 1, "sowt", ""), 5, 705.6, "pcm", ""},
		{"aifc of some codec", probetest.AIFF(5, 1, "ulaw", ""), 5, 705.6, "mulaw", ""},
		{"cut off", cut(plain, 0.5), 2.5, 1411.2, "pcm", ""},
		{"of no length", patchBox(plain, "COMM", 6, 0, 0, 0, 0), 5, 1411.2, "pcm", "Été"},
		{"of 4 GB", patchBox(plain, "SSND", 0, 0xff, 0xff, 0xff, 0xff), 5, 1411.2, "pcm", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{data: tt.data}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			if tt.name == "of 4 GB" {
				tt.seconds, tt.average = info.Duration, float64(info.Curve.Average)/1000
			}
			if info.Container != "aiff" || !near(info.Duration, tt.seconds, 0.01) || !near(float64(info.Curve.Average)/1000, tt.average, 0.01) ||
				info.Tracks[0].Codec != tt.codec || info.Tracks[0].Hertz != 44100 || info.Title != tt.title || !info.Curve.Exact && tt.name == "aiff" {
				t.Errorf("%+v", info)
			}
			if f.bytes > 20<<10 {
				t.Errorf("read %d bytes", f.bytes)
			}
		})
	}
	for _, tt := range []mistake{
		{"no form", plain[:30], `aiff: chunk "COMM" at byte 12: 10 bytes`},
		{"no sound", plain[:40], `aiff: no "SSND" chunk`},
		{"no COMM", slices.Concat(plain[:12], plain[38:]), `aiff: no "COMM" chunk`},
		{"0 Hz", patchBox(plain, "COMM", 12, make([]byte, 10)...), "0 Hz"},
		{"no end of Hz", patchBox(plain, "COMM", 12, bytes.Repeat([]byte{0x7f}, 10)...), "Hz"},
	} {
		if info, err := probeBytes(t, tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %+v, error %v, want %q", tt.name, info, err, tt.want)
		}
	}
}

func FuzzAIFF(f *testing.F) {
	fuzz(f, probetest.AIFF(0.02, 2, "", "T"), probetest.AIFF(0.02, 1, "sowt", ""))
}
