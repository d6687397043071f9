package routing

import (
	"slices"
	"testing"
)

func TestWeights(t *testing.T) {
	limited := Node{Report: Report{Capacity: 100, Free: 30, Told: Told{Weight: 2}}}
	other := Node{Report: Report{Capacity: 50, Free: 20, Told: Told{Weight: 1}}}
	unlimited := Node{Report: Report{Told: Told{Weight: 5}}}
	for _, row := range []struct {
		name   string
		policy Policy
		nodes  []Node
		want   []float64
	}{
		{"by what is free", LeastLoad, []Node{limited, other}, []float64{30, 20}},
		{"by what is free, of which one can't say", LeastLoad, []Node{limited, unlimited}, []float64{0, 0}},
		{"by weight", Weighted, []Node{limited, unlimited}, []float64{2, 5}},
		{"in turn", RoundRobin, []Node{limited, other}, []float64{0, 0}},
		{"by item, of which DNS knows nothing", Content, []Node{limited, other}, []float64{0, 0}},
		{"no nodes", LeastLoad, nil, []float64{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.policy.Weights(row.nodes); !slices.Equal(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}
