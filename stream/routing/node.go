package routing

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

const (
	missesMost = 3                // asked so often in vain, a node is down
	restTime   = 10 * time.Second // of a node that refused, or that did not take viewers in
	stuckAfter = 3                // reports without a trace of the viewers that were sent, at least so many
	skewTold   = 10 * time.Second // clocks may differ so much without a word
)

// Node is what is known of one node at one moment.
type Node struct {
	URL      string         // at which other nodes ask it
	Public   string         // base URL for players
	Addr     netip.AddrPort // that URL leads to
	ID       string         // empty until it has answered
	Self     bool           // it is this node
	Up       bool
	Draining bool          // takes no new viewers
	Since    time.Time     // when it came up or went down; zero until that is known
	Problem  string        // why it is down, or what is wrong with it; in words for a person
	Resting  bool          // gets no viewers for a while: it refused some
	Skew     time.Duration // its clock goes ahead of ours by so much
	Sent     int           // viewers that were sent there from here
	Report                 // the last one
}

// peer is a node as it is asked; the cluster's lock guards it.
type peer struct {
	Node
	key     string // URL and address
	base    *url.URL
	client  *http.Client
	misses  int
	rest    time.Time // until then it gets no viewers
	pending []sending // not yet in a report
	unseen  int       // viewers that no report shows a trace of
	stale   int       // reports since the first of them
	noted   string    // differences that the log has

	progress time.Time            // when fewer files were unmeasured than before
	uncached map[string]time.Time // places of which it is asked for nothing until then
}

// answersAt reports whether a URL is one of the node, by the name or by the
// number that the config leads to.
func (p *peer) answersAt(u *url.URL) bool {
	at := func(base *url.URL) string {
		return cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == p.base.Hostname() || err == nil && ip.Unmap() == p.Addr.Addr()
	return here && u.Scheme == p.base.Scheme && at(u) == at(p.base)
}

// sending is a viewer that was sent to a node.
type sending struct {
	at   time.Time
	need int64 // bit/s
}

// arrives is how long a viewer takes to follow a redirect, at most.
const arrives = time.Second

// heard takes over a report that was asked for at a time.
func (p *peer) heard(r Report, id string, asked, now time.Time) (news bool) {
	p.watch(r, asked)
	if p.progress.IsZero() || r.Unmeasured < p.Unmeasured {
		p.progress = now
	}
	p.misses, p.Problem = 0, ""
	p.ID, p.Report, p.Draining, p.Skew = id, r, r.Told.Draining, r.skew(asked, now)
	p.Public = p.URL
	if r.Told.URL != "" {
		p.Public = r.Told.URL
	}
	news = !p.Up
	if news {
		p.Up, p.Since = true, now
	}
	return news
}

// watch forgets the viewers who had time to arrive before a report was asked
// for, and notes whether it shows anything of them.
func (p *peer) watch(r Report, asked time.Time) {
	before := len(p.pending)
	for len(p.pending) > 0 && p.pending[0].at.Add(arrives).Before(asked) {
		p.pending = p.pending[1:]
	}
	p.unseen += before - len(p.pending)
	switch {
	case r.Viewers != p.Viewers || r.Reserved != p.Reserved:
		p.unseen, p.stale = 0, 0
	case p.unseen >= stuckAfter:
		p.stale++
	}
}

// stuck reports whether viewers were sent to the node and its figures do not
// move: they are not what it is. It is forgiven then, to be tried again.
func (p *peer) stuck() bool {
	if p.stale < stuckAfter {
		return false
	}
	p.unseen, p.stale = 0, 0
	return true
}

// missed notes that the node has not answered.
func (p *peer) missed(err error, now time.Time) (news bool) {
	p.misses++
	if p.misses < missesMost {
		return false
	}
	p.Problem = err.Error()
	news = p.Up || p.Since.IsZero()
	if news {
		p.Up, p.Since, p.pending = false, now, nil
	}
	return news
}

// sent sums what was sent to the node and is in no report, in bit/s.
func (p *peer) sent() (sum int64) {
	for _, s := range p.pending {
		sum += s.need
	}
	return sum
}

// takes reports whether the node may get viewers now.
func (p *peer) takes(now time.Time) bool {
	return p.Up && !p.Self && !p.Draining && !now.Before(p.rest)
}

// differences says in what the node's config is another than ours, so that
// what it answers may be something else.
func (p *peer) differences(own Told) (all []error) {
	if p.Told.Shares != own.Shares {
		all = append(all, errors.New("it has other shares: the names of all [[share]] must be the same"))
	}
	if p.Told.Signing != own.Signing {
		all = append(all, errors.New("signed addresses from here are not good there: [auth] key and users must be the same"))
	}
	if p.Told.Nodes != own.Nodes && p.Told.Nodes != "" { // those of before do not tell
		all = append(all, errors.New("it has other [routing] nodes: the list must be the same on all"))
	}
	if p.Skew.Abs() >= skewTold {
		all = append(all, errors.New("its clock and ours differ: set both by NTP"))
	}
	return all
}
