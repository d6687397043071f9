package library

import (
	"slices"
	"time"

	"mustserv/library/source"
)

// union is one folder made of the folders that several shares have at its
// path. It remembers what it was made of, so that only what has changed is
// made again. Items of one name and content are one, which can be read from any
// of the shares. Of different contents the first share's is the item, unless
// that share does not answer and another one does. A folder hides an item of
// its name.
type union struct {
	parts  []*Folder
	out    *Folder
	subs   map[string]*union
	differ func(path string) // told of different contents at one path; may be nil
}

// merge returns the union of the parts, the first of which has preference.
func (u *union) merge(parts []*Folder) *Folder {
	if u.out != nil && slices.Equal(u.parts, parts) {
		return u.out
	}
	u.parts = slices.Clone(parts)
	if len(parts) == 1 {
		u.subs, u.out = nil, parts[0]
		return u.out
	}
	f := &Folder{Path: parts[0].Path, Name: parts[0].Name, Origin: parts[0].Origin}
	for _, p := range parts {
		f.Origin = common(f.Origin, p.Origin)
	}
	f.Folders = u.mergeFolders(parts)
	for _, same := range grouped(parts, func(p *Folder) []*Item { return p.Items }) {
		if _, ok := byName(f.Folders, same[0].Name); !ok {
			f.Items = append(f.Items, u.unite(same))
		}
	}
	f.count()
	u.out = f
	return f
}

func (u *union) mergeFolders(parts []*Folder) (merged []*Folder) {
	subs := make(map[string]*union)
	for _, same := range grouped(parts, func(p *Folder) []*Folder { return p.Folders }) {
		name := same[0].Name
		sub := u.subs[name]
		if sub == nil {
			sub = &union{differ: u.differ}
		}
		subs[name] = sub
		merged = append(merged, sub.merge(same))
	}
	u.subs = subs
	return merged
}

// grouped brings together what has the same name in several folders, in
// natural order, each group in the order of the folders.
func grouped[T labelled](parts []*Folder, list func(*Folder) []T) (groups [][]T) {
	var all []T
	for _, p := range parts {
		all = append(all, list(p)...)
	}
	slices.SortStableFunc(all, func(a, b T) int { return CompareNames(a.label(), b.label()) })
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].label() == all[0].label() {
			n++
		}
		groups = append(groups, all[:n:n])
		all = all[n:]
	}
	return groups
}

// copies are the items that several shares have of one content.
type copies struct {
	items    []*Item   // in the order of the shares
	earliest time.Time // of their modification times
}

// unite makes one item of those that the shares have at one path.
func (u *union) unite(same []*Item) *Item {
	if len(same) == 1 {
		return same[0]
	}
	first := preferred(same)
	found := &copies{earliest: first.Modified}
	one := *first
	one.also = found
	for _, it := range same {
		if !it.state().is(first.state()) {
			continue
		}
		found.items = append(found.items, it)
		one.Origin = common(one.Origin, it.Origin)
		one.Available = one.Available || it.Available
		if it.Modified.Before(found.earliest) {
			found.earliest = it.Modified
		}
		if !one.measured() && it.measured() {
			one.info, one.Problem, one.Kind, one.MIME = it.info, it.Problem, it.Kind, it.MIME
		}
	}
	if len(found.items) < len(same) && u.differ != nil {
		u.differ(first.Path)
	}
	if len(found.items) == 1 {
		return first
	}
	return &one
}

// common returns the node that both are of, nothing where they differ.
func common(a, b source.Origin) source.Origin {
	if a != b {
		return ""
	}
	return a
}

// preferred returns the first item whose content is available.
func preferred(same []*Item) *Item {
	for _, first := range same {
		for _, it := range same {
			if it.Available && it.state().is(first.state()) {
				return first
			}
		}
	}
	return same[0]
}
