package probetest

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
)

// ASFOptions says what ASF builds. Zero values are sensible ones.
type ASFOptions struct {
	Seconds                     float64         // 10 if 0
	FrameSize                   func(i int) int // bytes of picture i, of 25 a second; constant 4000 if nil
	Music                       bool            // pictures are said to be sound
	Unknown                     bool            // the playing time is not told
	Title, Artist, Album, Genre string
	Year, Number                string
	Cover                       []byte // a picture
}

// asfPacket is the size of the packets of ASF; asfPreroll how many milliseconds
// all times are late.
const (
	asfPacket  = 3200
	asfPreroll = 3000
)

// ASF returns an ASF file of one track.
func ASF(o ASFOptions) []byte {
	o = o.defaults()
	packets := o.packets()
	return append(o.head(len(packets)/asfPacket), packets...)
}

// ASFFilm returns an ASF file of pictures that fill a packet each.
func ASFFilm(o ASFOptions) *Made {
	o = o.defaults()
	n := int(o.Seconds*25 + 0.5)
	return &Made{Head: o.head(n), Size: asfPacket, Units: n, Unit: func(i int) []byte {
		return asfPart(nil, i, make([]byte, asfPacket-40), 0)
	}}
}

// defaults returns o with the zero values replaced.
func (o ASFOptions) defaults() ASFOptions {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 4000 }
	}
	return o
}

// head returns what is before a number of packets.
func (o ASFOptions) head(packets int) []byte {
	little64 := func(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }
	length, flags := int64((o.Seconds+asfPreroll/1000)*1e7), 2
	if o.Unknown {
		length, flags = 0, 1
	}
	about := slices.Concat(zeros(16), zeros(16), little64(int64(packets)), little64(length), little64(length), little64(asfPreroll), little32(flags), little32(asfPacket), little32(asfPacket), little32(1000000))
	kind := "\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b"
	form := slices.Concat(little32(320), little32(240), []byte{2}, little16(40), little32(40), little32(320), little32(240), little16(1), little16(24), []byte("WMV2"), zeros(20))
	if o.Music {
		kind = "\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b"
		form = slices.Concat(little16(0x161), little16(2), little32(44100), little32(100000), little16(3200), little16(16), little16(0))
	}
	stream := slices.Concat([]byte(kind), zeros(16), zeros(8), little32(len(form)), little32(0), little16(1), zeros(4), form)
	texts := slices.Concat(little16(len(wide(o.Title))), little16(len(wide(o.Artist))), zeros(6), wide(o.Title), wide(o.Artist))
	objects := slices.Concat(
		asfObject("\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65", about),
		asfObject("\xb5\x03\xbf\x5f\x2e\xa9\xcf\x11\x8e\xe3\x00\xc0\x0c\x20\x53\x65", zeros(22), o.extension()),
		asfObject("\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65", stream),
		asfObject("\x33\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", texts),
		asfObject("\x40\xa4\xd0\xd2\x07\xe3\xd2\x11\x97\xf0\x00\xa0\xc9\x5e\xa8\x50", o.more()),
		asfObject("\x01\xcd\x87\xf4\x51\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65", zeros(16), little32(1), little16(0), little16(0),
			zeros(8), little64((asfPreroll/1000+2)*1e7), little16(0), zeros(8), little32(4), wide("Two")),
	)
	head := asfObject("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", little32(6), []byte{1, 2}, objects)
	data := slices.Concat(zeros(16), little64(int64(packets)), []byte{1, 1})
	name := "\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
	return slices.Concat(head, []byte(name), little64(int64(24+len(data)+packets*asfPacket)), data)
}

// extension returns the list of languages and what more is told of the stream.
func (o ASFOptions) extension() []byte {
	languages := slices.Concat(little16(1), []byte{byte(len(wide("de-de")))}, wide("de-de"))
	stream := slices.Concat(zeros(48), little16(1), little16(0), little32(400000), little32(0), little16(0), little16(0))
	return slices.Concat(
		asfObject("\xa9\x46\x43\x7c\xe0\xef\xfc\x4b\xb2\x29\x39\x3e\xde\x41\x5c\x85", languages),
		asfObject("\xcb\xa5\xe6\x14\x72\xc6\x32\x43\x83\x99\xa9\x69\x52\x06\x5b\x5a", stream),
	)
}

// more returns the texts that have names, and the picture.
func (o ASFOptions) more() []byte {
	var out []byte
	count := 0
	for _, v := range [][2]string{{"WM/AlbumTitle", o.Album}, {"WM/Year", o.Year}, {"WM/Genre", o.Genre}, {"WM/TrackNumber", o.Number}} {
		if v[1] != "" {
			out = slices.Concat(out, little16(len(wide(v[0]))), wide(v[0]), little16(0), little16(len(wide(v[1]))), wide(v[1]))
			count++
		}
	}
	if o.Cover != nil {
		picture := slices.Concat([]byte{3}, little32(len(o.Cover)), wide("image/png"), wide(""), o.Cover)
		out = slices.Concat(out, little16(len(wide("WM/Picture"))), wide("WM/Picture"), little16(1), little16(len(picture)), picture)
		count++
	}
	return append(little16(count), out...)
}

// packets returns the packets: one part of a picture each.
func (o ASFOptions) packets() []byte {
	var out []byte
	for i := range max(1, int(o.Seconds*25+0.5)) {
		data := make([]byte, o.FrameSize(i))
		pattern(data, i)
		for at := 0; at < len(data); at += asfPacket - 40 {
			out = asfPart(out, i, data, at)
		}
	}
	return out
}

// asfPart appends the packet with the part of picture i from a byte on.
func asfPart(out []byte, i int, data []byte, at int) []byte {
	n := min(len(data)-at, asfPacket-40)
	head := slices.Concat([]byte{0x82, 0, 0, 0x10, 0x5d}, little16(0), little32(i*40), little16(40),
		[]byte{0x81, byte(i)}, little32(at), []byte{8}, little32(len(data)), little32(i*40+asfPreroll))
	packet := slices.Concat(head, data[at:at+n])
	fill := asfPacket - len(packet)
	copy(packet[5:], little16(fill))
	return append(append(out, packet...), zeros(fill)...)
}

// asfObject returns an object.
func asfObject(name string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat([]byte(name), binary.LittleEndian.AppendUint64(nil, uint64(24+len(body))), body)
}

// wide returns a text in UTF-16 with a zero behind.
func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}
