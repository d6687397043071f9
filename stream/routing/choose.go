package routing

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// nearlyEqual is how much more than the least a node may have before it sends
// a viewer on that it could keep: a redirect costs a round trip.
const nearlyEqual = 1.1

// candidate is a node with room for a viewer.
type candidate struct {
	peer   *peer // nil for this node
	id     string
	report Report
	sent   int64 // bit/s that the report does not know of
	weight int
}

func candidateOf(p *peer) candidate {
	return candidate{p, p.ID, p.Report, p.sent(), p.Report.Told.Weight}
}

// turns is what policies remember.
type turns struct {
	last    string         // the node that had the last turn
	current map[string]int // by node; see smooth
}

// choose returns the node that gets a viewer; nil is this one, and the one
// that gets it where there is no candidate. All have an id of their own.
func (t *turns) choose(policy Policy, list []candidate, item string) *peer {
	if len(list) == 0 {
		return nil
	}
	switch policy {
	case RoundRobin:
		return t.next(list).peer
	case Weighted:
		return t.smooth(list).peer
	case Content:
		return owner(list, item).peer
	}
	return leastLoad(list).peer
}

// next returns the candidate after the last one that had its turn.
func (t *turns) next(list []candidate) candidate {
	first, after := list[0], candidate{}
	for _, one := range list {
		if one.id < first.id {
			first = one
		}
		if one.id > t.last && (after.id == "" || one.id < after.id) {
			after = one
		}
	}
	if after.id == "" {
		after = first
	}
	t.last = after.id
	return after
}

// smooth is nginx's weighted round robin: each turn all get their weight, and
// the richest pays the sum. So those of weight 2 and 1 have turns 1, 2, 1.
func (t *turns) smooth(list []candidate) candidate {
	before := t.current
	t.current = make(map[string]int)
	sum, best := 0, list[0]
	for _, one := range list {
		sum += one.weight
		t.current[one.id] = before[one.id] + one.weight
		if t.current[one.id] > t.current[best.id] {
			best = one
		}
	}
	t.current[best.id] -= sum
	return best
}

// leastLoad returns the candidate of whose capacity the smallest part is
// reserved; one without limit counts as having the most that another has. This
// node keeps what would go to one that has hardly less.
func leastLoad(list []candidate) candidate {
	most := 1.0
	for _, one := range list {
		most = max(most, one.usable())
	}
	load := func(c candidate) float64 {
		whole := most
		if c.report.Capacity > 0 {
			whole = max(1, c.usable())
		}
		return float64(c.report.Reserved+c.sent) / whole
	}
	best := list[0]
	for _, one := range list[1:] {
		if load(one) < load(best) {
			best = one
		}
	}
	for _, one := range list {
		if one.peer == nil && load(one) <= load(best)*nearlyEqual {
			return one
		}
	}
	return best
}

// usable is what a node has for streams, in bit/s; 0 where it has no limit.
func (c candidate) usable() float64 {
	if c.report.Capacity == 0 {
		return 0
	}
	return float64(c.report.Reserved + c.report.Free)
}

// owner returns the candidate that an item belongs to, by weighted rendezvous
// hashing: all nodes agree on it, and where one goes or comes, only its share
// of the items changes hands.
func owner(list []candidate, item string) candidate {
	best, most := list[0], math.Inf(-1)
	for _, one := range list {
		if s := score(one.id, item, one.weight); s > most {
			best, most = one, s
		}
	}
	return best
}

func score(node, item string, weight int) float64 {
	sum := sha256.Sum256([]byte(node + "\x00" + item))
	part := (float64(binary.BigEndian.Uint64(sum[:])>>11) + 0.5) / (1 << 53) // of all, never 0 or 1
	return -float64(max(1, weight)) / math.Log(part)
}
