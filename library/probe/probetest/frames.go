package probetest

// ADTS returns AAC-LC frames of silence, 44.1 kHz stereo, each of size(i)
// bytes, at least 8; constant 300 if nil.
func ADTS(seconds float64, size func(i int) int) []byte {
	if size == nil {
		size = func(int) int { return 300 }
	}
	var out []byte
	for i := range int(seconds*44100/1024 + 0.5) {
		n := size(i)
		b := make([]byte, n)
		pattern(b, i)
		copy(b, []byte{0xff, 0xf1, 0x50, 0x80 | byte(n>>11), byte(n >> 3), byte(n<<5) | 0x1f, 0xfc, 0})
		out = append(out, b...)
	}
	return out
}

// AC3 returns frames of AC-3, 48 kHz, 5.1 channels and 448 kbit/s.
func AC3(seconds float64) []byte {
	var out []byte
	for i := range int(seconds*48000/1536 + 0.5) {
		b := make([]byte, 448*4)
		pattern(b, i)
		copy(b, []byte{0x0b, 0x77, 0, 0, 30, 8 << 3, 7<<5 | 1, 0})
		out = append(out, b...)
	}
	return out
}

// EAC3 returns frames of E-AC-3, 48 kHz stereo, each of size(i) bytes, an even
// number; constant 768, which is 192 kbit/s, if nil.
func EAC3(seconds float64, size func(i int) int) []byte {
	if size == nil {
		size = func(int) int { return 768 }
	}
	var out []byte
	for i := range int(seconds*48000/1536 + 0.5) {
		n := size(i)
		b := make([]byte, n)
		pattern(b, i)
		copy(b, []byte{0x0b, 0x77, byte((n/2 - 1) >> 8), byte(n/2 - 1), 3<<4 | 2<<1, 16 << 3, 0, 0})
		out = append(out, b...)
	}
	return out
}
