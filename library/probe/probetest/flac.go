package probetest

import "slices"

// FLACHertz and flacBlock are of all files that FLAC builds: one channel,
// 16 bits.
const (
	FLACHertz = 44100
	flacBlock = 4096
)

// FLAC returns a FLAC file of uncompressed frames, 705.6 kbit/s and one channel.
func FLAC(seconds float64) []byte {
	total := max(1, int(seconds*FLACHertz+0.5))
	out := slices.Concat([]byte("fLaC"), []byte{0x00, 0, 0, 34}, be16(flacBlock), be16(flacBlock), zeros(6))
	// 20 bits hertz, 3 bits channels-1, 5 bits depth-1, 36 bits samples
	out = append(out, be64(int64(FLACHertz)<<44|int64(16-1)<<36|int64(total))...)
	out = append(out, zeros(16)...)
	out = append(out, 0x81, 0, 0, 16)
	out = append(out, zeros(16)...)
	for n, at := 0, 0; at < total; n, at = n+1, at+flacBlock {
		out = append(out, flacFrame(n, min(flacBlock, total-at))...)
	}
	return out
}

// flacFrame returns a frame of one verbatim subframe.
func flacFrame(number, samples int) []byte {
	b := []byte{0xff, 0xf8, 0x79, 0x08} // fixed blocks, 16-bit block size follows, 44.1 kHz; mono, 16 bits
	b = append(b, string(rune(number))...)
	b = append(b, be16(samples-1)...)
	b = append(b, crc8(b), 0x02)
	sound := make([]byte, samples*2)
	pattern(sound, number)
	b = append(b, sound...)
	return append(b, be16(crc16(b))...)
}

// crc8 is the check sum of a frame header.
func crc8(b []byte) byte {
	var c byte
	for _, v := range b {
		c ^= v
		for range 8 {
			if c&0x80 != 0 {
				c = c<<1 ^ 0x07
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// crc16 is the check sum of a frame.
func crc16(b []byte) int {
	var c uint16
	for _, v := range b {
		c ^= uint16(v) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x8005
			} else {
				c <<= 1
			}
		}
	}
	return int(c)
}
