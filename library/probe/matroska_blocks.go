package probe

import (
	"cmp"
	"math"
	"slices"
)

// Limits of how clusters are read.
const (
	blockAhead   = 32 << 10 // bytes that are read where more blocks follow
	clusterAhead = 96       // bytes that are read of a cluster or block that is stepped over
	reordered    = 16       // pictures at most before the one that they are shown after
	mostResumed  = 16       // times that a damaged file is taken up again
	judged       = 256      // pictures by which their order is judged
	mkvLaced     = 6        // flags of a block of several frames
)

// mkvBlockAt is a block: its bytes, its time and how long it lasts.
type mkvBlockAt struct {
	time, length float64
	start, size  int64
	data         extent // its content; empty where that is several frames
}

// mkvVisit takes a block of a track that counts; more is false to stop.
type mkvVisit func(t *mkvTrack, b mkvBlockAt) (more bool)

// measure returns the curve and the playing time.
func (f *mkvFile) measure() (Curve, float64, error) {
	switch whole := f.end-f.first <= f.whole; {
	case f.soundOnly() && f.trusted():
		return f.measureSound(f.duration * f.scale)
	case whole:
		return f.measureWhole()
	}
	f.ahead = window
	if f.soundOnly() {
		last, err := f.lastTime(0)
		if err != nil {
			return Curve{}, 0, err
		}
		return f.measureSound(last)
	}
	return f.measureSampled()
}

// measureWhole reads the headers of all blocks.
func (f *mkvFile) measureWhole() (Curve, float64, error) {
	c := newCurve(f.in.size)
	err := f.blocks(f.first, f.end, func(t *mkvTrack, b mkvBlockAt) bool {
		t.enter(c, b)
		return true
	})
	if err != nil {
		return Curve{}, 0, err
	}
	for _, t := range f.tracks {
		t.order(c)
	}
	sum, err := c.sum(!f.cut)
	if err != nil {
		return Curve{}, 0, err
	}
	f.countPictures(c.seconds())
	return sum, f.seconds(c.last - max(0, c.first)), nil
}

// countPictures enters how many pictures there are in a second where the file
// does not tell.
func (f *mkvFile) countPictures(seconds float64) {
	for _, t := range f.tracks {
		if t.Kind == "video" && t.Frames == 0 && t.blocks > 1 && seconds > 0 {
			t.Frames = math.Round(float64(t.blocks)/seconds*1e3) / 1e3
		}
	}
}

// seconds returns the playing time: what the file says, if that is not far
// from what was found.
func (f *mkvFile) seconds(known float64) float64 {
	if said := f.duration * f.scale; !f.cut && said > known*0.8 && said < known*1.25 {
		return said
	}
	return max(0, known)
}

// blocks calls visit for the blocks of the clusters between two bytes of the
// file, in the file's order.
func (f *mkvFile) blocks(at, end int64, visit mkvVisit) error {
	for at < end {
		e, err := f.in.element(at, f.end, f.ahead)
		switch {
		case isFlaw(err):
			f.cut = true
			if at, err = f.resume(at+1, end); err != nil || at == 0 {
				return err
			}
			continue
		case err != nil:
			return err
		case e.id == mkvCluster:
			if at, err = f.cluster(e, visit); err != nil || at == 0 {
				return err
			}
			continue
		case e.id == mkvEBML || e.id == mkvSegment: // another file behind this one
			return nil
		case e.open || e.end > f.end:
			f.cut = true
			if at, err = f.resume(e.body, end); err != nil || at == 0 {
				return err
			}
			continue
		}
		if err := f.take(e); err != nil && !isFlaw(err) {
			return err
		}
		at = e.end
	}
	return nil
}

// resume returns the next cluster behind damaged bytes, 0 if there is none.
func (f *mkvFile) resume(at, end int64) (int64, error) {
	if f.resumed++; f.resumed > mostResumed {
		return 0, nil
	}
	p, _, err := f.find(at, end)
	return p.offset, err
}

// cluster calls visit for the blocks of a cluster and returns where it ends,
// 0 if visit has stopped. What is not in order ends the cluster.
func (f *mkvFile) cluster(cluster ebmlElement, visit mkvVisit) (int64, error) {
	var ticks uint64
	end := min(cluster.end, f.end)
	f.cut = f.cut || cluster.end > f.end
	for at := cluster.body; at < end; {
		e, err := f.in.element(at, end, f.ahead)
		if cluster.open && err == nil && mkvName(e.id) != "" {
			return at, nil
		}
		if isFlaw(err) || err == nil && e.open {
			f.cut = true
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		switch e.id {
		case mkvTimestamp:
			ticks, err = f.number(e)
		case mkvSimpleBlock, mkvBlockGroup:
			more := true
			if more, err = f.block(e, ticks, visit); !more && err == nil {
				return 0, nil
			}
		}
		if err != nil && !isFlaw(err) {
			return 0, err
		}
		f.cut = f.cut || err != nil
		at = e.end
	}
	return end, nil
}

// number returns the content of an element as a number.
func (f *mkvFile) number(e ebmlElement) (uint64, error) {
	n := e.end - e.body
	if n > 8 || e.end > f.end {
		return 0, flawf("%v: %d bytes are no number", e, n)
	}
	b, err := f.in.peek(e.body, int(n), clusterAhead)
	return ebmlUint(b), err
}

// block calls visit for a block, or the one in a group.
func (f *mkvFile) block(e ebmlElement, ticks uint64, visit mkvVisit) (more bool, err error) {
	block, length, from := e, uint64(0), e.at
	if e.id == mkvBlockGroup {
		block.end = 0
		for at, n := e.body, 0; at < min(e.end, f.end) && n < maxSeeks; n++ {
			c, err := f.in.element(at, min(e.end, f.end), clusterAhead)
			if err != nil {
				return true, err
			}
			switch {
			case c.open:
				return true, flawf("%v does not tell its length", c)
			case c.id == mkvBlock:
				block = c
			case c.id == mkvBlockLength:
				if length, err = f.number(c); err != nil {
					return true, err
				}
			}
			at = c.end
		}
	}
	n := min(11, block.end-block.body, f.end-block.body)
	if n < 4 {
		return true, flawf("%v holds no block", e)
	}
	b, err := f.in.peek(block.body, int(n), clusterAhead)
	if err != nil {
		return true, err
	}
	number, k := ebmlNumber(b)
	t := f.track(number)
	if k == 0 || len(b) < k+2 || t == nil || !t.counts() && t != f.texts {
		return true, nil
	}
	at := float64(ticks) + float64(int16(uint16(b[k])<<8|uint16(b[k+1])))
	f.cut = f.cut || block.end > f.end
	if at*f.scale < -1 {
		return true, flawf("%v is due %.0f s before the begin", e, -at*f.scale)
	}
	data := extent{block.body + int64(k) + 3, min(block.end, f.end)}
	if len(b) < k+3 || b[k+2]&mkvLaced != 0 {
		data = extent{}
	}
	return visit(t, mkvBlockAt{at * f.scale, float64(length) * f.scale, from, block.end - from, data}), nil
}

// enter enters a block into the curve. Pictures are stored in the order in
// which they are decoded, but with the time at which they are shown, and due
// when they are decoded.
func (t *mkvTrack) enter(c *curve, b mkvBlockAt) {
	t.blocks++
	if b.length == 0 {
		b.length = t.frame
	}
	if step := b.time - t.before; b.length == 0 && step > 0 && step < 1 {
		b.length = step
	}
	t.before = b.time
	switch {
	case t.Kind != "video":
		c.add(b.time, b.length, b.start, b.size)
	case t.ordered:
		t.decode(c, b)
	default:
		t.pending = append(t.pending, b)
		if len(t.pending) >= judged {
			t.order(c)
		}
	}
}

// order finds out by how many pictures decoding runs ahead of showing, and
// enters the blocks that have waited for that.
func (t *mkvTrack) order(c *curve) {
	for i, b := range t.pending {
		later := 0
		for _, p := range t.pending[max(0, i-reordered):i] {
			if p.time > b.time {
				later++
			}
		}
		t.ahead = max(t.ahead, later)
	}
	t.ordered = true
	if len(t.pending) > 0 {
		first := slices.MinFunc(t.pending, func(a, b mkvBlockAt) int { return cmp.Compare(a.time, b.time) }).time
		for i := range t.ahead {
			t.shown = append(t.shown, first-float64(t.ahead-i)*t.frame)
		}
	}
	for _, b := range t.pending {
		t.decode(c, b)
	}
	t.pending = nil
}

// decode enters a block of a picture: the pictures are decoded at the times at
// which they are shown, in order, but some pictures ahead.
func (t *mkvTrack) decode(c *curve, b mkvBlockAt) {
	i, _ := slices.BinarySearch(t.shown, b.time)
	t.shown = slices.Insert(t.shown, i, b.time)
	due := t.shown[0]
	t.shown = slices.Delete(t.shown, 0, 1)
	c.add(due, b.length, b.start, b.size)
}
