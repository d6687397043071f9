package dns

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// firsts counts which address comes first in n answers.
func firsts(t *testing.T, s *Server, kind dnsmessage.Type, n int) map[string]int {
	t.Helper()
	count := make(map[string]int)
	for range n {
		a := ask(t, s, question("media.home.arpa.", kind), false)
		if len(a.Answers) == 0 {
			t.Fatal("no answers")
		}
		switch b := a.Answers[0].Body.(type) {
		case *dnsmessage.AResource:
			count[netip.AddrFrom4(b.A).String()]++
		case *dnsmessage.AAAAResource:
			count[netip.AddrFrom16(b.AAAA).String()]++
		}
	}
	return count
}

func TestNodesTakeTurns(t *testing.T) {
	const n = 30
	nodes := three()
	nodes[0].Addresses = append(nodes[0].Addresses, ip("10.0.1.1")...)
	s := serverOf(testConfig(), nodes...)
	four, six := make(map[string]int), make(map[string]int)
	for range n { // as clients ask: for both
		for a, c := range firsts(t, s, dnsmessage.TypeA, 1) {
			four[a] += c
		}
		for a, c := range firsts(t, s, dnsmessage.TypeAAAA, 1) {
			six[a] += c
		}
	}
	if four["10.0.0.1"]+four["10.0.1.1"] != n/3 || four["10.0.0.1"] != four["10.0.1.1"] || four["10.0.0.2"] != n/3 || four["10.0.0.3"] != n/3 {
		t.Errorf("first of IPv4: %v", four)
	}
	if six["fd00::1"] == 0 || six["fd00::2"] == 0 {
		t.Errorf("first of IPv6: %v", six)
	}
}

func TestWeights(t *testing.T) {
	const n = 8000
	for _, row := range []struct {
		name    string
		weights []float64
		parts   []float64
	}{
		{"in proportion", []float64{5, 3, 0}, []float64{5. / 8, 3. / 8, 0}},
		{"nonsense is nothing", []float64{1, -3, math.NaN()}, []float64{1, 0, 0}},
		{"all nothing", []float64{0, 0, 0}, []float64{1. / 3, 1. / 3, 1. / 3}},
		{"without end", []float64{math.Inf(1), 1, 1}, []float64{1, 0, 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			nodes := three()
			for i, w := range row.weights {
				nodes[i].Weight = w
			}
			got := firsts(t, serverOf(testConfig(), nodes...), dnsmessage.TypeA, n)
			for i, part := range row.parts {
				address := fmt.Sprintf("10.0.0.%d", i+1)
				// Five standard deviations: one run in a million fails by chance.
				if slack := 5 * math.Sqrt(part*(1-part)/n); math.Abs(float64(got[address])/n-part) > slack {
					t.Errorf("%s came first %d times of %d, want a part of %.3f", address, got[address], n, part)
				}
			}
		})
	}
}

func TestEachNodeOfManyGetsItsTurn(t *testing.T) {
	var nodes []Node
	for i := range 100 {
		nodes = append(nodes, Node{Addresses: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}, Alive: true})
	}
	got := firsts(t, serverOf(testConfig(), nodes...), dnsmessage.TypeA, 200)
	for a, n := range got {
		if n != 2 {
			t.Errorf("%s came first %d times", a, n)
		}
	}
	if len(got) != 100 {
		t.Errorf("%d nodes came first", len(got))
	}
}
