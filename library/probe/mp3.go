package probe

import (
	"bytes"
	"encoding/binary"
)

// Limits of MPEG audio.
const (
	maxJunk     = 64 << 10 // bytes before the first frame
	nearFrames  = 3        // frames that have to follow each other at once
	junkFrames  = 6        // and behind junk
	places      = 11       // that are looked at to see whether the rate is constant
	placeBytes  = 4 << 10
	maxWalk     = 8 << 20 // bytes of sound of which every frame is looked at
	samplesOf   = 128     // places that a longer file is judged by
	sampleBytes = 8 << 10
)

// mp3File is a file of MPEG audio.
type mp3File struct {
	in         *input
	start, end int64 // of the sound
	first      mpegFrame
	free       int64 // size of the frames of free format, without padding
	tags       tags
}

// recogniseMP3 looks for frames that follow each other, behind ID3 tags or
// some junk. It is the weakest mark of all, so what is known to be something
// else is not searched.
func recogniseMP3(in *input) (bool, error) {
	head, err := in.head(16)
	if err != nil || foreign(head) {
		return false, err
	}
	f := &mp3File{in: in}
	found, err := f.find()
	if isFlaw(err) {
		return true, nil // readMP3 tells it
	}
	return found, err
}

// foreign reports whether a file begins like something that is no MPEG audio,
// though frames of it may be inside.
func foreign(head []byte) bool {
	for _, mark := range []string{
		"RIFF", "RF64", "FORM", "OggS", "FLV", "\x1aE\xdf\xa3", "\x00\x00\x01\xba", "\x00\x00\x01\xb3",
		"\x30\x26\xb2\x75", ".RMF", "fLaC", "caff", "MAC ", "wvpk", "MPCK", "TTA1", "PK\x03\x04", "Rar!", "%PDF",
		"\x0bw", "\x89PNG", "\xff\xd8\xff", "GIF8", "<!", "<?", "#!", "#EXT", "\x7fELF", "MZ", "\x1f\x8b", "BZh",
	} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return true
		}
	}
	if len(head) >= 12 && (string(head[4:8]) == "ftyp" || string(head[4:8]) == "moov" || string(head[4:8]) == "mdat") {
		return true
	}
	if len(head) >= 7 && head[5] == 0xff && head[6] == 0xd8 || len(head) >= 2 && head[0] == 0xff && head[1]&0xf6 == 0xf0 {
		return true // pictures with their lengths in front, ADTS
	}
	return head[0] == 0x47 || len(head) > 4 && head[4] == 0x47 && head[0]&0xc0 == 0 // a transport stream
}

// find sets the begin of the sound and its first frame.
func (f *mp3File) find() (bool, error) {
	at, b, err := peekSound(f.in)
	if err != nil {
		return false, err
	}
	if f.try(b, at, nearFrames) {
		return true, nil
	}
	for _, reach := range []int64{maxJunk / 4, maxJunk} {
		if found, err := f.search(at, min(reach, f.in.size-at)); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// search looks for frames that begin within n bytes from a byte of the file on.
func (f *mp3File) search(at, n int64) (bool, error) {
	b, err := f.in.peek(at, int(n), 0)
	if err != nil {
		return false, err
	}
	for i := range b {
		if b[i] == 0xff && f.try(b[i:], at+int64(i), junkFrames) {
			return true, nil
		}
	}
	return false, nil
}

// try sets the begin of the sound to a byte of the file if b, what is there,
// begins with enough frames.
func (f *mp3File) try(b []byte, at int64, want int) bool {
	whole := want == nearFrames && at+int64(len(b)) == f.in.size
	n, first, free := chain(b, want, whole)
	if n < want || want == junkFrames && first.kbits == 0 {
		return false
	}
	f.start, f.first, f.free = at, first, free
	return true
}

// readMP3 reads the header that most encoders put into the first frame, and
// some frames here and there if there is none.
func readMP3(in *input) (*Info, error) {
	f := &mp3File{in: in}
	found, err := f.find()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, flawf("no frames in the first %d bytes after the tags", maxJunk)
	}
	if _, err := skipID3(in, &f.tags); err != nil {
		return nil, err
	}
	if f.end, err = endOfSound(in, f.start, &f.tags); err != nil {
		return nil, err
	}
	info, err := f.measure()
	if err != nil {
		return nil, err
	}
	info.Tracks = []Track{{Kind: "audio", Codec: f.first.codec(), Channels: f.first.channels(), Hertz: f.first.hertz}}
	f.tags.fill(info)
	return info, nil
}

// measure picks the cheapest way to the playing time.
func (f *mp3File) measure() (*Info, error) {
	h, err := f.header()
	if err != nil {
		return nil, err
	}
	if h.size > 0 && f.start+h.size < f.end {
		if err := f.skip(h.size); err != nil {
			return nil, err
		}
	}
	if seconds := f.told(h); seconds > 0 {
		return f.known(seconds, h.constant)
	}
	kbits, err := f.constant()
	switch {
	case err != nil:
		return nil, err
	case kbits > 0:
		return f.known(float64(f.end-f.start)*8/float64(kbits*1000), true)
	case f.end-f.start <= maxWalk:
		return f.walk()
	}
	return f.judge()
}

// skip leaves out the first frame, of size bytes; the next one becomes the first.
func (f *mp3File) skip(size int64) error {
	f.start += size
	b, err := f.in.peek(f.start, int(min(headerBytes, f.end-f.start)), window)
	if err != nil {
		return err
	}
	if g, ok := f.frame(b); ok {
		g.size -= f.free
		f.first = g
	}
	return nil
}

// known returns the result for sound of known length.
func (f *mp3File) known(seconds float64, constant bool) (*Info, error) {
	if !constant {
		return &Info{Duration: seconds, Curve: soundCurve(f.start, f.end, f.in.size, seconds)}, nil
	}
	c := newCurve(f.in.size)
	c.ramp(0, seconds, f.start, f.end-f.start, f.first.seconds())
	sum, err := c.sum(true)
	return &Info{Duration: seconds, Curve: sum}, err
}

// vbrHeader is what a frame that holds no sound tells about the others.
type vbrHeader struct {
	size     int64 // of that frame, 0: there is none
	frames   int64
	bytes    int64 // of all frames and this one, 0: not told
	constant bool
}

// header reads a Xing, Info or VBRI header from the first frame.
func (f *mp3File) header() (h vbrHeader, err error) {
	size := f.first.size + f.free
	n := min(size, f.end-f.start, 4+32+26)
	b, err := f.in.peek(f.start, int(n), window)
	if err != nil {
		return h, err
	}
	if x := 4 + f.first.sideBytes(); len(b) >= x+16 {
		if mark := string(b[x : x+4]); mark == "Xing" || mark == "Info" {
			h = xingHeader(b[x:])
			h.size = size
			return h, nil
		}
	}
	if len(b) >= 36+18 && string(b[36:40]) == "VBRI" {
		h.size, h.bytes, h.frames = size, int64(binary.BigEndian.Uint32(b[46:])), int64(binary.BigEndian.Uint32(b[50:]))
	}
	return h, nil
}

// xingHeader reads the header that b begins with, of 16 bytes at least.
func xingHeader(b []byte) (h vbrHeader) {
	h.constant = string(b[:4]) == "Info"
	flags, b := b[7], b[8:]
	if flags&1 != 0 {
		h.frames, b = int64(binary.BigEndian.Uint32(b)), b[4:]
	}
	if flags&2 != 0 && len(b) >= 4 {
		h.bytes = int64(binary.BigEndian.Uint32(b))
	}
	return h
}

// told returns the playing time that a header tells, 0 if it tells none or one
// that cannot be: of a file that others were joined to, or garbage. Of a file
// that was cut off it is as much less.
func (f *mp3File) told(h vbrHeader) float64 {
	seconds, bytes := float64(h.frames)*f.first.seconds(), f.end-f.start
	if said := h.bytes - h.size; said > 0 {
		switch {
		case bytes > said+said/10+maxJunk:
			return 0
		case bytes < said-said/50:
			seconds *= float64(bytes) / float64(said)
		}
	}
	if rate := float64(bytes) * 8 / seconds; seconds <= 0 || rate < 4000 || rate > 1500000 {
		return 0
	}
	return seconds
}

// constant returns the bit rate in kbit/s if it is the same wherever one looks,
// and 0 else.
func (f *mp3File) constant() (int, error) {
	if f.first.kbits == 0 {
		return 0, nil
	}
	kbits := f.first.kbits
	err := f.look(places, placeBytes, func(g mpegFrame) {
		if g.kbits != f.first.kbits {
			kbits = 0
		}
	})
	return kbits, err
}

// look calls visit for the frames at some places, one in each of equal parts
// of the sound. Where in its part changes, for music that repeats itself.
func (f *mp3File) look(places, size int64, visit func(mpegFrame)) error {
	for i := range places {
		from, to := share(f.end-f.start, i, places), share(f.end-f.start, i+1, places)
		at := f.start + from + share(max(0, to-from-size), i*i%7, 7)
		n := min(size, f.end-at)
		b, err := f.in.peek(at, int(n), 0)
		if err != nil {
			return err
		}
		f.frames(b, visit)
	}
	return nil
}

// frames calls visit for the whole frames in b.
func (f *mp3File) frames(b []byte, visit func(mpegFrame)) {
	for b = b[f.sync(b):]; ; {
		g, ok := f.frame(b)
		if !ok || g.size > int64(len(b)) {
			return
		}
		visit(g)
		b = b[g.size:]
	}
}

// frame reads the frame that b begins with, if it is one of this stream.
func (f *mp3File) frame(b []byte) (mpegFrame, bool) {
	g, ok := parseFrame(b)
	if g.kbits == 0 {
		g.size += f.free
	}
	return g, ok && g.like(f.first) && g.size >= 24
}

// sync returns where in b the next frames of the stream begin, len(b) if none do.
func (f *mp3File) sync(b []byte) int {
	for i := range b {
		if b[i] != 0xff {
			continue
		}
		if n, first, _ := chain(b[i:], nearFrames, true); n == nearFrames && first.like(f.first) {
			return i
		}
	}
	return len(b)
}

// walk looks at every frame. What lies between frames is stepped over.
func (f *mp3File) walk() (*Info, error) {
	c := newCurve(f.in.size)
	var seconds float64
	for at := f.start; f.end-at >= headerBytes; {
		b, err := f.in.peek(at, headerBytes, int(min(maxJunk, f.end-at)))
		if err != nil {
			return nil, err
		}
		if g, ok := f.frame(b); ok {
			c.add(seconds, g.seconds(), at, min(g.size, f.end-at))
			seconds += g.seconds()
			at += g.size
			continue
		}
		b, err = f.in.peek(at, int(min(maxJunk, f.end-at)), 0)
		if err != nil {
			return nil, err
		}
		at += int64(max(1, f.sync(b)))
	}
	if c.payload < (f.end-f.start)/2 {
		return nil, flawf("frames make up %d of the %d bytes from byte %d on", c.payload, f.end-f.start, f.start)
	}
	sum, err := c.sum(true)
	return &Info{Duration: seconds, Curve: sum}, err
}

// judge takes the mean of some places for that of the whole.
func (f *mp3File) judge() (*Info, error) {
	var seconds float64
	var bytes int64
	err := f.look(samplesOf, sampleBytes, func(g mpegFrame) {
		seconds += g.seconds()
		bytes += g.size
	})
	if err != nil {
		return nil, err
	}
	if bytes == 0 {
		return nil, flawf("no frames at %d places between byte %d and %d", samplesOf, f.start, f.end)
	}
	return f.known(seconds/float64(bytes)*float64(f.end-f.start), false)
}
