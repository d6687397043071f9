package probe

// Limits of sound that is nothing but frames, without an index.
const (
	framesNear   = 3       // that have to follow each other at the begin
	framesJunk   = 4       // and behind junk
	framesWalk   = 1 << 20 // bytes of sound of which every frame is looked at
	framesPlaces = 128     // that longer sound is judged by, at most
	framesApart  = 64 << 10
	framesBytes  = 4 << 10 // of a place
	framePadding = 2       // bytes by which frames of one bit rate differ
)

// soundFrame is the head of one frame of sound.
type soundFrame struct {
	size    int64
	seconds float64 // 0 for a part that plays together with the frame before
	kind    uint32  // equal in all frames of a stream
	track   Track
	codecs  string
}

// framedSound is a file of frames, each with its size in front.
type framedSound struct {
	in         *input
	parse      func(b []byte) (soundFrame, bool) // the frame that b begins with; needs frameHeader bytes
	start, end int64                             // of the sound
	first      soundFrame
	tags       tags
}

// frameHeader is how much of a frame its parse functions look at.
const frameHeader = 8

// peekSound returns where sound may begin, behind ID3 tags, and what is there:
// what the head of the file holds of it, or as much behind a head of tags.
func peekSound(in *input) (at int64, b []byte, err error) {
	if at, err = skipID3(in, nil); err != nil {
		return 0, nil, err
	}
	n := min(headBytes, in.size-at)
	if at < headBytes {
		n = min(headBytes, in.size) - at
	}
	b, err = in.peek(at, int(n), 0)
	return at, b, err
}

// find sets the begin of the sound: behind tags, or behind the rest of a frame
// that a recording was begun in.
func (f *framedSound) find() (bool, error) {
	at, b, err := peekSound(f.in)
	if err != nil || len(b) == 0 {
		return false, err
	}
	whole := at+int64(len(b)) == f.in.size
	if f.chain(b, framesNear, whole) {
		f.start = at
		return true, nil
	}
	if foreign(b) {
		return false, nil
	}
	for i := range b {
		if f.chain(b[i:], framesJunk, false) {
			f.start = at + int64(i)
			return true, nil
		}
	}
	return false, nil
}

// chain reports whether b begins with so many frames of one stream, the first
// of which it keeps, or with all that there are in b if the file ends with it.
func (f *framedSound) chain(b []byte, want int, whole bool) bool {
	var first soundFrame
	for n := range want {
		g, ok := f.parse(b)
		if !ok || n > 0 && g.kind != first.kind {
			return false
		}
		if n == 0 {
			first = g
		}
		if g.size+frameHeader > int64(len(b)) && n+1 < want {
			if !whole || n == 0 && g.size != int64(len(b)) {
				return false
			}
			break
		}
		b = b[min(g.size, int64(len(b))):]
	}
	f.first = first
	return true
}

// recognise reports whether the file is of such frames.
func (f *framedSound) recognise() (bool, error) {
	found, err := f.find()
	if isFlaw(err) {
		return false, nil
	}
	return found, err
}

// read measures the sound: at some places, or frame by frame if it is short.
func (f *framedSound) read() (*Info, error) {
	found, err := f.find()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, flawf("no frames in the first %d bytes after the tags", headBytes)
	}
	if _, err := skipID3(f.in, &f.tags); err != nil {
		return nil, err
	}
	if f.end, err = endOfSound(f.in, f.start, &f.tags); err != nil {
		return nil, err
	}
	info, err := f.measure()
	if err != nil {
		return nil, err
	}
	info.Tracks, info.Codecs = []Track{f.first.track}, f.first.codecs
	f.tags.fill(info)
	return info, nil
}

// measure picks the cheapest way to the playing time.
func (f *framedSound) measure() (*Info, error) {
	s, err := f.look(places)
	switch {
	case err != nil:
		return nil, err
	case s.seconds > 0 && s.most-s.least <= framePadding:
		return f.constant(s.of(f.end - f.start))
	case f.end-f.start <= framesWalk:
		return f.walk()
	}
	s, err = f.look(max(places, min(framesPlaces, (f.end-f.start)/framesApart)))
	if err != nil {
		return nil, err
	}
	if s.seconds <= 0 {
		return nil, flawf("no frames at the places looked at between byte %d and %d", f.start, f.end)
	}
	seconds := s.of(f.end - f.start)
	return &Info{Duration: seconds, Curve: soundCurve(f.start, f.end, f.in.size, seconds)}, nil
}

// constant returns the result for frames of one size.
func (f *framedSound) constant(seconds float64) (*Info, error) {
	c := newCurve(f.in.size)
	c.ramp(0, seconds, f.start, f.end-f.start, f.first.seconds)
	sum, err := c.sum(true)
	return &Info{Duration: seconds, Curve: sum}, err
}

// frameSum sums up frames.
type frameSum struct {
	least, most int64 // bytes of a frame
	bytes       int64
	seconds     float64
}

// of returns how long sound of n bytes plays that is like these frames.
func (s frameSum) of(n int64) float64 { return s.seconds / float64(s.bytes) * float64(n) }

// look sums up the frames at some places, one in each of equal parts of the
// sound.
func (f *framedSound) look(places int64) (s frameSum, err error) {
	s.least = f.first.size
	for i := range places {
		at := f.start + share(max(0, f.end-f.start-framesBytes), i, max(1, places-1))
		b, err := f.in.peek(at, int(min(framesBytes, f.end-at)), 0)
		if err != nil {
			return s, err
		}
		for b = b[f.sync(b):]; ; {
			g, ok := f.frame(b)
			if !ok || g.size > int64(len(b)) {
				break
			}
			s.least, s.most = min(s.least, g.size), max(s.most, g.size)
			s.bytes, s.seconds, b = s.bytes+g.size, s.seconds+g.seconds, b[g.size:]
		}
	}
	return s, nil
}

// frame reads the frame that b begins with, if it is one of this stream.
func (f *framedSound) frame(b []byte) (soundFrame, bool) {
	g, ok := f.parse(b)
	return g, ok && g.kind == f.first.kind
}

// sync returns where in b frames of the stream begin, len(b) if none do: two
// of them, or one if there is no room for another.
func (f *framedSound) sync(b []byte) int {
	for i := range b {
		g, ok := f.frame(b[i:])
		if !ok {
			continue
		}
		if next := int64(i) + g.size; next+frameHeader <= int64(len(b)) {
			_, ok = f.frame(b[next:])
		}
		if ok {
			return i
		}
	}
	return len(b)
}

// walk looks at every frame. What lies between frames is stepped over.
func (f *framedSound) walk() (*Info, error) {
	var seconds float64
	var bytes int64
	for at := f.start; f.end-at >= frameHeader; {
		b, err := f.in.peek(at, frameHeader, int(min(maxJunk, f.end-at)))
		if err != nil {
			return nil, err
		}
		if g, ok := f.frame(b); ok {
			at, bytes, seconds = at+g.size, bytes+g.size, seconds+g.seconds
			continue
		}
		b, err = f.in.peek(at, int(min(maxJunk, f.end-at)), 0)
		if err != nil {
			return nil, err
		}
		at += int64(max(1, f.sync(b)))
	}
	if bytes < (f.end-f.start)/2 || seconds <= 0 {
		return nil, flawf("frames make up %d of the %d bytes from byte %d on", bytes, f.end-f.start, f.start)
	}
	return &Info{Duration: seconds, Curve: soundCurve(f.start, f.end, f.in.size, seconds)}, nil
}
