// Package accounting counts what is delivered: the sessions that run, the
// totals, and the access log. Every protocol books here; nothing here knows
// of any protocol.
package accounting

import (
	"io"
	"sync"
	"time"
)

// refuseFor is how long the client of a session that was ended does not get
// its item again: longer than players try by themselves, and short enough for
// a person who is told why.
const refuseFor = 30 * time.Second

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
	User       string // who logged in, or whom the address was signed for; empty if nobody need
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
	began  time.Time

	mu       sync.Mutex
	log      io.Writer // nil for none; one Write per line
	closed   bool
	sessions map[sessionKey]*session
	refused  map[sessionKey]time.Time // until then
	begun    int64
	sums     Totals // but Sessions and SentRate
	meter    meter
}

type sessionKey struct{ client, path string }

// NewLedger returns an empty ledger whose sessions end when no request has
// been open for linger.
func NewLedger(linger time.Duration) *Ledger {
	return &Ledger{linger: linger, began: time.Now(), sessions: make(map[sessionKey]*session), refused: make(map[sessionKey]time.Time)}
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
		s = newSession(l, r, now)
		l.sessions[key] = s
	}
	l.sums.Requests++
	t := &Transfer{session: s, asked: r.Size, began: s.at(now)}
	s.begin(t, r, now)
	return t
}

// End ends a session at once, because an admin wants it: its transfers are cut,
// it gets its line in the log, and for a while its client is refused the item.
// It returns the session as it was, and false if there is none.
func (l *Ledger) End(id string) (Session, bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sessions {
		if s.id() == id {
			was := s.snapshot(now)
			s.cut()
			l.refuse(s.sessionKey, now)
			l.end(s)
			return was, true
		}
	}
	return Session{}, false
}

// refuse remembers whom not to serve, and forgets who has waited.
func (l *Ledger) refuse(key sessionKey, now time.Time) {
	for old, until := range l.refused {
		if !until.After(now) {
			delete(l.refused, old)
		}
	}
	l.refused[key] = now.Add(refuseFor)
}

// Refused returns for how long a client does not get an item because an admin
// has ended its session; 0 if it may have it.
func (l *Ledger) Refused(client, path string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.refused[sessionKey{client, path}]))
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
	for _, s := range l.sessions {
		l.end(s)
	}
}

// end takes a session out of the ledger and writes its line; the lock is held.
func (l *Ledger) end(s *session) {
	delete(l.sessions, s.sessionKey)
	if s.timer != nil {
		s.timer.Stop()
	}
	if l.log != nil {
		io.WriteString(l.log, s.entry())
	}
}

// expire ends a session unless a request has come in at the last moment.
func (l *Ledger) expire(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.open == nil && l.sessions[s.sessionKey] == s {
		l.end(s)
	}
}
