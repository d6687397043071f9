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
type results struct {
	total, most int
	byCost      [][]*Item
}

// newResults is for a search for some words, and keeps most items of each cost.
func newResults(words, most int) results {
	return results{most: most, byCost: make([][]*Item, (words*dearest+1)*places)}
}

func (r *results) add(it *Item, cost int) {
	r.total++
	if len(r.byCost[cost]) < r.most {
		r.byCost[cost] = append(r.byCost[cost], it)
	}
}

// page returns the best items without the first few.
func (r *results) page(offset, limit int) (items []*Item) {
	for _, alike := range r.byCost {
		skip := min(offset, len(alike))
		offset -= skip
		items = append(items, alike[skip:min(len(alike), skip+limit-len(items))]...)
	}
	return items
}
