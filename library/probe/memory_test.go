package probe_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
)

// threeHours is how long a long film is, in seconds; mostMemory what a probe of
// it may take.
const (
	threeHours = 3 * 3600
	mostMemory = 2_000_000
)

// apart reads a film and counts what making it allocates.
type apart struct {
	io.ReaderAt
	bytes, reads int64
	own          uint64 // bytes that the reader has allocated
}

func (a *apart) ReadAt(b []byte, off int64) (int, error) {
	before := allocated()
	n, err := a.ReaderAt.ReadAt(b, off)
	a.own += allocated() - before
	a.bytes, a.reads = a.bytes+int64(n), a.reads+1
	return n, err
}

// allocated returns how many bytes were ever allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestMemoryOfLongFilms probes a film of three hours of each container. What is
// counted is all that a probe allocates, which is more than it ever holds: it
// depends neither on the moments at which garbage is collected, nor on what is
// looked at while it runs.
func TestMemoryOfLongFilms(t *testing.T) {
	if testing.Short() {
		t.Skip("the films take some seconds to make")
	}
	small := func(i int) int { return 20 + i*7%90 }
	mp4 := func(o probetest.MP4Options) func() film {
		o.Seconds, o.FPS, o.FrameSize, o.Audio, o.AudioSize = threeHours, 24, small, true, 20
		return func() film { return whole(probetest.MP4(o)) }
	}
	mkv := func(o probetest.MatroskaOptions) func() film {
		o.Seconds, o.FPS, o.FrameSize = threeHours, 24, small
		return func() film { return whole(probetest.Matroska(o)) }
	}
	avi := func(o probetest.AVIOptions) func() film {
		o.Seconds, o.FrameSize, o.Audio = threeHours, small, "mp3"
		return func() film { return whole(probetest.AVI(o)) }
	}
	flv := func(o probetest.FLVOptions) func() film {
		o.Seconds, o.FrameSize = threeHours, small
		return func() film { return whole(probetest.FLV(o)) }
	}
	tape := probetest.MPEGOptions{Seconds: threeHours, Audio: true, FrameSize: func(int) int { return 500 }}
	for _, tt := range []struct {
		name string
		make func() film
	}{
		{"mp4", mp4(probetest.MP4Options{})},
		{"mp4 index at the end", mp4(probetest.MP4Options{MoovAtEnd: true, Wide: true})},
		{"mp4 finely interleaved", mp4(probetest.MP4Options{Chunk: 0.04})},
		{"mp4 fragmented", mp4(probetest.MP4Options{Fragmented: true})},
		{"mkv", mkv(probetest.MatroskaOptions{})},
		{"mkv cues", mkv(probetest.MatroskaOptions{Cues: "end"})},
		{"mkv many cues", mkv(probetest.MatroskaOptions{Cues: "front", Cluster: 0.25})},
		{"webm live", mkv(probetest.MatroskaOptions{Live: true, WebM: true})},
		{"avi", avi(probetest.AVIOptions{})},
		{"avi OpenDML", avi(probetest.AVIOptions{Index: "open"})},
		{"avi without index", avi(probetest.AVIOptions{Index: "none"})},
		{"flv", flv(probetest.FLVOptions{})},
		{"flv index", flv(probetest.FLVOptions{Index: true})},
		{"asf", func() film { return probetest.ASFFilm(probetest.ASFOptions{Seconds: threeHours}) }},
		{"ts", func() film { return probetest.TSFilm(tape) }},
		{"mpg", func() film { return probetest.PSFilm(tape) }},
		{"ogv", func() film {
			return probetest.OggFilm(probetest.OggOptions{Seconds: threeHours, Film: true, FrameSize: func(int) int { return 400 }})
		}},
		{"ogg", func() film { return probetest.OggFilm(probetest.OggOptions{Seconds: threeHours}) }},
		{"mjpeg", func() film { return whole(probetest.MJPEG(threeHours, func(int) int { return 60 })) }},
		{"mp3", func() film { return whole(probetest.MP3(threeHours, 32)) }},
		{"aac", func() film { return whole(probetest.ADTS(threeHours, func(i int) int { return 20 + i%50 })) }},
		{"eac3", func() film { return whole(probetest.EAC3(threeHours, func(i int) int { return 100 + i%30*2 })) }},
		{"ac3 of 10 minutes", func() film { return whole(probetest.AC3(600)) }},
		{"flac of a minute", func() film { return whole(probetest.FLAC(60)) }},
		{"wav of 10 minutes", func() film { return whole(probetest.WAV(600, 44100, 2)) }},
		{"aiff of 10 minutes", func() film { return whole(probetest.AIFF(600, 2, "", "")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.make()
			a := &apart{ReaderAt: f}
			before := allocated()
			info, err := probe.Probe(t.Context(), a, f.Len())
			took := allocated() - before - a.own
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%-4s %5.0f s, %9d bytes, exact %-5v: %7d bytes of memory, %5d reads of %8d bytes", info.Container, info.Duration, f.Len(), info.Curve.Exact, took, a.reads, a.bytes)
			if took > mostMemory {
				t.Errorf("took %d bytes of memory, want at most %d", took, mostMemory)
			}
		})
	}
}

// film is a file that knows its size.
type film interface {
	io.ReaderAt
	Len() int64
}

// held is a film in memory.
type held struct{ *bytes.Reader }

func (h held) Len() int64 { return h.Size() }

func whole(data []byte) film { return held{bytes.NewReader(data)} }
