package probe

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
)

// entry takes the first sample description of a stsd box: the codec, and the
// size of the picture or the form of the sound. It is read by hand, as what
// QuickTime puts there depends on boxes outside of the moov box.
func (t *mp4Track) entry(stsd []byte) {
	if len(stsd) < 24 {
		return
	}
	e := stsd[8:]
	if n := binary.BigEndian.Uint32(e); n >= 16 && n <= uint32(len(e)) {
		e = e[:n]
	}
	code := string(e[4:8])
	if code == "encv" || code == "enca" {
		if i := bytes.Index(e, []byte("frma")); i >= 0 && i+8 <= len(e) {
			code = string(e[i+4 : i+8])
		}
	}
	t.Codec = mp4Codec(code)
	if t.Codec == "" {
		t.Codec = objectType(code, e)
	}
	t.codecs = codecString(code, e)
	switch t.handler {
	case "vide":
		if len(e) >= 36 {
			t.Width, t.Height = int(binary.BigEndian.Uint16(e[32:])), int(binary.BigEndian.Uint16(e[34:]))
		}
	case "soun":
		if len(e) >= 36 {
			t.sound(e)
		}
	}
}

// sound takes the form of the sound from a sample description.
func (t *mp4Track) sound(e []byte) {
	t.Channels, t.Hertz = int(binary.BigEndian.Uint16(e[24:])), int(binary.BigEndian.Uint16(e[32:]))
	depth := int64(binary.BigEndian.Uint16(e[26:]))
	switch version := binary.BigEndian.Uint16(e[16:]); {
	case version == 1 && len(e) >= 52:
		t.packetSamples, t.packetBytes = int64(binary.BigEndian.Uint32(e[36:])), int64(binary.BigEndian.Uint32(e[44:]))
	case version == 2 && len(e) >= 72:
		if hertz := math.Float64frombits(binary.BigEndian.Uint64(e[40:])); hertz > 0 && hertz < 1<<24 {
			t.Hertz = int(hertz)
		}
		t.Channels = int(binary.BigEndian.Uint32(e[48:]) & 0xffff)
		t.packetBytes, t.packetSamples = int64(binary.BigEndian.Uint32(e[64:])), int64(binary.BigEndian.Uint32(e[68:]))
	case version == 0 && t.Codec == "pcm":
		t.packetSamples, t.packetBytes = 1, depth/8*int64(t.Channels)
	}
	if t.packetSamples <= 0 || t.packetSamples > 1<<16 || t.packetBytes <= 0 || t.packetBytes > 1<<20 {
		t.packetSamples, t.packetBytes = 0, 0
	}
}

// mp4Codec returns the everyday name of a sample entry, empty if that depends
// on more.
func mp4Codec(code string) string {
	switch code {
	case "avc1", "avc2", "avc3", "avc4", "dvav", "dva1":
		return "h264"
	case "hvc1", "hev1", "dvh1", "dvhe":
		return "hevc"
	case "vvc1", "vvi1":
		return "vvc"
	case "av01", "dav1":
		return "av1"
	case "vp08":
		return "vp8"
	case "vp09":
		return "vp9"
	case "s263", "h263", "H263":
		return "h263"
	case "jpeg", "mjpg", "mjpa", "mjpb", "MJPG":
		return "mjpeg"
	case "apch", "apcn", "apcs", "apco", "ap4h", "ap4x":
		return "prores"
	case "Opus":
		return "opus"
	case "fLaC":
		return "flac"
	case "ac-3", "sac3":
		return "ac3"
	case "ec-3":
		return "eac3"
	case "ac-4":
		return "ac4"
	case "dtsc", "dtse", "dtsh", "dtsl", "dtsx":
		return "dts"
	case "mlpa":
		return "truehd"
	case ".mp3", "ms\x00U":
		return "mp3"
	case "lpcm", "sowt", "twos", "in24", "in32", "fl32", "fl64", "raw ", "NONE", "ipcm", "fpcm":
		return "pcm"
	case "ulaw":
		return "mulaw"
	case "samr", "sawb":
		return "amr"
	case "ima4", "ms\x00\x11", "ms\x00\x02":
		return "adpcm"
	case "tx3g", "text":
		return "text"
	case "wvtt":
		return "webvtt"
	case "stpp":
		return "ttml"
	case "c608", "c708":
		return "cea608"
	case "mp4s":
		return "vobsub"
	}
	return ""
}

// objectType returns the name of a codec that the descriptor in the entry
// tells, or else what the entry is called.
func objectType(code string, e []byte) string {
	if i := bytes.Index(e, []byte("esds")); i >= 0 {
		if name := descriptorCodec(e[i+4:]); name != "" {
			return name
		}
	}
	switch code {
	case "mp4a":
		return "aac"
	case "mp4v":
		return "mpeg4"
	}
	return strings.TrimSpace(letters(code))
}

// descriptorCodec names the codec that an esds box tells, empty if none.
func descriptorCodec(b []byte) string {
	kind, _, ok := descriptor(b)
	if !ok {
		return ""
	}
	return objectCodec(kind)
}

// descriptor finds the decoder configuration in an esds box, behind version
// and flags: tags of one byte, each with a length of up to four bytes. It
// returns the object type, and what only the codec understands.
func descriptor(b []byte) (kind byte, specific []byte, ok bool) {
	b = b[min(4, len(b)):]
	for range 4 {
		if len(b) < 2 {
			return kind, nil, ok
		}
		tag, n := b[0], 0
		b = b[1:]
		for i := 0; i < 4 && len(b) > 1 && b[0]&0x80 != 0; i++ {
			n, b = n<<7|int(b[0]&0x7f), b[1:]
		}
		n, b = n<<7|int(b[0]&0x7f), b[1:]
		switch {
		case tag == 3 && len(b) >= 3:
			b = b[min(len(b), streamHeader(b)):]
		case tag == 4 && len(b) > 0:
			kind, ok = b[0], true
			b = b[min(len(b), 13):]
		case tag == 5 && ok:
			return kind, b[:min(len(b), n)], true
		default:
			return kind, nil, ok
		}
	}
	return kind, nil, ok
}

// streamHeader is the length of the fields of an elementary stream descriptor
// before the descriptors in it.
func streamHeader(b []byte) int {
	n, flags := 3, b[2]
	if flags&0x80 != 0 {
		n += 2
	}
	if flags&0x40 != 0 && n < len(b) {
		n += 1 + int(b[n])
	}
	if flags&0x20 != 0 {
		n += 2
	}
	return n
}

// objectCodec names an object type of MPEG-4.
func objectCodec(kind byte) string {
	switch {
	case kind == 0x20:
		return "mpeg4"
	case kind == 0x21:
		return "h264"
	case kind == 0x23:
		return "hevc"
	case kind == 0x40, kind >= 0x66 && kind <= 0x68:
		return "aac"
	case kind >= 0x60 && kind <= 0x65:
		return "mpeg2"
	case kind == 0x69, kind == 0x6b:
		return "mp3"
	case kind == 0x6a:
		return "mpeg1"
	case kind == 0x6c:
		return "mjpeg"
	case kind == 0xa5:
		return "ac3"
	case kind == 0xa6:
		return "eac3"
	case kind == 0xa9:
		return "dts"
	case kind == 0xad:
		return "opus"
	case kind == 0xe0:
		return "vobsub"
	}
	return ""
}
