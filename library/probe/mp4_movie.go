package probe

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/abema/go-mp4"
)

// Limits of what is read of boxes.
const (
	mostDescribed = 4 << 10 // bytes of the description of a track's samples
	mostEdits     = 16
)

// mp4Movie collects what the moov box says.
type mp4Movie struct {
	file     *mp4File
	track    *mp4Track              // whose box is open
	chapters []uint32               // tracks that others name as their chapters
	defaults map[uint32]mp4Defaults // of fragments, by track
}

// mp4Defaults is what holds for the samples of fragments that do not tell.
type mp4Defaults struct{ length, size int64 }

// read goes over the boxes of the movie.
func (m *mp4Movie) read(b mp4Box) error { return m.file.children(b.content(), m.visit) }

// visit takes one box of the movie.
func (m *mp4Movie) visit(b mp4Box) error {
	f := m.file
	switch b.kind() {
	case "cmov":
		return flaw("the index is compressed, which is not supported")
	case "mvhd":
		var h mp4.Mvhd
		err := f.decode(b, &h)
		f.timescale, f.duration = int64(h.Timescale), int64(h.GetDuration())
		return err
	case "mvex":
		f.fragmented = true
		return f.children(b.content(), m.extends)
	case "udta", "meta":
		return f.userData(b)
	case "trak":
		if len(f.tracks) == maxTracks {
			return flawf("more than %d tracks", maxTracks)
		}
		m.track = &mp4Track{}
		f.tracks = append(f.tracks, m.track)
		return f.children(b.content(), m.inTrack)
	}
	return nil
}

// extends takes the box trex of a track.
func (m *mp4Movie) extends(b mp4Box) error {
	if b.kind() != "trex" || len(m.defaults) >= maxTracks {
		return nil
	}
	var d mp4.Trex
	if err := m.file.decode(b, &d); err != nil {
		return err
	}
	if m.defaults == nil {
		m.defaults = map[uint32]mp4Defaults{}
	}
	m.defaults[d.TrackID] = mp4Defaults{int64(d.DefaultSampleDuration), int64(d.DefaultSampleSize)}
	return nil
}

// inTrack takes a box of the track.
func (m *mp4Movie) inTrack(b mp4Box) (err error) {
	f, t := m.file, m.track
	switch b.kind() {
	case "mdia":
		return f.children(b.content(), m.inMedia)
	case "edts":
		return f.children(b.content(), func(b mp4Box) (err error) {
			if b.kind() == "elst" {
				t.edits, err = f.copied(b, 8+20*mostEdits)
			}
			return err
		})
	case "tkhd":
		var h mp4.Tkhd
		err = f.decode(b, &h)
		t.id = h.TrackID
	case "tref":
		p, err := f.begin(b.content(), window)
		m.chapters = append(m.chapters, chapterTracks(p)...)
		return err
	}
	return nil
}

// inMedia takes a box of the track's media.
func (m *mp4Movie) inMedia(b mp4Box) error {
	f, t := m.file, m.track
	switch b.kind() {
	case "mdhd":
		var h mp4.Mdhd
		err := f.decode(b, &h)
		t.timescale, t.Language = int64(h.Timescale), language(h.Language)
		return err
	case "hdlr":
		var h mp4.Hdlr
		err := f.decode(b, &h)
		t.handler = string(h.HandlerType[:])
		return err
	case "minf":
		return f.children(b.content(), func(b mp4Box) error {
			if b.kind() == "stbl" {
				return f.children(b.content(), m.inTables)
			}
			return nil
		})
	}
	return nil
}

// inTables takes the description of the samples, and notes where their tables
// lie.
func (m *mp4Movie) inTables(b mp4Box) (err error) {
	t := m.track
	switch kind := b.kind(); kind {
	case "stsd":
		t.description, err = m.file.copied(b, mostDescribed)
	case "stts":
		t.times = b.content()
	case "stsz", "stz2":
		t.sizes, t.packed = b.content(), kind == "stz2"
	case "stsc":
		t.chunks = b.content()
	case "stco", "co64":
		t.places, t.wide = b.content(), kind == "co64"
	}
	return err
}

// decode reads a box of a fixed form. What goes on behind the first bytes, as
// a name does, is left out.
func (f *mp4File) decode(b mp4Box, into mp4.IBox) error {
	p, err := f.begin(b.content(), mostDescribed)
	if err != nil {
		return err
	}
	if _, err := mp4.Unmarshal(bytes.NewReader(p), uint64(len(p)), into, mp4.Context{}); err != nil {
		return flawf("box %q at byte %d: %v", b.kind(), b.at, err)
	}
	return nil
}

// copied returns a copy of the first bytes of a box, at most n.
func (f *mp4File) copied(b mp4Box, n int64) ([]byte, error) {
	p, err := f.begin(b.content(), n)
	return slices.Clone(p), err
}

// language returns a code of ISO 639-2, empty for none. QuickTime has numbers
// in its place.
func language(code [3]byte) string {
	for i, c := range code {
		if c < 'a' {
			c += 'a' - 1
		}
		if c < 'a' || c > 'z' {
			return ""
		}
		code[i] = c
	}
	if code == [3]byte{'u', 'n', 'd'} {
		return ""
	}
	return string(code[:])
}

// finish settles what needs all boxes of the movie.
func (m *mp4Movie) finish() {
	for _, t := range m.file.tracks {
		t.entry(t.description)
		if !slices.Contains(m.chapters, t.id) {
			t.Kind = trackKind(t.handler)
		} else if trackKind(t.handler) == "subtitle" && m.file.chapters == nil {
			m.file.chapters = t
		}
		t.defaults = m.defaults[t.id]
		t.shift = editShift(t.edits, m.file.timescale, t.timescale)
		if t.Kind == "audio" && t.Hertz == 0 {
			t.Hertz = int(min(t.timescale, 1<<20))
		}
	}
}

// trackKind returns the kind of a track, empty for one that is not shown.
func trackKind(handler string) string {
	switch handler {
	case "vide":
		return "video"
	case "soun":
		return "audio"
	case "subt", "sbtl", "text", "clcp", "subp":
		return "subtitle"
	}
	return ""
}

// boxesIn yields the boxes that fill b, as far as they are whole.
func boxesIn(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(b) >= 8 {
			n := uint64(binary.BigEndian.Uint32(b))
			if n < 8 || n > uint64(len(b)) || !yield(string(b[4:8]), b[8:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// chapterTracks returns the tracks that a tref box names as chapters.
func chapterTracks(tref []byte) []uint32 {
	var ids []uint32
	for kind, b := range boxesIn(tref) {
		for ; kind == "chap" && len(b) >= 4 && len(ids) < maxTracks; b = b[4:] {
			ids = append(ids, binary.BigEndian.Uint32(b))
		}
	}
	return ids
}

// editShift returns how many seconds an edit list puts the media of a track
// later: the empty edits in front, less the begin of the first real one.
func editShift(elst []byte, movie, media int64) float64 {
	if len(elst) < 8 || movie <= 0 || media <= 0 {
		return 0
	}
	wide, b := elst[0] == 1, elst[8:]
	var shift float64
	for range min(binary.BigEndian.Uint32(elst[4:]), mostEdits) {
		var length, begin int64
		switch {
		case wide && len(b) >= 20:
			length, begin, b = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])), b[20:]
		case !wide && len(b) >= 12:
			length, begin, b = int64(binary.BigEndian.Uint32(b)), int64(int32(binary.BigEndian.Uint32(b[4:]))), b[12:]
		default:
			return 0
		}
		if begin != -1 {
			return shift - float64(begin)/float64(media)
		}
		shift += float64(length) / float64(movie)
	}
	return 0
}
