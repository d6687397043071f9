package routing

import "slices"

// Weights returns the part of the viewers that each node is to have where
// nobody can choose for each of them, as in DNS; all are 0 where nodes take
// turns. Where a node has no limit, nobody can say what it has free.
func (p Policy) Weights(nodes []Node) []float64 {
	if p == LeastLoad && slices.ContainsFunc(nodes, func(n Node) bool { return n.Capacity == 0 }) {
		p = RoundRobin
	}
	weights := make([]float64, len(nodes))
	for i, n := range nodes {
		switch p {
		case Weighted:
			weights[i] = float64(n.Told.Weight)
		case LeastLoad:
			weights[i] = float64(n.Free)
		}
	}
	return weights
}
