package routing

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// nearlyEqual is how much more than the least a node may have before it sends
// a viewer on that it could keep: a redirect costs a round trip.
const nearlyEqual = 1.1

// Candidate is a node with room for a viewer.
type Candidate struct {
	peer   *peer
	ID     string
	Here   bool // it is this node
	Report Report
	Sent   int64 // bit/s that the report does not know of
	Weight int
}

func candidateOf(p *peer) Candidate {
	return Candidate{peer: p, ID: p.ID, Report: p.Report, Sent: p.sent(), Weight: p.Report.Told.Weight}
}

// Turns is what policies remember.
type Turns struct {
	last    string         // the node that had the last turn
	current map[string]int // by node; see smooth
}

// Choose returns the candidate that gets a viewer of an item; false says that
// there is none. All have an id of their own.
func (t *Turns) Choose(policy Policy, list []Candidate, item string) (Candidate, bool) {
	if len(list) == 0 {
		return Candidate{}, false
	}
	switch policy {
	case RoundRobin:
		return t.next(list), true
	case Weighted:
		return t.smooth(list), true
	case Content:
		return owner(list, item), true
	}
	return leastLoad(list), true
}

// next returns the candidate after the last one that had its turn.
func (t *Turns) next(list []Candidate) Candidate {
	first, after := list[0], Candidate{}
	for _, one := range list {
		if one.ID < first.ID {
			first = one
		}
		if one.ID > t.last && (after.ID == "" || one.ID < after.ID) {
			after = one
		}
	}
	if after.ID == "" {
		after = first
	}
	t.last = after.ID
	return after
}

// smooth is nginx's weighted round robin: each turn all get their weight, and
// the richest pays the sum. So those of weight 2 and 1 have turns 1, 2, 1.
func (t *Turns) smooth(list []Candidate) Candidate {
	before := t.current
	t.current = make(map[string]int)
	sum, best := 0, list[0]
	for _, one := range list {
		sum += one.Weight
		t.current[one.ID] = before[one.ID] + one.Weight
		if t.current[one.ID] > t.current[best.ID] {
			best = one
		}
	}
	t.current[best.ID] -= sum
	return best
}

// leastLoad returns the candidate of whose capacity the smallest part is
// reserved; one without limit counts as having the most that another has. This
// node keeps what would go to one that has hardly less.
func leastLoad(list []Candidate) Candidate {
	most := 1.0
	for _, one := range list {
		most = max(most, one.usable())
	}
	load := func(c Candidate) float64 {
		whole := most
		if c.Report.Capacity > 0 {
			whole = max(1, c.usable())
		}
		return float64(c.Report.Reserved+c.Sent) / whole
	}
	best := list[0]
	for _, one := range list[1:] {
		if load(one) < load(best) {
			best = one
		}
	}
	for _, one := range list {
		if one.Here && load(one) <= load(best)*nearlyEqual {
			return one
		}
	}
	return best
}

// usable is what a node has for streams, in bit/s; 0 where it has no limit.
func (c Candidate) usable() float64 {
	if c.Report.Capacity == 0 {
		return 0
	}
	return float64(c.Report.Reserved + c.Report.Free)
}

// owner returns the candidate that an item belongs to, by weighted rendezvous
// hashing: all nodes agree on it, and where one goes or comes, only its share
// of the items changes hands.
func owner(list []Candidate, item string) Candidate {
	best, most := list[0], math.Inf(-1)
	for _, one := range list {
		if s := score(one.ID, item, one.Weight); s > most {
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
