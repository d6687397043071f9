package probe

import (
	"bytes"
	"slices"
)

// mkvFactor makes up for what the lines between places up to 5 s apart hide.
const mkvFactor = 1.15

// Limits of how large files are looked at.
const (
	mkvGap      = 5.0     // seconds between cues before the clusters between them are looked at
	mkvClusters = 20000   // that are stepped over
	mkvChecked  = 16      // cues that are compared with their clusters
	mkvReach    = 33      // seconds that a cluster lasts at most: a block counts 2^15 ms from its begin
	mkvSearch   = 8 << 10 // bytes that are searched at a time
	mkvTail     = 4 << 20 // bytes at the end in which a cluster is looked for
)

// mkvHead is the begin of a cluster.
type mkvHead struct {
	ebmlElement
	time  float64
	block int64 // where its first block begins, 0: it has none
}

// soundOnly reports whether there is no track with pictures.
func (f *mkvFile) soundOnly() bool {
	return !slices.ContainsFunc(f.tracks, func(t *mkvTrack) bool { return t.Kind == "video" })
}

// trusted reports whether the playing time that the file tells can be
// believed: the file is whole, and its index ends at about that time.
func (f *mkvFile) trusted() bool {
	said := f.duration * f.scale
	if f.cut || !(said > 0 && said < maxTime) {
		return false
	}
	last := 0.0
	for _, c := range f.cues {
		last = max(last, c.time)
	}
	return last == 0 || last <= said+1 && last >= said/2
}

// media returns where the media end.
func (f *mkvFile) media() int64 {
	if f.past > 0 {
		return f.past
	}
	return f.end
}

// measureSound is for files without pictures: the rule for sound serves.
func (f *mkvFile) measureSound(seconds float64) (Curve, float64, error) {
	head, err := f.clusterHead(f.first)
	if err != nil {
		return Curve{}, 0, err
	}
	if seconds <= 0 || f.media() <= head.block || head.block == 0 {
		return Curve{}, 0, flawf("no sound from byte %d on", f.first)
	}
	return soundCurve(head.block, f.media(), f.in.size, seconds), seconds, nil
}

// measureSampled judges the file by the places that cues and clusters tell.
func (f *mkvFile) measureSampled() (Curve, float64, error) {
	head, err := f.clusterHead(f.first)
	if err != nil {
		return Curve{}, 0, err
	}
	if err := f.checkCues(); err != nil {
		return Curve{}, 0, err
	}
	start := place{head.time, max(f.first, head.block)}
	places, last, err := f.places(start)
	if err != nil {
		return Curve{}, 0, err
	}
	end := place{f.duration * f.scale, f.media()}
	if base := start.time; end.time < last.time && end.time > last.time-base {
		end.time += base // the file counts from its first block
	}
	if f.cut || end.time < last.time || end.time > last.time+mkvReach {
		if end.time, err = f.lastTime(last.offset); err != nil {
			return Curve{}, 0, err
		}
	}
	if places, err = f.refine(rising(append(places, end))); err != nil {
		return Curve{}, 0, err
	}
	c := sampledCurve(places, mkvFactor, f.in.size, start.offset, f.in.size-end.offset)
	if c.Average <= 0 {
		return Curve{}, 0, flawf("%d bytes from byte %d on in %.3f s are no bit rate that is played", end.offset-start.offset, start.offset, end.time-start.time)
	}
	c.Lead = max(c.Lead, f.lead)
	return c, f.seconds(end.time - max(0, start.time)), nil
}

// clusterHead reads the begin of the cluster at a byte of the file, up to its
// first block.
func (f *mkvFile) clusterHead(at int64) (mkvHead, error) {
	e, err := f.in.element(at, f.end, clusterAhead)
	h := mkvHead{ebmlElement: e}
	if err != nil {
		return h, err
	}
	if e.id != mkvCluster {
		return h, flawf("%v, where a Cluster should be", e)
	}
	ticks, dated := uint64(0), false
	for at, n := e.body, 0; at < min(e.end, f.end) && n < 8; n++ {
		c, err := f.in.element(at, min(e.end, f.end), clusterAhead)
		if err != nil {
			return h, err
		}
		switch c.id {
		case mkvTimestamp:
			if ticks, err = f.number(c); err != nil {
				return h, err
			}
			h.time, dated = float64(ticks)*f.scale, true
		case mkvSimpleBlock, mkvBlockGroup:
			if h.block == 0 {
				h.block = c.at
			}
			_, err := f.block(c, ticks, func(t *mkvTrack, b mkvBlockAt) bool {
				if t.Kind == "video" {
					f.lead = max(f.lead, b.size)
				}
				return false
			})
			if err != nil && !isFlaw(err) {
				return h, err
			}
			n = 8
		}
		if c.open {
			break
		}
		at = c.end
	}
	if !dated || !(h.time < maxTime) {
		return h, flawf("%v has no time", e)
	}
	return h, nil
}

// checkCues drops the cues if they do not lead to clusters of their times.
// They are the same for all blocks of a cluster.
func (f *mkvFile) checkCues() error {
	f.cues = slices.DeleteFunc(f.cues, func(c mkvCue) bool { return c.cluster < f.first || c.offset >= f.media() })
	for i := range min(mkvChecked, len(f.cues)) {
		c := f.cues[i*(len(f.cues)-1)/max(1, min(mkvChecked, len(f.cues))-1)]
		h, err := f.clusterHead(c.cluster)
		if err != nil && !isFlaw(err) {
			return err
		}
		if err != nil || c.time < h.time-mkvReach || c.time > h.time+mkvReach {
			f.cues = nil
			return nil
		}
	}
	return nil
}

// places returns the places of the cues, and of the clusters where cues are
// far apart, and the last cluster.
func (f *mkvFile) places(start place) (found []place, last place, err error) {
	found = append(make([]place, 0, len(f.cues)+2), start) // and the end
	w := mkvWalk{file: f, at: f.first, last: place{start.time, f.first}, found: found}
	for _, c := range f.cues {
		if c.time > w.last.time+mkvGap && c.cluster > w.at {
			if err := w.until(c.cluster, c.time); err != nil {
				return nil, last, err
			}
		}
		if c.time >= w.last.time && c.cluster >= w.at {
			w.at, w.last = c.cluster, c.place
			w.found = append(w.found, c.place)
		}
	}
	if err := w.until(f.media(), f.duration*f.scale); err != nil {
		return nil, last, err
	}
	return rising(w.found), place{w.last.time, w.at}, nil
}

// mkvWalk steps from cluster to cluster.
type mkvWalk struct {
	file  *mkvFile
	at    int64 // of the last cluster
	last  place // that is known
	found []place
	steps int
}

// until steps over the clusters before a byte of the file that is played at
// about a time, 0 if that is not known. Where clusters do not tell where they
// end, they are searched for here and there.
func (w *mkvWalk) until(end int64, time float64) error {
	f := w.file
	for at := w.at; at < end && w.steps < mkvClusters; w.steps++ {
		e, err := f.in.element(at, f.end, clusterAhead)
		if err == nil && e.id == mkvCluster {
			var h mkvHead
			if h, err = f.clusterHead(at); err == nil {
				w.keep(place{h.time, at})
				if e.open {
					return w.search(end, time)
				}
			}
		}
		if isFlaw(err) || err == nil && (e.open || mkvName(e.id) == "" && e.id != mkvVoid) {
			f.cut = f.cut || end == f.media()
			return nil
		}
		if err != nil {
			return err
		}
		if e.end > f.end {
			f.cut = true
		}
		at = e.end
	}
	return nil
}

// keep notes the place of a cluster.
func (w *mkvWalk) keep(p place) {
	w.at = p.offset
	if p.time >= w.last.time && p.offset > w.last.offset {
		w.found, w.last = append(w.found, p), p
	}
}

// search looks for clusters here and there up to a byte of the file.
func (w *mkvWalk) search(end int64, time float64) error {
	f := w.file
	if time <= w.last.time {
		last, err := f.lastTime(w.at)
		if err != nil {
			return err
		}
		time = last
	}
	places, err := f.in.between(w.last, place{time, end}, f.find)
	for _, p := range places {
		w.keep(p)
	}
	return err
}

// find looks for a cluster.
func (f *mkvFile) find(at, before int64) (place, bool, error) {
	for before-at > ebmlHead {
		n := min(mkvSearch, before-at)
		b, err := f.in.peek(at, int(n), 0)
		if err != nil {
			return place{}, false, err
		}
		for _, i := range clusterMarks(b) {
			h, err := f.clusterHead(at + i)
			if err == nil {
				return place{h.time, h.at}, true, nil
			}
			if !isFlaw(err) {
				return place{}, false, err
			}
		}
		at += n - 3
	}
	return place{}, false, nil
}

// lastTime returns the time of the end of the last block, by the last cluster
// from a byte of the file on that lies near its end.
func (f *mkvFile) lastTime(from int64) (float64, error) {
	end := f.media()
	from = max(from, f.first)
	for n := int64(64 << 10); end-n > from && n <= mkvTail; n *= 4 {
		b, err := f.in.load(end-n, n)
		if err != nil {
			return 0, err
		}
		for _, i := range slices.Backward(clusterMarks(b)) {
			if _, err := f.clusterHead(end - n + i); err == nil {
				return f.timeAfter(end - n + i)
			} else if !isFlaw(err) {
				return 0, err
			}
		}
	}
	return f.timeAfter(from)
}

// clusterMarks returns where in b a cluster may begin.
func clusterMarks(b []byte) (out []int64) {
	mark := []byte{0x1f, 0x43, 0xb6, 0x75}
	for at := 0; ; at += len(mark) {
		i := bytes.Index(b[at:], mark)
		if i < 0 {
			return out
		}
		at += i
		out = append(out, int64(at))
	}
}

// timeAfter returns the time of the end of the last block from a cluster on.
func (f *mkvFile) timeAfter(at int64) (float64, error) {
	var last float64
	err := f.blocks(at, f.media(), func(t *mkvTrack, b mkvBlockAt) bool {
		last = max(last, b.time+max(b.length, t.frame))
		return true
	})
	return last, err
}
