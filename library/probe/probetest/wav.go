package probetest

import "slices"

// WAV returns a RIFF WAVE file of 16-bit samples.
func WAV(seconds float64, hertz, channels int) []byte {
	frame := channels * 2
	sound := make([]byte, int(seconds*float64(hertz)+0.5)*frame)
	pattern(sound, channels)
	return slices.Concat([]byte("RIFF"), le32(36+len(sound)), []byte("WAVEfmt "), le32(16),
		le16(1), le16(channels), le32(hertz), le32(hertz*frame), le16(frame), le16(16),
		[]byte("data"), le32(len(sound)), sound)
}
