package probe

import (
	"math"
	"strings"

	"mustserv/ratelimit"
)

// Limits of MPEG streams.
const (
	maxStreamWhole = 8 << 20   // bytes of a file that is read from begin to end
	maxStreamHead  = 2 << 20   // bytes at the begin in which the codecs are looked for
	streamBlock    = 64 << 10  // bytes that are read at a time
	streamTail     = 192 << 10 // bytes at the end that are looked at whole
	sampledRead    = 256 << 20 // bytes that may be read of a file of any size
	maxPieces      = 4096      // of a file that are looked at
	pieceBlocks    = 4         // that are read at a piece until a picture begins in one
	stampHertz     = 90000
	stampPeriod    = (1 << 33) / 90000.0
	maxStep        = 5.0   // seconds from one stamp to the next that are nothing special
	maxGap         = 60.0  // a longer step is a jump of the clock
	unknownRate    = 250e3 // bytes per second, until it is known better
)

// muxTrack is an elementary stream.
type muxTrack struct {
	Track
	id     int
	code   string // RFC 6381
	known  bool   // all that is told of it was read
	head   []byte // the begin of a picture or sound, until it is known
	clock  stamps
	points []place
	piece  int   // in which the last of points was found
	bytes  int64 // that were seen of it
	fresh  int64 // since the last time stamp
	whole  int64 // between the two last ones
}

// stamps is one series of time stamps, made into seconds that only go on.
type stamps struct {
	shift float64 // to be added
	last  float64
	step  float64 // from the one before the last to the last
	at    int64   // byte of the last
	begun bool

	doubt   float64 // one that was far from the last, and not taken
	doubted bool
}

// multiplex is what is found in a multiplex, a transport or program stream.
type multiplex struct {
	period    float64 // seconds after which time stamps begin anew
	in        *input
	curve     *curve // of a file that is read whole, nil for others
	tracks    []*muxTrack
	shift     float64 // what was added to the last stamp after a jump
	clock     stamps
	points    []place // of the clock
	begun     bool
	clockOnly bool    // no track has told a time
	first     float64 // the lowest time
	last      float64 // the highest
	start     int64   // byte of the first time stamp
	end       int64   // of the media seen
	piece     int
	found     bool    // in this piece a track of the main kind began
	mux       float64 // bytes per second that the stream says it never exceeds, 0: not told
	clocked   int     // piece of the last point of the clock
	every     bool    // all stamps of the piece are kept
}

// rate is how many bytes a second takes, as far as is known.
func (m *multiplex) rate() float64 {
	if m.last-m.first < 0.5 || m.end <= m.start {
		return unknownRate
	}
	return max(1000, float64(m.end-m.start)/(m.last-m.first))
}

// follow returns the time of a stamp, in seconds, that was found at a byte of
// the file. Where stamps jump, the time goes on: the bytes since the last one
// tell how far. All series of a file jump by the same, each a little later. One
// stamp that is far from those before and after it is an error in the file.
func (m *multiplex) follow(s *stamps, raw float64, at int64) float64 {
	if !s.begun {
		s.begun, s.at = true, at
		raw = m.unwrap(raw, m.shift, m.last)
		if s.shift = m.shift; m.begun && !near(raw+s.shift, m.last-maxGap/2, maxGap) {
			s.shift = m.last - raw
		}
		s.last = raw + s.shift
		return s.last
	}
	raw = m.unwrap(raw, s.shift, s.last)
	passed := s.step
	if m.curve == nil {
		passed = max(passed, float64(at-s.at)/m.rate())
	}
	if !near(raw+s.shift, s.last, maxStep+4*passed) {
		if s.doubted = !s.doubted || !near(raw, s.doubt, maxStep+4*passed); s.doubted {
			s.doubt = raw
			return s.last
		}
		if !near(raw+s.shift, s.last, maxGap+4*passed) {
			if s.shift = m.shift; !near(raw+s.shift, s.last, maxGap+4*passed) {
				s.shift = s.last + passed - min(raw, s.doubt)
				m.shift = s.shift
			}
		}
	}
	s.doubted = false
	t := max(raw+s.shift, s.last)
	if step := t - s.last; step > 0 && step < 2 {
		s.step = step
	}
	s.last, s.at = t, at
	return t
}

// unwrap returns a stamp, which begins at 0 again when its bits are full, as it
// would be if they had not been, near a time.
func (m *multiplex) unwrap(raw, shift, t float64) float64 {
	if !m.begun {
		return raw
	}
	return raw - m.period*math.Round((raw+shift-t)/m.period)
}

// near reports whether time t comes after another, and not too long after it.
func near(t, after, most float64) bool { return t >= after-1 && t <= after+most }

// seen widens the times and the place of the media. The times of the clock
// count until a track tells its own.
func (m *multiplex) seen(t float64, at int64, clock bool) {
	switch {
	case !m.begun || m.clockOnly && !clock:
		m.begun, m.clockOnly, m.first, m.last, m.start = true, clock, t, t, at
	case m.clockOnly == clock:
		m.first, m.last = min(m.first, t), max(m.last, t)
	}
}

// tick enters a time of the clock of the multiplex.
func (m *multiplex) tick(raw float64, at int64) {
	t := m.follow(&m.clock, raw, at)
	m.end = max(m.end, at)
	m.seen(t, at, true)
	if m.clocked != m.piece || m.every || m.curve != nil {
		m.clocked, m.points = m.piece, m.note(m.points, place{t, at})
	}
}

// stamp enters the decode time of what begins at a byte of the file.
func (m *multiplex) stamp(t *muxTrack, raw float64, at int64) {
	s := m.follow(&t.clock, raw, at)
	m.seen(s, at, false)
	if t.Kind == "video" {
		m.found = true
	}
	if m.curve != nil {
		t.whole, t.fresh = t.fresh, 0
		return
	}
	if played := t.Kind == "video" || t.Kind == "audio"; played && (t.piece != m.piece || m.every) {
		t.piece, t.points = m.piece, m.note(t.points, place{s, at})
	}
}

// note appends a place. The first makes room for one of each piece.
func (m *multiplex) note(points []place, p place) []place {
	if points == nil && m.curve == nil {
		points = make([]place, 0, maxPieces+maxPieces/8)
	}
	return append(points, p)
}

// bytes enters n bytes of a track. They are due when the picture or sound is
// that began last.
func (m *multiplex) bytes(t *muxTrack, at, n int64) {
	t.bytes += n
	m.end = max(m.end, at+n)
	if m.curve != nil && t.clock.begun && (t.Kind == "video" || t.Kind == "audio") {
		m.curve.add(t.clock.last, 0, at, n)
		t.fresh += n
	}
}

// finish tells the curve how long the last of each track lasts: as many frames
// as the bytes behind the last time stamp can be.
func (m *multiplex) finish() {
	for _, t := range m.tracks {
		if !t.clock.begun || t.Kind != "video" && t.Kind != "audio" {
			continue
		}
		length := t.clock.step
		if t.whole > 0 {
			length *= min(1, float64(t.fresh)/float64(t.whole))
		}
		if t.Kind == "video" && t.Frames > 0 {
			length = max(length, 1/t.Frames)
		}
		m.curve.last = max(m.curve.last, t.clock.last+length)
	}
}

// begin takes the first bytes of a picture or sound.
func (t *muxTrack) begin(b []byte) {
	if t.known {
		return
	}
	if len(t.head) > 0 {
		t.sniff(t.head)
	}
	t.head = t.head[:0]
	t.more(b)
}

// more takes bytes that follow those of begin.
func (t *muxTrack) more(b []byte) {
	if t.known || len(t.head) >= maxSniff {
		return
	}
	if t.head = append(t.head, b[:min(len(b), maxSniff-len(t.head))]...); len(t.head) == maxSniff {
		t.sniff(t.head)
	}
}

// described reports whether all tracks that can be are described.
func (m *multiplex) described() bool {
	for _, t := range m.tracks {
		if !t.known && (t.Kind == "video" || t.Kind == "audio") {
			return false
		}
	}
	return len(m.tracks) > 0
}

// scanner takes what was read at a byte of the file and returns how many bytes
// further the next read is to begin.
type scanner func(b []byte, at int64) int64

// measure reads the file, whole or in pieces.
func (m *multiplex) measure(scan scanner) error {
	m.piece = 1
	if m.in.size <= maxStreamWhole {
		m.curve = newCurve(m.in.size)
		return m.span(0, m.in.size, streamBlock, scan, nil)
	}
	m.in.left = max(m.in.left, sampledRead)
	at := int64(0)
	err := m.span(0, maxStreamHead, streamBlock, func(b []byte, from int64) int64 {
		m.piece++
		n := scan(b, from)
		at = from + n
		return n
	}, func() bool { return m.described() && m.last-m.first > 1 })
	if err != nil {
		return err
	}
	if len(m.tracks) == 0 {
		return nil // the rest will not tell either
	}
	if err := m.pieces(at, m.in.size-streamTail, scan); err != nil {
		return err
	}
	m.piece++
	m.every = true
	return m.span(m.in.size-streamTail, m.in.size, streamBlock, scan, nil)
}

// pieces looks at pieces between two bytes of the file, half a second apart or
// so far that they are not too many.
func (m *multiplex) pieces(at, end int64, scan scanner) error {
	blind := 0
	for left := maxPieces; left > 0 && at < end; left-- {
		block := max(8<<10, min(int64(m.rate()*0.06), streamBlock))
		// Half of what may be read is left for pieces that are long.
		apart := max(5*block, int64(m.rate()/2), (end-at)/int64(left), share(end-at, block, max(block, m.in.left/2)))
		m.piece++
		m.found = false
		blocks := pieceBlocks
		if blind > 20 {
			blocks = 1 // there are no pictures, or they cannot be seen
		}
		err := m.span(at, min(end, at+int64(blocks)*block), block, scan, func() bool { return m.found })
		if err != nil {
			return err
		}
		if blind++; m.found {
			blind = 0
		}
		at += apart
	}
	return nil
}

// span scans what is between two bytes of the file, some bytes at a time, until
// enough is true.
func (m *multiplex) span(at, end, block int64, scan scanner, enough func() bool) error {
	for at < end && (enough == nil || !enough()) {
		b, err := m.in.peek(at, int(min(block, end-at)), 0)
		if err != nil {
			return err
		}
		at += max(1, scan(b, at))
	}
	return nil
}

// info sums up what was found.
func (m *multiplex) info() (*Info, error) {
	info := &Info{}
	var err error
	for _, t := range m.tracks {
		if len(t.head) > 0 && !t.known {
			t.sniff(t.head)
		}
		if t.Kind == "video" && t.Frames == 0 {
			t.Frames = framesOf(t.clock.step)
		}
	}
	if m.curve != nil && m.curve.payload > 0 {
		m.finish()
		info.Curve, err = m.curve.sum(true)
		info.Duration = m.curve.seconds()
	} else {
		info.Curve, err = m.sampled()
		info.Duration = m.last - m.first
	}
	if err != nil {
		return nil, err
	}
	var codes []string
	for _, t := range m.tracks {
		if t.Kind == "private" || t.bytes == 0 && t.Kind != "subtitle" {
			continue // not played, or announced but not there
		}
		switch t.Codec {
		case "video":
			t.Codec = "mpeg2"
		case "audio":
			t.Codec = "mp2"
		}
		info.Tracks = append(info.Tracks, t.Track)
		if t.Kind != "subtitle" {
			codes = append(codes, t.code)
		}
	}
	info.Codecs = joinCodes(codes)
	return info, nil
}

// framesOf returns the pictures per second of a time between two, 0 if that
// is none of a film.
func framesOf(step float64) float64 {
	if step < 1.0/200 || step > 0.2 {
		return 0
	}
	return float64(int(1000/step+0.5)) / 1000
}

// joinCodes returns the codecs of all tracks, nothing if one is not known.
func joinCodes(codes []string) string {
	for _, c := range codes {
		if c == "" {
			return ""
		}
	}
	return strings.Join(codes, ", ")
}

// sampled returns the curve of a file that was read in pieces.
func (m *multiplex) sampled() (Curve, error) {
	s := samples{clock: m.points, pieces: m.piece}
	main, most := -1, int64(-1)
	for _, t := range m.tracks {
		if t.Kind != "video" && t.Kind != "audio" {
			continue
		}
		if t.bytes > most {
			main, most = len(s.tracks), t.bytes
		}
		s.tracks = append(s.tracks, t.points)
	}
	out, err := s.curve(m.in.size, m.end, main)
	if err != nil {
		return out, err
	}
	out.Header, out.Trailer = m.start, max(0, m.in.size-m.end)
	if most := ratelimit.Rate(m.mux * 8); most >= out.Peak && most > 0 {
		limit(&out, most)
	}
	return out, nil
}

// pesTimes returns the decode time of a PES packet in seconds and the length
// of its header; stamped is false if it tells no time. n is 0 if b begins with
// none, or with a part of its header only.
func pesTimes(b []byte) (dts float64, stamped bool, n int) {
	if len(b) < 9 || b[0] != 0 || b[1] != 0 || b[2] != 1 {
		return 0, false, 0
	}
	if b[6]&0xc0 != 0x80 {
		return pesTimesOld(b)
	}
	n = 9 + int(b[8])
	switch flags := b[7] >> 6; {
	case flags == 3 && b[8] >= 10 && len(b) >= 19:
		return stampAt(b[14:]), true, n
	case flags >= 2 && b[8] >= 5 && len(b) >= 14:
		return stampAt(b[9:]), true, n
	}
	return 0, false, n
}

// pesTimesOld is pesTimes for MPEG-1.
func pesTimesOld(b []byte) (dts float64, stamped bool, n int) {
	n = 6
	for n < len(b) && n < 6+16 && b[n] == 0xff {
		n++
	}
	if n+1 < len(b) && b[n]&0xc0 == 0x40 {
		n += 2
	}
	if n >= len(b) {
		return 0, false, 0
	}
	switch {
	case b[n]&0xf0 == 0x20 && len(b) >= n+5:
		return stampAt(b[n:]), true, n + 5
	case b[n]&0xf0 == 0x30 && len(b) >= n+10:
		return stampAt(b[n+5:]), true, n + 10
	}
	return 0, false, n + 1
}

// stampAt reads a time stamp of 33 bits, in seconds.
func stampAt(b []byte) float64 {
	v := int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
	return float64(v) / stampHertz
}
