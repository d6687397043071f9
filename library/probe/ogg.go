package probe

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"strings"
)

// Limits of Ogg files.
const (
	maxStreams  = 64       // that play at once
	maxOpening  = 4096     // pages before the first sound or picture
	oggPageHead = 27       // bytes of a page before the lengths in it
	oggPageMost = 27 + 255 // and with them
	oggWindow   = 64 << 10 // a page is not longer
	oggTail     = 4        // windows at the end in which a page of the sound is looked for
	oggWalk     = 8 << 20  // bytes of a file of which every page is looked at, if that is needed
	oggGap      = 60.0     // seconds; more than one page of sound ever lasts
	leastOgg    = 100.0    // bits per second; less is a lie about the length
	oggMark     = "OggS\x00"
)

// oggPage is a page of an Ogg file.
type oggPage struct {
	at, body, end int64 // of its header, of what follows that, and after it
	first         bool  // of a stream
	granule       int64 // tells when the last packet that ends on it is over; -1: none ends
	serial        uint32
	lengths       []byte // of the pieces of packets
}

// parseOggPage reads the header of the page at a byte of the file, that b
// begins with.
func parseOggPage(b []byte, at int64) (p oggPage, ok bool) {
	if len(b) < oggPageHead || string(b[:5]) != oggMark || b[5] > 7 || len(b) < oggPageHead+int(b[26]) {
		return p, false
	}
	p = oggPage{at: at, first: b[5]&2 != 0, granule: int64(binary.LittleEndian.Uint64(b[6:])), serial: binary.LittleEndian.Uint32(b[14:])}
	p.lengths = b[oggPageHead : oggPageHead+int(b[26])]
	p.body = at + int64(oggPageHead+len(p.lengths))
	p.end = p.body
	for _, n := range p.lengths {
		p.end += int64(n)
	}
	return p, true
}

// oggPart is the part of a packet that lies on one page.
type oggPart struct {
	at, n    int64
	last     bool  // of the packet
	page, to int64 // begin and end of the page
}

// parts yields the parts of packets on the page.
func (p oggPage) parts() iter.Seq[oggPart] {
	return func(yield func(oggPart) bool) {
		part := oggPart{at: p.body, page: p.at, to: p.end}
		for i, n := range p.lengths {
			part.n += int64(n)
			part.last = n < 255
			if (part.last || i == len(p.lengths)-1) && !yield(part) {
				return
			}
			if part.last {
				part.at, part.n = part.at+part.n, 0
			}
		}
	}
}

// oggFile is an Ogg file that is being read.
type oggFile struct {
	in      *input
	streams []*oggStream // of the link of the chain that is being read
	start   int64        // of the first page with sound or pictures
	seen    []oggPage    // by look
	tags    tags
}

// page reads the header of the page at a byte of the file, and so many bytes
// with it.
func (o *oggFile) page(at int64, ahead int) (oggPage, error) {
	n := int(min(oggPageMost, o.in.size-at))
	b, err := o.in.peek(at, n, ahead)
	if err != nil {
		return oggPage{}, err
	}
	p, ok := parseOggPage(b, at)
	if !ok {
		return p, flawf("no page at byte %d", at)
	}
	p.lengths = slices.Clone(p.lengths)
	return p, nil
}

// stream returns the stream with a serial number, nil if there is none.
func (o *oggFile) stream(serial uint32) *oggStream {
	i := slices.IndexFunc(o.streams, func(s *oggStream) bool { return s.serial == serial })
	if i < 0 {
		return nil
	}
	return o.streams[i]
}

// main returns the stream that tells the time: the first with pictures, else
// with sound; nil if there is none.
func (o *oggFile) main() *oggStream {
	for _, kind := range []string{"video", "audio"} {
		if i := slices.IndexFunc(o.streams, func(s *oggStream) bool { return s.Kind == kind }); i >= 0 {
			return o.streams[i]
		}
	}
	return nil
}

// recogniseOgg goes by the mark of the first page.
func recogniseOgg(in *input) (bool, error) {
	b, err := in.head(5)
	return err == nil && string(b) == oggMark, err
}

// recogniseOggFilm looks at the first pages of all streams too: one must have
// pictures.
func recogniseOggFilm(in *input) (bool, error) {
	known, err := recogniseOgg(in)
	if !known || err != nil {
		return false, err
	}
	o := &oggFile{in: in}
	for at := int64(0); in.size-at >= oggPageHead && len(o.streams) < maxStreams; {
		p, err := o.page(at, window)
		if err == nil && !p.first {
			break
		}
		if err == nil {
			err = o.begin(p)
		}
		if isFlaw(err) {
			break // readOgg tells it
		}
		if err != nil {
			return false, err
		}
		at = p.end
	}
	s := o.main()
	return s != nil && s.Kind == "video", nil
}

// readOgg reads the headers of the streams. Of sound the length is enough; of
// films every page is looked at, or some everywhere.
func readOgg(in *input) (*Info, error) {
	o := &oggFile{in: in}
	if err := o.opening(); err != nil {
		return nil, err
	}
	main := o.main()
	if main == nil {
		return nil, flawf("no stream of a known codec up to byte %d", o.start)
	}
	info := &Info{}
	var codecs []string
	for _, s := range o.streams {
		if s.Kind == "" {
			continue
		}
		info.Tracks = append(info.Tracks, s.Track)
		if s.Kind != "subtitle" && s.Codec != "unknown" && !slices.Contains(codecs, s.Codec) {
			codecs = append(codecs, s.Codec)
		}
	}
	info.Codecs = strings.Join(codecs, ", ")
	o.tags.fill(info)
	var err error
	switch {
	case main.Kind == "audio":
		info.Duration, info.Curve, err = o.sound(main)
	case in.size <= oggWalk:
		info.Duration, info.Curve, err = o.walk()
	default:
		info.Duration, info.Curve, err = o.sample(main)
	}
	return info, err
}

// opening reads the pages with headers.
func (o *oggFile) opening() error {
	at := int64(0)
	for range maxOpening {
		if o.in.size-at < oggPageHead {
			return flawf("no sound or pictures up to byte %d", at)
		}
		p, err := o.page(at, window)
		if err != nil {
			return err
		}
		if p.first {
			if err := o.begin(p); err != nil {
				return err
			}
		}
		s := o.stream(p.serial)
		if s != nil && s.Kind != "" && s.headers == 0 {
			o.start, s.begin = p.at, p.granule
			return nil
		}
		if s != nil && s.headers > 0 {
			if err := o.header(s, p); err != nil {
				return err
			}
		}
		at = p.end
	}
	return flawf("no sound or pictures on the first %d pages, up to byte %d", maxOpening, at)
}

// begin adds the stream that begins on a page.
func (o *oggFile) begin(p oggPage) error {
	if o.stream(p.serial) != nil {
		return flawf("page at byte %d: stream %d begins again", p.at, p.serial)
	}
	if len(o.streams) == maxStreams {
		return flawf("page at byte %d: more than %d streams begin", p.at, maxStreams)
	}
	b, err := o.in.peek(p.body, int(min(p.end-p.body, oggPageMost, max(0, o.in.size-p.body))), window)
	if err != nil {
		return err
	}
	s := newOggStream(b)
	s.serial = p.serial
	o.streams = append(o.streams, s)
	return nil
}

// header takes a page with headers of a stream. The comments are read as far as
// they are on it: what is longer is a picture.
func (o *oggFile) header(s *oggStream, p oggPage) error {
	for part := range p.parts() {
		if s.headers == 0 {
			return nil
		}
		if s.comments {
			n := min(part.n, maxComment, max(0, o.in.size-part.at))
			b, err := o.in.peek(part.at, int(n), window)
			if err != nil {
				return err
			}
			o.comments(s, b)
		}
		if part.last {
			s.headers--
			s.comments = !s.comments && s.headers > 0 && !s.told
		}
	}
	return nil
}

// comments takes what a stream says about itself.
func (o *oggFile) comments(s *oggStream, b []byte) {
	if s.told {
		return
	}
	s.told = true
	mark := len(s.mark)
	if s.Codec == "flac" && len(b) >= 4 && b[0]&0x7f == 4 {
		mark = 4 // the header of a metadata block
	} else if s.Codec == "flac" || !bytes.HasPrefix(b, []byte(s.mark)) {
		return
	}
	o.tags.language = ""
	o.tags.readVorbis(b[mark:])
	if n := len(o.tags.language); n == 2 || n == 3 {
		s.Language = strings.ToLower(o.tags.language)
	}
}

// sound measures a file of sound by its last page.
func (o *oggFile) sound(s *oggStream) (seconds float64, c Curve, err error) {
	last, end, err := o.lastSound(s)
	if err != nil {
		return 0, c, err
	}
	chained := last <= 0
	if !chained {
		chained, err = o.chained(s, last)
		if err != nil {
			return 0, c, err
		}
	}
	seconds = float64(last) / s.units
	if begin := s.count(s.begin); float64(begin) > oggGap*s.units {
		seconds -= float64(begin) / s.units // cut out of something longer
	}
	if !chained && float64(end-o.start)*8 >= leastOgg*seconds && seconds > 0 {
		return seconds, soundCurve(o.start, end, o.in.size, seconds), nil
	}
	if o.in.size <= oggWalk {
		return o.walk()
	}
	return o.judge(s)
}

// lastSound returns the time after the last packet of a stream, 0 if the end of
// the file is not of it, and the end of the last page.
func (o *oggFile) lastSound(s *oggStream) (last, end int64, err error) {
	end = o.in.size
	found := false
	for to, k := o.in.size, 0; k < oggTail && to > o.start; k++ {
		from := max(o.start, to-oggWindow)
		if k == 0 {
			from = max(o.start, to-oggWindow/4) // mostly enough
		}
		pages, err := o.look(from, to-from)
		if err != nil {
			return 0, 0, err
		}
		if n := len(pages); n > 0 && !found {
			found, end = true, min(end, pages[n-1].end)
		}
		for _, p := range pages {
			if p.first {
				return 0, end, nil
			}
			if p.serial != s.serial || p.granule < 0 || p.end > o.in.size {
				continue
			}
			if n := s.count(p.granule); last == 0 || n >= last && float64(n-last) < oggGap*s.units {
				last = n
			}
		}
		if last > 0 || len(pages) > 0 && o.stream(pages[len(pages)-1].serial) == nil {
			return last, end, nil
		}
		to = min(o.in.size, from+oggPageMost)
		if from == o.start {
			break
		}
	}
	return last, end, nil
}

// chained reports whether the file is rather several ones, joined. The parts of
// a proper chain have serial numbers of their own, but some programs give all
// files the same: then time jumps back between some places in the file.
func (o *oggFile) chained(s *oggStream, last int64) (bool, error) {
	if o.in.size-o.start < oggWindow/4 {
		pages, err := o.look(o.start, o.in.size-o.start)
		return slices.ContainsFunc(pages, func(p oggPage) bool { return p.first }), err
	}
	before := int64(0)
	for i := range int64(3) {
		pages, err := o.look(o.start+share(o.in.size-o.start, i+1, 4), window*2)
		if err != nil {
			return false, err
		}
		for _, p := range pages {
			n := s.count(p.granule)
			switch {
			case o.stream(p.serial) == nil, p.first:
				return true, nil
			case p.serial != s.serial || p.granule < 0:
			case n < before || n > last:
				return true, nil
			default:
				before = n
			}
		}
	}
	return false, nil
}

// look returns the pages that begin within n bytes from a byte of the file on,
// as far as their headers are there. They are valid until the next call.
func (o *oggFile) look(at, n int64) ([]oggPage, error) {
	n = min(n, o.in.size-at)
	if n < oggPageHead {
		return nil, nil
	}
	b, err := o.in.peek(at, int(n), 0)
	if err != nil {
		return nil, err
	}
	pages := o.seen[:0]
	for i := int64(0); i < n; {
		next := bytes.Index(b[i:], []byte(oggMark))
		if next < 0 {
			break
		}
		i += int64(next)
		p, ok := parseOggPage(b[i:], at+i)
		if ok && p.end < at+n-int64(len(oggMark)) && !bytes.HasPrefix(b[p.end-at:], []byte(oggMark)) {
			ok = false // the mark was met by chance
		}
		if !ok {
			i++
			continue
		}
		p.lengths = nil
		pages = append(pages, p)
		i = p.end - at
	}
	o.seen = pages
	return pages, nil
}

// judge takes the mean of some places for that of a long chain of sound.
func (o *oggFile) judge(s *oggStream) (seconds float64, c Curve, err error) {
	var bytes int64
	for i := range int64(samplesOf) {
		pages, err := o.look(o.start+share(o.in.size-o.start-oggWindow/2, i, samplesOf), oggWindow/2)
		if err != nil {
			return 0, c, err
		}
		for k := range pages[:max(0, len(pages)-1)] {
			p, q := pages[k], pages[k+1]
			length := float64(s.count(q.granule)-s.count(p.granule)) / s.units
			if p.serial != q.serial || p.granule < 0 || q.granule < 0 || !(length > 0 && length < oggGap) {
				continue
			}
			bytes, seconds = bytes+q.end-p.end, seconds+length
		}
	}
	if seconds == 0 {
		return 0, c, flawf("no pages that follow each other at %d places from byte %d on", samplesOf, o.start)
	}
	seconds *= float64(o.in.size-o.start) / float64(bytes)
	if !(seconds > 0) || float64(o.in.size-o.start)*8 < leastOgg*seconds || math.IsInf(seconds, 0) {
		return 0, c, flawf("%d bytes from byte %d on in %.0f s are no bit rate that is played", o.in.size-o.start, o.start, seconds)
	}
	return seconds, soundCurve(o.start, o.in.size, o.in.size, seconds), nil
}
