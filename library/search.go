package library

import (
	"bytes"
	"strings"
)

// Limits of a search.
const (
	maxQuery     = 1000 // bytes that are looked at
	maxWords     = 16
	maxResults   = 1000
	usualResults = 100
)

// Query is what Search looks for.
type Query struct {
	Text   string // words, all of which must be in the item's path, whatever their case and accents; of at most 1000 bytes and 16 words
	Kind   Kind   // only this kind; empty for films and music
	Offset int    // skip so many results
	Limit  int    // return at most so many, up to 1000; 0 is 100
}

// Search returns how many items match and the asked part of them, in the
// tree's order.
func (t *Tree) Search(q Query) (total int, items []*Item) {
	s := search{kind: q.Kind, offset: max(q.Offset, 0), limit: min(q.Limit, maxResults)}
	if s.limit <= 0 {
		s.limit = usualResults
	}
	words := strings.Fields(fold(q.Text[:min(len(q.Text), maxQuery)]))
	for _, w := range words[:min(len(words), maxWords)] {
		s.words = append(s.words, []byte(w))
	}
	s.folder(t.Root)
	return s.total, s.items
}

type search struct {
	words         [][]byte
	kind          Kind
	offset, limit int

	total int
	items []*Item
	path  []byte // folded path of the folder, with a slash behind; then of an item
}

func (s *search) folder(f *Folder) {
	before := len(s.path)
	if f.Path != "" {
		s.path = append(append(s.path, fold(f.Name)...), '/')
	}
	for _, it := range f.Items {
		if s.wants(it) && s.matches(it) {
			s.add(it)
		}
	}
	for _, sub := range f.Folders {
		s.folder(sub)
	}
	s.path = s.path[:before]
}

func (s *search) wants(it *Item) bool {
	if s.kind == "" {
		return it.Playable()
	}
	return it.Kind == s.kind
}

func (s *search) matches(it *Item) bool {
	before := len(s.path)
	s.path = append(s.path, it.folded...)
	if it.folded == "" {
		for i := range len(it.Name) {
			s.path = append(s.path, lowerByte(it.Name[i]))
		}
	}
	whole := s.path
	s.path = s.path[:before]
	for _, w := range s.words {
		if !bytes.Contains(whole, w) {
			return false
		}
	}
	return true
}

func (s *search) add(it *Item) {
	if s.total >= s.offset && len(s.items) < s.limit {
		s.items = append(s.items, it)
	}
	s.total++
}
