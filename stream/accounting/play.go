package accounting

import "time"

const (
	startup = time.Second // after its request a player begins to play
	unpaced = 100e6 / 8   // bytes a second that a server without pacing would send at least
)

// play is how far a player is ahead of its clock, as far as a server can tell.
type play struct {
	average int64         // bit/s; 0 if not known
	began   time.Duration // of the session, when the player last began somewhere else, and its pauses since,
	sent    int64         // and the bytes sent since then
	stalls  int64         // how often what it had must have run out
}

// jump says that the player begins somewhere else.
func (p *play) jump(now time.Duration) { p.began, p.sent = now, 0 }

// lead is how much play was sent since the last jump beyond the time that has
// passed; less than nothing where the player can't have played all the time.
func (p *play) lead(now time.Duration) time.Duration {
	if p.average <= 0 {
		return 0
	}
	return time.Duration(float64(p.sent)*8/float64(p.average)*float64(time.Second)) - (now - p.began)
}

// add says that n more bytes go out. Where they come too late the player has
// stalled; it goes on with them.
func (p *play) add(n int64, now time.Duration) {
	switch {
	case p.sent == 0:
		p.began = now
	case p.lead(now) < -startup:
		p.stalls++
		p.jump(now)
	}
	p.sent += n
}

// rest says that the player has not played for a while.
func (p *play) rest(d time.Duration) { p.began += d }

// resume says that the player asks for more after it had no request open. If
// it has none of what it was sent any more, it was not playing.
func (p *play) resume(now time.Duration) {
	if p.lead(now) < 0 {
		p.jump(now)
	}
}

// saved is how many bytes of a request were not sent in vain: the player went
// away before, and a server that does not pace would have sent them.
func saved(asked, sent int64, open time.Duration) int64 {
	return max(0, min(asked, int64(unpaced*open.Seconds()))-sent)
}
