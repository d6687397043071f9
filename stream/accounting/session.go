package accounting

import (
	"cmp"
	"slices"
	"strconv"
	"time"
	"unique"
)

// jumpOver is how far from the last byte a request may begin and still go on
// where the player has been.
const jumpOver = 1 << 20

// session is a running session; the ledger's lock guards it. There may be
// thousands: it is kept small.
type session struct {
	sessionKey
	ledger  *Ledger
	number  int64
	started int64 // unix nanosecond
	by      unique.Handle[player]
	line    string        // of the first request
	needed  int64         // of the latest
	began   time.Duration // since the ledger did
	lasted  time.Duration // until the last end of a request
	open    *Transfer     // of a list
	bytes   int64
	meter   meter
	timer   *time.Timer // runs while no request is open
	next    int64       // offset behind the last byte sent
	play    play
	saved   int64

	rtt           microseconds // of the network
	retransmitted uint32       // segments
	status        uint16       // of the first request
	ended         bool         // by an admin, before its time
}

// player is what sessions have in common, as the first request of each has it.
type player struct{ user, agent, referer string }

// microseconds are a short time.
type microseconds uint32

func (m microseconds) duration() time.Duration { return time.Duration(m) * time.Microsecond }

func newSession(l *Ledger, r Request, now time.Time) *session {
	return &session{
		sessionKey: sessionKey{r.Client, r.Path}, ledger: l, number: l.begun,
		by: unique.Make(player{r.User, r.UserAgent, r.Referer}), line: r.Line, status: uint16(r.Status),
		started: now.UnixNano(), began: now.Sub(l.began), next: r.Offset,
	}
}

// at is a time of the session.
func (s *session) at(t time.Time) time.Duration { return t.Sub(s.ledger.began) - s.began }

func (s *session) start() time.Time { return time.Unix(0, s.started) }

func (s *session) id() string { return strconv.FormatInt(s.number, 10) }

func (s *session) begin(t *Transfer, r Request, now time.Time) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.open == nil {
		s.play.resume(s.at(now))
	}
	t.next, s.open = s.open, t
	s.needed, s.play.average = r.Needed, r.Average
	if r.Offset < s.next-jumpOver || r.Offset > s.next+jumpOver {
		s.play.jump(s.at(now))
	}
	s.next = r.Offset
}

// close takes a transfer out of those that are open.
func (s *session) close(t *Transfer) {
	at := &s.open
	for *at != t {
		at = &(*at).next
	}
	*at = t.next
}

// cut ends the transfers that are open.
func (s *session) cut() {
	s.ended = true
	for t := s.open; t != nil; t = t.next {
		t.cut()
	}
}

// add returns how many stalls it has come upon.
func (s *session) add(n int64, now time.Time) int64 {
	before := s.play.stalls
	s.bytes += n
	s.play.add(n, s.at(now))
	s.next += n
	s.meter.add(n, now)
	return s.play.stalls - before
}

func (s *session) snapshot(now time.Time) Session {
	by := s.by.Value()
	return Session{
		ID: s.id(), Client: s.client, User: by.user, UserAgent: by.agent, Path: s.path,
		Started: s.start(), Bytes: s.bytes, NeededRate: s.needed,
		SentRate: s.meter.rate(now), Lead: max(0, s.play.lead(s.at(now)).Seconds()), Active: s.open != nil,
		Stalls: s.play.stalls, RTT: s.rtt.duration(), Retransmitted: int64(s.retransmitted), Saved: s.saved,
	}
}

func sortByStart(list []Session) {
	slices.SortFunc(list, func(a, b Session) int {
		// Identifiers count up: the shorter is the older.
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
}

// entry is the session in the access log: the combined format of Apache with
// four fields behind it, the seconds from first byte to last, the needed and
// the mean rate in bit/s, and who ended it: "admin", or "-" for the player.
func (s *session) entry() string {
	by, lasted := s.by.Value(), s.lasted
	if s.open != nil {
		lasted = s.at(time.Now())
	}
	seconds := max(lasted.Seconds(), 0.001)
	b := make([]byte, 0, 256)
	b = append(b, logField(s.client)...)
	b = append(b, " - "...)
	b = append(b, logField(by.user)...)
	b = append(b, s.start().Format(" [02/Jan/2006:15:04:05 -0700] ")...)
	b = strconv.AppendQuoteToASCII(b, s.line)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(s.status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, s.bytes, 10)
	b = append(b, ' ')
	b = strconv.AppendQuoteToASCII(b, cmp.Or(by.referer, "-"))
	b = append(b, ' ')
	b = strconv.AppendQuoteToASCII(b, cmp.Or(by.agent, "-"))
	b = append(b, ' ')
	b = strconv.AppendFloat(b, seconds, 'f', 3, 64)
	b = append(b, ' ')
	b = strconv.AppendInt(b, s.needed, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(float64(s.bytes)*8/seconds), 10)
	b = append(b, ' ')
	if s.ended {
		return string(append(b, "admin\n"...))
	}
	return string(append(b, "-\n"...))
}

// logField keeps an unquoted field one word.
func logField(s string) string {
	if s == "" {
		return "-"
	}
	b := []byte(s)
	for i, c := range b {
		if c <= ' ' || c >= 0x7f || c == '"' {
			b[i] = '?'
		}
	}
	return string(b)
}
