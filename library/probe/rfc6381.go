package probe

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Each of these returns the name of a codec with its profile as RFC 6381 and
// the registrations after it have it, from the codec's own configuration, and
// "" if that is too short to tell.

// avcString reads an AVCDecoderConfigurationRecord.
func avcString(b []byte) string {
	if len(b) < 4 || b[0] != 1 {
		return ""
	}
	return fmt.Sprintf("avc1.%x", b[1:4])
}

// hevcString reads an HEVCDecoderConfigurationRecord.
func hevcString(b []byte) string {
	if len(b) < 13 || b[0] != 1 {
		return ""
	}
	space := []string{"", "A", "B", "C"}[b[1]>>6]
	tier := []string{"L", "H"}[b[1]>>5&1]
	compatible := uint32(b[2])<<24 | uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
	s := fmt.Sprintf("hvc1.%s%d.%X.%s%d", space, b[1]&31, bits.Reverse32(compatible), tier, b[12])
	limits := b[6:12]
	for len(limits) > 0 && limits[len(limits)-1] == 0 {
		limits = limits[:len(limits)-1]
	}
	for _, c := range limits {
		s += fmt.Sprintf(".%X", c)
	}
	return s
}

// av1String reads an AV1CodecConfigurationRecord.
func av1String(b []byte) string {
	if len(b) < 3 || b[0] != 0x81 {
		return ""
	}
	profile, depth, tier := b[1]>>5, 8, "M"
	if b[2]&0x80 != 0 {
		tier = "H"
	}
	if b[2]&0x40 != 0 {
		depth = 10
		if profile == 2 && b[2]&0x20 != 0 {
			depth = 12
		}
	}
	return fmt.Sprintf("av01.%d.%02d%s.%02d", profile, b[1]&31, tier, depth)
}

// vp9String reads the features that WebM keeps of VP9: numbered values of one
// byte. Without them the short name serves in WebM.
func vp9String(b []byte) string {
	var feature [5]byte
	for ; len(b) >= 3 && b[1] == 1; b = b[3:] {
		if b[0] < byte(len(feature)) {
			feature[b[0]] = b[2]
		}
	}
	if feature[2] == 0 || feature[3] == 0 {
		return "vp9"
	}
	return fmt.Sprintf("vp09.%02d.%02d.%02d", feature[1], feature[2], feature[3])
}

// aacConfig reads an AudioSpecificConfig: the object type, and the form of the
// sound, 0 where it is not told.
func aacConfig(b []byte) (object, hertz, channels int) {
	if len(b) < 2 {
		return 0, 0, 0
	}
	var v uint64
	for i := range 8 {
		v <<= 8
		if i < len(b) {
			v |= uint64(b[i])
		}
	}
	take := func(n int) int {
		got := int(v >> (64 - n))
		v <<= n
		return got
	}
	if object = take(5); object == 31 {
		object = 32 + take(6)
	}
	rates := []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	if i := take(4); i < len(rates) {
		hertz = rates[i]
	} else if i == 15 {
		hertz = take(24)
	}
	switch n := take(4); n {
	case 7, 12, 14:
		channels = 8
	case 11:
		channels = 7
	case 1, 2, 3, 4, 5, 6:
		channels = n
	}
	return object, hertz, channels
}

// aacString names the kind of AAC.
func aacString(b []byte) string {
	if object, _, _ := aacConfig(b); object > 0 {
		return fmt.Sprintf("mp4a.40.%d", object)
	}
	return "mp4a.40.2"
}

// plainString returns the name of codecs that need no configuration, "" for
// those that have none.
func plainString(codec string) string {
	switch codec {
	case "vp8", "vorbis", "opus", "flac", "theora":
		return codec
	case "mp3":
		return "mp4a.6b"
	case "ac3":
		return "ac-3"
	case "eac3":
		return "ec-3"
	}
	return ""
}

// configString returns the name for a codec in everyday words and its
// configuration.
func configString(codec string, config []byte) string {
	switch codec {
	case "h264":
		return avcString(config)
	case "hevc":
		return hevcString(config)
	case "av1":
		return av1String(config)
	case "vp9":
		return vp9String(config)
	case "aac":
		return aacString(config)
	}
	return plainString(codec)
}

// joinConfigs joins the names of all tracks. A player would be misled by a
// list that lacks one: it is empty then.
func joinConfigs(names []string) string {
	if slices.Contains(names, "") {
		return ""
	}
	var once []string
	for _, s := range names {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return strings.Join(once, ", ")
}
