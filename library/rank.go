package library

import (
	"bytes"
	"math"
)

// What the match of a word costs, by where it is and whether it is a whole
// word, the begin of one, or some part of it.
const (
	titleWhole = iota
	titleBegin
	creditWhole // of artist or album
	creditBegin
	titleInside
	creditInside
	folderWhole
	folderBegin
	folderInside

	dearest = folderInside
	noMatch = math.MaxInt
)

// cost returns the least of the costs that a word has in a text, which are
// those as a whole word, as the begin of one, and elsewhere; noMatch if it is
// not there.
func cost(text, word []byte, costs [3]int) int {
	best := noMatch
	for from := 0; ; from++ {
		at := bytes.Index(text[from:], word)
		if at < 0 {
			return best
		}
		from += at
		end := from + len(word)
		switch {
		case from > 0 && isWord(text[from-1]):
			best = min(best, costs[2])
		case end < len(text) && isWord(text[end]):
			best = costs[1]
		default:
			return costs[0]
		}
	}
}

// results keeps what a search finds by what it costs: in the order of the
// tree for each cost, and no more than can be asked for.
type results[T any] struct {
	total, most int
	byCost      [][]T
}

// newResults is for costs below a limit, and keeps most results of each.
func newResults[T any](most, costs int) results[T] {
	return results[T]{most: most, byCost: make([][]T, costs)}
}

// has tells whether it has room for one more of a cost.
func (r *results[T]) has(cost int) bool { return len(r.byCost[cost]) < r.most }

func (r *results[T]) add(found T, cost int) {
	r.total++
	if r.has(cost) {
		r.byCost[cost] = append(r.byCost[cost], found)
	}
}

// page returns the best results without the first few.
func (r *results[T]) page(offset, limit int) (best []T) {
	for _, alike := range r.byCost {
		skip := min(offset, len(alike))
		offset -= skip
		best = append(best, alike[skip:min(len(alike), skip+limit-len(best))]...)
	}
	return best
}
