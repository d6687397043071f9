package dns

import (
	"cmp"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// Node is one of the servers behind the name, as it is now.
type Node struct {
	Addresses []netip.Addr
	Alive     bool
	Draining  bool    // serves those it has, but wants no more
	Weight    float64 // its part of the viewers; where all are the same, nodes take turns
}

// answersMost bounds an answer, so that it fits into 512 bytes whatever the
// name is, and that nobody gets much for little. Of more nodes, each answer
// names others.
const answersMost = 8

// fit returns the nodes that a new viewer should get: those that live and want
// more. If there are none, those that live; and if all seem dead, all, for it
// is more likely that only this node cannot reach them.
func fit(nodes []Node) []Node {
	for _, good := range []func(Node) bool{
		func(n Node) bool { return n.Alive && !n.Draining },
		func(n Node) bool { return n.Alive },
	} {
		var some []Node
		for _, n := range nodes {
			if len(n.Addresses) > 0 && good(n) {
				some = append(some, n)
			}
		}
		if len(some) > 0 {
			return some
		}
	}
	return nodes
}

// arrange puts nodes into the order of an answer, of which players take the
// first. Nodes of one weight take turns; others are drawn, heavier ones more
// likely first: each waits for an exponential time with its weight for a rate
// (Efraimidis and Spirakis, "Weighted random sampling with a reservoir").
func arrange(nodes []Node, turn uint64) []Node {
	if len(nodes) == 0 {
		return nil
	}
	if !slices.ContainsFunc(nodes, func(n Node) bool { return n.Weight != nodes[0].Weight }) {
		first := int(turn % uint64(len(nodes)))
		return slices.Concat(nodes[first:], nodes[:first])
	}
	type drawn struct {
		Node
		wait float64
	}
	all := make([]drawn, len(nodes))
	for i, n := range nodes {
		all[i] = drawn{n, math.Inf(1)}
		if n.Weight > 0 {
			all[i].wait = rand.ExpFloat64() / n.Weight
		}
	}
	slices.SortStableFunc(all, func(a, b drawn) int { return cmp.Compare(a.wait, b.wait) })
	arranged := make([]Node, len(all))
	for i, d := range all {
		arranged[i] = d.Node
	}
	return arranged
}

// addresses returns one address of a kind for each node that has some, by
// turns, so that a node with several does not count as several.
func addresses(nodes []Node, turn uint64, kind func(netip.Addr) bool) []netip.Addr {
	var all []netip.Addr
	for _, n := range nodes {
		var some []netip.Addr
		for _, a := range n.Addresses {
			if a = a.Unmap(); usable(a) && kind(a) {
				some = append(some, a)
			}
		}
		if len(some) > 0 {
			all = append(all, some[turn%uint64(len(some))])
		}
	}
	return all[:min(len(all), answersMost)]
}

// usable reports whether others can reach an address that DNS gives them: a
// zone, as in fe80::1%eth0, means something on one computer only.
func usable(a netip.Addr) bool { return a.IsValid() && !a.IsUnspecified() && a.Zone() == "" }
