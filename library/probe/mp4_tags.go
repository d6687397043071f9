package probe

import (
	"encoding/binary"
	"strconv"
)

// Limits of tags, and of chapters whose names lie among the media.
const (
	maxChapterList  = 128 << 10 // bytes: it has 255 names at most
	maxChapterText  = 512
	maxChapterBytes = 256 << 10 // that are read for all names
	pictureMark     = 12        // bytes that tell the type of a picture
)

// userData takes the tags in a udta or meta box: iTunes puts them into
// meta/ilst, QuickTime straight into udta.
func (f *mp4File) userData(b mp4Box) error {
	e := b.content()
	p, err := f.begin(e, 8)
	if err != nil {
		return err
	}
	if len(p) == 8 && binary.BigEndian.Uint32(p) == 0 {
		e.at += 4 // version and flags of meta, which QuickTime leaves out
	}
	return f.children(e, f.tag)
}

// tag takes one tag, or the boxes around others.
func (f *mp4File) tag(b mp4Box) error {
	switch kind := b.kind(); kind {
	case "meta", "ilst":
		return f.userData(b)
	case "covr":
		return f.covers(b)
	case "chpl":
		p, err := f.begin(b.content(), maxChapterList)
		f.tags.readChapterList(p)
		return err
	case "trkn", "disk", "gnre", "cpil":
		n, err := f.tagNumber(b)
		switch {
		case kind == "gnre":
			f.tags.set("genre", genreOf(n-1))
		case n > 0:
			f.tags.set(map[string]string{"trkn": "track", "disk": "disc", "cpil": "compilation"}[kind], strconv.Itoa(n))
		}
		return err
	default:
		key := mp4Key(kind)
		if key == "" {
			return nil
		}
		text, err := f.tagText(b)
		f.tags.set(key, text)
		return err
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
	case "aART":
		return "albumartist"
	case "\xa9day":
		return "date"
	case "\xa9gen":
		return "genre"
	case "\xa9trk":
		return "track"
	}
	return ""
}

// values calls visit for the values of an iTunes item: what is in its data
// boxes, behind type and language.
func (f *mp4File) values(b mp4Box, visit func(value extent) error) error {
	return f.children(b.content(), func(b mp4Box) error {
		e := b.content()
		if e.at += 8; b.kind() != "data" || e.size() <= 0 {
			return nil
		}
		return visit(e)
	})
}

// tagText returns the text of an iTunes item, or of a QuickTime one, which has
// length and language in front.
func (f *mp4File) tagText(b mp4Box) (text string, err error) {
	err = f.values(b, func(value extent) error {
		p, err := f.begin(value, maxText)
		if text == "" {
			text = string(p)
		}
		return err
	})
	if err != nil || text != "" {
		return text, err
	}
	p, err := f.begin(b.content(), 4+maxText)
	if len(p) > 4 {
		if n := int(binary.BigEndian.Uint16(p)); int64(n) <= b.content().size()-4 {
			text = string(p[4:min(len(p), 4+n)])
		}
	}
	return text, err
}

// tagNumber returns the number in an iTunes item: one byte or two, or the ones
// behind two others.
func (f *mp4File) tagNumber(b mp4Box) (n int, err error) {
	err = f.values(b, func(value extent) error {
		p, err := f.begin(value, 4)
		switch {
		case n != 0:
		case len(p) >= 4:
			n = int(binary.BigEndian.Uint16(p[2:]))
		case len(p) >= 2:
			n = int(binary.BigEndian.Uint16(p))
		case len(p) == 1:
			n = int(p[0])
		}
		return err
	})
	return n, err
}

// covers notes where the first picture of an iTunes item lies.
func (f *mp4File) covers(b mp4Box) error {
	return f.values(b, func(value extent) error {
		p, err := f.begin(value, pictureMark)
		f.tags.picture(p, value.at, value.size(), false)
		return err
	})
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
	s := &f.samples
	if err := s.open(f.in, t); err != nil {
		return unlessFlaw(err) // a film without chapters plays too
	}
	for done := int64(0); done < min(s.sizes.count, maxChapters); {
		at, n, err := s.chunks.next()
		if err != nil || n < 0 {
			return unlessFlaw(err)
		}
		for range min(n, maxChapters-done, s.sizes.count-done) {
			begin, size := s.times.now, s.sizes.next()
			s.times.advance(1)
			if err := s.failed(); err != nil {
				return unlessFlaw(err)
			}
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

// unlessFlaw returns the error of a read only, not one about the content.
func unlessFlaw(err error) error {
	if isFlaw(err) {
		return nil
	}
	return err
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
