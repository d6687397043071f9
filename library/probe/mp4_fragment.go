package probe

import (
	"encoding/binary"

	"github.com/abema/go-mp4"
)

// Flags of a trun box.
const (
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
	moof, err := f.content(b)
	if err != nil {
		return err
	}
	f.guess = min(maxGuess, len(moof)+len(moof)/8+48)
	m := &mp4Fragment{file: f, at: b.at, base: b.at, place: b.at}
	if err := visitBoxes(moof, m.visit); err != nil {
		return wrapFlaw(err, "box %q at byte %d", b.kind, b.at)
	}
	return nil
}

// visit takes one box of the fragment.
func (m *mp4Fragment) visit(h *mp4.ReadHandle, payload []byte) (open bool, err error) {
	switch path(h) {
	case "moof", "moof/traf":
		m.track, m.dated = nil, false
		return true, nil
	case "moof/traf/tfhd", "moof/traf/tfdt":
		box, _, err := h.ReadPayload()
		if err != nil {
			return false, flawf("%v", err)
		}
		switch b := box.(type) {
		case *mp4.Tfhd:
			m.header(b)
		case *mp4.Tfdt:
			m.date(int64(min(b.GetBaseMediaDecodeTime(), 1<<62)))
		}
	case "moof/traf/trun":
		return false, m.run(payload)
	}
	return false, nil
}

// header begins a track's part of the fragment.
func (m *mp4Fragment) header(b *mp4.Tfhd) {
	has := func(flag uint32) bool { return b.CheckFlag(flag) }
	switch {
	case has(mp4.TfhdBaseDataOffsetPresent):
		m.base = int64(min(b.BaseDataOffset, 1<<62))
	case has(mp4.TfhdDefaultBaseIsMoof):
		m.base = m.at
	default:
		m.base = m.place // the first counts from the moof, others from the end of the one before
	}
	m.place = m.base
	m.track = m.file.track(b.TrackID)
	if m.track == nil {
		return
	}
	m.length, m.size = int64(m.track.defaults.DefaultSampleDuration), int64(m.track.defaults.DefaultSampleSize)
	if has(mp4.TfhdDefaultSampleDurationPresent) {
		m.length = int64(b.DefaultSampleDuration)
	}
	if has(mp4.TfhdDefaultSampleSizePresent) {
		m.size = int64(b.DefaultSampleSize)
	}
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
func (m *mp4Fragment) run(b []byte) error {
	if len(b) < 8 {
		return flaw(`box "trun" is cut off`)
	}
	flags, count, b := binary.BigEndian.Uint32(b)&0xffffff, int64(binary.BigEndian.Uint32(b[4:])), b[8:]
	if flags&runOffset != 0 && len(b) >= 4 {
		m.place, b = m.base+int64(int32(binary.BigEndian.Uint32(b))), b[4:]
	}
	if flags&runFlags != 0 && len(b) >= 4 {
		b = b[4:]
	}
	width := 0
	for _, f := range []uint32{runLength, runSize, runSample, runComposed} {
		if flags&f != 0 {
			width += 4
		}
	}
	if count*int64(width) > int64(len(b)) {
		return flawf(`box "trun" has %d entries in %d bytes`, count, len(b))
	}
	if m.track != nil && m.track.counts() && m.track.timescale <= 0 {
		return flaw("the timescale of its track is 0")
	}
	if flags&(runLength|runSize) == 0 {
		m.equal(count)
		return nil
	}
	m.each(b[:count*int64(width)], flags, width)
	return nil
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
		m.pass(count, count*m.length)
	}
	m.place += bytes
}

// each enters samples that tell their sizes or lengths in entries of width bytes.
func (m *mp4Fragment) each(b []byte, flags uint32, width int) {
	for ; len(b) > 0; b = b[width:] {
		length, size, e := m.length, m.size, b
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
