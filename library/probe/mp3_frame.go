package probe

// mpegFrame is the header of a frame of MPEG audio.
type mpegFrame struct {
	lsf     bool // half the sampling rates: MPEG-2 and 2.5
	layer   int
	kbits   int // 0: free format
	hertz   int
	stereo  bool
	samples int64
	size    int64 // bytes of the frame; of the padding alone in free format
}

// headerBytes is how much of a frame parseFrame looks at.
const headerBytes = 4

// parseFrame reads a frame header; ok tells whether it is a valid one.
func parseFrame(b []byte) (f mpegFrame, ok bool) {
	if len(b) < headerBytes || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return f, false
	}
	version, layer, rate, hertz := b[1]>>3&3, 4-int(b[1]>>1&3), int(b[2]>>4), int(b[2]>>2&3)
	if version == 1 || layer == 4 || rate == 15 || hertz == 3 || b[3]&3 == 2 {
		return f, false
	}
	f = mpegFrame{lsf: version != 3, layer: layer, hertz: [3]int{44100, 48000, 32000}[hertz], stereo: b[3]>>6 != 3}
	switch version {
	case 2:
		f.hertz /= 2
	case 0:
		f.hertz /= 4
	}
	f.kbits = mpegKbits(f.lsf, layer, rate)
	f.samples = mpegSamples(f.lsf, layer)
	padding := int64(b[2] >> 1 & 1)
	if layer == 1 {
		f.size = (int64(f.kbits)*1000*12/int64(f.hertz) + padding) * 4
	} else {
		f.size = f.samples/8*int64(f.kbits)*1000/int64(f.hertz) + padding
	}
	return f, true
}

// mpegKbits returns the bit rate of an index, 0 for free format.
func mpegKbits(lsf bool, layer, index int) int {
	switch {
	case lsf && layer == 1:
		return [15]int{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256}[index]
	case lsf:
		return [15]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}[index]
	case layer == 1:
		return 32 * index
	case layer == 2:
		return [15]int{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384}[index]
	}
	return [15]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}[index]
}

// mpegSamples returns the samples of a frame.
func mpegSamples(lsf bool, layer int) int64 {
	switch {
	case layer == 1:
		return 384
	case layer == 3 && lsf:
		return 576
	}
	return 1152
}

// like reports whether two frames can be of one stream.
func (f mpegFrame) like(g mpegFrame) bool {
	return f.lsf == g.lsf && f.layer == g.layer && f.hertz == g.hertz && (f.kbits == 0) == (g.kbits == 0)
}

// seconds is how long the frame plays.
func (f mpegFrame) seconds() float64 { return float64(f.samples) / float64(f.hertz) }

// codec is the everyday name of the layer.
func (f mpegFrame) codec() string { return [4]string{"", "mp1", "mp2", "mp3"}[f.layer] }

// channels is the number of channels.
func (f mpegFrame) channels() int {
	if f.stereo {
		return 2
	}
	return 1
}

// sideBytes is the length of what lies between the header of a layer III frame
// and its sound, where a Xing header begins.
func (f mpegFrame) sideBytes() int {
	switch {
	case f.lsf && !f.stereo:
		return 9
	case !f.lsf && f.stereo:
		return 32
	}
	return 17
}

// maxFree is the longest frame of free format that is looked for.
const maxFree = 4096

// freeSize returns the size of a free format frame without padding, which is
// the distance to the next like it; 0 if there is none.
func freeSize(b []byte, first mpegFrame) int64 {
	for i := 24; i+headerBytes <= min(len(b), maxFree); i++ {
		if f, ok := parseFrame(b[i:]); ok && f.like(first) {
			return int64(i) - first.size
		}
	}
	return 0
}

// chain counts the frames, at most want, that b begins with, one after the
// other and alike. whole says that the file ends with b: it may then end before
// there are so many. free is the size of free format frames without padding.
func chain(b []byte, want int, whole bool) (n int, first mpegFrame, free int64) {
	for n < want {
		f, ok := parseFrame(b)
		if !ok || n > 0 && !f.like(first) {
			return n, first, free
		}
		if n == 0 {
			first = f
		}
		if f.kbits == 0 {
			if n == 0 {
				free = freeSize(b, f)
			}
			f.size += free
		}
		if f.size < 24 {
			return n, first, free
		}
		n++
		if f.size+headerBytes > int64(len(b)) {
			if whole && (n > 1 || f.size == int64(len(b))) {
				return want, first, free
			}
			return n, first, free
		}
		b = b[f.size:]
	}
	return n, first, free
}
