package probe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// TestSampledAgainstWhole reads films block by block and by samples: the rates
// of the samples must be no lower, and not much higher. The pictures vary from
// second to second and from scene to scene.
func TestSampledAgainstWhole(t *testing.T) {
	size := func(i int) int {
		n := 1500 + i*37%1500 + []int{0, 1000, 3000, 500}[i/300%4]
		if i%50 == 0 {
			n += 15000
		}
		return n
	}
	film := probetest.MatroskaOptions{Seconds: 120, FrameSize: size, Audio: true, Cluster: 1}
	cues, live, slow, flash := film, film, film, probetest.FLVOptions{Seconds: 120, FrameSize: size, Audio: true}
	cues.Cues, live.Live, slow.Cluster = "end", true, 5
	index := flash
	index.Index = true
	for name, tt := range map[string]struct {
		data []byte
		read func(in *input, whole int64) (*Info, error)
	}{
		"clusters":      {probetest.Matroska(film), readMatroskaWhole},
		"long clusters": {probetest.Matroska(slow), readMatroskaWhole},
		"cues":          {probetest.Matroska(cues), readMatroskaWhole},
		"live":          {probetest.Matroska(live), readMatroskaWhole},
		"flv":           {probetest.FLV(flash), readFLVWhole},
		"flv index":     {probetest.FLV(index), readFLVWhole},
	} {
		t.Run(name, func(t *testing.T) {
			probe := func(whole int64) *Info {
				info, err := tt.read(newInput(t.Context(), bytes.NewReader(tt.data), int64(len(tt.data))), whole)
				if err != nil {
					t.Fatal(err)
				}
				return info
			}
			whole, sampled := probe(1<<40), probe(0)
			if !whole.Curve.Exact || sampled.Curve.Exact || sampled.Curve.Header != whole.Curve.Header {
				t.Errorf("exact %v and %v, header %d and %d", whole.Curve.Exact, sampled.Curve.Exact, whole.Curve.Header, sampled.Curve.Header)
			}
			if r := sampled.Duration / whole.Duration; r < 0.99 || r > 1.01 {
				t.Errorf("%g s, want %g", sampled.Duration, whole.Duration)
			}
			text := ""
			for _, burst := range []ratelimit.Size{256 << 10, 512 << 10, 1 << 20} {
				p := ratelimit.DefaultPolicy()
				p.Burst, p.BurstMin, p.BurstMax = 0, burst, burst
				r := float64(sampled.Curve.Spec(p).Rate) / float64(whole.Curve.Spec(p).Rate)
				if r < 0.99 || r > 1.2 {
					t.Errorf("%.3f of the rate at %v", r, burst)
				}
				text += fmt.Sprintf(" %.3f", r)
			}
			t.Log(text)
		})
	}
}

// TestShortScenes samples films of rare scenes of noise, two to five seconds
// long, between still ones. Places five seconds apart blur them.
func TestShortScenes(t *testing.T) {
	const seconds = 240
	for seed := range uint64(10) {
		data := probetest.Matroska(probetest.MatroskaOptions{Seconds: seconds, FrameSize: shortScenes(seed, seconds*25), Audio: true, Cluster: 5, Cues: "end"})
		run := func(whole int64) (*Info, *tally) {
			read := &tally{ReaderAt: bytes.NewReader(data)}
			info, err := readMatroskaWhole(newInput(t.Context(), read, int64(len(data))), whole)
			if err != nil {
				t.Fatal(err)
			}
			return info, read
		}
		whole, _ := run(1 << 40)
		sampled, read := run(0)
		p := ratelimit.DefaultPolicy()
		p.BurstMin = whole.Curve.burst(p)
		p.BurstMax = p.BurstMin
		want := whole.Curve.Spec(p)
		r := float64(sampled.Curve.Spec(p).Rate) / float64(want.Rate)
		t.Logf("%.3f of %v, %d reads of %d bytes of %d", r, want, read.reads, read.bytes, len(data))
		if r < 1 || r > mkvFactor+0.01 {
			t.Errorf("%.3f of the rate", r)
		}
		if read.reads > mkvRefined*150 || read.bytes > read.reads*window {
			t.Errorf("%d reads of %d bytes", read.reads, read.bytes)
		}
	}
}

// shortScenes returns the sizes of n pictures.
func shortScenes(seed uint64, n int) func(i int) int {
	r := rand.New(rand.NewPCG(seed, 1))
	var sizes []int
	for still := true; len(sizes) < n; still = !still {
		size, seconds := 12000+r.IntN(3000), 2+r.IntN(4)
		if still {
			size, seconds = 300, 15+r.IntN(30)
		}
		sizes = append(sizes, slices.Repeat([]int{size}, 25*seconds)...)
	}
	return func(i int) int { return sizes[i] }
}

func TestConfigStrings(t *testing.T) {
	for _, tt := range []struct {
		codec, want string
		config      []byte
	}{
		{"h264", "avc1.640015", []byte{1, 0x64, 0, 0x15, 0xff}},
		{"h264", "", []byte{1, 0x64}},
		{"hevc", "hvc1.1.6.L93.B0", []byte{1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93}},
		{"hevc", "hvc1.A2.4.H120", []byte{1, 0x62, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 120}},
		{"av1", "av01.0.04M.10", []byte{0x81, 4, 0x40}},
		{"vp9", "vp09.00.31.08", []byte{1, 1, 0, 2, 1, 31, 3, 1, 8}},
		{"vp9", "vp9", nil},
		{"aac", "mp4a.40.2", []byte{0x11, 0x90}},
		{"aac", "mp4a.40.5", []byte{0x2b, 0x92, 0x08, 0}},
		{"opus", "opus", nil},
		{"mpeg2", "", nil},
	} {
		if got := configString(tt.codec, tt.config); got != tt.want {
			t.Errorf("%s % x: %q, want %q", tt.codec, tt.config, got, tt.want)
		}
	}
	if got := joinConfigs([]string{"a", "b", "a"}); got != "a, b" {
		t.Errorf("joined: %q", got)
	}
	if got := joinConfigs([]string{"a", ""}); got != "" {
		t.Errorf("joined with an unknown one: %q", got)
	}
}
