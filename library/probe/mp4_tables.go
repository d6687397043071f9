package probe

import (
	"cmp"
	"encoding/binary"
	"math"
)

// mp4Track is one track: its description, and where the tables of its samples
// lie in the file, each with version and flags in front.
type mp4Track struct {
	Track
	id        uint32
	handler   string
	timescale int64

	description, edits           []byte // the begins of these boxes
	times, sizes, chunks, places extent
	packed, wide                 bool    // kinds of sizes and places
	shift                        float64 // seconds that the edit list adds
	defaults                     mp4Defaults

	// Bytes of a packet of so many samples, of uncompressed and old QuickTime
	// sound, whose tables count samples; else 0.
	packetBytes, packetSamples int64

	codecs string // as RFC 6381 has it, empty if not told
	count  int64  // samples, and how long they last in the timescale
	span   int64

	next    int64 // time after the last sample, in the timescale
	later   int64 // what is added to the times of fragments
	started bool
}

// counts reports whether players wait for this track.
func (t *mp4Track) counts() bool { return t.Kind == "audio" || t.Kind == "video" }

// seconds returns a time of the track.
func (t *mp4Track) seconds(at int64) float64 { return float64(at) / float64(t.timescale) }

// rate returns the pictures per second of a film, to a thousandth; 0 for a
// single one.
func (t *mp4Track) rate() float64 {
	if t.Kind != "video" || t.count < 2 || t.span <= 0 {
		return 0
	}
	return thousandth(float64(t.count) / t.seconds(t.span))
}

// thousandth rounds a number of pictures per second.
func thousandth(x float64) float64 { return math.Round(x*1000) / 1000 }

// mp4Samples reads the tables of one track after the other: of each sample the
// size and the time, and where the chunks of samples lie.
type mp4Samples struct {
	sizes  sizeTable
	times  timeTable
	chunks chunkTable
}

// open begins the tables of a track.
func (s *mp4Samples) open(in *input, t *mp4Track) error {
	if err := s.sizes.begin(in, t); err != nil {
		return err
	}
	if err := s.times.begin(in, t.times, s.sizes.count); err != nil {
		return err
	}
	return s.chunks.begin(in, t)
}

// failed returns what was wrong with the sizes or times that were read.
func (s *mp4Samples) failed() error {
	if s.sizes.err != nil {
		return s.sizes.err
	}
	return s.times.err
}

// list enters the samples that the tables of a track list.
func (f *mp4File) list(t *mp4Track) error {
	if !t.counts() {
		return nil
	}
	if t.timescale <= 0 {
		return flaw("its timescale is 0")
	}
	s := &f.samples
	if err := s.open(f.in, t); err != nil {
		return err
	}
	err := f.place(t, s)
	t.next = s.times.now
	t.count, t.span = s.sizes.count, s.times.now
	if s.times.even > 0 {
		t.count, t.span = s.times.even, s.times.even*s.times.evenDelta
	}
	return err
}

// place enters the samples chunk by chunk. The first one past the end of the
// file ends the list: the file is cut off there.
func (f *mp4File) place(t *mp4Track, s *mp4Samples) error {
	for done, k := int64(0), 0; done < s.sizes.count; k++ {
		if k%1024 == 0 && f.in.ctx.Err() != nil {
			return f.in.ctx.Err()
		}
		at, n, err := s.chunks.next()
		if err != nil || n < 0 {
			return err
		}
		n = min(n, s.sizes.count-done)
		inside := false
		if s.sizes.fixed > 0 && s.times.same(n) {
			inside = t.block(f.curve, at, n, s)
		} else {
			inside = t.each(f.curve, at, n, s)
		}
		if err := s.failed(); err != nil || !inside {
			return err
		}
		done += n
	}
	return nil
}

// each enters n samples that lie one after the other.
func (t *mp4Track) each(c *curve, at, n int64, s *mp4Samples) bool {
	for range n {
		begin, size := s.times.now, s.sizes.next()
		length := s.times.advance(1)
		if s.failed() != nil || !c.add(t.seconds(begin)+t.shift, t.seconds(length), at, size) {
			return false
		}
		at += size
	}
	return true
}

// block enters n samples of equal size and length, of which uncompressed sound
// has so many that they are better taken in pieces of a thousand.
func (t *mp4Track) block(c *curve, at, n int64, s *mp4Samples) bool {
	begin := s.times.now
	length := t.seconds(s.times.advance(n))
	bytes, piece := n*s.sizes.fixed, length/float64(max(n, 1))
	if t.packetBytes > 0 && s.times.delta == 1 && (s.sizes.fixed == 1 || t.packetSamples > 1) {
		bytes = (n + t.packetSamples - 1) / t.packetSamples * t.packetBytes
	}
	if s.times.delta == 1 {
		piece *= float64(max(1024, s.sizes.count>>20))
	}
	c.ramp(t.seconds(begin)+t.shift, length, at, bytes, piece)
	return at >= 0 && at < c.size
}

// entries opens a table that has the number of its entries in front, which is
// checked.
func (t *table) entries(in *input, e extent, name string, width int64) (int64, error) {
	t.open(in, e)
	if e.size() == 0 {
		return 0, nil
	}
	b := t.next(8)
	if b == nil {
		return 0, cmp.Or(t.err, flawf("table %q is cut off", name))
	}
	n := int64(binary.BigEndian.Uint32(b[4:]))
	if n*width > t.size() {
		return 0, flawf("table %q has %d entries in %d bytes", name, n, t.size())
	}
	return n, nil
}

// sizeTable tells the sizes of samples, one after the other.
type sizeTable struct {
	table
	count int64
	fixed int64 // size of all, if not 0
	bits  int   // of an entry: 4, 8, 16 or 32
	pair  byte  // the last byte of entries of 4 bits
	odd   bool  // half of it was taken
}

// begin reads stsz or stz2. No more samples are believed than fit the file.
func (s *sizeTable) begin(in *input, t *mp4Track) error {
	*s = sizeTable{table: s.table, bits: 32}
	s.open(in, t.sizes)
	if t.sizes.size() == 0 {
		return nil
	}
	b := s.table.next(12)
	if b == nil {
		return cmp.Or(s.err, flawf("table %q is cut off", "stsz"))
	}
	if t.packed {
		s.bits = int(b[7])
		if s.bits != 4 && s.bits != 8 && s.bits != 16 {
			return flawf(`table "stz2" has entries of %d bits`, s.bits)
		}
	} else {
		s.fixed = int64(binary.BigEndian.Uint32(b[4:]))
	}
	s.count = int64(binary.BigEndian.Uint32(b[8:]))
	switch {
	case s.fixed > 0 && s.count > in.size/s.fixed:
		return flawf(`table "stsz" has %d samples of %d bytes, more than the file holds (%d bytes)`, s.count, s.fixed, in.size)
	case s.fixed == 0 && s.count*int64(s.bits) > s.size()*8:
		return flawf(`table "stsz" has %d entries in %d bytes`, s.count, s.size())
	}
	return nil
}

// next returns the size of the next sample.
func (s *sizeTable) next() int64 {
	if s.fixed > 0 {
		return s.fixed
	}
	if s.bits == 4 {
		return s.nibble()
	}
	switch b := s.table.next(s.bits / 8); len(b) {
	case 4:
		return int64(binary.BigEndian.Uint32(b))
	case 2:
		return int64(binary.BigEndian.Uint16(b))
	case 1:
		return int64(b[0])
	}
	return 0
}

// nibble returns the next entry of 4 bits.
func (s *sizeTable) nibble() int64 {
	if s.odd = !s.odd; !s.odd {
		return int64(s.pair & 15)
	}
	b := s.table.next(1)
	if b == nil {
		return 0
	}
	s.pair = b[0]
	return int64(s.pair >> 4)
}

// timeTable tells the times of samples, one after the other.
type timeTable struct {
	table
	samples int64 // in all
	runs    int64 // that were not read yet
	now     int64 // time of the next sample
	left    int64 // samples left in the run
	delta   int64 // length of a sample of the run

	// Most samples are of equal length, these many: the last picture often
	// stays longer. 0 if they differ.
	even, evenDelta int64
}

// begin reads stts, for a number of samples.
func (t *timeTable) begin(in *input, e extent, samples int64) (err error) {
	*t = timeTable{table: t.table, samples: samples}
	t.runs, err = t.entries(in, e, "stts", 8)
	return err
}

// run makes the next run the current one, if the current one is used up. The
// last one goes on for ever.
func (t *timeTable) run() {
	for t.left == 0 && t.runs > 0 {
		b := t.table.next(8)
		if b == nil {
			t.runs = 0
			return
		}
		t.runs--
		t.left, t.delta = int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
		switch {
		case t.left > t.samples+1: // one too many is met in real files
			t.err = flawf(`table "stts" has a run of %d samples, of %d in all`, t.left, t.samples)
		case t.delta > 1<<31-1:
			t.delta = 0 // a step back in time, as broken files have it
		case t.left > t.samples/4*3 && t.left > 1:
			t.even, t.evenDelta = t.left, t.delta
		}
	}
}

// same reports whether the next n samples are of equal length.
func (t *timeTable) same(n int64) bool {
	t.run()
	return t.left >= n || t.runs == 0
}

// advance goes n samples on and returns how long they last.
func (t *timeTable) advance(n int64) int64 {
	begin := t.now
	for n > 0 {
		t.run()
		step := n
		if t.left > 0 {
			step = min(n, t.left)
			t.left -= step
		}
		t.now += step * t.delta
		n -= step
	}
	return t.now - begin
}

// chunkRun is an entry of stsc: from a chunk on, so many samples are in each.
type chunkRun struct{ first, samples int64 }

// chunkTable tells where chunks lie and how many samples are in each.
type chunkTable struct {
	places, runs table
	wide         bool
	left, later  int64 // places and runs that were not read yet
	chunk        int64 // the last one that next returned, from 1
	run, ahead   chunkRun
	more         bool // there is a run ahead
}

// begin reads stsc and stco or co64.
func (t *chunkTable) begin(in *input, track *mp4Track) (err error) {
	*t = chunkTable{places: t.places, runs: t.runs, wide: track.wide}
	if t.wide {
		t.left, err = t.places.entries(in, track.places, "co64", 8)
	} else {
		t.left, err = t.places.entries(in, track.places, "stco", 4)
	}
	if err != nil {
		return err
	}
	if t.later, err = t.runs.entries(in, track.chunks, "stsc", 12); err != nil {
		return err
	}
	t.run, _ = t.nextRun()
	t.ahead, t.more = t.nextRun()
	if t.runs.err == nil && t.left > 0 && t.run.first != 1 {
		return flaw(`table "stsc" does not begin with chunk 1`)
	}
	return t.runs.err
}

// nextRun returns the next entry of stsc.
func (t *chunkTable) nextRun() (r chunkRun, ok bool) {
	if t.later == 0 {
		return r, false
	}
	t.later--
	b := t.runs.next(12)
	if b == nil {
		return r, false
	}
	return chunkRun{int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))}, true
}

// next returns the place of the next chunk and the number of samples in it,
// negative after the last one.
func (t *chunkTable) next() (at, samples int64, err error) {
	if t.left == 0 {
		return 0, -1, nil
	}
	t.left--
	t.chunk++
	if t.more && t.ahead.first <= t.run.first {
		return 0, 0, flawf(`table "stsc" is out of order at chunk %d`, t.chunk)
	}
	if t.more && t.ahead.first == t.chunk {
		t.run = t.ahead
		t.ahead, t.more = t.nextRun()
	}
	at = t.place()
	return at, t.run.samples, cmp.Or(t.places.err, t.runs.err)
}

// place returns the next entry of stco or co64.
func (t *chunkTable) place() int64 {
	if t.wide {
		if b := t.places.next(8); b != nil {
			return int64(binary.BigEndian.Uint64(b))
		}
	} else if b := t.places.next(4); b != nil {
		return int64(binary.BigEndian.Uint32(b))
	}
	return 0
}
