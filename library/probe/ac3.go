package probe

// newAC3 and newEAC3 return the readers of AC-3 and E-AC-3 frames.
func newAC3(in *input) *framedSound  { return &framedSound{in: in, parse: parseAC3} }
func newEAC3(in *input) *framedSound { return &framedSound{in: in, parse: parseEAC3} }

// recogniseAC3 looks for frames that follow each other.
func recogniseAC3(in *input) (bool, error) { return newAC3(in).recognise() }

// readAC3 measures AC-3 frames.
func readAC3(in *input) (*Info, error) { return newAC3(in).read() }

// recogniseEAC3 looks for frames that follow each other.
func recogniseEAC3(in *input) (bool, error) { return newEAC3(in).recognise() }

// readEAC3 measures E-AC-3 frames.
func readEAC3(in *input) (*Info, error) { return newEAC3(in).read() }

// ac3Hertz returns the sampling rate of a code, 0 for the reserved one.
func ac3Hertz(code byte) int { return [4]int{48000, 44100, 32000, 0}[code&3] }

// ac3Channels returns the channels of a mode, with the one for low tones.
func ac3Channels(mode byte, low byte) int {
	return [8]int{2, 1, 2, 3, 3, 4, 4, 5}[mode&7] + int(low&1)
}

// parseAC3 reads the head of a frame; ok tells whether it is a valid one.
func parseAC3(b []byte) (f soundFrame, ok bool) {
	if len(b) < frameHeader || b[0] != 0x0b || b[1] != 0x77 {
		return f, false
	}
	hertz, code, version, mode := ac3Hertz(b[4]>>6), int64(b[4]&63), b[5]>>3, b[6]>>5
	if hertz == 0 || code > 37 || version > 10 {
		return f, false
	}
	kbits := [19]int64{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640}[code/2]
	switch hertz {
	case 48000:
		f.size = kbits * 4
	case 44100:
		f.size = (kbits*320/147 + code%2) * 2
	case 32000:
		f.size = kbits * 6
	}
	// Fields of two bits come before the one of the channel for low tones.
	shift := 4
	if mode&1 != 0 && mode != 1 {
		shift -= 2
	}
	if mode&4 != 0 {
		shift -= 2
	}
	if mode == 2 {
		shift -= 2
	}
	if version > 8 {
		hertz >>= version - 8
	}
	f.seconds = 1536 / float64(hertz)
	f.kind = uint32(b[4]>>6)<<16 | uint32(b[5]>>3)<<8 | uint32(mode)
	f.track = Track{Kind: "audio", Codec: "ac3", Channels: ac3Channels(mode, b[6]>>shift), Hertz: hertz}
	f.codecs = "ac-3"
	return f, true
}

// parseEAC3 reads the head of a frame; ok tells whether it is a valid one. One
// of a dependent or a further stream plays together with the one before.
func parseEAC3(b []byte) (f soundFrame, ok bool) {
	if len(b) < frameHeader || b[0] != 0x0b || b[1] != 0x77 || b[5]>>3 <= 10 || b[5]>>3 > 16 {
		return f, false
	}
	kind, stream := b[2]>>6, b[2]>>3&7
	hertz, blocks := ac3Hertz(b[4]>>6), [4]int{1, 2, 3, 6}[b[4]>>4&3]
	if hertz == 0 {
		hertz, blocks = ac3Hertz(b[4]>>4)/2, 6
	}
	f.size = (int64(b[2]&7)<<8 | int64(b[3]) + 1) * 2
	if kind == 3 || hertz == 0 || f.size < frameHeader {
		return f, false
	}
	if kind != 1 && stream == 0 {
		f.seconds = float64(blocks) * 256 / float64(hertz)
	}
	f.kind = uint32(b[5] >> 3)
	f.track = Track{Kind: "audio", Codec: "eac3", Channels: ac3Channels(b[4]>>1, b[4]), Hertz: hertz}
	f.codecs = "ec-3"
	return f, true
}
