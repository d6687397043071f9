package probe

import (
	"encoding/binary"
	"iter"
	"slices"

	"github.com/abema/go-mp4"
)

// mp4Movie collects what the moov box says.
type mp4Movie struct {
	file     *mp4File
	at       int64               // of the moov box in the file
	chapters []uint32            // tracks that others name as their chapters
	defaults map[uint32]mp4.Trex // of fragments, by track
}

// visit takes one box of the movie. The tables of samples stay bytes:
// go-mp4 would make a struct of every entry, many times their size.
func (m *mp4Movie) visit(h *mp4.ReadHandle, payload []byte) (open bool, err error) {
	f := m.file
	switch path(h) {
	case "moov", "moov/trak/mdia", "moov/trak/mdia/minf", "moov/trak/mdia/minf/stbl", "moov/trak/edts":
		return true, nil
	case "moov/mvex":
		f.fragmented = true
		return true, nil
	case "moov/cmov":
		return false, flaw("the index is compressed, which is not supported")
	case "moov/trak":
		if len(f.tracks) == maxTracks {
			return false, flawf("more than %d tracks", maxTracks)
		}
		f.tracks = append(f.tracks, &mp4Track{})
		return true, nil
	case "moov/udta", "moov/meta":
		f.tags.readMP4(payload, m.at+int64(h.BoxInfo.Offset+h.BoxInfo.HeaderSize))
		return false, nil
	case "moov/mvhd", "moov/mvex/trex":
		m.header(h)
		return false, nil
	}
	if len(h.Path) > 2 && h.Path[1] == mp4.BoxTypeTrak() {
		m.track(f.tracks[len(f.tracks)-1], h, payload)
	}
	return false, nil
}

// header takes a box that is about the whole movie.
func (m *mp4Movie) header(h *mp4.ReadHandle) {
	box, _, err := h.ReadPayload()
	if err != nil {
		return
	}
	switch b := box.(type) {
	case *mp4.Mvhd:
		m.file.timescale, m.file.duration = int64(b.Timescale), int64(b.GetDuration())
	case *mp4.Trex:
		if m.defaults == nil {
			m.defaults = map[uint32]mp4.Trex{}
		}
		if len(m.defaults) < maxTracks {
			m.defaults[b.TrackID] = *b
		}
	}
}

// track takes a box of one track.
func (m *mp4Movie) track(t *mp4Track, h *mp4.ReadHandle, payload []byte) {
	switch path(h) {
	case "moov/trak/tref":
		m.chapters = append(m.chapters, chapterTracks(payload)...)
	case "moov/trak/edts/elst":
		t.edits = payload
	case "moov/trak/mdia/minf/stbl/stsd":
		t.description = payload
	case "moov/trak/mdia/minf/stbl/stts":
		t.times = payload
	case "moov/trak/mdia/minf/stbl/stsz", "moov/trak/mdia/minf/stbl/stz2":
		t.sizes, t.packed = payload, h.Path[5] == mp4.StrToBoxType("stz2")
	case "moov/trak/mdia/minf/stbl/stsc":
		t.chunks = payload
	case "moov/trak/mdia/minf/stbl/stco", "moov/trak/mdia/minf/stbl/co64":
		t.places, t.wide = payload, h.Path[5] == mp4.BoxTypeCo64()
	case "moov/trak/tkhd", "moov/trak/mdia/mdhd", "moov/trak/mdia/hdlr":
		t.header(h)
	}
}

// header takes a small box of the track.
func (t *mp4Track) header(h *mp4.ReadHandle) {
	box, _, err := h.ReadPayload()
	if err != nil {
		return
	}
	switch b := box.(type) {
	case *mp4.Tkhd:
		t.id = b.TrackID
	case *mp4.Mdhd:
		t.timescale, t.Language = int64(b.Timescale), language(b.Language)
	case *mp4.Hdlr:
		t.handler = string(b.HandlerType[:])
	}
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
	for range min(binary.BigEndian.Uint32(elst[4:]), 16) {
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
