package probetest

import "slices"

// MP4Options says what MP4 builds. Zero values are sensible ones.
type MP4Options struct {
	Seconds    float64         // 10 if 0
	FPS        int             // pictures per second, 25 if 0
	FrameSize  func(i int) int // bytes of picture i, at least 8; constant 4000 if nil
	Audio      bool            // a second track, AAC, 48 kHz stereo, 128 kbit/s
	AudioSize  int             // bytes of a frame of sound, 341 if 0
	MoovAtEnd  bool            // the index comes after the media
	Fragmented bool            // moof and mdat for each second of video
	Chunk      float64         // seconds of one track in one piece, 0.5 if 0
	Wide       bool            // 64-bit offsets and box sizes
	Title      string          // iTunes title, none if empty
}

// defaults returns o with the zero values replaced.
func (o MP4Options) defaults() MP4Options {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.FPS == 0 {
		o.FPS = 25
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 4000 }
	}
	if o.AudioSize == 0 {
		o.AudioSize = audioBytes
	}
	if o.Chunk == 0 {
		o.Chunk = 0.5
	}
	return o
}

// AAC at 48 kHz and 128 kbit/s: 1024 samples to a frame of 341 bytes.
const (
	audioHertz   = 48000
	audioSamples = 1024
	audioBytes   = 341
)

// track is a track in the making.
type track struct {
	id        int
	video     bool
	timescale int
	delta     int // of each sample, in the timescale
	sizes     []int
	chunks    []chunk
}

// chunk is a run of samples that lie together; at is relative to the media.
type chunk struct {
	first, count int
	at           int64
}

// tracks returns the tracks that o asks for, without places.
func (o MP4Options) tracks() []*track {
	v := &track{id: 1, video: true, timescale: o.FPS * 512, delta: 512}
	for i := range max(1, int(o.Seconds*float64(o.FPS)+0.5)) {
		v.sizes = append(v.sizes, max(8, o.FrameSize(i)))
	}
	if !o.Audio {
		return []*track{v}
	}
	n := max(1, int(o.Seconds*audioHertz/audioSamples+0.5))
	a := &track{id: 2, timescale: audioHertz, delta: audioSamples, sizes: slices.Repeat([]int{o.AudioSize}, n)}
	return []*track{v, a}
}

// until returns the number of samples that begin before t seconds.
func (t *track) until(seconds float64) int {
	n := int(seconds * float64(t.timescale) / float64(t.delta))
	for n < len(t.sizes) && float64(n*t.delta) < seconds*float64(t.timescale) {
		n++
	}
	return min(n, len(t.sizes))
}

// seconds is the length of the track.
func (t *track) seconds() float64 {
	return float64(len(t.sizes)*t.delta) / float64(t.timescale)
}

// sample returns the bytes of sample i: for video one NAL unit of filler type
// behind its length, for audio a pattern.
func (t *track) sample(i int) []byte {
	b := make([]byte, t.sizes[i])
	pattern(b, t.id*1000003+i)
	if t.video {
		copy(b, be32(int64(len(b)-4)))
		b[4] = 0x0c
		b[len(b)-1] = 0x80
	}
	return b
}

// MP4 returns an MP4 file: one H.264 track, and one AAC track if asked for.
func MP4(o MP4Options) []byte {
	o = o.defaults()
	if o.Fragmented {
		return o.fragmented(o.tracks())
	}
	return o.progressive(o.tracks())
}

// progressive lays the tracks out in chunks and puts the index to one side.
func (o MP4Options) progressive(tracks []*track) []byte {
	media := o.interleave(tracks)
	ftyp := fileType()
	header := 8
	if o.Wide {
		header = 16
	}
	base := int64(len(ftyp) + header)
	if !o.MoovAtEnd {
		base += int64(len(o.movie(tracks, 0))) // its length does not depend on the offsets
	}
	moov, mdat := o.movie(tracks, base), o.mediaData(media)
	if o.MoovAtEnd {
		return slices.Concat(ftyp, mdat, moov)
	}
	return slices.Concat(ftyp, moov, mdat)
}

// mediaData wraps media into an mdat box.
func (o MP4Options) mediaData(media []byte) []byte {
	if o.Wide {
		return slices.Concat(be32(1), []byte("mdat"), be64(int64(len(media)+16)), media)
	}
	return box("mdat", media)
}

// interleave gives every chunk its place and returns the media bytes.
func (o MP4Options) interleave(tracks []*track) []byte {
	var media []byte
	done := make([]int, len(tracks))
	for end := o.Chunk; ; end += o.Chunk {
		left := false
		for k, t := range tracks {
			n := t.until(end)
			if n > done[k] {
				t.chunks = append(t.chunks, chunk{done[k], n - done[k], int64(len(media))})
			}
			for ; done[k] < n; done[k]++ {
				media = append(media, t.sample(done[k])...)
			}
			left = left || n < len(t.sizes)
		}
		if !left {
			return media
		}
	}
}

// fragmented writes an empty moov and a fragment of both tracks per second.
func (o MP4Options) fragmented(tracks []*track) []byte {
	out := append(fileType(), o.movie(tracks, 0)...)
	done := make([]int, len(tracks))
	for n := 1; ; n++ {
		var runs []chunk
		var media []byte
		left := false
		for k, t := range tracks {
			end := t.until(float64(n))
			runs = append(runs, chunk{done[k], end - done[k], int64(len(media))})
			for ; done[k] < end; done[k]++ {
				media = append(media, t.sample(done[k])...)
			}
			left = left || end < len(t.sizes)
		}
		size := len(fragment(tracks, runs, n, 0))
		out = append(out, fragment(tracks, runs, n, int64(size+8))...)
		out = append(out, box("mdat", media)...)
		if !left {
			return out
		}
	}
}
