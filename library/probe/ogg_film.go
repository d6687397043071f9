package probe

import (
	"slices"

	"mustserv/ratelimit"
)

// Limits of films in Ogg files.
const (
	oggParts  = 1 << 12 // of packets whose time is not known yet
	oggPiece  = 16 << 10
	oggPieces = 3000      // of a long film that are looked at
	oggShare  = 10        // the part of it that they make up at most
	oggStep   = 2.0       // seconds from one to the next, if that is not more
	oggFactor = 1.15      // what lies between them may be this much more
	oggResync = 1 << 20   // bytes without a page before the rest is given up
	oggBegin  = 256 << 10 // that are looked at to see how long pages of sound are
	oggLag    = 1.0       // seconds that sound lies behind pictures, if no page of it was met
	maxOggLag = 10.0
)

// oggWalker reads all pages of a file.
type oggWalker struct {
	o      *oggFile
	curve  *curve
	base   float64 // seconds that were over when this link of the chain began
	opened bool    // streams of this link have begun to play
	lost   int64   // bytes without a page
}

// walk enters the packets of all pages.
func (o *oggFile) walk() (seconds float64, c Curve, err error) {
	w := &oggWalker{o: o, curve: newCurve(o.in.size), opened: true}
	for at := o.start; o.in.size-at >= oggPageHead; {
		p, err := o.page(at, oggWindow)
		if isFlaw(err) {
			if at, err = w.resync(at + 1); err == nil {
				continue
			}
			if isFlaw(err) {
				break
			}
		}
		if err != nil {
			return 0, c, err
		}
		if err := w.take(p); err != nil {
			return 0, c, err
		}
		at = p.end
	}
	c, err = w.curve.sum(w.lost == 0)
	return w.curve.seconds(), c, err
}

// resync returns the next page from a byte on.
func (w *oggWalker) resync(at int64) (int64, error) {
	w.curve.cut = true
	for w.lost < oggResync && w.o.in.size-at >= oggPageHead {
		pages, err := w.o.look(at, oggWindow)
		if err != nil {
			return 0, err
		}
		if len(pages) > 0 {
			w.lost += pages[0].at - at
			return pages[0].at, nil
		}
		at, w.lost = at+oggWindow-oggPageMost, w.lost+oggWindow
	}
	return 0, flawf("no more pages from byte %d on", at)
}

// take enters the packets of a page. Streams that begin after others have
// played are the next link of a chain, which goes on in time.
func (w *oggWalker) take(p oggPage) error {
	if p.first {
		if w.opened {
			w.opened, w.o.streams = false, nil
			if w.curve.payload > 0 {
				w.base = w.curve.last
			}
		}
		if w.o.stream(p.serial) != nil {
			return nil // nothing that plays can be behind it
		}
		if err := w.o.begin(p); err != nil {
			return err
		}
	}
	s := w.o.stream(p.serial)
	if s == nil || !s.counts() {
		return nil
	}
	ended := 0
	for part := range p.parts() {
		switch {
		case s.headers == 0 && len(s.parts) < oggParts:
			s.parts = append(s.parts, part)
			w.opened = true
		case s.headers > 0 && part.last:
			s.headers--
			continue
		}
		if part.last && s.headers == 0 {
			ended++
		}
	}
	if ended > 0 && p.granule != -1 {
		w.enter(s, p)
	}
	return nil
}

// enter adds the packets of a stream that have ended, the last of them with a
// page. Of pictures each is one unit of time; sound is divided evenly. Players
// take whole pages: the first and the last byte of one are needed for each.
func (w *oggWalker) enter(s *oggStream, p oggPage) {
	packets := int64(0)
	for _, part := range s.parts {
		if part.last {
			packets++
		}
	}
	if packets == 0 {
		return
	}
	begin, end := s.before, s.count(p.granule)
	switch length := float64(end-begin) / s.units; {
	case length < -1 || length > 60*oggGap: // a lie, or two films in one
		end = begin + packets
		s.late += s.count(p.granule) - end
	case s.Kind == "video" || length > oggGap:
		begin = end - packets
	}
	done, used := int64(0), 0
	for i, part := range s.parts {
		t, length := float64(begin), float64(end-begin)/float64(packets)
		due := w.base + (t+length*float64(done))/s.units
		w.curve.add(due, max(0, length/s.units), part.at, part.n)
		w.curve.add(due, 0, part.page, 1)
		w.curve.add(due, 0, part.to-1, 1)
		if part.last {
			done, used = done+1, i+1
		}
		if done == packets {
			break
		}
	}
	s.parts, s.before = slices.Delete(s.parts, 0, used), end
}

// oggPlace is a page of pictures: after so many seconds a player needs the file
// up to offset.
type oggPlace struct {
	time   float64
	offset int64
}

// sample measures a long film by pages of it everywhere, which are joined by
// straight lines.
func (o *oggFile) sample(s *oggStream) (seconds float64, c Curve, err error) {
	size := o.in.size - o.start
	end, _, err := o.lastSound(s)
	if err != nil {
		return 0, c, err
	}
	seconds = float64(end) / s.units
	if end <= 0 || float64(size)*8 < leastOgg*seconds {
		return 0, c, flawf("no page of the pictures in the last %d bytes; joined films of more than %d bytes are not measured", oggTail*oggWindow, oggWalk)
	}
	if err := o.spans(); err != nil {
		return 0, c, err
	}
	pieces := int64(min(seconds/oggStep, float64(size/oggPiece/oggShare), oggPieces))
	film := append(make([]oggPlace, 0, pieces+2), oggPlace{0, o.start})
	var lag float64
	for i := range pieces {
		place, late, err := o.piece(s, o.start+share(size, i+1, pieces+1))
		if err != nil {
			return 0, c, err
		}
		last := film[len(film)-1]
		if place.time > last.time && place.offset > last.offset && place.time < seconds {
			film = append(film, place)
		}
		lag = max(lag, late)
	}
	film = append(film, oggPlace{seconds, o.in.size})
	if lag == 0 && slices.ContainsFunc(o.streams, func(s *oggStream) bool { return s.Kind == "audio" }) {
		lag = oggLag
	}
	curve := newCurve(o.in.size)
	for i, p := range film[1:] {
		q := film[i]
		length := p.time - q.time
		curve.ramp(q.time, length, q.offset, p.offset-q.offset, 1.0/16)
		if lag > 0 { // sound comes this much later than pictures in the file: what it waits for
			curve.ramp(q.time-lag, length, q.offset, p.offset-q.offset, 1.0/16)
		}
	}
	c, err = curve.sum(false)
	c.Average = bitRate(float64(size) / seconds)
	c.Peak = ratelimit.Rate(float64(c.Peak) * oggFactor)
	for i, r := range c.Rates {
		c.Rates[i].Rate = ratelimit.Rate(float64(r.Rate) * oggFactor)
	}
	return seconds, c, err
}

// spans notes for each stream of sound how much the longest of its first pages
// holds.
func (o *oggFile) spans() error {
	pages, err := o.look(o.start, oggBegin)
	for _, p := range pages {
		if s := o.stream(p.serial); s != nil && s.Kind == "audio" && p.granule >= 0 {
			n := s.count(p.granule)
			if length := n - s.before; float64(length) < oggGap*s.units {
				s.span = max(s.span, length)
			}
			s.before = n
		}
	}
	return err
}

// piece returns the first page of pictures from a byte of the file on, and how
// many seconds later than pictures of its time the sound on the pages near it
// lies.
func (o *oggFile) piece(s *oggStream, at int64) (place oggPlace, lag float64, err error) {
	var pages []oggPage
	i := -1
	for _, n := range []int64{oggPiece, oggPiece + oggWindow} {
		if pages, err = o.look(at, n); err != nil {
			return place, 0, err
		}
		i = slices.IndexFunc(pages, func(p oggPage) bool { return p.serial == s.serial && p.granule >= 0 })
		if i >= 0 {
			break
		}
	}
	if i < 0 {
		return place, 0, nil
	}
	place = oggPlace{float64(s.count(pages[i].granule)) / s.units, pages[i].end}
	for _, p := range pages {
		if a := o.stream(p.serial); a != nil && a.Kind == "audio" && p.granule >= 0 {
			if late := place.time - float64(a.count(p.granule)-a.span)/a.units; late < maxOggLag {
				lag = max(lag, late)
			}
		}
	}
	return place, lag, nil
}
