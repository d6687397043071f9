package accounting

import (
	"math"
	"time"
)

// Cutter ends what a transfer counts before its time.
type Cutter interface {
	// Cut is called from any goroutine, but not after the transfer's End. The
	// ledger is locked meanwhile: it must neither wait nor ask the ledger.
	Cut()
}

// Transfer is the bytes of one request. It belongs to one goroutine.
type Transfer struct {
	session       *session
	next          *Transfer // of the session's that are open
	cutter        Cutter
	began         time.Duration // since its session did
	asked, sent   int64         // bytes
	retransmitted int32
	ended         bool
}

// Add books n bytes as sent.
func (t *Transfer) Add(n int64) {
	if n <= 0 {
		return
	}
	now := time.Now()
	t.session.ledger.mu.Lock()
	defer t.session.ledger.mu.Unlock()
	t.sent += n
	t.session.ledger.sums.Bytes += n
	t.session.ledger.meter.add(n, now)
	t.session.ledger.sums.Stalls += t.session.add(n, now)
}

// Progress returns how many bytes are booked, and whether the transfer has
// ended. It may be called from any goroutine.
func (t *Transfer) Progress() (sent int64, ended bool) {
	t.session.ledger.mu.Lock()
	defer t.session.ledger.mu.Unlock()
	return t.sent, t.ended
}

// OnCut says who ends the transfer if its session is ended, instead of the one
// before. If it has been ended already, c is asked at once.
func (t *Transfer) OnCut(c Cutter) {
	t.session.ledger.mu.Lock()
	defer t.session.ledger.mu.Unlock()
	t.cutter = c
	if t.session.ended {
		t.cut()
	}
}

func (t *Transfer) cut() {
	if t.cutter != nil && !t.ended {
		t.cutter.Cut()
	}
}

// Paused books that the player took no bytes for a while.
func (t *Transfer) Paused(d time.Duration) {
	t.session.ledger.mu.Lock()
	defer t.session.ledger.mu.Unlock()
	t.session.play.rest(d)
}

// Network books how the network does: its round trip, and how many segments
// were sent again since the transfer began.
func (t *Transfer) Network(rtt time.Duration, retransmitted int64) {
	t.session.ledger.mu.Lock()
	defer t.session.ledger.mu.Unlock()
	more := retransmitted - int64(t.retransmitted)
	t.retransmitted = int32(retransmitted)
	t.session.rtt = microseconds(min(rtt.Microseconds(), math.MaxUint32))
	t.session.retransmitted += uint32(more)
	t.session.ledger.sums.Retransmitted += more
}

// End ends the transfer; the session ends once none has been open for the
// ledger's linger. A second End does nothing.
func (t *Transfer) End() {
	s, l := t.session, t.session.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	s.close(t)
	s.lasted = s.at(time.Now())
	kept := saved(t.asked, t.sent, s.lasted-t.began)
	s.saved += kept
	l.sums.Saved += kept
	if s.open != nil || l.closed || s.ended {
		return
	}
	s.timer = time.AfterFunc(l.linger, func() { l.expire(s) })
}
