package probe

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/abema/go-mp4"
)

// Limits of MP4 files.
const (
	maxBoxes  = 1 << 20 // boxes at the top, two for each fragment
	maxTracks = 1000
	maxDepth  = 8
	maxGuess  = 8 << 10 // bytes read where a fragment is expected
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

	chapters     *mp4Track // whose texts are their names
	chapterBytes int64     // that were read for them
}

// mp4Box is a box at the top of the file.
type mp4Box struct {
	kind            string
	at, header, end int64
}

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
		b, err := f.box(at)
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
		case b.kind == "moov" && !found:
			found = true
			err = f.movie(b)
		case b.kind == "moof" && !found:
			err = flawf("box %q at byte %d: a fragment without its moov box; play it by its playlist", b.kind, at)
		case b.kind == "moof":
			err = f.fragment(b)
		}
		if err != nil || found && !f.fragmented {
			return err
		}
		at = b.end
	}
	if !found {
		return flawf("no box \"moov\" in the file (%d bytes)", f.in.size)
	}
	return nil
}

// box reads the header of the box at a byte of the file. Of the last box only
// its begin has to be in the file if it holds media.
func (f *mp4File) box(at int64) (mp4Box, error) {
	head, err := f.in.peek(at, int(min(16, f.in.size-at)), f.guess)
	if err != nil {
		return mp4Box{}, err
	}
	b := mp4Box{string(head[4:8]), at, 8, 0}
	size := uint64(binary.BigEndian.Uint32(head))
	switch {
	case size == 0:
		size = uint64(f.in.size - at)
	case size == 1 && len(head) == 16:
		b.header, size = 16, binary.BigEndian.Uint64(head[8:])
	}
	switch {
	case size < uint64(b.header):
		return b, flawf("box %q at byte %d: size %d is smaller than its header", b.kind, at, size)
	case size > uint64(f.in.size-at):
		return b, flawf("box %q at byte %d: size %d %s (%d bytes)", b.kind, at, size, errPastIt, f.in.size)
	}
	b.end = at + int64(size)
	return b, nil
}

// content returns a box with its header. It is valid until the next read.
func (f *mp4File) content(b mp4Box) ([]byte, error) {
	if n := b.end - b.at; n <= maxGuess {
		return f.in.peek(b.at, int(n), int(n)+16)
	}
	return f.in.load(b.at, b.end-b.at)
}

// visitBoxes calls visit for the box in b and for those inside of the ones
// that visit wants opened. What is wrong inside an opened box ends that box
// only: QuickTime leaves odd bytes at the end of some.
func visitBoxes(b []byte, visit func(h *mp4.ReadHandle, payload []byte) (open bool, err error)) error {
	var failed error
	_, err := mp4.ReadBoxStructure(bytes.NewReader(b), func(h *mp4.ReadHandle) (any, error) {
		begin, end := h.BoxInfo.Offset+h.BoxInfo.HeaderSize, h.BoxInfo.Offset+h.BoxInfo.Size
		if begin > end || end > uint64(len(b)) || failed != nil {
			return nil, flaw("box is longer than the one around it")
		}
		open, err := visit(h, b[begin:end])
		if err != nil {
			failed = err
			return nil, err
		}
		if open && len(h.Path) < maxDepth {
			_, _ = h.Expand()
		}
		return nil, failed
	})
	if failed != nil {
		return failed
	}
	if err != nil {
		return flawf("%v", err)
	}
	return nil
}

// path returns the kinds of a box and those around it, joined by slashes.
func path(h *mp4.ReadHandle) string {
	var b []byte
	for _, kind := range h.Path {
		b = append(append(b, '/'), kind[:]...)
	}
	return string(b[1:])
}

// movie reads the index, and enters the samples that it lists.
func (f *mp4File) movie(b mp4Box) error {
	moov, err := f.in.load(b.at, b.end-b.at)
	if err != nil {
		return err
	}
	m := mp4Movie{file: f, at: b.at}
	if err := visitBoxes(moov, m.visit); err != nil {
		return flawf("box %q at byte %d: %v", b.kind, b.at, err)
	}
	m.finish()
	for i, t := range f.tracks {
		if err := t.list(f.in.ctx, f.curve); err != nil {
			return wrapFlaw(err, "track %d in box %q at byte %d", i+1, b.kind, b.at)
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
