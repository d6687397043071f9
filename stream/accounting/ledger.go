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
}

// Totals are the sums since the ledger was made.
type Totals struct {
	Sessions int64 // begun
	Requests int64 // that sent bytes
	Bytes    int64
	SentRate int64 // bit/s, over the last seconds
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
	requests int64
	bytes    int64
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
		s = &session{id: strconv.FormatInt(l.begun, 10), request: r, started: now, jumped: now, next: r.Offset}
		l.sessions[key] = s
	}
	l.requests++
	s.begin(r, now)
	return &Transfer{ledger: l, session: s, key: key}
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
	return Totals{Sessions: l.begun, Requests: l.requests, Bytes: l.bytes, SentRate: l.meter.rate(time.Now())}
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
	ledger  *Ledger
	session *session
	key     sessionKey
	ended   bool
}

// Add books n bytes as sent.
func (t *Transfer) Add(n int64) {
	if n <= 0 {
		return
	}
	now := time.Now()
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	t.ledger.bytes += n
	t.ledger.meter.add(n, now)
	t.session.add(n, now)
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
	if s.open > 0 || l.closed {
		return
	}
	s.timer = time.AfterFunc(l.linger, func() { l.expire(t.key, s) })
}

// expire ends a session unless a request has come in at the last moment.
func (l *Ledger) expire(key sessionKey, s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.open == 0 && l.sessions[key] == s {
		l.end(key, s)
	}
}
