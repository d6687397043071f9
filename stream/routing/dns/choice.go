package dns

import (
	"cmp"
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

// drawnMost bounds one for which nodes of different weights are drawn.
const drawnMost = 2

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

// Choose returns the nodes that an answer names, in its order, of which players
// take the first. Nodes of one weight take turns. Others are drawn, by the
// number of the turn; nodes of no weight are left out then.
func Choose(nodes []Node, turn uint64) []Node {
	if len(nodes) == 0 {
		return nil
	}
	if slices.ContainsFunc(nodes, func(n Node) bool { return n.Weight != nodes[0].Weight }) {
		if some := draw(nodes, rand.New(rand.NewPCG(turn, 0))); len(some) > 0 {
			return some
		}
	}
	first := int(turn % uint64(len(nodes)))
	return slices.Concat(nodes[first:], nodes[:first])
}

// draw returns two nodes, the heavier more likely and sooner. More would undo
// the weights, for resolvers turn the addresses of an answer round; and one
// would leave a player nowhere to go. Each node waits for an exponential time
// with its weight for a rate (Efraimidis and Spirakis, "Weighted random
// sampling with a reservoir").
func draw(nodes []Node, random *rand.Rand) []Node {
	type drawn struct {
		Node
		wait float64
	}
	var all []drawn
	for _, n := range nodes {
		if n.Weight > 0 {
			all = append(all, drawn{n, random.ExpFloat64() / n.Weight})
		}
	}
	slices.SortFunc(all, func(a, b drawn) int { return cmp.Compare(a.wait, b.wait) })
	var some []Node
	for _, d := range all[:min(len(all), drawnMost)] {
		some = append(some, d.Node)
	}
	return some
}

// addresses returns those of one kind that an answer names: one for each node,
// by turns, so that a node with several does not count as several.
func addresses(nodes []Node, turn uint64, kind func(netip.Addr) bool) []netip.Addr {
	var able []Node
	for _, n := range nodes {
		n.Addresses = slices.DeleteFunc(unmapped(n.Addresses), func(a netip.Addr) bool { return !usable(a) || !kind(a) })
		if len(n.Addresses) > 0 {
			able = append(able, n)
		}
	}
	able = Choose(able, turn)
	var all []netip.Addr
	for _, n := range able[:min(len(able), answersMost)] {
		all = append(all, n.Addresses[turn%uint64(len(n.Addresses))])
	}
	return all
}

// unmapped returns a copy in which IPv4 is IPv4.
func unmapped(all []netip.Addr) []netip.Addr {
	plain := make([]netip.Addr, len(all))
	for i, a := range all {
		plain[i] = a.Unmap()
	}
	return plain
}

// usable reports whether others can reach an address that DNS gives them: a
// zone, as in fe80::1%eth0, means something on one computer only.
func usable(a netip.Addr) bool { return a.IsValid() && !a.IsUnspecified() && a.Zone() == "" }
