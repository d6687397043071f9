package probe

import (
	"encoding/binary"
	"math"
)

// measureSampled judges the file by its index, and by tags here and there
// where that has none.
func (f *flvFile) measureSampled() (Curve, float64, error) {
	if err := f.heads(); err != nil {
		return Curve{}, 0, err
	}
	from, err := f.tag(f.start)
	if err != nil {
		return Curve{}, 0, err
	}
	to, err := f.tail()
	if err != nil {
		return Curve{}, 0, err
	}
	start := place{from.time, f.start}
	known, err := f.index(start, to)
	if err != nil {
		return Curve{}, 0, err
	}
	places := append(make([]place, 0, len(known)+2), start)
	for _, p := range append(known, to) {
		last := places[len(places)-1]
		if p.time > last.time+flvGap {
			more, err := f.in.between(last, p, f.find)
			if err != nil {
				return Curve{}, 0, err
			}
			places = append(places, more...)
		}
		places = append(places, p)
	}
	c := sampledCurve(rising(places), flvFactor, f.in.size, f.start, f.in.size-f.end)
	if c.Average <= 0 {
		return Curve{}, 0, flawf("%d bytes from byte %d on in %.3f s are no bit rate that is played", f.end-f.start, f.start, to.time-start.time)
	}
	c.Lead = max(c.Lead, f.lead)
	return c, f.seconds(to.time - max(0, start.time)), nil
}

// heads reads the first tags: the metadata, the codecs, the first samples.
func (f *flvFile) heads() error {
	at := f.first
	for range flvHeads {
		h, err := f.tag(at)
		if err != nil {
			return err
		}
		if _, err := f.take(h); err != nil {
			return err
		}
		if f.video != nil && f.sound != nil && f.start > 0 {
			break
		}
		at = h.end + 4
	}
	if f.start == 0 {
		return flawf("no sound or picture in %d tags up to byte %d", flvHeads, at)
	}
	return nil
}

// tail returns the end of the last tag and its time. The last four bytes of a
// whole file say how long that is; of one that was cut off, the end is the
// last tag that can be found.
func (f *flvFile) tail() (place, error) {
	b, err := f.in.peek(f.in.size-4, 4, 0)
	if err != nil {
		return place{}, err
	}
	at := f.in.size - 4 - int64(binary.BigEndian.Uint32(b))
	if at >= f.start {
		if h, err := f.tag(at); err == nil && h.end == f.in.size-4 {
			f.end = h.end
			return place{h.time, h.end}, nil
		} else if err != nil && !isFlaw(err) {
			return place{}, err
		}
	}
	f.cut = true
	for n := int64(64 << 10); n <= f.whole+1<<20 && f.in.size-n > f.start; n *= 4 {
		p, ok, err := f.find(f.in.size-n, f.in.size)
		if err != nil {
			return place{}, err
		}
		if ok {
			return f.lastAfter(p)
		}
	}
	return place{}, flawf("no tag near the end of the file (%d bytes)", f.in.size)
}

// lastAfter follows the tags from a place on, to the last that is whole.
func (f *flvFile) lastAfter(p place) (place, error) {
	for at := p.offset; ; {
		h, err := f.tag(at)
		if isFlaw(err) {
			p.offset, f.end = f.in.size, f.in.size
			return p, nil
		}
		if err != nil {
			return p, err
		}
		p.time, at = max(p.time, h.time), h.end+4
	}
}

// index returns the places of the index of key frames, none if it does not
// lead to tags of its times.
func (f *flvFile) index(start, end place) ([]place, error) {
	if f.meta == nil {
		return nil, nil
	}
	n := min(len(f.meta.times), len(f.meta.positions))
	places := make([]place, 0, n+1) // and the end
	for i := range n {
		p := place{f.meta.times[i], int64(max(0, min(f.meta.positions[i], 1<<62)))}
		if p.offset > start.offset && p.offset < end.offset && p.time >= start.time && p.time <= end.time {
			places = append(places, p)
		}
	}
	places = rising(places)
	for i := range min(flvChecked, len(places)) {
		p := places[i*(len(places)-1)/max(1, min(flvChecked, len(places))-1)]
		h, err := f.tag(p.offset)
		if err != nil && !isFlaw(err) {
			return nil, err
		}
		if err != nil || math.Abs(h.time-p.time) > 1 {
			return nil, nil
		}
		if h.kind == flvVideo {
			f.lead = max(f.lead, h.end-h.at)
		}
	}
	return places, nil
}

// find looks for a tag: its length stands behind it once more, and a tag
// follows.
func (f *flvFile) find(at, before int64) (place, bool, error) {
	for before-at >= flvTag {
		n := min(flvSearch, before-at)
		if f.piece == nil {
			f.piece = make([]byte, flvSearch)
		}
		b := f.piece[:n]
		if err := f.in.fill(b, at); err != nil {
			return place{}, false, err
		}
		for i := range max(0, len(b)-flvTag) {
			if (b[i] != flvSound && b[i] != flvVideo) || b[i+8]|b[i+9]|b[i+10] != 0 {
				continue
			}
			h, ok, err := f.isTag(at + int64(i))
			if err != nil || ok {
				return place{h.time, h.at}, ok, err
			}
		}
		at += max(1, n-flvTag)
	}
	return place{}, false, nil
}

// isTag reports whether there is a whole tag at a byte of the file.
func (f *flvFile) isTag(at int64) (flvHead, bool, error) {
	h, err := f.tag(at)
	if isFlaw(err) || err == nil && f.in.size-h.end < 4 {
		return h, false, nil
	}
	if err != nil {
		return h, false, err
	}
	n := min(4+flvTag, f.in.size-h.end)
	b, err := f.in.peek(h.end, int(n), 0)
	if err != nil || int64(binary.BigEndian.Uint32(b)) != h.end-at {
		return h, false, err
	}
	if n < 4+flvTag {
		return h, true, nil
	}
	kind := b[4] & 0x1f
	return h, (kind == flvSound || kind == flvVideo || kind == flvTexts) && b[12]|b[13]|b[14] == 0, nil
}
