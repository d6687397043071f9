package probe

import "encoding/binary"

// Limits of RIFF files: chunks that are looked at, in all and behind the sound.
const (
	maxChunks = 1000
	maxBehind = 16
)

// wavPacket is how many bytes of sound are taken as one sample.
const wavPacket = 4096

// wavFile is what the chunks of a WAVE file say.
type wavFile struct {
	known    bool // the format was told
	codec    string
	channels int
	hertz    int
	rate     int64 // bytes per second
	start    int64 // of the sound
	bytes    int64 // of the sound
	wide     int64 // bytes of the sound of an RF64 file
	tags     tags
}

// recogniseWAV knows RIFF, its 64-bit form of the EBU and the one of Sony.
func recogniseWAV(in *input) (bool, error) {
	b, err := in.head(12)
	if err != nil || len(b) < 12 {
		return false, err
	}
	kind := string(b[:4])
	return (kind == "RIFF" || kind == "RF64" || kind == "BW64") && string(b[8:12]) == "WAVE", nil
}

// readWAV reads the chunks up to the sound. A length past the end of the file
// is that of a recording that was cut off, or runs still.
func readWAV(in *input) (*Info, error) {
	w := &wavFile{}
	if err := w.chunks(in); err != nil {
		return nil, err
	}
	c := newCurve(in.size)
	seconds := float64(w.bytes) / float64(w.rate)
	c.ramp(0, seconds, w.start, w.bytes, wavPacket/float64(w.rate))
	sum, err := c.sum(true)
	if err != nil {
		return nil, err
	}
	track := Track{Kind: "audio", Codec: w.codec, Channels: w.channels, Hertz: w.hertz}
	info := &Info{Duration: seconds, Tracks: []Track{track}, Curve: sum}
	w.tags.fill(info)
	return info, nil
}

// chunks goes over the chunks: the form of the sound is before the sound, tags
// are before it or behind.
func (w *wavFile) chunks(in *input) error {
	at, most := int64(12), maxChunks
	for n := 0; n < most && in.size-at >= 8; n++ {
		b, err := in.peek(at, int(min(8+40, in.size-at)), window)
		if err != nil {
			return err
		}
		kind, size, body := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:])), b[8:]
		if n := int64(len(body)); size < n {
			body = body[:size]
		}
		if kind == "data" && w.bytes == 0 {
			err = w.data(in, at, size)
			size, most = w.bytes, n+1+maxBehind
		} else {
			err = w.take(in, kind, at, size, body)
		}
		if err != nil {
			return err
		}
		at += 8 + size + size%2
	}
	if w.bytes == 0 {
		return flawf("no \"data\" chunk up to byte %d", min(at, in.size))
	}
	return nil
}

// take reads one chunk that is not the sound, of which body is the begin.
func (w *wavFile) take(in *input, kind string, at, size int64, body []byte) error {
	switch {
	case kind == "fmt " && w.bytes == 0:
		return w.format(body, at)
	case kind == "ds64" && len(body) >= 16:
		w.wide = int64(min(binary.LittleEndian.Uint64(body[8:]), 1<<62))
	case kind == "LIST":
		b, err := in.peek(at+8, int(min(size, window, in.size-at-8)), 0)
		if err != nil {
			return err
		}
		w.tags.readRIFF(b)
	case kind == "id3 " || kind == "ID3 ":
		return w.tags.readID3Chunk(in, at+8)
	}
	return nil
}

// format takes the chunk with the form of the sound.
func (w *wavFile) format(b []byte, at int64) error {
	if len(b) < 16 {
		return flawf("chunk \"fmt \" at byte %d: %d bytes, at least 16 are needed", at, len(b))
	}
	tag := binary.LittleEndian.Uint16(b)
	if tag == 0xfffe && len(b) >= 26 {
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	w.codec, w.channels = wavCodec(tag), int(binary.LittleEndian.Uint16(b[2:]))
	w.hertz, w.rate = int(binary.LittleEndian.Uint32(b[4:])&0x7fffffff), int64(binary.LittleEndian.Uint32(b[8:]))
	if frame := int64(binary.LittleEndian.Uint16(b[12:])); w.codec == "pcm" && frame > 0 {
		w.rate = int64(w.hertz) * frame
	}
	if w.rate <= 0 {
		return flawf("chunk \"fmt \" at byte %d: %d Hz and %d bytes per second", at, w.hertz, w.rate)
	}
	w.known = true
	return nil
}

// data takes the place of the sound.
func (w *wavFile) data(in *input, at, size int64) error {
	if !w.known {
		return flawf("chunk \"data\" at byte %d: no chunk \"fmt \" before it", at)
	}
	w.start = at + 8
	if size == 0xffffffff && w.wide > 0 {
		size = w.wide
	}
	if size == 0 || size > in.size-w.start {
		size = in.size - w.start
	}
	if size <= 0 {
		return flawf("chunk \"data\" at byte %d: it is empty", at)
	}
	w.bytes = size
	return nil
}

// wavCodec names a format tag.
func wavCodec(tag uint16) string {
	switch tag {
	case 0x0001, 0x0003:
		return "pcm"
	case 0x0002, 0x0011:
		return "adpcm"
	case 0x0006:
		return "alaw"
	case 0x0007:
		return "mulaw"
	case 0x0031:
		return "gsm"
	case 0x0050:
		return "mp2"
	case 0x0055:
		return "mp3"
	case 0x00ff, 0x1600:
		return "aac"
	case 0x0160, 0x0161:
		return "wma"
	case 0x2000:
		return "ac3"
	case 0x2001:
		return "dts"
	}
	return "unknown"
}

// readRIFF takes the texts of a LIST chunk, if it is one of texts.
func (t *tags) readRIFF(b []byte) {
	if len(b) < 4 || string(b[:4]) != "INFO" {
		return
	}
	for b = b[4:]; len(b) >= 8; {
		name, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		if size > int64(len(b)) {
			return
		}
		if key := riffKey(name); key != "" {
			t.set(key, oldText(b[:size]))
		}
		b = b[min(size+size%2, int64(len(b))):]
	}
}

// riffKey returns the name of a text as Vorbis comments have it.
func riffKey(name string) string {
	switch name {
	case "INAM":
		return "title"
	case "IART":
		return "artist"
	case "IPRD":
		return "album"
	case "ICRD":
		return "date"
	case "IGNR":
		return "genre"
	case "ITRK", "IPRT":
		return "track"
	}
	return ""
}
