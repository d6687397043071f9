package probe

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"
)

// Limits of tags.
const (
	maxTags   = 16 // one after the other
	maxFrames = 500

	maxUnsynchronised = 32 << 10 // bytes that are read of a tag that has to be changed
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

// readID3 takes texts, chapters and the place of a picture from the frames of
// a tag.
func (t *tags) readID3(in *input, tag id3Tag) error {
	if tag.flags&0x80 != 0 && tag.version < 4 {
		return t.readUnsynchronised(in, tag)
	}
	header, at := int64(10), tag.at+10
	if tag.version == 2 {
		header = 6
	}
	if tag.flags&0x40 != 0 {
		n, err := id3Extension(in, tag)
		if err != nil || n < 0 {
			return err
		}
		at += n
	}
	for n := 0; at+header <= tag.end && n < maxFrames; n++ {
		b, err := in.peek(at, int(header), window)
		if err != nil {
			return err
		}
		f := id3Frame(b, tag.version)
		if b[0] == 0 || f.size > tag.end-at-header {
			return nil
		}
		f.at = at + header
		if err := t.takeID3(in, f); err != nil {
			return err
		}
		at = f.at + f.size
	}
	return nil
}

// readUnsynchronised takes the texts of a tag that has a zero after each 0xff
// that another byte could follow to look like sound. Pictures in it are not as
// the file has them.
func (t *tags) readUnsynchronised(in *input, tag id3Tag) error {
	b, err := in.peek(tag.at+10, int(min(tag.end-tag.at-10, maxUnsynchronised)), 0)
	if err != nil {
		return err
	}
	plain := bytes.ReplaceAll(b, []byte{0xff, 0}, []byte{0xff})
	if len(plain) == 0 {
		return nil
	}
	cover, front := t.cover, t.front
	inside := newInput(in.ctx, bytes.NewReader(plain), int64(len(plain)))
	err = t.readID3(inside, id3Tag{at: -10, end: int64(len(plain)), version: tag.version, flags: tag.flags &^ 0x80})
	t.cover, t.front = cover, front
	return err
}

// id3Extension returns the length of the extended header that a tag begins
// with; negative if that is no valid one, or the tag is compressed.
func id3Extension(in *input, tag id3Tag) (int64, error) {
	if tag.version == 2 || tag.end-tag.at < 14 {
		return -1, nil
	}
	b, err := in.peek(tag.at+10, 4, window)
	if err != nil {
		return 0, err
	}
	n := int64(binary.BigEndian.Uint32(b)) + 4
	if tag.version >= 4 {
		whole := false
		if n, whole = synchsafe(b); !whole {
			return -1, nil
		}
	}
	if n > tag.end-tag.at-10 {
		return -1, nil
	}
	return n, nil
}

// takeID3 takes what is of interest from a frame.
func (t *tags) takeID3(in *input, f id3Part) error {
	key := id3Key(f.name)
	picture, chapter := f.name == "APIC" || f.name == "PIC", f.name == "CHAP"
	n := int64(0)
	switch {
	case f.packed || f.size < 2:
	case picture && f.plain:
		n = min(f.size, pictureHead)
	case chapter, key != "" && f.size < 8*maxText:
		n = min(f.size, 8*maxText)
	}
	if n == 0 {
		return nil
	}
	b, err := in.peek(f.at, int(n), window)
	if err != nil {
		return err
	}
	if picture {
		t.id3Picture(b, f.at, f.size, f.version)
		return nil
	}
	if f.lengthFirst && len(b) >= 4 {
		b = b[4:]
	}
	if f.zeros {
		b = bytes.ReplaceAll(b, []byte{0xff, 0}, []byte{0xff})
	}
	switch {
	case len(b) == 0:
	case chapter:
		t.id3Chapter(b, f.version)
	case key == "genre":
		t.set(key, id3Genre(id3Text(b)))
	default:
		t.set(key, id3Text(b))
	}
	return nil
}

// id3Chapter takes a chapter: its key, the time in milliseconds, the end of it
// and two places in the file; then frames, of which one is the title.
func (t *tags) id3Chapter(b []byte, version byte) {
	_, b, _ = bytes.Cut(b, []byte{0})
	if len(b) < 16 {
		return
	}
	start, title := float64(binary.BigEndian.Uint32(b))/1000, ""
	for b = b[16:]; len(b) > 10; {
		f := id3Frame(b, version)
		if f.size > int64(len(b)-10) {
			break
		}
		if f.name == "TIT2" && f.size > 1 && !f.packed && f.plain {
			title = id3Text(b[10 : 10+f.size])
		}
		b = b[10+f.size:]
	}
	t.chapter(start, title)
}

// readID3Chunk takes the tags from the ID3v2 tag that other containers have at
// a byte, if there is one.
func (t *tags) readID3Chunk(in *input, at int64) error {
	tag, ok, err := id3At(in, at)
	if isFlaw(err) || err == nil && !ok {
		return nil
	}
	if err != nil {
		return err
	}
	return t.readID3(in, tag)
}

// id3Part is a frame of a tag.
type id3Part struct {
	name     string
	at, size int64 // of what follows its header
	version  byte

	packed      bool // compressed or encrypted
	lengthFirst bool // four bytes with a length come first
	zeros       bool // unsynchronised
	plain       bool // none of that
}

// id3Frame reads the header of a frame, of 6 or 10 bytes.
func id3Frame(b []byte, version byte) id3Part {
	if version == 2 {
		return id3Part{name: string(b[:3]), size: int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5]), version: version, plain: true}
	}
	f := id3Part{name: string(b[:4]), size: int64(binary.BigEndian.Uint32(b[4:])), version: version, packed: b[9]&0xc0 != 0}
	f.plain = b[9]&0xe0 == 0
	if version < 4 {
		return f
	}
	f.packed, f.zeros, f.lengthFirst, f.plain = b[9]&0x0c != 0, b[9]&2 != 0, b[9]&1 != 0, b[9]&0x4f == 0
	if n, ok := synchsafe(b[4:]); ok {
		f.size = n
	}
	return f
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
	case "TPE2", "TP2":
		return "albumartist"
	case "TCMP", "TCP": // by iTunes
		return "compilation"
	case "TPOS", "TPA":
		return "discnumber"
	case "TDRC", "TYER", "TYE":
		return "date"
	case "TCON", "TCO":
		return "genre"
	case "TRCK", "TRK":
		return "track"
	}
	return ""
}

// id3Text decodes a text of one of the four encodings that its first byte
// names, up to the first zero.
func id3Text(b []byte) string {
	encoding, b := b[0], b[1:]
	switch {
	case encoding == 0:
		return oldText(b)
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

// readID3v1 takes the texts of an ID3v1 tag, and in its last bytes the number
// of the song, if a zero is before it, and that of the genre.
func (t *tags) readID3v1(b []byte) {
	t.set("title", oldText(b[3:33]))
	t.set("artist", oldText(b[33:63]))
	t.set("album", oldText(b[63:93]))
	t.set("date", oldText(b[93:97]))
	if b[125] == 0 && b[126] != 0 {
		t.set("track", strconv.Itoa(int(b[126])))
	}
	t.set("genre", genreOf(int(b[127])))
}
