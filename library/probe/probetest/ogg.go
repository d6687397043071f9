package probetest

import (
	"encoding/binary"
	"slices"
)

// OggOptions says what Ogg builds. Zero values are sensible ones.
type OggOptions struct {
	Seconds   float64         // 10 if 0
	Codec     string          // of the sound: "vorbis", "opus", "flac" or "speex"; "vorbis" if empty
	Film      bool            // Theora pictures, 25 per second, besides the sound
	FrameSize func(i int) int // bytes of picture i; constant 2000 if nil
	Serial    int             // number of the first stream
	Comments  []string        // "TITLE=…", in the first stream of each kind
}

// Sizes of the sound in an Ogg file: packets of 20 ms, 50 of them on a page.
const (
	oggPacket  = 240 // bytes
	oggPackets = 50  // on a page, so each is a second
	oggHertz   = 48000
)

// oggWriter builds the pages of one stream.
type oggWriter struct {
	serial, number int
}

// page returns a page of whole packets.
func (w *oggWriter) page(flags byte, granule int64, packets ...[]byte) []byte {
	var lengths, body []byte
	for _, p := range packets {
		lengths = append(lengths, slices.Repeat([]byte{255}, len(p)/255)...)
		lengths = append(lengths, byte(len(p)%255))
		body = append(body, p...)
	}
	return w.raw(flags, granule, lengths, body)
}

// raw returns a page with the lengths of its segments.
func (w *oggWriter) raw(flags byte, granule int64, lengths, body []byte) []byte {
	b := append([]byte("OggS\x00"), flags)
	b = binary.LittleEndian.AppendUint64(b, uint64(granule))
	b = append(b, slices.Concat(le32(w.serial), le32(w.number), zeros(4), []byte{byte(len(lengths))}, lengths, body)...)
	copy(b[22:], le32(int(oggSum(b))))
	w.number++
	return b
}

// picture returns the pages of one packet that may be longer than a page.
func (w *oggWriter) picture(granule int64, packet []byte) []byte {
	var out []byte
	flags := byte(0)
	for len(packet) >= 255*255 {
		out = append(out, w.raw(flags, -1, slices.Repeat([]byte{255}, 255), packet[:255*255])...)
		packet, flags = packet[255*255:], 1
	}
	return append(out, w.raw(flags, granule, append(slices.Repeat([]byte{255}, len(packet)/255), byte(len(packet)%255)), packet)...)
}

// Ogg returns an Ogg file: sound of 96 kbit/s that lies a second behind the
// pictures, if there are any.
func Ogg(o OggOptions) []byte {
	f := OggFilm(o)
	out := f.Head
	for i := range f.Units {
		out = append(out, f.Unit(i)...)
	}
	return out
}

// OggFilm returns what Ogg does, if all pictures are of one size. The numbers
// of its pages tell the order in which it is read.
func OggFilm(o OggOptions) *Made {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.Codec == "" {
		o.Codec = "vorbis"
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 2000 }
	}
	film, sound := &oggWriter{serial: o.Serial}, &oggWriter{serial: o.Serial + 1}
	if !o.Film {
		sound.serial = o.Serial
	}
	head := o.head(film, sound)
	film2, sound2 := *film, *sound // as pages are numbered
	size := len(o.second(&film2, &sound2, 0))
	return &Made{Head: head, Size: size, Units: int(o.Seconds), Unit: func(i int) []byte { return o.second(film, sound, i) }}
}

// head returns the pages before pictures and sound.
func (o OggOptions) head(film, sound *oggWriter) []byte {
	heads := oggHeads(o.Codec, o.Comments)
	var out []byte
	if o.Film {
		out = append(out, film.page(2, 0, theoraHead())...)
	}
	out = append(out, sound.page(2, 0, heads[0])...)
	if o.Film {
		out = append(out, film.page(0, 0, append([]byte("\x81theora"), vorbisComments(o.Comments)...), []byte("\x82theora"))...)
	}
	out = append(out, sound.picture(0, heads[1])...) // comments may hold a picture
	for _, head := range heads[2:] {
		out = append(out, sound.page(0, 0, head)...)
	}
	return out
}

// second returns the pages of one second.
func (o OggOptions) second(film, sound *oggWriter, i int) (out []byte) {
	for k := i * 25; o.Film && k < i*25+25; k++ {
		b := make([]byte, o.FrameSize(k))
		pattern(b, k)
		out = append(out, film.picture(int64(k/25*25+1)<<6|int64(k%25), b)...)
	}
	var packets [][]byte
	for k := range oggPackets {
		b := make([]byte, oggPacket)
		pattern(b, i*oggPackets+k)
		packets = append(packets, b)
	}
	at := int64(i+1) * oggHertz
	if o.Codec == "opus" {
		at += 312
	}
	return append(out, sound.page(0, at, packets...)...)
}

// oggHeads returns the packets before the sound.
func oggHeads(codec string, comments []string) [][]byte {
	said := vorbisComments(comments)
	switch codec {
	case "opus":
		return [][]byte{slices.Concat([]byte("OpusHead\x01\x02"), le16(312), le32(oggHertz), zeros(3)), append([]byte("OpusTags"), said...)}
	case "flac":
		stream := slices.Concat(be16(4096), be16(4096), zeros(6), be64(int64(oggHertz)<<44|1<<41|15<<36), zeros(16))
		return [][]byte{slices.Concat([]byte("\x7fFLAC\x01\x00\x00\x01fLaC\x00\x00\x00\x22"), stream), slices.Concat([]byte{0x84, 0}, be16(len(said)), said)}
	case "speex":
		return [][]byte{slices.Concat([]byte("Speex   "), zeros(28), le32(oggHertz), zeros(8), le32(2), zeros(28)), said}
	}
	return [][]byte{
		slices.Concat([]byte("\x01vorbis"), zeros(4), []byte{2}, le32(oggHertz), zeros(12), []byte{0xb8, 1}),
		append([]byte("\x03vorbis"), said...), []byte("\x05vorbis setup"),
	}
}

// theoraHead returns the first packet of a Theora stream of 25 pictures per
// second, with six bits for the pictures since the last whole one.
func theoraHead() []byte {
	return slices.Concat([]byte("\x80theora\x03\x02\x01"), be16(pictureWidth/16), be16(pictureHeight/16),
		be32(pictureWidth)[1:], be32(pictureHeight)[1:], zeros(2), be32(25), be32(1), zeros(10), be16(6<<5))
}

// vorbisComments returns the comments as most streams have them.
func vorbisComments(comments []string) []byte {
	b := append(le32(len("probetest")), "probetest"...)
	b = append(b, le32(len(comments))...)
	for _, c := range comments {
		b = append(append(b, le32(len(c))...), c...)
	}
	return append(b, 1)
}

// oggSum is the check sum of a page: CRC-32 with polynomial 0x04c11db7.
func oggSum(b []byte) uint32 {
	var table [256]uint32
	for i := range table {
		r := uint32(i) << 24
		for range 8 {
			r = r<<1 ^ r>>31*0x04c11db7
		}
		table[i] = r
	}
	var sum uint32
	for _, c := range b {
		sum = sum<<8 ^ table[byte(sum>>24)^c]
	}
	return sum
}
