package probe

import "encoding/binary"

// Flags of tfhd and trun boxes.
const (
	headBase    = 0x000001
	headEntry   = 0x000002
	headLength  = 0x000008
	headSize    = 0x000010
	headMoof    = 0x020000
	runOffset   = 0x001
	runFlags    = 0x004
	runLength   = 0x100
	runSize     = 0x200
	runSample   = 0x400
	runComposed = 0x800
)

// mp4Fragment is one moof box that is being read.
type mp4Fragment struct {
	file  *mp4File
	at    int64 // of the moof
	base  int64 // where the offsets of the runs count from
	place int64 // end of the last run

	track  *mp4Track // nil: a run of this track is of no interest
	length int64     // of a sample, in the timescale, if the run doesn't say
	size   int64
	dated  bool // the fragment tells its time
}

// fragment enters the samples of a moof box.
func (f *mp4File) fragment(b mp4Box) error {
	n := b.end - b.at
	if n <= mostFragment {
		ahead := 0
		if n <= maxGuess {
			ahead = int(n) + 16 // with the next header
		}
		if _, err := f.in.peek(b.at, int(n), ahead); err != nil {
			return err
		}
	}
	f.guess = int(min(maxGuess, n+n/8+48))
	m := mp4Fragment{file: f, at: b.at, base: b.at, place: b.at}
	err := f.children(b.content(), func(b mp4Box) error {
		if b.kind() != "traf" {
			return nil
		}
		m.track, m.dated = nil, false
		return f.children(b.content(), m.visit)
	})
	if err != nil { // nothing is made of it for each fragment
		return wrapFlaw(err, "box %q at byte %d", b.kind(), b.at)
	}
	return nil
}

// visit takes one box of the track's part of the fragment.
func (m *mp4Fragment) visit(b mp4Box) error {
	e := b.content()
	switch b.kind() {
	case "tfhd":
		p, err := m.file.begin(e, 8+8+5*4)
		if err == nil {
			err = m.header(p)
		}
		return err
	case "tfdt":
		p, err := m.file.begin(e, 12)
		switch {
		case len(p) >= 12 && p[0] == 1:
			m.date(int64(min(binary.BigEndian.Uint64(p[4:]), 1<<62)))
		case len(p) >= 8:
			m.date(int64(binary.BigEndian.Uint32(p[4:])))
		}
		return err
	case "trun":
		return m.run(e)
	}
	return nil
}

// header begins a track's part of the fragment: the box tfhd.
func (m *mp4Fragment) header(b []byte) error {
	if len(b) < 8 {
		return flaw(`box "tfhd" is cut off`)
	}
	flags, id, b := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8:]
	m.track = m.file.track(id)
	var defaults mp4Defaults
	if m.track != nil {
		defaults = m.track.defaults
	}
	m.length, m.size = defaults.length, defaults.size
	switch {
	case flags&headBase != 0 && len(b) >= 8:
		m.base, b = int64(min(binary.BigEndian.Uint64(b), 1<<62)), b[8:]
	case flags&headMoof != 0:
		m.base = m.at
	default:
		m.base = m.place // the first counts from the moof, others from the end of the one before
	}
	m.place = m.base
	for _, field := range []struct {
		flag uint32
		to   *int64
	}{{headEntry, new(int64)}, {headLength, &m.length}, {headSize, &m.size}} {
		if flags&field.flag != 0 && len(b) >= 4 {
			*field.to, b = int64(binary.BigEndian.Uint32(b)), b[4:]
		}
	}
	return nil
}

// date sets the time of the track's next run. A jump back by more than a
// second is a second recording after the first: it goes on in time.
func (m *mp4Fragment) date(at int64) {
	t := m.track
	if t == nil || m.dated {
		return
	}
	m.dated = true
	if t.started && at+t.later < t.next-t.timescale {
		t.later = t.next - at
	}
	t.next = at + t.later
}

// run enters the samples of a trun box.
func (m *mp4Fragment) run(e extent) error {
	b, err := m.file.begin(e, 16)
	if err != nil {
		return err
	}
	if len(b) < 8 {
		return flaw(`box "trun" is cut off`)
	}
	flags, count := binary.BigEndian.Uint32(b)&0xffffff, int64(binary.BigEndian.Uint32(b[4:]))
	e.at, b = e.at+8, b[8:]
	if flags&runOffset != 0 && len(b) >= 4 {
		m.place, e.at = m.base+int64(int32(binary.BigEndian.Uint32(b))), e.at+4
	}
	if flags&runFlags != 0 && e.size() >= 4 {
		e.at += 4
	}
	width := int64(0)
	for _, f := range []uint32{runLength, runSize, runSample, runComposed} {
		if flags&f != 0 {
			width += 4
		}
	}
	if count*width > e.size() {
		return flawf(`box "trun" has %d entries in %d bytes`, count, e.size())
	}
	if m.track != nil && (m.track.counts() || m.track == m.file.texts) && m.track.timescale <= 0 {
		return flaw("the timescale of its track is 0")
	}
	if flags&(runLength|runSize) == 0 {
		m.equal(count)
		return nil
	}
	entries := &m.file.run
	entries.open(m.file.in, extent{e.at, e.at + count*width})
	m.each(entries, flags, int(width))
	return entries.err
}

// equal enters samples of equal size and length.
func (m *mp4Fragment) equal(count int64) {
	if m.size <= 0 {
		return
	}
	count = min(count, m.file.in.size/m.size)
	bytes := count * m.size
	if t := m.track; t != nil {
		if t.counts() {
			m.file.curve.ramp(t.seconds(t.next)+t.shift, t.seconds(count*m.length), m.place, bytes, t.seconds(m.length))
		}
		if t == m.file.texts {
			m.equalTexts(count)
			return
		}
		m.pass(count, count*m.length)
	}
	m.place += bytes
}

// equalTexts notes texts of equal size and length.
func (m *mp4Fragment) equalTexts(count int64) {
	for range min(count, maxTexts) {
		m.file.found(m.track, m.length, m.place, m.size)
		m.pass(1, m.length)
		m.place += m.size
	}
}

// each enters samples that tell their sizes or lengths in entries of width bytes.
func (m *mp4Fragment) each(entries *table, flags uint32, width int) {
	for e := entries.next(width); e != nil; e = entries.next(width) {
		length, size := m.length, m.size
		if flags&runLength != 0 {
			length, e = int64(binary.BigEndian.Uint32(e)), e[4:]
		}
		if flags&runSize != 0 {
			size = int64(binary.BigEndian.Uint32(e))
		}
		if t := m.track; t != nil {
			if t.counts() {
				m.file.curve.add(t.seconds(t.next)+t.shift, t.seconds(length), m.place, size)
			}
			m.file.found(t, length, m.place, size)
			m.pass(1, length)
		}
		m.place += size
	}
}

// pass lets the time of some samples go by on the track.
func (m *mp4Fragment) pass(samples, length int64) {
	m.track.started = true
	m.track.count, m.track.span = m.track.count+samples, m.track.span+length
	if m.track.next < 1<<62 {
		m.track.next += length
	}
}
