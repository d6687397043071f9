// Package accounting counts what is delivered: the sessions that run, the
// totals, and the access log. Every protocol books here; nothing here knows
// of any protocol.
package accounting

import (
	"io"
	"strconv"
	"sync"
	"time"
)

// Request describes one request of a player, as the access log shows it.
type Request struct {
	Client    string // address without port
	User      string // empty if not known
	UserAgent string
	Referer   string
	Path      string // library path of the item; Client and Path make the session
	Line      string // "GET /media/a.mp4 HTTP/1.1"
	Status    int
	Offset    int64 // of the first byte sent; -1 if not known
	Size      int64 // bytes asked for; 0 if not known
	Needed    int64 // bit/s that the item gets
	Average   int64 // bit/s that playing it takes on average; 0 if not known
}

// Session is what is known of one delivery at one moment: all requests of one
// client for one item, with no longer pause between them than the ledger's
// linger.
type Session struct {
	ID         string
	Client     string
	UserAgent  string
	Path       string
	Started    time.Time
	Bytes      int64
	NeededRate int64   // bit/s
	SentRate   int64   // bit/s, over the last seconds
	Lead       float64 // seconds of play sent ahead of the clock since the last seek; 0 if not known
	Active     bool    // a request is open now

	Stalls        int64         // how often the player must have waited for bytes; 0 if not known
	RTT           time.Duration // of the network to the player; 0 if not known
	Retransmitted int64         // segments that the network lost
	Saved         int64         // bytes that the player left, and that would have been sent without pacing
}

// Totals are the sums since the ledger was made.
type Totals struct {
	Sessions int64 // begun
	Requests int64 // that sent bytes
	Bytes    int64
	SentRate int64 // bit/s, over the last seconds

	Stalls        int64 // as in Session
	Retransmitted int64
	Saved         int64 // bytes
}

// Ledger holds the sessions that run. All its methods may be called
// concurrently.
type Ledger struct {
	linger time.Duration

	mu       sync.Mutex
	log      io.Writer // nil for none; one Write per line
	closed   bool
	sessions map[sessionKey]*session
	begun    int64
	sums     Totals // but Sessions and SentRate
	meter    meter
}

type sessionKey struct{ client, path string }

// NewLedger returns an empty ledger whose sessions end when no request has
// been open for linger.
func NewLedger(linger time.Duration) *Ledger {
	return &Ledger{linger: linger, sessions: make(map[sessionKey]*session)}
}

// SetLog makes w the access log; each line is one Write. Nil is no log.
// It returns the log before, which is not written to any more.
func (l *Ledger) SetLog(w io.Writer) io.Writer {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.log
	l.log = w
	return before
}

// Begin books a request; the caller ends the transfer. Requests of one client
// for one path share a session.
func (l *Ledger) Begin(r Request) *Transfer {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	key := sessionKey{r.Client, r.Path}
	s := l.sessions[key]
	if s == nil {
		l.begun++
		s = &session{id: strconv.FormatInt(l.begun, 10), request: r, started: now, play: play{began: now}, next: r.Offset}
		l.sessions[key] = s
	}
	l.sums.Requests++
	s.begin(r, now)
	return &Transfer{ledger: l, session: s, asked: r.Size, began: now}
}

// Sessions returns the sessions that run, oldest first.
func (l *Ledger) Sessions() []Session {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Session, 0, len(l.sessions))
	for _, s := range l.sessions {
		list = append(list, s.snapshot(now))
	}
	sortByStart(list)
	return list
}

// Totals returns the sums of this moment.
func (l *Ledger) Totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	sums := l.sums
	sums.Sessions, sums.SentRate = l.begun, l.meter.rate(time.Now())
	return sums
}

// Close ends every session, with its line in the log. Transfers that are
// still open are not counted any further.
func (l *Ledger) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for key, s := range l.sessions {
		l.end(key, s)
	}
}

// end takes a session out of the ledger and writes its line; the lock is held.
func (l *Ledger) end(key sessionKey, s *session) {
	delete(l.sessions, key)
	if s.timer != nil {
		s.timer.Stop()
	}
	if l.log != nil {
		io.WriteString(l.log, s.line())
	}
}

// Transfer is the bytes of one request. It belongs to one goroutine.
type Transfer struct {
	ledger        *Ledger
	session       *session
	began         time.Time
	asked, sent   int64 // bytes
	retransmitted int64
	ended         bool
}

// Add books n bytes as sent.
func (t *Transfer) Add(n int64) {
	if n <= 0 {
		return
	}
	now := time.Now()
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	t.sent += n
	t.ledger.sums.Bytes += n
	t.ledger.meter.add(n, now)
	t.ledger.sums.Stalls += t.session.add(n, now)
}

// Paused books that the player took no bytes for a while.
func (t *Transfer) Paused(d time.Duration) {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	t.session.play.rest(d)
}

// Network books how the network does: its round trip, and how many segments
// were sent again since the transfer began.
func (t *Transfer) Network(rtt time.Duration, retransmitted int64) {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	more := retransmitted - t.retransmitted
	t.retransmitted = retransmitted
	t.session.rtt = rtt
	t.session.retransmitted += more
	t.ledger.sums.Retransmitted += more
}

// End ends the transfer; the session ends once none has been open for the
// ledger's linger. A second End does nothing.
func (t *Transfer) End() {
	l, s := t.ledger, t.session
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	s.open--
	s.last = time.Now()
	kept := saved(t.asked, t.sent, s.last.Sub(t.began))
	s.saved += kept
	l.sums.Saved += kept
	if s.open > 0 || l.closed {
		return
	}
	s.timer = time.AfterFunc(l.linger, func() { l.expire(s) })
}

// expire ends a session unless a request has come in at the last moment.
func (l *Ledger) expire(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := sessionKey{s.request.Client, s.request.Path}
	if s.open == 0 && l.sessions[key] == s {
		l.end(key, s)
	}
}
