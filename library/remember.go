package library

import (
	"slices"
	"strings"
	"time"

	"mustserv/library/index"
)

// remember shows what the index knows of the share before it has answered, as
// unavailable: it may be away for long, or take long to scan.
func (s *share) remember() {
	folders := map[string]*node{".": s.root}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.Each(s.Place, func(k index.Key, e index.Entry) {
		folder, name := splitPath(k.Path)
		n := s.folderOf(folders, folder)
		it := s.bareItem(n, name, k.Size, time.Unix(0, k.Modified)).with(e)
		it.Available = false
		n.items = append(n.items, it)
	})
	for _, n := range folders {
		slices.SortFunc(n.subs, func(a, b *node) int { return CompareNames(a.name, b.name) })
		slices.SortFunc(n.items, func(a, b *Item) int { return CompareNames(a.Name, b.Name) })
		s.noteManifests(n.items)
	}
	s.remembered = true
	s.changed()
}

// folderOf returns the node of a folder, and makes it and those above it.
func (s *share) folderOf(known map[string]*node, below string) *node {
	if n := known[below]; n != nil {
		return n
	}
	above, name := splitPath(below)
	up := s.folderOf(known, above)
	n := &node{up: up, name: name, path: up.path + "/" + name}
	up.subs = append(up.subs, n)
	known[strings.Clone(below)] = n
	return n
}
