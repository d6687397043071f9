package probe

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Limits of tags.
const (
	maxTags   = 16 // one after the other
	maxFrames = 100
)

// id3Tag is an ID3v2 tag: where it begins and ends.
type id3Tag struct {
	at, end int64
	version byte
	flags   byte
}

// id3At returns the ID3v2 tag at a byte of the file; ok tells whether there is
// one. A tag that is longer than the file is a flaw.
func id3At(in *input, at int64) (tag id3Tag, ok bool, err error) {
	if in.size-at < 10 {
		return tag, false, nil
	}
	b, err := in.peek(at, 10, window)
	if err != nil || string(b[:3]) != "ID3" || b[3] == 0xff || b[4] == 0xff {
		return tag, false, err
	}
	n, whole := synchsafe(b[6:])
	if !whole {
		return tag, false, flawf("ID3v2 tag at byte %d: its size % x is not valid", at, b[6:10])
	}
	tag = id3Tag{at: at, end: at + 10 + n, version: b[3], flags: b[5]}
	if tag.flags&0x10 != 0 {
		tag.end += 10 // a footer
	}
	if tag.end > in.size {
		return tag, false, flawf("ID3v2 tag at byte %d: size %d %s (%d bytes)", at, n, errPastIt, in.size)
	}
	return tag, true, nil
}

// synchsafe returns the number in the low seven bits of four bytes.
func synchsafe(b []byte) (n int64, ok bool) {
	ok = true
	for _, c := range b[:4] {
		n, ok = n<<7|int64(c&0x7f), ok && c < 0x80
	}
	return n, ok
}

// skipID3 returns the first byte after the ID3v2 tags at the begin of the file
// and, if t is not nil, takes the texts from them.
func skipID3(in *input, t *tags) (int64, error) {
	at := int64(0)
	for range maxTags {
		tag, ok, err := id3At(in, at)
		if err != nil || !ok {
			return at, err
		}
		if t != nil {
			if err := t.readID3(in, tag); err != nil {
				return at, err
			}
		}
		at = tag.end
	}
	return at, nil
}

// readID3 takes texts from the frames of a tag. Pictures are stepped over. A
// tag that was unsynchronised as a whole is left alone.
func (t *tags) readID3(in *input, tag id3Tag) error {
	if tag.flags&0xc0 != 0 && tag.version < 4 || tag.flags&0x40 != 0 {
		return nil
	}
	header := int64(10)
	if tag.version == 2 {
		header = 6
	}
	for at, n := tag.at+10, 0; at+header <= tag.end && n < maxFrames; n++ {
		b, err := in.peek(at, int(header), window)
		if err != nil {
			return err
		}
		name, size := id3Frame(b, tag.version)
		if b[0] == 0 || size > tag.end-at-header {
			return nil
		}
		if key := id3Key(name); key != "" && size > 1 && size < 8*maxText {
			text, err := in.peek(at+header, int(size), window)
			if err != nil {
				return err
			}
			t.set(key, id3Text(text))
		}
		at += header + size
	}
	return nil
}

// id3Frame returns the name and size of a frame.
func id3Frame(b []byte, version byte) (name string, size int64) {
	switch version {
	case 2:
		return string(b[:3]), int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5])
	case 4:
		if n, ok := synchsafe(b[4:]); ok {
			return string(b[:4]), n
		}
	}
	return string(b[:4]), int64(binary.BigEndian.Uint32(b[4:]))
}

// id3Key returns the name of a text frame as Vorbis comments have it.
func id3Key(frame string) string {
	switch frame {
	case "TIT2", "TT2":
		return "title"
	case "TPE1", "TP1":
		return "artist"
	case "TALB", "TAL":
		return "album"
	case "TDRC", "TYER", "TYE":
		return "date"
	}
	return ""
}

// id3Text decodes a text of one of the four encodings that its first byte
// names, up to the first zero.
func id3Text(b []byte) string {
	encoding, b := b[0], b[1:]
	switch {
	case encoding == 0:
		return latin1(b)
	case encoding == 3:
		b, _, _ = bytes.Cut(b, []byte{0})
		return string(b)
	case encoding == 1 && len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		return utf16Text(b[2:], binary.LittleEndian)
	case encoding == 1 && len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		return utf16Text(b[2:], binary.BigEndian)
	case encoding == 1:
		return utf16Text(b, binary.LittleEndian)
	case encoding == 2:
		return utf16Text(b, binary.BigEndian)
	}
	return ""
}

// latin1 decodes ISO 8859-1 up to the first zero.
func latin1(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// utf16Text decodes UTF-16 up to the first zero.
func utf16Text(b []byte, order binary.ByteOrder) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := order.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// endOfSound returns where the tags at the end of the file begin: ID3v1, APE,
// and an ID3v2 tag with a footer, in any order.
func endOfSound(in *input, start int64, t *tags) (int64, error) {
	end := in.size
	for range maxTags {
		n := min(end-start, 160)
		if n < 32 {
			break
		}
		b, err := in.peek(end-n, int(n), 0)
		if err != nil {
			return 0, err
		}
		size := tailTag(b, end == in.size, t)
		if size == 0 || size > end-start {
			break
		}
		end -= size
	}
	return end, nil
}

// tailTag returns the length of the tag that b ends with, 0 if there is none.
func tailTag(b []byte, last bool, t *tags) int64 {
	n := len(b)
	switch {
	case last && n >= 128 && string(b[n-128:n-125]) == "TAG":
		t.readID3v1(b[n-128:])
		return 128
	case string(b[n-32:n-24]) == "APETAGEX":
		size := int64(binary.LittleEndian.Uint32(b[n-20:]))
		if b[n-9]&0x80 != 0 {
			size += 32 // a header
		}
		return max(size, 32)
	case string(b[n-10:n-7]) == "3DI":
		if size, ok := synchsafe(b[n-4:]); ok {
			return size + 20
		}
	}
	return 0
}

// readID3v1 takes the texts of an ID3v1 tag.
func (t *tags) readID3v1(b []byte) {
	t.set("title", latin1(b[3:33]))
	t.set("artist", latin1(b[33:63]))
	t.set("album", latin1(b[63:93]))
	t.set("date", latin1(b[93:97]))
}
