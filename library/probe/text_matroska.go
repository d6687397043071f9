package probe

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"io"
	"math"
	"slices"
)

// wholeTexts is how many bytes of media are read through for their texts,
// whatever the index says: less than it costs to look for each.
const wholeTexts = 4 << 20

// mkvTextCue is a place of the index that leads to a text.
type mkvTextCue struct {
	track   uint64
	cluster int64
	inside  int64 // from the content of the cluster on
}

// mkvPacking is how the blocks of a track are packed.
type mkvPacking struct {
	algorithm uint64
	begin     []byte // that all blocks have in common, and which is left out
	packed    bool
}

// Algorithms of packed blocks.
const (
	packedZlib   = 0
	packedHeader = 3
)

// textsMatroska yields the texts that the index leads to; those of all blocks
// where it leads to none.
func textsMatroska(in *input, track int, yield func(Text) error) error {
	f := &mkvFile{in: in, scale: 1e-3, ahead: clusterAhead, wantTexts: true}
	if err := f.header(); err != nil {
		return err
	}
	for _, t := range f.tracks {
		if !t.counts() && t.Kind != "subtitle" {
			continue
		}
		if track == 0 {
			f.texts = t
		}
		track--
	}
	if f.texts == nil || !f.texts.HasTexts("mkv") {
		return ErrNoTexts
	}
	if err := f.follow(); err != nil {
		return err
	}
	w := mkvTextWalk{file: f, yield: yield}
	f.textCues = slices.DeleteFunc(f.textCues, func(c mkvTextCue) bool { return c.track != f.texts.number })
	if len(f.textCues) > 0 && f.media()-f.first > wholeTexts {
		return w.byCues()
	}
	if f.media()-f.first <= wholeTexts {
		f.ahead = blockAhead
	}
	return cmp.Or(f.blocks(f.first, f.media(), w.visit), w.err)
}

// textPosition takes the place of a cue for one track, if that is one of a
// subtitle.
func (f *mkvFile) textPosition(b []byte) {
	var track, cluster uint64
	inside := int64(-1)
	for id, v := range ebmlIn(b) {
		switch id {
		case 0xf7:
			track = ebmlUint(v)
		case 0xf1:
			cluster = ebmlUint(v)
		case 0xf0:
			inside = int64(min(ebmlUint(v), math.MaxInt32))
		}
	}
	t := f.track(track)
	if t == nil || t.Kind != "subtitle" || inside < 0 || cluster >= uint64(f.end-f.segment) || len(f.textCues) >= maxTexts {
		return
	}
	f.textCues = append(f.textCues, mkvTextCue{track, f.segment + int64(cluster), inside})
}

// mkvTextWalk yields texts.
type mkvTextWalk struct {
	file  *mkvFile
	yield func(Text) error
	err   error // of yield or of a read, which ends the walk
	last  mkvHead
}

// byCues goes where the index leads. What is not there is left out.
func (w *mkvTextWalk) byCues() error {
	f := w.file
	slices.SortStableFunc(f.textCues, func(a, b mkvTextCue) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.inside, b.inside))
	})
	for i, c := range f.textCues {
		if i > 0 && c == f.textCues[i-1] {
			continue
		}
		err := w.byCue(c)
		if err != nil && !isFlaw(err) {
			return err
		}
		if w.err != nil {
			return w.err
		}
	}
	return nil
}

func (w *mkvTextWalk) byCue(c mkvTextCue) error {
	f := w.file
	if w.last.at != c.cluster || w.last.body == 0 {
		head, err := f.clusterHead(c.cluster)
		if err != nil {
			return err
		}
		w.last = head
	}
	e, err := f.in.element(w.last.body+c.inside, min(w.last.end, f.end), textAhead)
	if err != nil {
		return err
	}
	if e.open || e.id != mkvSimpleBlock && e.id != mkvBlockGroup {
		return flawf("%v, where the index tells of a text", e)
	}
	_, err = f.block(e, uint64(max(0, math.Round(w.last.time/f.scale))), w.visit)
	return err
}

// visit yields the text of a block of the track.
func (w *mkvTextWalk) visit(t *mkvTrack, b mkvBlockAt) (more bool) {
	if t != w.file.texts || b.data.size() <= 0 || b.data.size() > maxTextBytes {
		return true
	}
	data := make([]byte, b.data.size())
	if w.err = w.file.in.read(data, b.data.at); w.err != nil {
		return false
	}
	data, ok := t.packing.unpack(data)
	if !ok || !(b.time < maxTime) {
		return true
	}
	if t.named {
		data = withoutLine(withoutLine(data))
	}
	w.err = w.yield(Text{max(0, b.time), b.length, data})
	return w.err == nil
}

// withoutLine returns what follows the first line. In WebM a line with a name
// and one with settings stand before each text.
func withoutLine(b []byte) []byte {
	_, rest, _ := bytes.Cut(b, []byte("\n"))
	return rest
}

// read takes how the blocks of a track are packed. One packing is known, which
// is what files have.
func (p *mkvPacking) read(encodings []byte) {
	for id, encoding := range ebmlIn(encodings) {
		if id != 0x6240 {
			continue
		}
		p.packed = true
		for id, v := range ebmlIn(encoding) {
			switch id {
			case 0x5033: // encrypted, if it is 1
				p.algorithm += ebmlUint(v) << 8
			case 0x5034:
				p.compression(v)
			}
		}
	}
}

func (p *mkvPacking) compression(b []byte) {
	for id, v := range ebmlIn(b) {
		switch id {
		case 0x4254:
			p.algorithm += ebmlUint(v) & 0xff
		case 0x4255:
			p.begin = v
		}
	}
}

// unpack returns the content of a block; ok is false if it can't be read.
func (p *mkvPacking) unpack(b []byte) (out []byte, ok bool) {
	switch {
	case !p.packed:
		return b, true
	case p.algorithm == packedHeader:
		return slices.Concat(p.begin, b), true
	case p.algorithm != packedZlib:
		return nil, false
	}
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, false
	}
	out, err = io.ReadAll(io.LimitReader(r, maxTextBytes))
	return out, err == nil
}
