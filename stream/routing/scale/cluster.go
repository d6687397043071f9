package scale

import (
	"fmt"
	"net/netip"
	"strconv"

	"mustserv/stream/routing"
	"mustserv/stream/routing/dns"
)

// cluster is all nodes.
type cluster struct {
	Config
	used, capacity []int64         // of each node's link, in kbit/s
	turns          []routing.Turns // of each node
	groups         []group
	kept           keeping
	list           []routing.Candidate // of one decision
}

// group is nodes that know each other, and what they know: how things were when
// they looked, and whom each has sent where since.
type group struct {
	first   int // number of its first node
	seen    []routing.Candidate
	sent    []int64 // kbit/s, by each to each
	answers []dns.Node
}

// entry is what became of a viewer that wants an item.
type entry struct {
	node       uint16 // nowhere if it was refused
	redirected bool
	hit        bool // the node had kept the item
}

// newCluster returns one whose links carry capacity kbit/s in all.
func newCluster(c Config, capacity float64) *cluster {
	l := &cluster{
		Config: c, used: make([]int64, c.Nodes), capacity: make([]int64, c.Nodes), turns: make([]routing.Turns, c.Nodes),
		groups: make([]group, c.Nodes/c.Group), kept: newKeeping(c.Nodes, c.Cache),
	}
	for i := range l.capacity {
		l.capacity[i] = int64(capacity / float64(c.Nodes) * [...]float64{2. / 3, 4. / 3}[i%2])
	}
	for i := range l.groups {
		g := group{first: i * c.Group, sent: make([]int64, c.Group*c.Group)}
		for n := g.first; n < g.first+c.Group; n++ {
			g.seen = append(g.seen, routing.Candidate{ID: fmt.Sprintf("%05d", n), Weight: weight(n)})
			address := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)})
			g.answers = append(g.answers, dns.Node{Addresses: []netip.Addr{address}, Alive: true})
		}
		l.groups[i] = g
	}
	return l
}

// weight is that of a node: every other one has double the link.
func weight(n int) int { return 1 + n%2 }

// number returns which node DNS has named.
func number(n dns.Node) uint16 {
	a := n.Addresses[0].As4()
	return uint16(a[2])<<8 | uint16(a[3])
}

// look brings what the nodes know of each other up to date.
func (l *cluster) look() {
	for i := range l.groups {
		g := &l.groups[i]
		clear(g.sent)
		for k := range g.seen {
			n := g.first + k
			g.seen[k].Report = l.report(n)
			g.answers[k].Weight = l.share(n)
		}
	}
}

// report is what a node tells of itself.
func (l *cluster) report(n int) routing.Report {
	return routing.Report{Capacity: 1000 * l.capacity[n], Reserved: 1000 * l.used[n], Free: 1000 * (l.capacity[n] - l.used[n])}
}

// share is the part of the viewers that DNS is to send to a node, as the
// program has it.
func (l *cluster) share(n int) float64 {
	switch l.Policy {
	case routing.Weighted:
		return float64(weight(n))
	case routing.LeastLoad:
		return float64(l.capacity[n] - l.used[n])
	}
	return 0
}

// enter lets a viewer in that has come to a node, or that this sends on to
// another: once, so that there is no end of it.
func (l *cluster) enter(here uint16, item uint32, rate int64) entry {
	e := entry{node: l.choose(int(here), item, rate)}
	e.redirected = e.node != here
	if e.node == nowhere || l.used[e.node]+rate > l.capacity[e.node] {
		e.node = nowhere // in truth it waits, for a minute
		return e
	}
	l.used[e.node] += rate
	e.hit = l.kept.play(e.node, item)
	return e
}

// choose decides as a node does to whom a viewer has come.
func (l *cluster) choose(here int, item uint32, rate int64) uint16 {
	room := l.used[here]+rate <= l.capacity[here]
	if room && l.Redirect == routing.WhenFull {
		return uint16(here)
	}
	g := &l.groups[here/l.Group]
	sent := g.sent[(here-g.first)*l.Group:][:l.Group]
	l.list = l.list[:0]
	for k, one := range g.seen {
		if one.Sent = 1000 * sent[k]; g.first+k != here && one.Report.Fits(1000*rate, one.Sent) {
			l.list = append(l.list, one)
		}
	}
	if room {
		own := g.seen[here-g.first]
		own.Report, own.Here = l.report(here), true
		l.list = append(l.list, own)
	}
	chosen, ok := l.turns[here].Choose(l.Policy, l.list, strconv.Itoa(int(item)))
	if !ok {
		return nowhere
	}
	n, _ := strconv.Atoi(chosen.ID) // a number, as newCluster has made it
	if n != here {
		sent[n-g.first] += rate
	}
	return uint16(n)
}

// leave ends what enter has begun.
func (l *cluster) leave(at uint16, rate int64) { l.used[at] -= rate }
