package probetest

import (
	"math"
	"slices"
)

// FLVOptions says what FLV builds.
type FLVOptions struct {
	Seconds   float64 // 10 if 0
	FrameSize func(i int) int
	Audio     bool
	Index     bool // of key frames
	NoMeta    bool
	Title     string
}

// flvFPS is how many pictures a second has; every 50th is a key frame.
const flvFPS = 25

// FLV returns a file with H.264 pictures of 4000 bytes, 800 kbit/s, and, if
// wanted, AAC of 128 kbit/s.
func FLV(o FLVOptions) []byte {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 4000 }
	}
	head := slices.Concat([]byte("FLV\x01\x05"), be32(9), be32(0))
	keys := int(math.Ceil(o.Seconds * flvFPS / 50))
	base := len(head)
	if !o.NoMeta {
		base += len(flvTag(18, 0, o.script(make([]float64, keys), make([]float64, keys))))
	}
	var body []byte
	var times, positions []float64
	body = append(body, flvTag(9, 0, []byte{0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x1f, 0xff, 0xe1})...)
	if o.Audio {
		body = append(body, flvTag(8, 0, []byte{0xaf, 0, 0x11, 0x90})...)
	}
	sound := 0.0
	for i := range int(o.Seconds*flvFPS + 0.5) {
		t := float64(i) / flvFPS
		data := make([]byte, 5+o.FrameSize(i))
		pattern(data[5:], i)
		data[0], data[1] = 0x27, 1
		if i%50 == 0 {
			data[0] = 0x17
			times, positions = append(times, t), append(positions, float64(base+len(body)))
		}
		body = append(body, flvTag(9, i*1000/flvFPS, data)...)
		for ; o.Audio && sound < t+0.04-1e-9; sound += 0.02 {
			data := make([]byte, 322)
			pattern(data[2:], i)
			data[0], data[1] = 0xaf, 1
			body = append(body, flvTag(8, int(sound*1000+0.5), data)...)
		}
	}
	if o.NoMeta {
		return slices.Concat(head, body)
	}
	return slices.Concat(head, flvTag(18, 0, o.script(times, positions)), body)
}

// script returns the content of the metadata tag.
func (o FLVOptions) script(times, positions []float64) []byte {
	number := func(v float64) []byte { return append([]byte{0}, be64(int64(math.Float64bits(v)))...) }
	named := func(name string, value []byte) []byte { return slices.Concat(be16(len(name)), []byte(name), value) }
	array := func(values []float64) []byte {
		out := append([]byte{10}, be32(int64(len(values)))...)
		for _, v := range values {
			out = append(out, number(v)...)
		}
		return out
	}
	end := []byte{0, 0, 9}
	out := slices.Concat([]byte{2}, be16(10), []byte("onMetaData"), []byte{8}, be32(6),
		named("duration", number(o.Seconds)), named("width", number(320)), named("height", number(240)), named("framerate", number(flvFPS)),
		named("stereo", []byte{1, 1}), named("made", append([]byte{11}, zeros(10)...)))
	if o.Title != "" {
		out = append(out, named("title", slices.Concat([]byte{2}, be16(len(o.Title)), []byte(o.Title)))...)
	}
	if o.Index {
		out = append(out, named("keyframes", slices.Concat([]byte{3}, named("filepositions", array(positions)), named("times", array(times)), end))...)
	}
	return append(out, end...)
}

// flvTag returns a tag with its length behind it.
func flvTag(kind byte, ms int, data []byte) []byte {
	head := slices.Concat([]byte{kind}, be32(int64(len(data)))[1:], be32(int64(ms))[1:], []byte{byte(ms >> 24), 0, 0, 0})
	return slices.Concat(head, data, be32(int64(11+len(data))))
}
