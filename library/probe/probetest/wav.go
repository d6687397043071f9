package probetest

import (
	"encoding/binary"
	"slices"
)

// WAV returns a RIFF WAVE file of 16-bit samples.
func WAV(seconds float64, hertz, channels int) []byte {
	frame := channels * 2
	sound := make([]byte, int(seconds*float64(hertz)+0.5)*frame)
	pattern(sound, channels)
	le16 := func(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
	le32 := func(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
	return slices.Concat([]byte("RIFF"), le32(36+len(sound)), []byte("WAVEfmt "), le32(16),
		le16(1), le16(channels), le32(hertz), le32(hertz*frame), le16(frame), le16(16),
		[]byte("data"), le32(len(sound)), sound)
}
