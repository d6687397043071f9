package library

import (
	"path"
	"slices"
)

// A manifest (HLS, DASH) makes one item of many files: what it refers to is
// no film of its own, but a segment of its stream. Manifests come and go as
// files do, and refer to folders that may be scanned later, so the links are
// made anew whenever something about them has changed, just before the share
// is published.

// part is a pattern of names in one folder that are parts of a stream.
type part struct {
	pattern string // as path.Match has it
	of      *Item  // the manifest that people open
}

// mayBeManifest reports whether the item looks like one before it is measured.
func (it *Item) mayBeManifest() bool {
	return it.Kind == Playlist || it.MIME == "application/dash+xml"
}

// isManifest reports whether the item is made of other files.
func (it *Item) isManifest() bool {
	info := it.Info()
	return info != nil && len(info.Parts) > 0
}

// isMaster reports whether the item offers other manifests rather than
// segments: nothing in it has a duration.
func (it *Item) isMaster() bool { return it.isManifest() && it.Info().Duration == 0 }

// noteManifests keeps in mind which of a folder's items are manifests. Called
// under the lock.
func (s *share) noteManifests(items []*Item) {
	for _, it := range items {
		if it.isManifest() {
			s.manifests[it.below()] = it
		}
	}
	s.unlinked = s.unlinked || len(s.manifests) > 0
}

// link gives each folder the parts of streams that lie in it. Called under the
// lock.
func (s *share) link() {
	s.unlinked = false
	for below, it := range s.manifests {
		now, _ := s.currentItem(it)
		if now == nil || !now.isManifest() {
			delete(s.manifests, below)
			continue
		}
		s.manifests[below] = now
	}
	masters := s.masters()
	parts := make(map[*node][]part)
	for _, it := range s.manifests {
		of := it
		if m := masters[it]; m != nil {
			of = m
		}
		for folder, pattern := range s.partsOf(it) {
			parts[folder] = append(parts[folder], part{pattern, of})
		}
	}
	for n := range s.linked {
		if parts[n] == nil {
			n.setParts(nil)
		}
	}
	for n, p := range parts {
		slices.SortFunc(p, func(a, b part) int { return CompareNames(a.pattern+"\x00"+a.of.Path, b.pattern+"\x00"+b.of.Path) })
		n.setParts(p)
	}
	s.linked = parts
}

// masters returns the master of each manifest that has one.
func (s *share) masters() map[*Item]*Item {
	all := make(map[*Item]*Item)
	for _, m := range s.manifests {
		if !m.isMaster() {
			continue
		}
		for folder, pattern := range s.partsOf(m) {
			for _, it := range folder.items {
				if ok, _ := path.Match(pattern, it.Name); ok && it.isManifest() && !it.isMaster() {
					all[it] = m
				}
			}
		}
	}
	return all
}

// partsOf yields the folders that a manifest refers to, each with a pattern of
// names. No reference leads out of the share.
func (s *share) partsOf(it *Item) func(yield func(*node, string) bool) {
	home, _ := splitPath(it.below())
	return func(yield func(*node, string) bool) {
		for _, pattern := range it.Info().Parts {
			dir, name := path.Split(pattern)
			if n, ok := s.root.find(path.Join(home, dir)); ok && !yield(n, name) {
				return
			}
		}
	}
}

// setParts changes which of a folder's files are parts of streams.
func (n *node) setParts(parts []part) {
	if !slices.Equal(n.parts, parts) {
		n.parts = parts
		n.touch()
	}
}

// asPart returns the item as it is shown: a segment where it is part of a
// stream, else as it is.
func (n *node) asPart(it *Item) *Item {
	for _, p := range n.parts {
		if it.Path == p.of.Path || it.isMaster() || it.isManifest() && !p.of.isMaster() {
			continue
		}
		if ok, _ := path.Match(p.pattern, it.Name); ok {
			c := *it
			c.Kind, c.Stream = Segment, p.of
			return &c
		}
	}
	return it
}
