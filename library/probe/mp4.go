package probe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// Limits of MP4 files.
const (
	maxBoxes  = 1 << 20 // boxes at the top, two for each fragment
	maxTracks = 1000
	maxDepth  = 8
	maxGuess  = 8 << 10 // bytes read where a fragment is expected

	// Bytes of an index, and of the header of a fragment, that are read at
	// once; of larger ones only the parts that are needed are.
	mostHeld     = 512 << 10
	mostFragment = 64 << 10
)

// mp4File is an MP4 or QuickTime file that is being read.
type mp4File struct {
	in         *input
	curve      *curve
	tracks     []*mp4Track
	timescale  int64 // of the movie
	duration   int64 // of the movie, in its timescale
	fragmented bool  // fragments may follow
	cut        bool  // the file ends or becomes unreadable amid its fragments
	tags       tags
	guess      int // length of a fragment's header
	depth      int // boxes that are open
	samples    mp4Samples
	run        table // of a fragment

	texts       *mp4Track   // that Texts reads
	textSamples []mp4Sample // of it, in a fragment

	chapters     *mp4Track // whose texts are their names
	chapterBytes int64     // that were read for them
}

// mp4Box is a box of the file.
type mp4Box struct {
	code            [4]byte
	at, header, end int64
}

// kind returns the type of the box.
func (b *mp4Box) kind() string { return string(b.code[:]) }

// content is what follows the header.
func (b *mp4Box) content() extent { return extent{b.at + b.header, b.end} }

// recogniseMP4 goes by the first box. Old QuickTime files have no ftyp.
func recogniseMP4(in *input) (bool, error) {
	b, err := in.head(16)
	if err != nil || len(b) < 8 {
		return false, err
	}
	first := []string{"ftyp", "styp", "moov", "moof", "mdat", "free", "skip", "wide", "pnot", "sidx"}
	size := binary.BigEndian.Uint32(b)
	return slices.Contains(first, string(b[4:8])) && (size < 2 || size >= 8), nil
}

// readMP4 reads the index of an MP4 file, and the headers of all fragments.
func readMP4(in *input) (*Info, error) {
	f := &mp4File{in: in, curve: newCurve(in.size), guess: 16}
	if err := f.walk(); err != nil {
		return nil, err
	}
	sum, err := f.curve.sum(!f.cut)
	if err != nil {
		return nil, err
	}
	if f.cut {
		sum.Trailer = 0
	}
	info := &Info{Duration: f.seconds(), Curve: sum}
	f.tags.fill(info)
	var codecs []string
	for _, t := range f.tracks {
		if t.Kind != "" {
			t.Frames = t.rate()
			info.Tracks = append(info.Tracks, t.Track)
		}
		if t.counts() && t.codecs != "" && !slices.Contains(codecs, t.codecs) {
			codecs = append(codecs, t.codecs)
		}
	}
	info.Codecs = strings.Join(codecs, ", ")
	return info, nil
}

// seconds returns the playing time: what the movie says if that is not far
// from what the samples say.
func (f *mp4File) seconds() float64 {
	known := f.curve.last - max(0, f.curve.first)
	if f.timescale > 0 {
		said := float64(f.duration) / float64(f.timescale)
		if said > known/2 && said < known*2 {
			return said
		}
	}
	return max(0, known)
}

// walk goes over the boxes at the top, up to the end of what can hold samples.
func (f *mp4File) walk() error {
	found := false
	for at, n := int64(0), 0; f.in.size-at >= 8; n++ {
		b, err := f.box(at, f.in.size, f.guess)
		if isFlaw(err) && found {
			f.cut = f.fragmented
			return nil
		}
		if err == nil && n > maxBoxes {
			err = flawf("more than %d boxes", maxBoxes)
		}
		if err != nil {
			return err
		}
		switch {
		case b.kind() == "moov" && !found:
			found = true
			err = f.movie(b)
		case b.kind() == "moof" && !found:
			err = flawf("box %q at byte %d: a fragment without its moov box; play it by its playlist", b.kind(), b.at)
		case b.kind() == "moof":
			err = f.fragment(b)
		}
		if err != nil || found && !f.fragmented {
			return err
		}
		at = b.end
	}
	if !found {
		return flawf("no box \"moov\" up to the end, byte %d", f.in.size)
	}
	return nil
}

// box reads the header of the box at a byte of the file, which has to end by
// another. Where it has to be read, at least ahead bytes are.
func (f *mp4File) box(at, limit int64, ahead int) (b mp4Box, err error) {
	head, err := f.in.peek(at, int(min(16, limit-at)), ahead)
	if err != nil {
		return b, err
	}
	b = mp4Box{[4]byte(head[4:]), at, 8, 0}
	size := uint64(binary.BigEndian.Uint32(head))
	switch {
	case size == 0:
		size = uint64(limit - at)
	case size == 1 && len(head) == 16:
		b.header, size = 16, binary.BigEndian.Uint64(head[8:])
	}
	switch {
	case size < uint64(b.header):
		return b, flawf("box %q at byte %d: size %d is smaller than its header", b.kind(), at, size)
	case size > uint64(limit-at):
		return b, flawf("box %q at byte %d: size %d %s (%d bytes)", b.kind(), at, size, errPastIt, limit)
	}
	b.end = at + int64(size)
	return b, nil
}

// children calls visit for the boxes in a part of the file, as far as they are
// whole: QuickTime leaves odd bytes behind some.
func (f *mp4File) children(e extent, visit func(b mp4Box) error) error {
	if f.depth++; f.depth > maxDepth {
		e.end = e.at
	}
	defer func() { f.depth-- }()
	for e.size() >= 8 {
		b, err := f.box(e.at, e.end, window)
		if isFlaw(err) {
			return nil
		}
		if err == nil {
			err = visit(b)
		}
		if err != nil {
			return err
		}
		e.at = b.end
	}
	return nil
}

// begin returns the first bytes of a part of the file, at most n. They are
// valid until the next read.
func (f *mp4File) begin(e extent, n int64) ([]byte, error) {
	return f.in.peek(e.at, int(min(e.size(), n)), window)
}

// readIndex reads what the index says of the tracks.
func (f *mp4File) readIndex(b mp4Box) error {
	if n := b.end - b.at; n <= mostHeld {
		if err := f.in.keep(b.at, n); err != nil {
			return err
		}
	}
	m := mp4Movie{file: f}
	if err := m.read(b); err != nil {
		return wrapFlaw(err, "box %q at byte %d", b.kind(), b.at)
	}
	m.finish()
	return nil
}

// movie reads the index, and enters the samples that it lists.
func (f *mp4File) movie(b mp4Box) error {
	if err := f.readIndex(b); err != nil {
		return err
	}
	for i, t := range f.tracks {
		if err := f.list(t); err != nil {
			return wrapFlaw(err, "track %d in box %q at byte %d", i+1, b.kind(), b.at)
		}
	}
	if f.chapters != nil && len(f.tags.chapters) == 0 {
		return f.readChapters(f.chapters)
	}
	return nil
}

// wrapFlaw says where a flaw is and passes on other errors.
func wrapFlaw(err error, format string, args ...any) error {
	if !isFlaw(err) {
		return err
	}
	return flawf("%v: %v", flawf(format, args...), err)
}

// track returns the track with an id, nil if there is none.
func (f *mp4File) track(id uint32) *mp4Track {
	i := slices.IndexFunc(f.tracks, func(t *mp4Track) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return f.tracks[i]
}

// letters returns the printable ASCII of a four-character code, in lower case.
func letters(code string) string {
	b := bytes.ToLower([]byte(code))
	b = slices.DeleteFunc(b, func(c byte) bool { return c <= ' ' || c > '~' })
	return cmp.Or(string(b), "unknown")
}
