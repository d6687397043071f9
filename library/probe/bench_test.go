package probe

import (
	"bytes"
	"io"
	"testing"

	"mustserv/library/probe/probetest"
)

func BenchmarkSumOfFilm(b *testing.B) {
	c := measure(film(7, 3*3600, 0.5, 400e3))
	for b.Loop() {
		if _, err := c.sum(true); err != nil {
			b.Fatal(err)
		}
	}
}

// tally counts what is read through it.
type tally struct {
	io.ReaderAt
	bytes, reads int64
}

func (t *tally) ReadAt(p []byte, off int64) (int, error) {
	n, err := t.ReaderAt.ReadAt(p, off)
	t.bytes += int64(n)
	t.reads++
	return n, err
}

// BenchmarkProbe measures files of each container that are long enough not to
// be read whole: what matters on a network mount is read-%.
func BenchmarkProbe(b *testing.B) {
	const seconds = 1200
	for name, data := range map[string][]byte{
		"mp4":  probetest.MP4(probetest.MP4Options{Seconds: seconds, FPS: 25, Audio: true}),
		"fmp4": probetest.MP4(probetest.MP4Options{Seconds: seconds, FPS: 25, Audio: true, Fragmented: true}),
		"mp3":  probetest.MP3(seconds, 128),
		"flac": probetest.FLAC(seconds),
		"wav":  probetest.WAV(seconds, 44100, 2),
		"ac3":  probetest.AC3(seconds),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			t := tally{ReaderAt: bytes.NewReader(data)}
			for b.Loop() {
				t.bytes, t.reads = 0, 0
				if _, err := Probe(b.Context(), &t, int64(len(data))); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(100*float64(t.bytes)/float64(len(data)), "read-%")
			b.ReportMetric(float64(t.reads), "reads")
		})
	}
}
