package probetest

import (
	"slices"
)

// MPEGOptions says what TS and PS build. Zero values are sensible ones.
type MPEGOptions struct {
	Seconds   float64         // 10 if 0
	FrameSize func(i int) int // bytes of picture i, of 25 a second, at least 100; constant 4000 if nil
	Audio     bool            // a second track of AC-3, 48 kHz stereo, 192 kbit/s, in English
	HEVC      bool            // in place of H.264; of TS only
	Packet    int             // 188 if 0, 192 or 204; of TS only
	Old       bool            // MPEG-1; of PS only
	Start     float64         // of the clock
	Jump      float64         // added to the clock from the middle on
	Scrambled bool            // only the clock can be read; of TS only
}

// defaults returns o with the zero values replaced.
func (o MPEGOptions) defaults() MPEGOptions {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 4000 }
	}
	if o.Packet == 0 {
		o.Packet = 188
	}
	return o
}

// unit is a picture or some sound with its time.
type unit struct {
	video bool
	time  float64
	stamp float64
	data  []byte
}

// mpegLead is how much earlier than it is shown a picture is in the file.
const mpegLead = 0.5

// units returns the pictures and the sound in the order of their times.
func (o MPEGOptions) units(parameters []byte) []unit {
	var out []unit
	for i := range max(1, int(o.Seconds*25+0.5)) {
		data := make([]byte, max(100, o.FrameSize(i)))
		pattern(data, i)
		if i%25 == 0 {
			copy(data, parameters)
		}
		out = append(out, unit{video: true, time: float64(i) / 25, data: data})
	}
	if o.Audio {
		for i := range max(1, int(o.Seconds/0.032+0.5)) {
			data := make([]byte, 768)
			pattern(data, i)
			copy(data, []byte{0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe1})
			out = append(out, unit{time: float64(i) * 0.032, data: data})
		}
	}
	slices.SortStableFunc(out, func(a, b unit) int {
		if a.time < b.time {
			return -1
		}
		return int(min(1, (a.time-b.time)*1e9))
	})
	for i := range out {
		out[i].stamp = out[i].time + o.Start
		if out[i].time >= o.Seconds/2 {
			out[i].stamp += o.Jump
		}
	}
	return out
}

// stamp returns a time stamp of 33 bits with a mark in front.
func stamp(mark byte, seconds float64) []byte {
	v := ticks(seconds)
	return []byte{mark | byte(v>>29)&0xe | 1, byte(v >> 22), byte(v>>14) | 1, byte(v >> 7), byte(v<<1) | 1}
}

// ticks returns a time in units of 90 kHz, cut to 33 bits.
func ticks(seconds float64) int64 { return int64(seconds*90000+0.5) & (1<<33 - 1) }

// Parameter sets of pictures of 426 by 240, 25 a second.
const (
	avcParameters  = "\x00\x00\x01\x67\x64\x00\x15\xac\xd9\x41\xb1\xfe\x4f\x01\x6a\x04\x04\x02\x80\x00\x00\x03\x00\x80\x00\x00\x19\x07\x8b\x16\xcb\x00\x00\x00\x01\x68"
	hevcParameters = "\x00\x00\x01\x42\x01\x01\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x3c\xa0\x0d\x88\x0f\x1c\x9e\x59\x59\x52\x93\x0b\xc0\x5a\x81\x01\x00\xf0\x80\x00\x00\x03\x00\x80\x00\x00\x0c\x84\x00\x00\x00\x01\x44\x01"
	mpegParameters = "\x00\x00\x01\xb3\x16\x01\x20\x33\x09\xc4\x23\x80"
	mpeg2Extension = "\x00\x00\x01\xb5\x14\x8a\x00\x01\x00\x00"
)

// Streams of TS.
const (
	tsTable = 0x100
	tsVideo = 0x101
	tsAudio = 0x102
)

// TS returns a transport stream of one program.
func TS(o MPEGOptions) []byte {
	o = o.defaults()
	w := &tsWriter{packet: o.Packet, scrambled: o.Scrambled, count: map[int]byte{}}
	parameters, kind := avcParameters, byte(0x1b)
	if o.HEVC {
		parameters, kind = hevcParameters, 0x24
	}
	units := o.units([]byte(parameters))
	for i, u := range units {
		if i%40 == 0 {
			w.table(0, 0x00, be16(1), be16(0xe000|tsTable))
			w.table(tsTable, 0x02, be16(0xe000|tsVideo), be16(0xf000), []byte{kind}, be16(0xe000|tsVideo), be16(0xf000),
				[]byte{0x81}, be16(0xe000|tsAudio), be16(0xf006), []byte{10, 4, 'e', 'n', 'g', 0})
		}
		if u.video {
			head := slices.Concat([]byte{0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0, 10}, stamp(0x30, u.stamp+0.08), stamp(0x10, u.stamp))
			w.pes(tsVideo, append(head, u.data...), ticks(u.stamp-mpegLead))
		} else {
			head := slices.Concat([]byte{0, 0, 1, 0xbd}, be16(len(u.data)+8), []byte{0x80, 0x80, 5}, stamp(0x20, u.stamp))
			w.pes(tsAudio, append(head, u.data...), -1)
		}
	}
	return w.out
}

// tsWriter cuts tables and pictures into packets.
type tsWriter struct {
	out       []byte
	packet    int
	scrambled bool
	count     map[int]byte
}

// table writes a table with the fields that all have in front.
func (w *tsWriter) table(id int, kind byte, fields ...[]byte) {
	body := slices.Concat(fields...)
	b := slices.Concat([]byte{0, kind}, be16(0xb000|(5+len(body)+4)), []byte{0, 1, 0xc1, 0, 0}, body, zeros(4)) // nobody looks at the check sum
	w.write(id, append(b, slices.Repeat([]byte{0xff}, 184-len(b))...), true, -1)
}

// pes writes a picture or sound; a clock that is not negative is in front.
func (w *tsWriter) pes(id int, b []byte, clock int64) {
	for first := true; len(b) > 0; first = false {
		room := 184
		if first && clock >= 0 {
			room -= 8
		} else {
			clock = -1
		}
		n := min(len(b), room)
		w.write(id, b[:n], first, clock)
		b = b[n:]
	}
}

// write writes one packet, filled up in front.
func (w *tsWriter) write(id int, b []byte, first bool, clock int64) {
	head := []byte{0x47, byte(id >> 8), byte(id), 0x10 | w.count[id]&15}
	w.count[id]++
	if first {
		head[1] |= 0x40
	}
	if w.scrambled && id >= tsVideo {
		head[3] |= 0x80
	}
	if room := 184 - len(b); room > 0 {
		head[3] |= 0x20
		field := slices.Repeat([]byte{0xff}, room)
		if field[0] = byte(room - 1); room > 1 {
			field[1] = 0
		}
		if clock >= 0 {
			copy(field[1:], []byte{0x10, byte(clock >> 25), byte(clock >> 17), byte(clock >> 9), byte(clock >> 1), byte(clock<<7) | 0x7e, 0})
		}
		head = append(head, field...)
	}
	if w.packet == 192 {
		w.out = append(w.out, 0, 0, 0, 0)
	}
	w.out = append(append(w.out, head...), b...)
	if w.packet == 204 {
		w.out = append(w.out, zeros(16)...)
	}
}

// psPack is the size of the packs of PS.
const psPack = 2048

// PS returns a program stream as discs have it.
func PS(o MPEGOptions) []byte {
	o = o.defaults()
	parameters := mpegParameters
	if !o.Old {
		parameters += mpeg2Extension
	}
	var out []byte
	for _, u := range o.units([]byte(parameters)) {
		id, head := byte(0xe0), slices.Concat([]byte{0x80, 0xc0, 10}, stamp(0x30, u.stamp+0.08), stamp(0x10, u.stamp))
		if o.Old {
			head = slices.Concat(stamp(0x30, u.stamp+0.08), stamp(0x10, u.stamp))
		}
		if !u.video {
			id, head = 0xbd, slices.Concat([]byte{0x80, 0x80, 5}, stamp(0x20, u.stamp), []byte{0x80, 1, 0, 1})
		}
		for b := u.data; len(b) > 0; {
			pack := packHeader(o.Old, u.stamp-mpegLead)
			n := min(len(b), psPack-len(pack)-6-len(head))
			out = append(out, slices.Concat(pack, []byte{0, 0, 1, id}, be16(len(head)+n), head, b[:n])...)
			b, head = b[n:], []byte{0x80, 0, 0}
			if o.Old {
				head = []byte{0x0f}
			}
			if !u.video {
				head = []byte{0x80, 0, 0, 0x80, 0, 0, 0}
			}
		}
	}
	return append(out, 0, 0, 1, 0xb9)
}

// packHeader returns the header of a pack.
func packHeader(old bool, seconds float64) []byte {
	const units = 25200 // of 50 bytes per second, as discs have it
	if old {
		return slices.Concat([]byte{0, 0, 1, 0xba}, stamp(0x20, seconds), []byte{0x80 | units>>15, byte(units >> 7 & 0xff), byte(units<<1&0xff) | 1})
	}
	v := ticks(seconds)
	return []byte{
		0, 0, 1, 0xba, 0x44 | byte(v>>27)&0x38 | byte(v>>28)&3, byte(v >> 20), byte(v>>12)&0xf8 | 4 | byte(v>>13)&3, byte(v >> 5), byte(v<<3) | 4, 1,
		byte(units >> 14), byte(units >> 6 & 0xff), byte(units<<2&0xff) | 3, 0xf8,
	}
}

// seconds returns a film of which each second is a stream of its own.
func (o MPEGOptions) seconds(build func(MPEGOptions) []byte) *Made {
	o = o.defaults()
	n := int(o.Seconds)
	o.Seconds = 1
	second := func(i int) []byte {
		o.Start = float64(i)
		return build(o)
	}
	return &Made{Size: len(second(0)), Units: n, Unit: second}
}

// TSFilm returns a transport stream of pictures of one size.
func TSFilm(o MPEGOptions) *Made { return o.seconds(TS) }

// PSFilm returns a program stream of pictures of one size.
func PSFilm(o MPEGOptions) *Made { return o.seconds(PS) }
