package scale

import (
	"math"
	"math/rand/v2"
	"slices"
)

// popularity draws numbers, the first ones most often: of rank k, 1/k to some
// power.
type popularity struct{ below []float64 } // part of all draws up to each rank

func newPopularity(n int, power float64) *popularity {
	below := make([]float64, n)
	var sum float64
	for i := range below {
		sum += math.Pow(float64(i+1), -power)
		below[i] = sum
	}
	for i := range below {
		below[i] /= sum
	}
	return &popularity{below}
}

// draw returns a rank from 0 on.
func (p *popularity) draw(random *rand.Rand) int { return p.at(random.Float64()) }

// at returns the rank at a part of all draws from 0 to 1.
func (p *popularity) at(part float64) int {
	i, _ := slices.BinarySearch(p.below, part)
	return min(i, len(p.below)-1)
}

// part returns how much of all draws a rank gets.
func (p *popularity) part(rank int) float64 {
	if rank == 0 {
		return p.below[0]
	}
	return p.below[rank] - p.below[rank-1]
}
