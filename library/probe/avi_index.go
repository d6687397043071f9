package probe

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// list enters what the indexes list, or what lies in the file if there is none.
func (f *aviFile) list() error {
	if err := f.openIndexes(); err != nil || f.curve.payload > 0 {
		return err
	}
	if f.index.end-f.index.at >= 16 {
		if err := f.oldIndex(); err != nil || f.curve.payload > 0 {
			return err
		}
	}
	return f.walk()
}

// openIndexes enters what the OpenDML indexes of all streams list, or nothing
// if one of them is not in order.
func (f *aviFile) openIndexes() error {
	for _, s := range f.streams {
		if s.index.at == 0 {
			continue
		}
		err := f.openIndex(s)
		if isFlaw(err) {
			f.curve = newCurve(f.in.size)
			for _, s := range f.streams {
				s.past, s.part = 0, 0
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blocks calls visit for the entries of width bytes of an index between two
// bytes of the file.
func (f *aviFile) blocks(at, end int64, width int, visit func([]byte)) error {
	for end-at >= int64(width) {
		n := min((end-at)/int64(width), indexBlock/int64(width)) * int64(width)
		b, err := f.in.peek(at, int(n), 0)
		if err != nil {
			return err
		}
		for ; len(b) >= width; b = b[width:] {
			visit(b)
		}
		at += n
	}
	return nil
}

// oldIndex enters what the chunk idx1 lists. Some programs count its offsets
// from the list of media, others from the begin of the file.
func (f *aviFile) oldIndex() error {
	base, err := f.base()
	if err != nil {
		return err
	}
	return f.blocks(f.index.at, f.index.end, 16, func(b []byte) {
		offset, size := int64(binary.LittleEndian.Uint32(b[8:])), int64(binary.LittleEndian.Uint32(b[12:]))
		if s := f.stream(b); s != nil {
			s.enter(f.curve, base+offset+8, size)
		}
	})
}

// base returns where the offsets of the old index count from.
func (f *aviFile) base() (int64, error) {
	b, err := f.in.peek(f.index.at, 16, window)
	if err != nil {
		return 0, err
	}
	id, offset := string(b[:4]), int64(binary.LittleEndian.Uint32(b[8:]))
	for _, base := range []int64{f.movi, 0, f.movi + 4} {
		if f.in.size-base-offset < 8 {
			continue
		}
		b, err := f.in.peek(base+offset, 4, window)
		if err != nil {
			return 0, err
		}
		if string(b) == id {
			return base, nil
		}
	}
	if offset > f.movi {
		return 0, nil
	}
	return f.movi, nil
}

// stream returns the stream of a chunk that is called b, nil if it is none
// of sound or pictures.
func (f *aviFile) stream(b []byte) *aviStream {
	i := int(b[0]-'0')*10 + int(b[1]-'0')
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' || i >= len(f.streams) || b[2] == 'p' && b[3] == 'c' {
		return nil
	}
	if s := f.streams[i]; s.Kind == "video" || s.Kind == "audio" {
		return s
	}
	return nil
}

// enter adds the next chunk of the stream, whose content is at a byte of the
// file. An empty one is a picture that is shown on.
func (s *aviStream) enter(c *curve, at, size int64) {
	second := float64(s.scale) / float64(s.rate)
	t := float64(s.start+s.past) * second
	switch {
	case s.unit > 0:
		t += float64(s.part) / float64(s.unit) * second
		c.ramp(t, float64(size)/float64(s.unit)*second, at, size, aviPiece)
		s.past, s.part = s.past+(s.part+size)/s.unit, (s.part+size)%s.unit
		return
	case s.Kind == "audio" && s.block > 0:
		n := (size + s.block - 1) / s.block
		c.ramp(t, float64(n)*second, at, size, aviPiece)
		s.past += n
		return
	}
	c.add(t, second, at, size)
	s.past++
}

// openIndex enters what the index of one stream lists, or the indexes that it
// lists.
func (f *aviFile) openIndex(s *aviStream) error {
	h, err := f.indexHeader(s.index)
	if err != nil || h.kind == 1 {
		if err == nil {
			err = f.openChunks(s, h)
		}
		return err
	}
	if h.kind != 0 || h.width != 16 {
		return flawf("index at byte %d is of kind %d", s.index.at, h.kind)
	}
	var list table
	list.open(f.in, extent{h.at, h.at + int64(h.count)*16})
	for b := list.next(16); b != nil; b = list.next(16) {
		at := int64(min(binary.LittleEndian.Uint64(b), 1<<62))
		if f.in.size-at < 32 {
			f.curve.cut = true
			return nil
		}
		c, err := f.chunk(at, f.in.size)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(c.kind, "ix") && !strings.HasSuffix(c.kind, "ix") {
			return flawf("at byte %d is %q and no index", at, c.kind)
		}
		h, err := f.indexHeader(c)
		if err == nil {
			err = f.openChunks(s, h)
		}
		if err != nil {
			return err
		}
	}
	return list.err
}

// aviIndex is the header of an OpenDML index.
type aviIndex struct {
	kind  byte // 0: of indexes, 1: of chunks
	width int  // of an entry
	count int
	base  int64 // where offsets count from
	at    int64 // of the first entry
}

// indexHeader reads the begin of an index.
func (f *aviFile) indexHeader(c aviChunk) (h aviIndex, err error) {
	if c.end-c.at < 24 {
		return h, flawf("chunk %q at byte %d: %d bytes are no index", c.kind, c.at-8, c.end-c.at)
	}
	b, err := f.in.peek(c.at, 24, int(min(indexBlock, f.in.size-c.at)))
	if err != nil {
		return h, err
	}
	h = aviIndex{
		kind: b[3], width: int(binary.LittleEndian.Uint16(b)) * 4, at: c.at + 24,
		base: int64(min(binary.LittleEndian.Uint64(b[12:]), 1<<62)),
	}
	if h.width < 8 || h.width > 64 {
		return h, flawf("chunk %q at byte %d: entries of %d bytes", c.kind, c.at-8, h.width)
	}
	count := int64(binary.LittleEndian.Uint32(b[4:]))
	h.count = int(min(count, (c.end-h.at)/int64(h.width)))
	return h, nil
}

// openChunks enters the chunks that an index lists.
func (f *aviFile) openChunks(s *aviStream, h aviIndex) error {
	if s.Kind != "video" && s.Kind != "audio" || h.kind != 1 {
		return nil
	}
	return f.blocks(h.at, h.at+int64(h.count*h.width), h.width, func(b []byte) {
		offset, size := int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:])&0x7fffffff)
		s.enter(f.curve, h.base+offset, size)
	})
}

// walk goes over the chunks of media of a file without index: a recording that
// was cut off. Of a long one the begin has to serve for the rest.
func (f *aviFile) walk() error {
	at, left := f.movi+4, f.in.left-maxAVIWalk
	for f.end-at >= 8 && f.in.left > left {
		b, err := f.in.peek(at, int(min(12, f.end-at)), window)
		if err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "LIST" {
			at += 12
			continue
		}
		if s := f.stream(b); s != nil {
			s.enter(f.curve, at+8, size)
		} else if !aviName(b[:4]) {
			f.curve.cut = true
			break
		}
		at += 8 + size + size%2
	}
	if rest := f.end - at; rest >= 8 && f.curve.payload > 0 && f.curve.seconds() > 0 {
		f.partly = true
		f.curve.ramp(f.curve.last, float64(rest)/f.curve.average(), at, rest, aviPiece)
	}
	if f.curve.payload == 0 {
		return fmt.Errorf("no index, and %w", flawf("no chunk of sound or pictures from byte %d on", f.movi+4))
	}
	return nil
}

// aviName reports whether b can be the name of a chunk.
func aviName(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
