package probe

import (
	"bytes"
	"encoding/binary"
)

// pictureHead is how much is read of a picture in a tag: what is said about it
// and its first bytes.
const pictureHead = 512

// frontCover is the number that ID3 and FLAC have for the front cover.
const frontCover = 3

// picture keeps the place of a picture of n bytes that begins with b and lies
// at a byte of the file: the front cover if there is one, else the first. What
// the tag says about its type is not asked, the content tells.
func (t *tags) picture(b []byte, at, n int64, front bool) {
	mime := pictureMIME(b)
	if mime == "" || n < int64(len("\x89PNG\r\n\x1a\n")) || t.cover != nil && (t.front || !front) {
		return
	}
	t.cover, t.front = &Cover{MIME: mime, Offset: at, Size: n}, front
}

// pictureMIME returns the type of a picture by its begin, empty if browsers
// don't show such.
func pictureMIME(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("GIF8")):
		return "image/gif"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(b, []byte("BM")):
		return "image/bmp"
	}
	return ""
}

// flacPicture takes the block PICTURE of a FLAC file, of size bytes at a byte
// of the file; b is its begin.
func (t *tags) flacPicture(b []byte, at, size int64) {
	all := int64(len(b))
	field := func() []byte { // of a length in front
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			b = nil
			return nil
		}
		n := binary.BigEndian.Uint32(b)
		f := b[4 : 4+n]
		b = b[4+n:]
		return f
	}
	if len(b) < 32 {
		return
	}
	kind := binary.BigEndian.Uint32(b)
	b = b[4:]
	field() // type
	field() // description
	if len(b) < 20 {
		return
	}
	n := int64(binary.BigEndian.Uint32(b[16:])) // behind width, height and colours
	b = b[20:]
	if begin := all - int64(len(b)); n <= size-begin {
		t.picture(b, at+begin, n, kind == frontCover)
	}
}

// id3Picture takes a picture frame of size bytes at a byte of the file; b is
// its begin. In version 2 the type has always three letters.
func (t *tags) id3Picture(b []byte, at, size int64, version byte) {
	all := int64(len(b))
	if len(b) < 6 {
		return
	}
	wide := b[0] == 1 || b[0] == 2 // UTF-16
	b = b[1:]
	if version == 2 {
		b = b[3:]
	} else {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return
		}
		b = b[i+1:]
	}
	if len(b) < 2 {
		return
	}
	kind := b[0]
	b = b[1:]
	for {
		if !wide {
			i := bytes.IndexByte(b, 0)
			if i < 0 {
				return
			}
			b = b[i+1:]
			break
		}
		if len(b) < 2 {
			return
		}
		end := b[0] == 0 && b[1] == 0
		if b = b[2:]; end {
			break
		}
	}
	begin := all - int64(len(b))
	t.picture(b, at+begin, size-begin, kind == frontCover)
}
