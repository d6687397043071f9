package probe

import "fmt"

// adtsRates is how many sampling rates there are.
const adtsRates = 13

// newADTS returns the reader of AAC in ADTS frames.
func newADTS(in *input) *framedSound { return &framedSound{in: in, parse: parseADTS} }

// recogniseADTS looks for frames that follow each other.
func recogniseADTS(in *input) (bool, error) { return newADTS(in).recognise() }

// readADTS measures AAC in ADTS frames.
func readADTS(in *input) (*Info, error) { return newADTS(in).read() }

// parseADTS reads the head of a frame; ok tells whether it is a valid one.
func parseADTS(b []byte) (f soundFrame, ok bool) {
	if len(b) < frameHeader || b[0] != 0xff || b[1]&0xf6 != 0xf0 {
		return f, false
	}
	rate := int(b[2] >> 2 & 15)
	f.size = int64(b[3]&3)<<11 | int64(b[4])<<3 | int64(b[5]>>5)
	if rate >= adtsRates || f.size < 7 {
		return f, false
	}
	hertz := [adtsRates]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}[rate]
	channels := int(b[2]&1)<<2 | int(b[3]>>6)
	if channels == 7 {
		channels = 8
	}
	f.seconds = float64(int(b[6]&3)+1) * 1024 / float64(hertz)
	f.kind = uint32(b[1])<<16 | uint32(b[2]&^2)<<8 | uint32(b[3]>>6)
	f.track = Track{Kind: "audio", Codec: "aac", Channels: channels, Hertz: hertz}
	f.codecs = fmt.Sprintf("mp4a.40.%d", b[2]>>6+1)
	return f, true
}
