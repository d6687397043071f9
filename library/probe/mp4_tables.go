package probe

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/abema/go-mp4"
)

// mp4Track is one track: its description, and the tables of its samples as
// they lie in the moov box, each with version and flags in front.
type mp4Track struct {
	Track
	id        uint32
	handler   string
	timescale int64

	description, edits           []byte
	times, sizes, chunks, places []byte
	packed, wide                 bool    // kinds of sizes and places
	shift                        float64 // seconds that the edit list adds
	defaults                     mp4.Trex

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

// entries returns the entries of a table with a count before them, checked to
// be there. skip is the number of bytes between flags and count.
func entries(table []byte, name string, skip, size int) (n int64, body []byte, err error) {
	if len(table) == 0 {
		return 0, nil, nil
	}
	if len(table) < skip+8 {
		return 0, nil, flawf("table %q is cut off", name)
	}
	n, body = int64(binary.BigEndian.Uint32(table[4+skip:])), table[8+skip:]
	if n*int64(size) > int64(len(body)) {
		return 0, nil, flawf("table %q has %d entries in %d bytes", name, n, len(body))
	}
	return n, body, nil
}

// list enters the samples that the tables list into c.
func (t *mp4Track) list(ctx context.Context, c *curve) error {
	if !t.counts() {
		return nil
	}
	if t.timescale <= 0 {
		return flaw("its timescale is 0")
	}
	sizes, err := t.sampleSizes(c.size)
	if err != nil {
		return err
	}
	times, err := newTimeTable(t.times, sizes.count)
	if err != nil {
		return err
	}
	chunks, err := t.chunkTable()
	if err != nil {
		return err
	}
	err = t.place(ctx, c, sizes, times, chunks)
	t.next = times.now
	t.count, t.span = evenTimes(t.times, sizes.count, times.now)
	return err
}

// evenTimes returns a number of samples and how long they last. If most of
// them are of equal length, it is theirs: the last picture often stays longer.
func evenTimes(stts []byte, samples, length int64) (count, span int64) {
	n, body, err := entries(stts, "stts", 0, 8)
	if err != nil {
		return 0, 0
	}
	for b := body[:n*8]; len(b) > 0; b = b[8:] {
		if run := int64(binary.BigEndian.Uint32(b)); run > samples/4*3 && run > 1 {
			return run, run * int64(binary.BigEndian.Uint32(b[4:]))
		}
	}
	return samples, length
}

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

// place enters the samples chunk by chunk. The first one past the end of the
// file ends the list: the file is cut off there.
func (t *mp4Track) place(ctx context.Context, c *curve, sizes sizeTable, times *timeTable, chunks *chunkTable) error {
	for done, k := int64(0), 0; done < sizes.count; k++ {
		if k%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at, n, err := chunks.next()
		if err != nil || n < 0 {
			return err
		}
		n = min(n, sizes.count-done)
		inside := false
		if sizes.fixed > 0 && times.same(n) {
			inside = t.block(c, at, n, sizes, times)
		} else {
			inside = t.samples(c, at, done, n, sizes, times)
		}
		if !inside {
			return nil
		}
		done += n
	}
	return nil
}

// seconds returns a time of the track.
func (t *mp4Track) seconds(at int64) float64 { return float64(at) / float64(t.timescale) }

// samples enters n samples that lie one after the other.
func (t *mp4Track) samples(c *curve, at, first, n int64, sizes sizeTable, times *timeTable) bool {
	for i := first; i < first+n; i++ {
		begin, size := times.now, sizes.of(i)
		length := times.advance(1)
		if !c.add(t.seconds(begin)+t.shift, t.seconds(length), at, size) {
			return false
		}
		at += size
	}
	return true
}

// block enters n samples of equal size and length, of which uncompressed sound
// has so many that they are better taken in pieces of a thousand.
func (t *mp4Track) block(c *curve, at, n int64, sizes sizeTable, times *timeTable) bool {
	begin := times.now
	length := t.seconds(times.advance(n))
	bytes, piece := n*sizes.fixed, length/float64(max(n, 1))
	if t.packetBytes > 0 && times.delta == 1 && (sizes.fixed == 1 || t.packetSamples > 1) {
		bytes = (n + t.packetSamples - 1) / t.packetSamples * t.packetBytes
	}
	if times.delta == 1 {
		piece *= float64(max(1024, sizes.count>>20))
	}
	c.ramp(t.seconds(begin)+t.shift, length, at, bytes, piece)
	return at >= 0 && at < c.size
}

// sizeTable tells the sizes of samples.
type sizeTable struct {
	count int64
	fixed int64 // size of all, if not 0
	bits  int   // of an entry: 4, 8, 16 or 32
	body  []byte
}

// sampleSizes reads stsz or stz2. No more samples are believed than fit a file
// of size bytes.
func (t *mp4Track) sampleSizes(size int64) (sizeTable, error) {
	s := sizeTable{bits: 32}
	if len(t.sizes) == 0 {
		return s, nil
	}
	if len(t.sizes) < 12 {
		return s, flaw(`table "stsz" is cut off`)
	}
	if t.packed {
		s.bits = int(t.sizes[7])
		if s.bits != 4 && s.bits != 8 && s.bits != 16 {
			return s, flawf(`table "stz2" has entries of %d bits`, s.bits)
		}
	} else {
		s.fixed = int64(binary.BigEndian.Uint32(t.sizes[4:]))
	}
	s.count, s.body = int64(binary.BigEndian.Uint32(t.sizes[8:])), t.sizes[12:]
	switch {
	case s.fixed > 0 && s.count > size/s.fixed:
		return s, flawf(`table "stsz" has %d samples of %d bytes, more than the file holds (%d bytes)`, s.count, s.fixed, size)
	case s.fixed == 0 && s.count*int64(s.bits) > int64(len(s.body))*8:
		return s, flawf(`table "stsz" has %d entries in %d bytes`, s.count, len(s.body))
	}
	return s, nil
}

// of returns the size of sample i.
func (s sizeTable) of(i int64) int64 {
	switch {
	case s.fixed > 0:
		return s.fixed
	case s.bits == 32:
		return int64(binary.BigEndian.Uint32(s.body[i*4:]))
	case s.bits == 16:
		return int64(binary.BigEndian.Uint16(s.body[i*2:]))
	case s.bits == 8:
		return int64(s.body[i])
	}
	return int64(s.body[i/2] >> (4 - i%2*4) & 15)
}

// timeTable tells the times of samples, one after the other.
type timeTable struct {
	body  []byte // the runs left: count and length of a sample
	now   int64  // time of the next sample
	left  int64  // samples left in the run
	delta int64  // length of a sample of the run
}

// newTimeTable reads stts, for a number of samples.
func newTimeTable(stts []byte, samples int64) (*timeTable, error) {
	n, body, err := entries(stts, "stts", 0, 8)
	if err != nil {
		return nil, err
	}
	for b := body[:n*8]; len(b) > 0; b = b[8:] {
		if run := int64(binary.BigEndian.Uint32(b)); run > samples+1 { // one too many is met in real files
			return nil, flawf(`table "stts" has a run of %d samples, of %d in all`, run, samples)
		}
	}
	return &timeTable{body: body[:n*8]}, nil
}

// run makes the next run the current one, if the current one is used up. The
// last one goes on for ever.
func (t *timeTable) run() {
	for t.left == 0 && len(t.body) > 0 {
		t.left, t.delta = int64(binary.BigEndian.Uint32(t.body)), int64(binary.BigEndian.Uint32(t.body[4:]))
		if t.delta > 1<<31-1 {
			t.delta = 0 // a step back in time, as broken files have it
		}
		t.body = t.body[8:]
	}
}

// same reports whether the next n samples are of equal length.
func (t *timeTable) same(n int64) bool {
	t.run()
	return t.left >= n || len(t.body) == 0
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

// chunkTable tells where chunks lie and how many samples are in each.
type chunkTable struct {
	places []byte
	wide   bool
	runs   []byte // the runs left, the current one first
	chunk  uint32 // the last chunk that next returned, from 1
}

// chunkTable reads stsc and stco or co64.
func (t *mp4Track) chunkTable() (*chunkTable, error) {
	size, name := 4, "stco"
	if t.wide {
		size, name = 8, "co64"
	}
	n, places, err := entries(t.places, name, 0, size)
	if err != nil {
		return nil, err
	}
	runs, body, err := entries(t.chunks, "stsc", 0, 12)
	if err != nil {
		return nil, err
	}
	if n > 0 && (runs == 0 || binary.BigEndian.Uint32(body) != 1) {
		return nil, flaw(`table "stsc" does not begin with chunk 1`)
	}
	return &chunkTable{places: places[:n*int64(size)], wide: t.wide, runs: body[:runs*12]}, nil
}

// next returns the place of the next chunk and the number of samples in it,
// negative after the last one.
func (t *chunkTable) next() (at, samples int64, err error) {
	size := 4
	if t.wide {
		size = 8
	}
	if len(t.places) == 0 {
		return 0, -1, nil
	}
	if t.wide {
		at = int64(binary.BigEndian.Uint64(t.places))
	} else {
		at = int64(binary.BigEndian.Uint32(t.places))
	}
	t.places = t.places[size:]
	t.chunk++
	if len(t.runs) >= 24 {
		following := binary.BigEndian.Uint32(t.runs[12:])
		if following <= binary.BigEndian.Uint32(t.runs) {
			return 0, 0, flawf(`table "stsc" is out of order at chunk %d`, t.chunk)
		}
		if following == t.chunk {
			t.runs = t.runs[12:]
		}
	}
	return at, int64(binary.BigEndian.Uint32(t.runs[4:])), nil
}
