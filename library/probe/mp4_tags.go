package probe

import (
	"encoding/binary"
	"strconv"
)

// Limits of chapters whose names lie among the media.
const (
	maxChapterText  = 512
	maxChapterBytes = 256 << 10 // that are read for all names
)

// readMP4 takes the tags from the boxes in b, the content of a udta or meta
// box at a byte of the file: iTunes puts them into meta/ilst, QuickTime
// straight into udta.
func (t *tags) readMP4(b []byte, at int64) { t.readBoxes(b, at, 0) }

func (t *tags) readBoxes(b []byte, at int64, depth int) {
	if len(b) >= 8 && string(b[:4]) == "\x00\x00\x00\x00" {
		b, at = b[4:], at+4 // version and flags of meta, which QuickTime leaves out
	}
	for kind, body := range boxesIn(b) {
		at += 8
		switch kind {
		case "meta", "ilst":
			if depth < 3 {
				t.readBoxes(body, at, depth+1)
			}
		case "covr":
			t.readCover(body, at)
		case "chpl":
			t.readChapterList(body)
		case "trkn", "gnre":
			if n := boxNumber(body); kind == "trkn" && n > 0 {
				t.set("track", strconv.Itoa(n))
			} else if kind == "gnre" {
				t.set("genre", genreOf(n-1))
			}
		default:
			if key := mp4Key(kind); key != "" {
				t.set(key, boxText(body))
			}
		}
		at += int64(len(body))
	}
}

// mp4Key returns the name of an item as Vorbis comments have it.
func mp4Key(kind string) string {
	switch kind {
	case "\xa9nam":
		return "title"
	case "\xa9ART":
		return "artist"
	case "\xa9alb":
		return "album"
	case "\xa9day":
		return "date"
	case "\xa9gen":
		return "genre"
	case "\xa9trk":
		return "track"
	}
	return ""
}

// boxText returns the text of an iTunes item, which is in a data box, or of a
// QuickTime one, which has length and language in front.
func boxText(b []byte) string {
	for kind, body := range boxesIn(b) {
		if kind == "data" && len(body) > 8 {
			return string(body[8:min(len(body), 8+maxText)])
		}
	}
	if len(b) > 4 {
		if n := int(b[0])<<8 | int(b[1]); n <= len(b)-4 {
			return string(b[4 : 4+n])
		}
	}
	return ""
}

// boxNumber returns the number in an iTunes item: two bytes, or the ones
// behind two others.
func boxNumber(b []byte) int {
	for kind, body := range boxesIn(b) {
		switch {
		case kind == "data" && len(body) >= 12:
			return int(binary.BigEndian.Uint16(body[10:]))
		case kind == "data" && len(body) >= 10:
			return int(binary.BigEndian.Uint16(body[8:]))
		}
	}
	return 0
}

// readCover takes the first picture of an iTunes item at a byte of the file.
func (t *tags) readCover(b []byte, at int64) {
	for kind, body := range boxesIn(b) {
		at += 8
		if kind == "data" && len(body) > 8 {
			t.picture(body[8:], at+8, int64(len(body)-8), false)
		}
		at += int64(len(body))
	}
}

// readChapterList takes the chapters of Nero: times in units of 100 ns.
func (t *tags) readChapterList(b []byte) {
	if len(b) < 5 {
		return
	}
	if b[0] != 0 {
		b = b[4:] // reserved
	}
	if len(b) < 5 {
		return
	}
	n, b := int(b[4]), b[5:]
	for range n {
		if len(b) < 9 || len(b) < 9+int(b[8]) {
			return
		}
		end := 9 + int(b[8])
		t.chapter(float64(binary.BigEndian.Uint64(b)/1e4)/1e3, string(b[9:end]))
		b = b[end:]
	}
}

// readChapters takes the chapters of a track of texts, as QuickTime has them.
// The texts lie among the media; once enough was read, the rest stay without.
func (f *mp4File) readChapters(t *mp4Track) error {
	if t.timescale <= 0 {
		return nil
	}
	sizes, err1 := t.sampleSizes(f.in.size)
	times, err2 := newTimeTable(t.times, sizes.count)
	chunks, err3 := t.chunkTable()
	if err1 != nil || err2 != nil || err3 != nil {
		return nil // a film without chapters plays too
	}
	for done := int64(0); done < min(sizes.count, maxChapters); {
		at, n, err := chunks.next()
		if err != nil || n < 0 {
			return nil
		}
		for range min(n, maxChapters-done, sizes.count-done) {
			begin, size := times.now, sizes.of(done)
			times.advance(1)
			text, err := f.chapterText(at, size)
			if err != nil {
				return err
			}
			f.tags.chapter(t.seconds(begin)+t.shift, text)
			at, done = at+size, done+1
		}
	}
	return nil
}

// chapterText reads the text of a chapter: its length in two bytes in front.
func (f *mp4File) chapterText(at, size int64) (string, error) {
	if size < 2 || at < 0 || at > f.in.size-size || f.chapterBytes > maxChapterBytes {
		return "", nil
	}
	before := f.in.left
	b, err := f.in.peek(at, int(min(size, maxChapterText)), window)
	if err != nil {
		return "", err
	}
	f.chapterBytes += before - f.in.left
	n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
	b = b[2 : 2+n]
	switch {
	case len(b) >= 2 && (b[0] == 0xfe && b[1] == 0xff || b[0] == 0xff && b[1] == 0xfe):
		return id3Text(append([]byte{1}, b...)), nil
	}
	return oldText(b), nil
}
