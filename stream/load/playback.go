package load

import "time"

// playback is the buffer and the clock of a player. It is told what comes and
// when, and never waits itself: whether the clock has had to stop meanwhile
// follows from the curve.
type playback struct {
	options *Options
	curve   *Curve // nil if the player does not play but drain

	position int64         // of the next byte to come
	asked    time.Time     // when the player began, or jumped
	first    time.Time     // when the first byte after that came; zero before
	shown    time.Duration // media time at which the clock was started, or stands
	since    time.Time     // when the clock was started, perhaps in the future; zero while it stands
	dry      time.Time     // since when the player stalls; zero if it does not

	startups []time.Duration
	stalls   int
	stalled  time.Duration
}

// begin starts the player, or lets it jump, to media time at.
func (p *playback) begin(at time.Duration, now time.Time) {
	p.settle(now)
	p.recover(now)
	p.asked, p.first, p.since, p.shown = now, time.Time{}, time.Time{}, at
	p.position = 0
	if p.curve != nil && at > 0 {
		p.position = p.curve.due(at)
	}
}

// got tells that n bytes have come.
func (p *playback) got(n int64, now time.Time) {
	p.settle(now)
	p.position += n
	if p.first.IsZero() {
		p.first = now
	}
	if p.since.IsZero() && p.enough() {
		p.play(now)
	}
}

// enough reports whether there is what a standing clock waits for.
func (p *playback) enough() bool {
	if p.curve == nil {
		return true
	}
	have := p.curve.until(p.position)
	return have-p.shown >= p.options.Start || have >= p.curve.duration() || p.position-p.curve.due(p.shown) >= p.options.BufferBytes
}

// play starts the clock: at once after a stall, else not before the cache has
// had its time.
func (p *playback) play(now time.Time) {
	if !p.dry.IsZero() {
		p.recover(now)
		p.since = now
		return
	}
	p.since = now
	if p.curve != nil && now.Sub(p.first) < p.options.Cache {
		p.since = p.first.Add(p.options.Cache)
	}
	p.startups = append(p.startups, p.since.Sub(p.asked))
}

// settle finds out whether the bytes that are there have lasted until now.
func (p *playback) settle(now time.Time) {
	if p.curve == nil || p.since.IsZero() {
		return
	}
	have := p.curve.until(p.position)
	if have < p.curve.duration() && p.at(now) > have {
		p.dry = p.since.Add(have - p.shown)
		p.shown, p.since = have, time.Time{}
		p.stalls++
	}
}

// recover ends a stall.
func (p *playback) recover(now time.Time) {
	if !p.dry.IsZero() {
		p.stalled += now.Sub(p.dry)
		p.dry = time.Time{}
	}
}

// end is the last that is told.
func (p *playback) end(now time.Time) {
	p.settle(now)
	p.recover(now)
}

// at returns the media time that is shown.
func (p *playback) at(now time.Time) time.Duration {
	if p.since.IsZero() || now.Before(p.since) {
		return p.shown
	}
	return min(p.shown+now.Sub(p.since), p.curve.duration())
}

// drainedBy is how much of its buffer a player plays before it reads again.
const drainedBy = 500 * time.Millisecond

// full reports how long the player has to play on before it reads again.
func (p *playback) full(now time.Time) time.Duration {
	if p.curve == nil || p.since.IsZero() {
		return 0
	}
	at := p.at(now)
	if p.curve.until(p.position)-at < p.options.Buffer && p.position-p.curve.due(at) < p.options.BufferBytes {
		return 0
	}
	return drainedBy
}

// over reports whether the player has all that it plays.
func (p *playback) over() bool {
	return p.curve != nil && p.curve.until(p.position) >= p.curve.duration()
}
