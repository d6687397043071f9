package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// maxSniff is how many bytes at the begin of a picture or sound are searched
// for the description of the stream.
const maxSniff = 2 << 10

// sniff looks for the description of the stream in b, a part of it.
func (t *muxTrack) sniff(b []byte) {
	switch t.Codec {
	case "mpeg1", "mpeg2":
		t.known = t.sequence(b)
	case "h264":
		t.known = t.avc(b)
	case "hevc":
		t.known = t.hevc(b)
	case "vc1":
		t.known = t.vc1(b)
	case "aac":
		t.known = t.adts(b)
	case "mp1", "mp2", "mp3":
		t.known = t.mpegSound(b)
	case "ac3", "eac3":
		t.known = t.dolby(b)
	case "dts":
		t.known = t.dts(b)
	case "video": // of a program stream that does not tell
		switch {
		case t.sequence(b):
			t.known = true
		case t.avc(b):
			t.Codec, t.known = "h264", true
		case t.hevc(b):
			t.Codec, t.known = "hevc", true
		}
	case "audio": // likewise
		switch {
		case len(b) >= 2 && b[0] == 0x0b && b[1] == 0x77:
			t.known = t.dolby(b)
		case len(b) >= 2 && b[0] == 0xff && b[1]&0xf6 == 0xf0:
			if t.known = t.adts(b); t.known {
				t.Codec = "aac"
			}
		default:
			t.known = t.mpegSound(b)
		}
	default:
		t.known = true // nothing can be told
	}
}

// units yields the parts of b that begin behind a start code.
func units(b []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for {
			i := bytes.Index(b, []byte{0, 0, 1})
			if i < 0 || len(b) < i+8 {
				return
			}
			b = b[i+3:]
			if !yield(b) {
				return
			}
		}
	}
}

// sequence takes the header of a sequence of MPEG-1 or 2 pictures.
func (t *muxTrack) sequence(b []byte) bool {
	found := false
	for u := range units(b) {
		switch {
		case u[0] == 0xb3 && !found && len(u) >= 8:
			found = true
			t.Codec, t.code = "mpeg1", "mp4v.6A"
			t.Width, t.Height = int(u[1])<<4|int(u[2]>>4), int(u[2]&15)<<8|int(u[3])
			if rate := u[4] & 15; rate >= 1 && rate <= 8 {
				t.Frames = [9]float64{0, 24000.0 / 1001, 24, 25, 30000.0 / 1001, 30, 50, 60000.0 / 1001, 60}[rate]
			}
		case u[0] == 0xb5 && u[1]>>4 == 1 && found:
			t.Codec, t.code = "mpeg2", mpeg2Code(u[1]&7)
			t.Width |= int(u[2]&1)<<13 | int(u[3]>>7)<<12
			t.Height |= int(u[3]>>5&3) << 12
		}
	}
	return found
}

// mpeg2Code returns the RFC 6381 name of MPEG-2 pictures of a profile.
func mpeg2Code(profile byte) string {
	switch profile {
	case 5:
		return "mp4v.60"
	case 3:
		return "mp4v.62"
	case 2:
		return "mp4v.63"
	case 1:
		return "mp4v.64"
	}
	return "mp4v.61"
}

// vc1 takes the header of a sequence of the advanced profile.
func (t *muxTrack) vc1(b []byte) bool {
	for u := range units(b) {
		if u[0] == 0x0f && u[1]>>6 == 3 && len(u) >= 8 {
			v := binary.BigEndian.Uint64(append(u[1:8:8], 0))
			t.Width, t.Height = int(v>>36&0xfff+1)*2, int(v>>24&0xfff+1)*2
			return true
		}
	}
	return false
}

// adts takes the header of a frame of AAC.
func (t *muxTrack) adts(b []byte) bool {
	for i := 0; i+7 <= len(b); i++ {
		if b[i] != 0xff || b[i+1]&0xf6 != 0xf0 {
			continue
		}
		rate, channels := b[i+2]>>2&15, int(b[i+2]&1)<<2|int(b[i+3]>>6)
		if rate > 12 {
			continue
		}
		t.Hertz = [13]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}[rate]
		if t.Channels = channels; channels == 7 {
			t.Channels = 8
		}
		t.code = fmt.Sprintf("mp4a.40.%d", b[i+2]>>6+1)
		return true
	}
	return false
}

// mpegSound takes the header of a frame of MPEG audio.
func (t *muxTrack) mpegSound(b []byte) bool {
	for i := range b {
		if f, ok := parseFrame(b[i:]); ok {
			t.Codec, t.Channels, t.Hertz = f.codec(), f.channels(), f.hertz
			if t.code = "mp4a.6B"; f.lsf {
				t.code = "mp4a.69"
			}
			return true
		}
	}
	return false
}

// dolby takes the header of a frame of AC-3 or of its successor.
func (t *muxTrack) dolby(b []byte) bool {
	for i := 0; i+8 <= len(b); i++ {
		if b[i] != 0x0b || b[i+1] != 0x77 || b[i+5]>>3 > 16 {
			continue
		}
		mode, low := b[i+6]>>5, 0
		if b[i+5]>>3 > 10 {
			t.Codec, t.code = "eac3", "ec-3"
			mode, low = b[i+4]>>1&7, int(b[i+4]&1)
			if t.Hertz = [4]int{48000, 44100, 32000, 0}[b[i+4]>>6]; t.Hertz == 0 {
				t.Hertz = [4]int{24000, 22050, 16000, 0}[b[i+4]>>4&3]
			}
		} else {
			t.Codec, t.code = "ac3", "ac-3"
			t.Hertz = [4]int{48000, 44100, 32000, 0}[b[i+4]>>6]
			// What lies before the bit that tells of a low channel depends on the mode.
			at := 13
			if mode&1 != 0 && mode != 1 {
				at -= 2
			}
			if mode&4 != 0 {
				at -= 2
			}
			if mode == 2 {
				at -= 2
			}
			low = (int(b[i+6])<<8 | int(b[i+7])) >> (at - 1) & 1
		}
		t.Channels = [8]int{2, 1, 2, 3, 3, 4, 4, 5}[mode] + low
		return true
	}
	return false
}

// dts takes the header of a frame of DTS.
func (t *muxTrack) dts(b []byte) bool {
	i := bytes.Index(b, []byte{0x7f, 0xfe, 0x80, 0x01})
	if i < 0 || len(b) < i+12 {
		return false
	}
	mode, rate := int(b[i+7]&15)<<2|int(b[i+8]>>6), b[i+8]>>2&15
	t.code = "dtsc"
	if mode < 16 {
		t.Channels = [16]int{1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8}[mode]
	}
	if b[i+10]>>1&3 != 0 {
		t.Channels++
	}
	t.Hertz = [16]int{0, 8000, 16000, 32000, 0, 0, 11025, 22050, 44100, 0, 0, 12000, 24000, 48000, 0, 0}[rate]
	return true
}

// avc takes a sequence parameter set of H.264.
func (t *muxTrack) avc(b []byte) bool {
	for u := range units(b) {
		if u[0]&0x9f != 7 {
			continue
		}
		s := newSPS(u[1:min(len(u), 512)])
		profile, flags, level := s.bits(8), s.bits(8), s.bits(8)
		if s.golomb(); !s.avcSize(profile, &t.Track) {
			continue
		}
		t.code = fmt.Sprintf("avc1.%02x%02x%02x", profile, flags, level)
		return true
	}
	return false
}

// avcSize reads a sequence parameter set from behind its number on.
func (s *sps) avcSize(profile uint32, t *Track) bool {
	chroma, separate := uint32(1), uint32(0)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		if chroma = s.golomb(); chroma == 3 {
			separate = s.bits(1)
		}
		s.golomb()
		s.golomb()
		s.bits(1)
		if s.bits(1) == 1 {
			s.avcScaling(chroma)
		}
	}
	s.golomb() // length of picture numbers
	switch s.golomb() {
	case 0:
		s.golomb()
	case 1:
		s.bits(1)
		s.golomb()
		s.golomb()
		for range min(s.golomb(), 255) {
			s.golomb()
		}
	}
	s.golomb() // reference pictures
	s.bits(1)
	width, height := s.golomb()+1, s.golomb()+1
	frames := s.bits(1) // only whole ones
	if frames == 0 {
		s.bits(1)
	}
	s.bits(1)
	height *= 2 - frames
	x, y := uint32(1), 2-frames
	if separate == 0 && (chroma == 1 || chroma == 2) {
		x = 2
	}
	if separate == 0 && chroma == 1 {
		y *= 2
	}
	var crop [4]uint32
	if s.bits(1) == 1 {
		crop = [4]uint32{s.golomb(), s.golomb(), s.golomb(), s.golomb()}
	}
	if s.failed || width > 1<<12 || height > 1<<12 || crop[0]+crop[1]+crop[2]+crop[3] > 1<<12 {
		return false
	}
	w, h := int(width*16)-int((crop[0]+crop[1])*x), int(height*16)-int((crop[2]+crop[3])*y)
	if w <= 0 || h <= 0 {
		return false
	}
	t.Width, t.Height = w, h
	if s.bits(1) == 1 {
		s.avcTiming(t)
	}
	return true
}

// avcScaling steps over matrices.
func (s *sps) avcScaling(chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if s.bits(1) == 0 {
			continue
		}
		n, last, next := 16, 8, 8
		if i >= 6 {
			n = 64
		}
		for range n {
			if next != 0 {
				next = (last + s.signed() + 256) & 255
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// avcTiming takes the pictures per second from the usability information.
func (s *sps) avcTiming(t *Track) {
	if s.bits(1) == 1 && s.bits(8) == 255 { // shape of a pixel
		s.bits(32)
	}
	if s.bits(1) == 1 { // overscan
		s.bits(1)
	}
	if s.bits(1) == 1 { // signal
		s.bits(4)
		if s.bits(1) == 1 {
			s.bits(24)
		}
	}
	if s.bits(1) == 1 { // place of colours
		s.golomb()
		s.golomb()
	}
	if s.bits(1) == 0 {
		return
	}
	unit, scale := s.bits(32), s.bits(32)
	if f := float64(scale) / float64(unit) / 2; !s.failed && unit > 0 && f >= 1 && f <= 300 {
		t.Frames = f
	}
}

// hevc takes a sequence parameter set of H.265.
func (t *muxTrack) hevc(b []byte) bool {
	for u := range units(b) {
		if u[0] != 0x42 || u[1]&0xf8 != 0 {
			continue
		}
		s := newSPS(u[2:min(len(u), 512)])
		s.bits(4)
		layers := s.bits(3)
		s.bits(1)
		code := s.hevcProfile()
		s.hevcLayers(layers)
		s.golomb()
		chroma := s.golomb()
		if chroma == 3 {
			s.bits(1)
		}
		width, height := s.golomb(), s.golomb()
		if s.bits(1) == 1 {
			x, y := uint32(1), uint32(1)
			if chroma == 1 || chroma == 2 {
				x = 2
			}
			if chroma == 1 {
				y = 2
			}
			width -= min(width, (s.golomb()+s.golomb())*x)
			height -= min(height, (s.golomb()+s.golomb())*y)
		}
		if s.failed || width == 0 || height == 0 || width > 1<<16 || height > 1<<16 {
			continue
		}
		t.Width, t.Height, t.code = int(width), int(height), code
		return true
	}
	return false
}

// hevcProfile reads profile and level, and returns their RFC 6381 name.
func (s *sps) hevcProfile() string {
	space, tier, profile, compatible := s.bits(2), s.bits(1), s.bits(5), s.bits(32)
	var flags [6]byte
	for i := range flags {
		flags[i] = byte(s.bits(8))
	}
	level := s.bits(8)
	var reversed uint32
	for i := range 32 {
		reversed |= compatible >> i & 1 << (31 - i)
	}
	code := "hvc1." + strings.TrimLeft("\x00ABC"[space:space+1], "\x00") + fmt.Sprintf("%d.%X.%c%d", profile, reversed, "LH"[tier], level)
	n := len(flags)
	for n > 0 && flags[n-1] == 0 {
		n--
	}
	for _, f := range flags[:n] {
		code += fmt.Sprintf(".%X", f)
	}
	return code
}

// hevcLayers steps over the profiles of lower layers.
func (s *sps) hevcLayers(layers uint32) {
	if layers == 0 {
		return
	}
	var has [8]uint32
	for i := range 8 {
		has[i] = s.bits(2)
		if i >= int(layers) {
			has[i] = 0
		}
	}
	for _, h := range has {
		if h&2 != 0 {
			s.bits(32)
			s.bits(32)
			s.bits(24)
		}
		if h&1 != 0 {
			s.bits(8)
		}
	}
}

// sps is a parameter set that is read bit by bit. Past its end all is 0.
type sps struct {
	b      []byte
	at     int
	failed bool
}

// newSPS returns the parameter set that b begins with, without the bytes that
// keep start codes out.
func newSPS(b []byte) *sps {
	out := make([]byte, 0, len(b))
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if zeros >= 2 && c <= 1 {
			break // the next one
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return &sps{b: out}
}

// bits returns the next n bits, at most 32.
func (s *sps) bits(n int) (v uint32) {
	for range n {
		v <<= 1
		if s.at >= len(s.b)*8 {
			s.failed = true
			continue
		}
		v |= uint32(s.b[s.at/8] >> (7 - s.at%8) & 1)
		s.at++
	}
	return v
}

// golomb returns the next number in the code of Golomb.
func (s *sps) golomb() uint32 {
	n := 0
	for s.bits(1) == 0 {
		if n++; n > 31 || s.failed {
			s.failed = true
			return 0
		}
	}
	return 1<<n - 1 + s.bits(n)
}

// signed returns the next signed number.
func (s *sps) signed() int {
	v := int(s.golomb())
	if v&1 != 0 {
		return v/2 + 1
	}
	return -v / 2
}
