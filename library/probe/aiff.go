package probe

import (
	"encoding/binary"
	"math"
)

// aiffFile is what the chunks of an AIFF or AIFF-C file say.
type aiffFile struct {
	known    bool // the form of the sound was told
	codec    string
	channels int
	hertz    float64
	bits     int64 // of a sample
	frames   int64
	start    int64 // of the sound
	bytes    int64 // of the sound, 0: no such chunk yet
	said     int64 // the same before it was cut to the file
	tags     tags
}

// recogniseAIFF knows both forms.
func recogniseAIFF(in *input) (bool, error) {
	b, err := in.head(12)
	if err != nil || len(b) < 12 {
		return false, err
	}
	form := string(b[8:12])
	return string(b[:4]) == "FORM" && (form == "AIFF" || form == "AIFC"), nil
}

// readAIFF reads the heads of all chunks: they may come in any order, and
// texts are mostly behind the sound.
func readAIFF(in *input) (*Info, error) {
	a := &aiffFile{}
	if err := a.chunks(in); err != nil {
		return nil, err
	}
	seconds := float64(a.frames) / a.hertz
	c := newCurve(in.size)
	c.ramp(0, seconds, a.start, a.bytes, wavPacket*seconds/float64(a.bytes))
	sum, err := c.sum(true)
	if err != nil {
		return nil, err
	}
	track := Track{Kind: "audio", Codec: a.codec, Channels: a.channels, Hertz: int(a.hertz)}
	info := &Info{Duration: seconds, Tracks: []Track{track}, Curve: sum}
	a.tags.fill(info)
	return info, nil
}

// chunks goes over the chunks and checks that what is needed was among them.
func (a *aiffFile) chunks(in *input) error {
	at := int64(12)
	for n := 0; n < maxChunks && in.size-at >= 8; n++ {
		b, err := in.peek(at, int(min(8+32, in.size-at)), window)
		if err != nil {
			return err
		}
		kind, size, body := string(b[:4]), int64(binary.BigEndian.Uint32(b[4:])), b[8:]
		if n := int64(len(body)); size < n {
			body = body[:size]
		}
		if err := a.take(in, kind, at, size, body); err != nil {
			return err
		}
		at += 8 + size + size%2
	}
	switch {
	case !a.known:
		return flawf("no \"COMM\" chunk up to byte %d", min(at, in.size))
	case a.bytes == 0:
		return flawf("no \"SSND\" chunk with sound up to byte %d", min(at, in.size))
	}
	return a.settle()
}

// take reads one chunk, of which body is the begin.
func (a *aiffFile) take(in *input, kind string, at, size int64, body []byte) error {
	switch kind {
	case "COMM":
		return a.form(body, at)
	case "SSND":
		if len(body) < 8 || a.bytes > 0 {
			return nil
		}
		a.start = at + 16 + int64(binary.BigEndian.Uint32(body))
		a.said = at + 8 + size - a.start
		a.bytes = max(0, min(a.said, in.size-a.start))
	case "NAME", "AUTH":
		b, err := in.peek(at+8, int(min(size, maxText, in.size-at-8)), 0)
		if err != nil {
			return err
		}
		a.tags.set(map[string]string{"NAME": "title", "AUTH": "artist"}[kind], oldText(b))
	case "ID3 ", "id3 ":
		return a.tags.readID3Chunk(in, at+8)
	}
	return nil
}

// form takes the chunk with the form of the sound.
func (a *aiffFile) form(b []byte, at int64) error {
	if len(b) < 18 {
		return flawf("chunk \"COMM\" at byte %d: %d bytes, at least 18 are needed", at, len(b))
	}
	a.channels, a.frames = int(binary.BigEndian.Uint16(b)), int64(binary.BigEndian.Uint32(b[2:]))
	a.bits, a.hertz, a.codec = int64(binary.BigEndian.Uint16(b[6:])), extended(b[8:]), "pcm"
	if len(b) >= 22 {
		a.codec = aiffCodec(string(b[18:22]))
	}
	if !(a.hertz >= 1 && a.hertz < 1<<24) {
		return flawf("chunk \"COMM\" at byte %d: %g Hz", at, a.hertz)
	}
	a.known = true
	return nil
}

// settle makes the playing time shorter if the file ends before the sound
// does, and takes it from the bytes where it was not told.
func (a *aiffFile) settle() error {
	frame := int64(a.channels) * ((a.bits + 7) / 8)
	switch {
	case a.frames == 0 && a.codec == "pcm" && frame > 0:
		a.frames = a.bytes / frame
	case a.said > a.bytes:
		a.frames = share(a.frames, a.bytes, a.said)
	}
	if a.frames == 0 {
		return flawf("chunk \"SSND\" at byte %d: %d bytes of no known length", a.start-16, a.bytes)
	}
	return nil
}

// extended reads a number of 80 bits.
func extended(b []byte) float64 {
	exponent, mantissa := int(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint64(b[2:])
	return math.Ldexp(float64(mantissa), exponent&0x7fff-16383-63)
}

// aiffCodec names a compression type.
func aiffCodec(kind string) string {
	switch kind {
	case "NONE", "sowt", "twos", "fl32", "FL32", "fl64", "FL64", "in24", "in32", "raw ":
		return "pcm"
	case "ulaw", "ULAW":
		return "mulaw"
	case "alaw", "ALAW":
		return "alaw"
	case "ima4":
		return "adpcm"
	case "GSM ", "agsm":
		return "gsm"
	}
	return letters(kind)
}
