package probetest

import "slices"

// MP3Options says what MP3With builds. Zero values are sensible ones.
type MP3Options struct {
	Seconds float64         // 10 if 0
	Kbits   func(i int) int // bit rate of frame i, one of 32 40 48 56 64 80 96 112 128 160 192 224 256 320; 128 if nil
	Xing    bool            // an Xing header with the number of frames and bytes before the first frame
	VBRI    bool            // a VBRI header instead
	ID3v2   int             // bytes of an ID3v2.4 tag in front, 0 for none; at least 64
	ID3v1   bool            // an ID3v1 tag at the end
	Title   string          // in the tags, none if empty
}

// mp3Hertz and mp3Samples are of MPEG-1 layer III frames, in stereo.
const (
	mp3Hertz   = 44100
	mp3Samples = 1152
)

// MP3 returns a constant bit rate MP3 file without tags; kbits is one of the
// rates of MPEG-1 layer III. It holds silence.
func MP3(seconds float64, kbits int) []byte {
	return MP3With(MP3Options{Seconds: seconds, Kbits: func(int) int { return kbits }})
}

// MP3With returns an MP3 file as o has it.
func MP3With(o MP3Options) []byte {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.Kbits == nil {
		o.Kbits = func(int) int { return 128 }
	}
	var audio []byte
	count := max(1, int(o.Seconds*mp3Hertz/mp3Samples+0.5))
	for i := range count {
		audio = append(audio, mp3Frame(o.Kbits(i), i)...)
	}
	var head []byte
	switch {
	case o.Xing:
		head = mp3Frame(128, 0)
		copy(head[36:], slices.Concat([]byte("Xing"), be32(3), be32(int64(count)), be32(int64(len(audio)+len(head)))))
	case o.VBRI:
		head = mp3Frame(128, 0)
		copy(head[36:], slices.Concat([]byte("VBRI"), be16(1), be16(0), be16(75), be32(int64(len(audio)+len(head))), be32(int64(count))))
	}
	return slices.Concat(id3v2(o.ID3v2, o.Title), head, audio, id3v1(o.ID3v1, o.Title))
}

// mp3Frame returns a frame of silence. The padding bit follows the frame
// number, so that the mean rate is exact.
func mp3Frame(kbits, number int) []byte {
	rates := []int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	index := max(1, slices.Index(rates, kbits))
	bits := mp3Samples / 8 * rates[index] * 1000
	size, padding := bits/mp3Hertz, 0
	if (number+1)*(bits%mp3Hertz)/mp3Hertz > number*(bits%mp3Hertz)/mp3Hertz {
		padding = 1
	}
	b := make([]byte, size+padding)
	copy(b, []byte{0xff, 0xfb, byte(index<<4 | padding<<1), 0x00})
	return b
}

// id3v2 returns an ID3v2.4 tag of size bytes in all.
func id3v2(size int, title string) []byte {
	if size == 0 {
		return nil
	}
	b := make([]byte, max(size, 64+len(title)))
	body := len(b) - 10
	copy(b, []byte{'I', 'D', '3', 4, 0, 0, byte(body >> 21 & 127), byte(body >> 14 & 127), byte(body >> 7 & 127), byte(body & 127)})
	if title != "" {
		n := len(title) + 1
		copy(b[10:], slices.Concat([]byte("TIT2"), []byte{0, 0, byte(n >> 7), byte(n & 127), 0, 0, 3}, []byte(title)))
	}
	return b
}

// id3v1 returns an ID3v1 tag.
func id3v1(wanted bool, title string) []byte {
	if !wanted {
		return nil
	}
	b := make([]byte, 128)
	copy(b, "TAG")
	copy(b[3:33], title)
	b[127] = 12
	return b
}
