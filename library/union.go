package library

import (
	"slices"
)

// union is one folder made of the folders that several shares have at its
// path. It remembers what it was made of, so that only what has changed is
// made again. The first share that has an item gives it, unless that share
// does not answer and another one does. A folder hides an item of its name.
type union struct {
	parts []*Folder
	out   *Folder
	subs  map[string]*union
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
	f := &Folder{Path: parts[0].Path, Name: parts[0].Name}
	f.Folders = u.mergeFolders(parts)
	for _, same := range grouped(parts, func(p *Folder) []*Item { return p.Items }) {
		if _, ok := byName(f.Folders, same[0].Name); !ok {
			f.Items = append(f.Items, preferred(same))
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
			sub = new(union)
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
	slices.SortStableFunc(all, func(a, b T) int { return compareNames(a.label(), b.label()) })
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

func preferred(same []*Item) *Item {
	if i := slices.IndexFunc(same, func(it *Item) bool { return it.Available }); i > 0 {
		return same[i]
	}
	return same[0]
}
