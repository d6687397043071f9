package probe

import (
	"cmp"
	"encoding/binary"
	"strings"
)

// Limits of FLAC files.
const (
	maxBlocks   = 1024     // of metadata
	maxComment  = 32 << 10 // bytes of comments that are read
	maxComments = 200
	flacTail    = 32 << 10 // bytes at the end in which a frame is looked for
	leastFLAC   = 256      // bits per second; less is a lie about the length
)

// flacFile is what the metadata of a FLAC file say.
type flacFile struct {
	in       *input
	at       int64 // of the marker, then of the first frame
	hertz    int
	channels int
	block    int64 // samples of a frame
	samples  int64 // 0: not known
	tags     tags
}

// recogniseFLAC looks for the marker, also behind ID3 tags.
func recogniseFLAC(in *input) (bool, error) {
	at, err := skipID3(in, nil)
	if isFlaw(err) || in.size-at < 4 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b, err := in.peek(at, 4, window)
	return err == nil && string(b) == "fLaC", err
}

// readFLAC reads the metadata. How much sound is in which part of the file is
// not told there: the rule for sound serves.
func readFLAC(in *input) (*Info, error) {
	f := &flacFile{in: in}
	at, err := skipID3(in, &f.tags)
	if err != nil {
		return nil, err
	}
	f.at = at + 4
	if err := f.metadata(); err != nil {
		return nil, err
	}
	end, err := endOfSound(in, f.at, &f.tags)
	if err != nil {
		return nil, err
	}
	seconds, err := f.seconds(end)
	if err != nil {
		return nil, err
	}
	track := Track{Kind: "audio", Codec: "flac", Channels: f.channels, Hertz: f.hertz}
	info := &Info{Duration: seconds, Tracks: []Track{track}, Codecs: "flac", Curve: soundCurve(f.at, end, in.size, seconds)}
	f.tags.fill(info)
	return info, nil
}

// metadata goes over the blocks before the first frame.
func (f *flacFile) metadata() error {
	for n := range maxBlocks {
		if f.in.size-f.at < 4 {
			return flawf("metadata go on at byte %d, where the file ends", f.at)
		}
		b, err := f.in.peek(f.at, 4, window)
		if err != nil {
			return err
		}
		kind, size := b[0]&0x7f, int64(b[1])<<16|int64(b[2])<<8|int64(b[3])
		last := b[0]&0x80 != 0
		if size > f.in.size-f.at-4 {
			return flawf("metadata block at byte %d: size %d %s (%d bytes)", f.at, size, errPastIt, f.in.size)
		}
		if err := f.take(kind, size, n); err != nil {
			return err
		}
		f.at += 4 + size
		if last {
			return nil
		}
	}
	return flawf("more than %d metadata blocks before byte %d", maxBlocks, f.at)
}

// take reads the n-th block, which must be the stream's description if it is
// the first. Pictures are stepped over.
func (f *flacFile) take(kind byte, size int64, n int) error {
	switch {
	case n == 0 && (kind != 0 || size < 18):
		return flawf("block at byte %d is not the description of the stream", f.at)
	case n == 0:
		b, err := f.in.peek(f.at+4, 18, window)
		if err != nil {
			return err
		}
		return f.description(b)
	case kind == 4:
		b, err := f.in.peek(f.at+4, int(min(size, maxComment)), 0)
		if err != nil {
			return err
		}
		f.tags.readVorbis(b)
	case kind == 6 && size >= 32:
		b, err := f.in.peek(f.at+4, int(min(size, pictureHead)), window)
		if err != nil {
			return err
		}
		f.tags.flacPicture(b, f.at+4, size)
	}
	return nil
}

// description takes the block STREAMINFO.
func (f *flacFile) description(b []byte) error {
	bits := binary.BigEndian.Uint64(b[10:])
	f.block = int64(binary.BigEndian.Uint16(b[2:]))
	f.hertz, f.channels, f.samples = int(bits>>44), int(bits>>41&7)+1, int64(bits&(1<<36-1))
	if f.hertz == 0 {
		return flawf("stream description at byte %d: 0 Hz", f.at)
	}
	return nil
}

// seconds returns the playing time. A file that was written to a pipe does not
// tell it, one that was cut off tells a longer one: the last frame does then.
func (f *flacFile) seconds(end int64) (float64, error) {
	bytes := end - f.at
	if bytes <= 0 {
		return 0, flawf("no sound after the metadata, at byte %d", f.at)
	}
	last, err := f.lastSample(end)
	if err != nil {
		return 0, err
	}
	said := f.samples
	if float64(bytes*8)*float64(f.hertz) < leastFLAC*float64(said) || last > 0 && last < said/10*9 {
		said = 0
	}
	if said == 0 && last == 0 {
		return 0, flawf("no frame in the last %d bytes to tell the length by", min(bytes, flacTail))
	}
	return float64(cmp.Or(said, last)) / float64(f.hertz), nil
}

// lastSample returns the number of the sample after the last frame that begins
// near the end of the sound, 0 if there is none. Its header has to be like that
// of the first frame: the check sum alone is met by chance.
func (f *flacFile) lastSample(end int64) (int64, error) {
	n := min(end-f.at, flacTail)
	if n < 16 {
		return 0, nil
	}
	b, err := f.in.peek(f.at, 4, 0)
	if err != nil {
		return 0, err
	}
	first := [4]byte(b)
	b, err = f.in.peek(end-n, int(n), 0)
	if err != nil {
		return 0, err
	}
	for i := len(b) - 16; i >= 0; i-- {
		if b[i] != 0xff || b[i+1] != first[1] || (b[i+2]^first[2]|b[i+3]^first[3])&15 != 0 {
			continue
		}
		if last := f.frame(b[i : i+16]); last > 0 {
			return last, nil
		}
	}
	return 0, nil
}

// frame returns the number of the sample after the frame whose header b begins
// with, 0 if it is none.
func (f *flacFile) frame(b []byte) int64 {
	number, n := flacNumber(b[4:])
	if n == 0 {
		return 0
	}
	at, samples := 4+n, flacBlock(b[2]>>4)
	switch b[2] >> 4 {
	case 6:
		samples, at = int64(b[at])+1, at+1
	case 7:
		samples, at = int64(binary.BigEndian.Uint16(b[at:]))+1, at+2
	}
	switch b[2] & 15 {
	case 12:
		at++
	case 13, 14:
		at += 2
	}
	if b[1]&0xfe != 0xf8 || samples == 0 || b[2]&15 == 15 || at >= len(b) || flacSum(b[:at]) != b[at] {
		return 0
	}
	if b[1]&1 != 0 {
		return number + samples
	}
	return number*f.block + samples
}

// flacBlock returns the samples of a frame by their code in its header; 0 for
// the codes that say something else.
func flacBlock(code byte) int64 {
	switch {
	case code == 1:
		return 192
	case code >= 2 && code <= 5:
		return 576 << (code - 2)
	case code == 6 || code == 7:
		return 1 // told later in the header
	case code >= 8:
		return 256 << (code - 8)
	}
	return 0
}

// flacNumber reads a number of up to 36 bits in the manner of UTF-8, and
// returns how many bytes it takes, 0 if it is none.
func flacNumber(b []byte) (number int64, n int) {
	ones := 0
	for ones < 8 && b[0]&(0x80>>ones) != 0 {
		ones++
	}
	if ones == 0 {
		return int64(b[0]), 1
	}
	if ones == 1 || ones == 8 {
		return 0, 0
	}
	number = int64(b[0] & (0x7f >> ones))
	for _, c := range b[1:ones] {
		if c&0xc0 != 0x80 {
			return 0, 0
		}
		number = number<<6 | int64(c&0x3f)
	}
	return number, ones
}

// flacSum is the check sum of a frame header: CRC-8 with polynomial 7.
func flacSum(b []byte) byte {
	var sum byte
	for _, c := range b {
		sum ^= c
		for range 8 {
			sum = sum<<1 ^ sum>>7*7
		}
	}
	return sum
}

// readVorbis takes the texts of a Vorbis comment.
func (t *tags) readVorbis(b []byte) {
	next := func() (string, bool) {
		if len(b) < 4 {
			return "", false
		}
		n := binary.LittleEndian.Uint32(b)
		if uint64(n) > uint64(len(b)-4) {
			return "", false
		}
		s := string(b[4 : 4+n])
		b = b[4+n:]
		return s, true
	}
	if _, ok := next(); !ok || len(b) < 4 { // the program that wrote it
		return
	}
	b = b[4:] // the number of comments
	for range maxComments {
		s, ok := next()
		if !ok {
			return
		}
		if name, value, ok := strings.Cut(s, "="); ok {
			t.set(name, value)
		}
	}
}
