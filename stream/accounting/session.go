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

// endedByAdmin is why a session has ended, in the access log.
const endedByAdmin = "admin"

// session is a running session; the ledger's lock guards it. There may be
// thousands: it is kept small.
type session struct {
	sessionKey
	number  int64
	user    string
	agent   unique.Handle[string] // many players have the same
	referer string                // of the first request, as are the next two
	line    string
	status  int
	needed  int64 // of the latest
	started time.Time
	lasted  time.Duration // until the last end of a request
	open    []*Transfer
	bytes   int64
	meter   meter
	timer   *time.Timer // runs while no request is open
	ended   string      // by whom, before its time; empty for nobody

	next          int64 // offset behind the last byte sent
	play          play
	rtt           time.Duration
	retransmitted int64
	saved         int64
}

func newSession(number int64, r Request, now time.Time) *session {
	return &session{
		sessionKey: sessionKey{r.Client, r.Path}, number: number,
		user: r.User, agent: unique.Make(r.UserAgent), referer: r.Referer, line: r.Line, status: r.Status,
		started: now, next: r.Offset,
	}
}

// at is a time of the session.
func (s *session) at(t time.Time) time.Duration { return t.Sub(s.started) }

func (s *session) id() string { return strconv.FormatInt(s.number, 10) }

func (s *session) begin(t *Transfer, r Request, now time.Time) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if len(s.open) == 0 {
		s.play.resume(s.at(now))
	}
	s.open = append(s.open, t)
	s.needed, s.play.average = r.Needed, r.Average
	if r.Offset < s.next-jumpOver || r.Offset > s.next+jumpOver {
		s.play.jump(s.at(now))
	}
	s.next = r.Offset
}

// cut ends the transfers that are open.
func (s *session) cut(by string) {
	s.ended = by
	for _, t := range s.open {
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
	return Session{
		ID: s.id(), Client: s.client, User: s.user, UserAgent: s.agent.Value(), Path: s.path,
		Started: s.started, Bytes: s.bytes, NeededRate: s.needed,
		SentRate: s.meter.rate(now), Lead: max(0, s.play.lead(s.at(now)).Seconds()), Active: len(s.open) > 0,
		Stalls: s.play.stalls, RTT: s.rtt, Retransmitted: s.retransmitted, Saved: s.saved,
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
	lasted := s.lasted
	if len(s.open) > 0 {
		lasted = time.Since(s.started)
	}
	seconds := max(lasted.Seconds(), 0.001)
	b := make([]byte, 0, 256)
	b = append(b, logField(s.client)...)
	b = append(b, " - "...)
	b = append(b, logField(s.user)...)
	b = append(b, s.started.Format(" [02/Jan/2006:15:04:05 -0700] ")...)
	b = strconv.AppendQuoteToASCII(b, s.line)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(s.status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, s.bytes, 10)
	b = append(b, ' ')
	b = strconv.AppendQuoteToASCII(b, cmp.Or(s.referer, "-"))
	b = append(b, ' ')
	b = strconv.AppendQuoteToASCII(b, cmp.Or(s.agent.Value(), "-"))
	b = append(b, ' ')
	b = strconv.AppendFloat(b, seconds, 'f', 3, 64)
	b = append(b, ' ')
	b = strconv.AppendInt(b, s.needed, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(float64(s.bytes)*8/seconds), 10)
	b = append(b, ' ')
	b = append(b, cmp.Or(s.ended, "-")...)
	return string(append(b, '\n'))
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
