package probe

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// oggStream is one stream of an Ogg file.
type oggStream struct {
	Track
	serial   uint32
	headers  int     // packets that are still to come before the media
	mark     string  // what comments begin with
	comments bool    // the next header is the comments
	told     bool    // they were read
	units    float64 // of time in a second
	shift    uint    // Theora: bits for the pictures since the last whole one
	late     int64   // units that do not play; negative: the units begin at one less
	begin    int64   // granule of the first page with media

	// While all pages are read:
	before int64     // after the last packet, in units
	parts  []oggPart // of packets whose time is not known yet

	// While pieces of a long film are read: what a page of sound holds, in units.
	span int64
}

// newOggStream reads the first packet of a stream. One of which nothing is
// known has no kind.
func newOggStream(b []byte) *oggStream {
	s := &oggStream{}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	is := func(mark string, least int) bool { return bytes.HasPrefix(b, []byte(mark)) && len(b) >= least }
	switch {
	case is("\x01vorbis", 16):
		s.sound("vorbis", "\x03vorbis", 3, int(b[11]), u32(b[12:]))
	case is("OpusHead", 12):
		s.sound("opus", "OpusTags", 2, int(b[9]), 48000)
		s.late = int64(u16(b[10:]))
	case is("\x7fFLAC", 35):
		rate := binary.BigEndian.Uint32(b[27:])
		s.sound("flac", "", 1+max(1, int(binary.BigEndian.Uint16(b[7:]))), int(b[29]>>1&7)+1, rate>>12)
	case is("Speex   ", 72):
		s.sound("speex", "", 2+int(min(u32(b[68:]), maxOpening)), int(u32(b[48:])&0xff), u32(b[36:]))
	case is("\x80theora", 42):
		s.theora(b)
	case is("\x80kate", 64):
		s.Kind, s.Codec, s.mark, s.headers = "subtitle", "kate", "\x81kate\x00\x00\x00", int(b[11])
		s.Language, _, _ = strings.Cut(string(b[32:48]), "\x00")
	case is("\x01video\x00", 53):
		s.windows(b)
		s.Kind, s.Codec = "video", strings.Replace(letters(string(b[9:13])), "xvid", "mpeg4", 1)
		s.Width, s.Height, s.Frames = int(u32(b[45:])&0xffff), int(u32(b[49:])&0xffff), thousandth(s.units)
	case is("\x01audio\x00", 53):
		s.windows(b)
		s.Kind, s.Codec, s.Channels, s.Hertz = "audio", "unknown", int(u16(b[45:])), int(min(s.units, 1<<24))
		if tag, err := strconv.ParseUint(string(b[9:13]), 16, 16); err == nil {
			s.Codec = wavCodec(uint16(tag))
		}
	case is("\x01text\x00", 9):
		s.Kind, s.Codec, s.mark, s.headers = "subtitle", "text", "\x03vorbis", 2
	}
	if s.counts() && !(s.units > 0 && s.units < 1<<32) {
		s.Kind = ""
	}
	return s
}

// counts reports whether players wait for this stream.
func (s *oggStream) counts() bool { return s.Kind == "audio" || s.Kind == "video" }

// sound sets the form of a stream of sound.
func (s *oggStream) sound(codec, mark string, headers, channels int, hertz uint32) {
	s.Kind, s.Codec, s.Channels, s.Hertz = "audio", codec, channels, int(hertz&0x7fffffff)
	s.mark, s.headers, s.units = mark, headers, float64(hertz)
}

// theora sets the form of a stream of pictures.
func (s *oggStream) theora(b []byte) {
	u24 := func(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }
	rate, per := binary.BigEndian.Uint32(b[22:]), binary.BigEndian.Uint32(b[26:])
	s.Kind, s.Codec, s.mark, s.headers = "video", "theora", "\x81theora", 3
	s.Width, s.Height = u24(b[14:]), u24(b[17:])
	if per > 0 {
		s.units = float64(rate) / float64(per)
		s.Frames = thousandth(s.units)
	}
	s.shift = uint(b[40]&3)<<3 | uint(b[41]>>5)
	if b[7] == 3 && (b[8] < 2 || b[8] == 2 && b[9] < 1) {
		s.late = -1 // older files count from 0
	}
}

// windows sets the time of a stream in the manner of DirectShow.
func (s *oggStream) windows(b []byte) {
	unit, per := binary.LittleEndian.Uint64(b[17:]), binary.LittleEndian.Uint64(b[25:])
	s.mark, s.headers = "\x03vorbis", 2
	if unit > 0 {
		s.units = 1e7 * float64(per) / float64(unit)
	}
}

// count returns the number of units that are over after a page.
func (s *oggStream) count(granule int64) int64 {
	if s.shift > 0 {
		granule = granule>>s.shift + granule&(1<<s.shift-1)
	}
	return granule - s.late
}
