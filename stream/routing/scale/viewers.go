package scale

import (
	"math"
	"math/rand/v2"
	"time"

	"mustserv/stream/routing/dns"
)

// nowhere is no node.
const nowhere = math.MaxUint16

// viewers are what each of many does now: eight bytes for one.
type viewers struct {
	node    []uint16 // that sends to it
	item    []uint32 // what
	address []uint16 // that it keeps, of those that do not ask DNS again
}

func newViewers(n int) viewers {
	v := viewers{make([]uint16, n), make([]uint32, n), make([]uint16, n)}
	for i := range v.node {
		v.node[i], v.address[i] = nowhere, nowhere
	}
	return v
}

// happen is what a viewer has planned: the item ends, or the next begins.
func (s *simulation) happen(v uint32) {
	if at := s.viewers.node[v]; at != nowhere {
		s.cluster.leave(at, s.rates[s.viewers.item[v]])
		s.viewers.node[v] = nowhere
		s.after(v, pause)
		return
	}
	item := uint32(s.films.draw(s.random))
	e := s.cluster.enter(s.address(v), item, s.rates[item])
	if s.counts() {
		s.result.count(e)
	}
	if e.node == nowhere {
		s.viewers.address[v] = nowhere // who gets nothing asks again
		s.after(v, pause)
		return
	}
	s.viewers.node[v], s.viewers.item[v] = e.node, item
	s.after(v, s.Watch)
}

// Clients and resolvers do not all remember an answer for as long as it says.
const (
	pinning     = 0.1 // of viewers keep the first address for as long as it serves them
	minute      = 0.2 // of resolvers keep answers for a minute at least,
	fiveMinutes = 0.1 // and of them for five
)

// resolver is one that many viewers ask, with what it remembers.
type resolver struct {
	keeps int32 // answers for so many seconds
	until int32
	turn  uint32 // resolvers turn addresses round
	n     uint16
	nodes [8]uint16
}

// resolverKeeps draws for how long a resolver keeps answers at least.
func resolverKeeps(random *rand.Rand) time.Duration {
	switch part := random.Float64(); {
	case part < fiveMinutes:
		return 5 * time.Minute
	case part < fiveMinutes+minute:
		return time.Minute
	}
	return 0
}

// address returns the node whose address a viewer gets when it asks DNS, or
// has kept.
func (s *simulation) address(v uint32) uint16 {
	// Scattered over all parts of 1, but always the same for one viewer.
	part := float64(v*2654435761) / (1 << 32)
	if at := s.viewers.address[v]; at != nowhere {
		return at
	}
	r := &s.resolvers[s.sizes.at(part)]
	if int(r.until) <= s.clock {
		s.ask(r)
	}
	r.turn++
	at := r.nodes[r.turn%uint32(r.n)]
	if v%uint32(1/pinning) == 0 {
		s.viewers.address[v] = at
	}
	return at
}

// ask gets a new answer from one of the groups, which DNS takes by turns.
func (s *simulation) ask(r *resolver) {
	if s.counts() {
		s.result.Asked++
	}
	s.result.turn++
	turn := s.result.turn
	groups := uint64(len(s.cluster.groups))
	some := dns.Choose(s.cluster.groups[turn%groups].answers, turn/groups)
	r.n, r.until = 0, int32(s.clock)+r.keeps
	for _, n := range some[:min(len(some), len(r.nodes))] {
		r.nodes[r.n] = number(n)
		r.n++
	}
}
