package probetest

import (
	"encoding/binary"
	"math"
	"slices"
)

// MatroskaOptions says what MatroskaWith builds.
type MatroskaOptions struct {
	Seconds   float64 // 10 if 0
	FPS       float64 // 25 if 0
	FrameSize func(i int) int
	Audio     bool    // a sound track beside the pictures
	SoundOnly bool    // no pictures
	Cluster   float64 // seconds of a cluster, 2 if 0
	Groups    bool    // blocks in groups
	Reordered bool    // every third picture is stored two pictures early
	WebM      bool
	Live      bool   // no lengths of segment and clusters, no duration
	Cues      string // "", "front" or "end"
	Attach    int    // bytes of a picture
	Title     string
	Subtitles bool
}

// ebml returns an element.
func ebml(id uint32, content ...[]byte) []byte {
	b := slices.Concat(content...)
	return slices.Concat(ebmlID(id), be64(int64(len(b))|1<<56), b)
}

// ebmlOpen returns the header of an element that does not tell its length.
func ebmlOpen(id uint32) []byte {
	return append(ebmlID(id), 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
}

func ebmlID(id uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	for b[0] == 0 {
		b = b[1:]
	}
	return b
}

func ebmlUint(id uint32, v int64) []byte { return ebml(id, be64(v)) }

func ebmlFloat(id uint32, v float64) []byte { return ebml(id, be64(int64(math.Float64bits(v)))) }

func ebmlText(id uint32, s string) []byte { return ebml(id, []byte(s)) }

// Matroska returns a file with pictures of 4000 bytes, 800 kbit/s, and, if
// wanted, sound of 128 kbit/s in blocks of a fiftieth of a second.
func Matroska(o MatroskaOptions) []byte {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.FPS == 0 {
		o.FPS = 25
	}
	if o.Cluster == 0 {
		o.Cluster = 2
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 4000 }
	}
	kind := "matroska"
	if o.WebM {
		kind = "webm"
	}
	head := ebml(0x1a45dfa3, ebmlUint(0x4286, 1), ebmlText(0x4282, kind), ebmlUint(0x4287, 4))
	body := o.segment()
	if o.Live {
		return slices.Concat(head, ebmlOpen(0x18538067), body)
	}
	return slices.Concat(head, ebml(0x18538067, body))
}

// segment returns the content of the segment.
func (o MatroskaOptions) segment() []byte {
	info := [][]byte{ebmlUint(0x2ad7b1, 1e6)}
	if !o.Live {
		info = append(info, ebmlFloat(0x4489, o.Seconds*1000))
	}
	out := slices.Concat(ebml(0xec, zeros(50)), ebml(0x1549a966, info...), o.tracks())
	if o.Title != "" {
		text := func(name, value string) []byte {
			return ebml(0x67c8, ebmlText(0x45a3, name), ebmlText(0x4487, value))
		}
		out = append(out, ebml(0x1254c367, ebml(0x7373, ebml(0x63c0), text("TITLE", o.Title), text("DATE_RELEASED", "2006-01-02")),
			ebml(0x7373, ebml(0x63c0, ebmlUint(0x63c5, 1)), text("TITLE", "of a track")))...)
		chapter := func(at int64, name string) []byte {
			return ebml(0xb6, ebmlUint(0x91, at), ebml(0x80, ebmlText(0x85, name)))
		}
		out = append(out, ebml(0x1043a770, ebml(0x45b9, chapter(5e9, "two"), chapter(0, "one")))...)
	}
	if o.Attach > 0 {
		picture := make([]byte, o.Attach)
		pattern(picture, 7)
		out = append(out, ebml(0x1941a469,
			ebml(0x61a7, ebmlText(0x466e, "font.ttf"), ebmlText(0x4660, "font/ttf"), ebml(0x465c, zeros(100))),
			ebml(0x61a7, ebmlText(0x466e, "cover.jpg"), ebmlText(0x4660, "image/jpeg"), ebml(0x465c, picture)))...)
	}
	return o.media(out)
}

// tracks returns the element Tracks.
func (o MatroskaOptions) tracks() []byte {
	var out [][]byte
	if !o.SoundOnly {
		codec, config := "V_MPEG4/ISO/AVC", []byte{1, 0x64, 0, 0x1f, 0xff, 0xe1}
		if o.WebM {
			codec, config = "V_VP9", nil
		}
		out = append(out, ebml(0xae, ebmlUint(0xd7, 1), ebmlUint(0x83, 1), ebmlText(0x22b59c, "und"), ebmlText(0x86, codec), ebml(0x63a2, config),
			ebmlUint(0x23e383, int64(1e9/o.FPS)), ebml(0xe0, ebmlUint(0xb0, 320), ebmlUint(0xba, 240))))
	}
	if o.Audio || o.SoundOnly {
		out = append(out, ebml(0xae, ebmlUint(0xd7, 2), ebmlUint(0x83, 2), ebmlText(0x86, "A_OPUS"),
			ebml(0xe1, ebmlFloat(0xb5, 48000), ebmlUint(0x9f, 2))))
	}
	if o.Subtitles {
		out = append(out, ebml(0xae, ebmlUint(0xd7, 3), ebmlUint(0x83, 17), ebmlText(0x86, "S_TEXT/UTF8"), ebmlText(0x22b59d, "de-AT")))
	}
	return ebml(0x1654ae6b, out...)
}

// mkvFrame is a block before it is stored.
type mkvFrame struct {
	track, ms, size int
	key             bool
}

// frames returns the blocks in the file's order.
func (o MatroskaOptions) frames() []mkvFrame {
	var out []mkvFrame
	sound, step := 0.0, 1/o.FPS
	for i := 0; float64(i)*step < o.Seconds-1e-9; i++ {
		t := float64(i) * step
		if !o.SoundOnly {
			shown := i
			if o.Reordered && i%3 > 0 {
				shown = i + []int{0, 1, -1}[i%3]
			}
			out = append(out, mkvFrame{1, int(float64(shown)*step*1000 + 0.5), o.FrameSize(i), i%50 == 0})
		}
		for ; (o.Audio || o.SoundOnly) && sound < t+step-1e-9; sound += 0.02 {
			out = append(out, mkvFrame{2, int(sound*1000 + 0.5), 320, true})
		}
	}
	return out
}

// split cuts the frames into clusters.
func (o MatroskaOptions) split() [][]mkvFrame {
	var out [][]mkvFrame
	for frames := o.frames(); len(frames) > 0; {
		n := 1
		for n < len(frames) && float64(frames[n].ms-frames[0].ms) < o.Cluster*1000-1e-6 {
			n++
		}
		out, frames = append(out, frames[:n]), frames[n:]
	}
	return out
}

// media appends the clusters and cues to what lies before them. Its offsets
// count from the begin of out.
func (o MatroskaOptions) media(out []byte) []byte {
	cue := func(ms, at int) []byte {
		return ebml(0xbb, ebmlUint(0xb3, int64(ms)), ebml(0xb7, ebmlUint(0xf7, 1), ebmlUint(0xf1, int64(at))))
	}
	seek := func(at int) []byte {
		return ebml(0x114d9b74, ebml(0x4dbb, ebml(0x53ab, ebmlID(0x1c53bb6b)), ebmlUint(0x53ac, int64(at))))
	}
	parts := o.split()
	at := len(out)
	switch o.Cues {
	case "front":
		at += 12 + len(parts)*len(cue(0, 0))
	case "end":
		at += len(seek(0))
	}
	var clusters, cues []byte
	for _, frames := range parts {
		cues = append(cues, cue(frames[0].ms, at+len(clusters))...)
		clusters = append(clusters, o.cluster(frames)...)
	}
	switch cues := ebml(0x1c53bb6b, cues); o.Cues {
	case "front":
		return slices.Concat(out, cues, clusters)
	case "end":
		return slices.Concat(out, seek(at+len(clusters)), clusters, cues)
	}
	return append(out, clusters...)
}

// cluster returns the element of some frames.
func (o MatroskaOptions) cluster(frames []mkvFrame) []byte {
	body := ebmlUint(0xe7, int64(frames[0].ms))
	for i, f := range frames {
		data := make([]byte, 4+f.size)
		pattern(data[4:], f.ms+f.track)
		data[0] = 0x80 | byte(f.track)
		binary.BigEndian.PutUint16(data[1:], uint16(f.ms-frames[0].ms))
		if f.key {
			data[3] = 0x80
		}
		if o.Groups && i > 0 {
			data[3] = 0
			body = append(body, ebml(0xa0, ebml(0xa1, data), ebmlUint(0x9b, 40))...)
		} else {
			body = append(body, ebml(0xa3, data)...)
		}
	}
	if o.Live {
		return append(ebmlOpen(0x1f43b675), body...)
	}
	return ebml(0x1f43b675, body)
}
