package probetest

import "slices"

// AIFF returns an AIFF file of 16-bit samples, 44.1 kHz; AIFF-C if a
// compression type is given. The title, if any, comes behind the sound.
func AIFF(seconds float64, channels int, compression, title string) []byte {
	frames := int(seconds*44100 + 0.5)
	sound := make([]byte, frames*channels*2)
	pattern(sound, channels)
	form := "AIFF"
	common := slices.Concat(be16(channels), be32(int64(frames)), be16(16), []byte{0x40, 0x0e, 0xac, 0x44}, zeros(6))
	if compression != "" {
		form, common = "AIFC", slices.Concat(common, []byte(compression), zeros(2))
	}
	out := slices.Concat([]byte(form), chunkOf("COMM", common), chunkOf("SSND", zeros(8), sound))
	if title != "" {
		out = append(out, chunkOf("NAME", []byte(title))...)
	}
	return slices.Concat([]byte("FORM"), be32(int64(len(out))), out)
}

// chunkOf returns a chunk of an AIFF file.
func chunkOf(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	out := slices.Concat([]byte(kind), be32(int64(len(body))), body)
	return append(out, zeros(len(body)%2)...)
}
