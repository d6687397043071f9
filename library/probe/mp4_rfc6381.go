package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
)

// codecString returns what RFC 6381 calls a sample entry e with a code:
// browsers ask for that to see whether they can play it.
func codecString(code string, e []byte) string {
	switch code {
	case "avc1", "avc2", "avc3", "avc4":
		if b := configBox(e, "avcC", 4); b != nil {
			return fmt.Sprintf("%s.%02x%02x%02x", code, b[1], b[2], b[3])
		}
	case "hvc1", "hev1":
		if b := configBox(e, "hvcC", 13); b != nil {
			return code + hevcProfile(b)
		}
	case "dvh1", "dvhe", "dvav", "dva1", "dav1":
		for _, kind := range []string{"dvcC", "dvvC"} {
			if b := configBox(e, kind, 4); b != nil {
				return fmt.Sprintf("%s.%02d.%02d", code, b[2]>>1, b[2]&1<<5|b[3]>>3)
			}
		}
	case "av01":
		if b := configBox(e, "av1C", 4); b != nil {
			return av1Profile(b)
		}
	case "vp08", "vp09":
		if b := configBox(e, "vpcC", 8); b != nil {
			return fmt.Sprintf("%s.%02d.%02d.%02d", code, b[4], b[5], b[6]>>4)
		}
	case "mp4a", "mp4v":
		return code + objectProfile(e)
	case "Opus", "fLaC":
		return strings.ToLower(code)
	}
	for _, c := range []byte(code) {
		if c <= ' ' || c > '~' || c == ',' || c == '"' {
			return ""
		}
	}
	return code
}

// configBox returns the content of a box of some kind in a sample entry of a
// picture, nil if it is shorter than least. Its boxes begin at byte 86.
func configBox(e []byte, kind string, least int) []byte {
	for k, b := range boxesIn(e[min(86, len(e)):]) {
		if k == kind && len(b) >= least {
			return b
		}
	}
	return nil
}

// hevcProfile returns profile, compatibility, level and constraints of a
// decoder configuration: ".1.6.L93.b0".
func hevcProfile(b []byte) string {
	tier := 'L'
	if b[1]&0x20 != 0 {
		tier = 'H'
	}
	s := fmt.Sprintf(".%s%d.%x.%c%d", [4]string{"", "A", "B", "C"}[b[1]>>6], b[1]&31,
		bits.Reverse32(binary.BigEndian.Uint32(b[2:])), tier, b[12])
	for _, c := range bytes.TrimRight(b[6:12], "\x00") {
		s += fmt.Sprintf(".%x", c)
	}
	return s
}

// av1Profile returns profile, level, tier and depth: "av01.0.04M.08".
func av1Profile(b []byte) string {
	tier, depth := 'M', 8
	if b[2]&0x80 != 0 {
		tier = 'H'
	}
	switch {
	case b[2]&0x60 == 0x60:
		depth = 12
	case b[2]&0x40 != 0:
		depth = 10
	}
	return fmt.Sprintf("av01.%d.%02d%c.%02d", b[1]>>5, b[1]&31, tier, depth)
}

// objectProfile returns the object type of a descriptor and what is in its
// configuration: ".40.2", ".6b", ".20.9". QuickTime leaves the descriptor out
// of some.
func objectProfile(e []byte) string {
	i := bytes.Index(e, []byte("esds"))
	if i < 0 {
		return ""
	}
	kind, specific, ok := descriptor(e[i+4:])
	if !ok {
		return ""
	}
	s := fmt.Sprintf(".%x", kind)
	switch {
	case kind == 0x40 && len(specific) >= 2:
		object := int(specific[0] >> 3)
		if object == 31 {
			object = 32 + int(specific[0]&7)<<3 | int(specific[1]>>5)
		}
		s += fmt.Sprintf(".%d", object)
	case kind == 0x20 && len(specific) >= 5 && string(specific[:4]) == "\x00\x00\x01\xb0":
		s += fmt.Sprintf(".%d", specific[4])
	}
	return s
}
