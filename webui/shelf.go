package webui

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
)

const newestMost = 500 // of the newest files are shown

// To put a large library in order takes a while. So a shelf is good for some
// time, whatever changes; then it is shown for the last time, or for as long
// as another one is being made; and at some age nobody wants to see it.
const (
	shelfTime = 10 * time.Second
	shelfOld  = time.Minute
)

// shelf is the library by what it holds rather than by folders. It is made of
// a tree when somebody first asks for it, and immutable then.
type shelf struct {
	tree   *library.Tree
	made   time.Time
	films  []*library.Item // that are no part of a series, by title
	series []group
	music  []group // of an artist, in groups for albums
	newest []*library.Item
}

// group is what belongs together under a name.
type group struct {
	Name   string
	Items  []*library.Item
	Groups []group
	sum    sum
}

// sum is what the items of a group, and of the groups in it, are together.
type sum struct {
	items  int
	length float64 // seconds
	size   int64   // bytes
	newest int64   // seconds since 1970
}

func (s sum) plus(t sum) sum {
	return sum{s.items + t.items, s.length + t.length, s.size + t.size, max(s.newest, t.newest)}
}

// by is what a group is sorted by.
func (s sum) by(sort string) float64 {
	switch sort {
	case byDate:
		return float64(s.newest)
	case bySize:
		return float64(s.size)
	}
	return s.length
}

// shelf returns the library of this moment, or of a while ago, by what it
// holds.
func (h *Handler) shelf() *shelf {
	h.shelving.Lock()
	defer h.shelving.Unlock()
	tree := h.tree()
	if h.shelved == nil {
		h.shelved = newShelf(tree)
	}
	switch age := time.Since(h.shelved.made); {
	case h.shelved.tree == tree || age < shelfTime:
	case age > shelfOld:
		h.shelved = newShelf(tree)
	case !h.renewing:
		h.renewing = true
		go h.renew(tree)
	}
	return h.shelved
}

// renew makes another shelf while the old one is shown.
func (h *Handler) renew(tree *library.Tree) {
	s := newShelf(tree)
	h.shelving.Lock()
	defer h.shelving.Unlock()
	h.shelved, h.renewing = s, false
}

func newShelf(tree *library.Tree) *shelf {
	s := &shelf{tree: tree, made: time.Now()}
	var films []titled
	series, music := newGroups(), newGroups()
	for it := range tree.Root.All {
		switch it.Kind {
		case library.Video:
			if e, ok := it.Episode(); ok {
				series.add(e.Series, fmt.Sprintf("Season %d", e.Season), it)
			} else {
				films = append(films, titled{it.Title(), it})
			}
		case library.Audio:
			artist, album := credits(it)
			music.add(artist, album, it)
		default:
			continue
		}
		s.newest = append(s.newest, it)
	}
	slices.SortStableFunc(films, func(a, b titled) int { return library.CompareNames(a.title, b.title) })
	for _, f := range films {
		s.films = append(s.films, f.Item)
	}
	slices.SortStableFunc(s.newest, func(a, b *library.Item) int { return b.Modified.Compare(a.Modified) })
	s.newest = slices.Clone(s.newest[:min(len(s.newest), newestMost)])
	s.series, s.music = series.sorted(episodeOf), music.sorted(numberOf)
	return s
}

// titled is an item whose title is asked for often.
type titled struct {
	title string
	*library.Item
}

// credits returns from which album a song is, and whose that is, by the file or
// else by the folder it lies in.
func credits(it *library.Item) (artist, album string) {
	folder := parent(it.Path)
	album = folder[strings.LastIndexByte(folder, '/')+1:]
	info := it.Head()
	return cmp.Or(info.AlbumBy(), probe.VariousArtists), cmp.Or(info.Album, album)
}

// episodeOf is an item's number in its season.
func episodeOf(it *library.Item) int {
	e, _ := it.Episode()
	return e.Number
}

// numberOf orders the songs of an album, disc by disc.
func numberOf(it *library.Item) int {
	info := it.Head()
	return min(info.Disc, 1000)<<20 + info.Number // which is no more than 1<<20
}

// sortBy orders items by number, then by name.
func sortBy(number func(*library.Item) int, items []*library.Item) {
	numbers := make(map[*library.Item]int, len(items))
	for _, it := range items {
		numbers[it] = number(it)
	}
	slices.SortStableFunc(items, func(a, b *library.Item) int {
		return cmp.Or(cmp.Compare(numbers[a], numbers[b]), library.CompareNames(a.Name, b.Name))
	})
}

// groups collects items under two names, whatever their case.
type groups struct {
	byName map[string]*group
	inner  map[string]map[string]*group
}

func newGroups() groups {
	return groups{make(map[string]*group), make(map[string]map[string]*group)}
}

func (g groups) add(outer, inner string, it *library.Item) {
	key := strings.ToLower(outer)
	if g.byName[key] == nil {
		g.byName[key], g.inner[key] = &group{Name: outer}, make(map[string]*group)
	}
	sub := g.inner[key][strings.ToLower(inner)]
	if sub == nil {
		sub = &group{Name: inner}
		g.inner[key][strings.ToLower(inner)] = sub
	}
	sub.Items = append(sub.Items, it)
	sub.sum = sub.sum.plus(sum{1, it.Head().Duration, it.Size, it.Modified.Unix()})
}

// sorted returns the groups by name, their groups likewise, and the items in
// the order of their numbers.
func (g groups) sorted(number func(*library.Item) int) []group {
	byName := func(a, b group) int { return library.CompareNames(a.Name, b.Name) }
	all := make([]group, 0, len(g.byName))
	for key, outer := range g.byName {
		for _, inner := range g.inner[key] {
			sortBy(number, inner.Items)
			outer.Groups, outer.sum = append(outer.Groups, *inner), outer.sum.plus(inner.sum)
		}
		slices.SortFunc(outer.Groups, byName)
		all = append(all, *outer)
	}
	slices.SortFunc(all, byName)
	return all
}

// named returns the group with a name, whatever its case, or fs.ErrNotExist.
func named(all []group, name string) (group, error) {
	i := slices.IndexFunc(all, func(g group) bool { return g.Name == name })
	if i < 0 {
		key := strings.ToLower(name)
		i = slices.IndexFunc(all, func(g group) bool { return strings.ToLower(g.Name) == key })
	}
	if i < 0 {
		return group{}, fs.ErrNotExist
	}
	return all[i], nil
}

// itemsOf returns the items of groups and those in them, in their order.
func itemsOf(all []group) (items []*library.Item) {
	for _, g := range all {
		items = append(append(items, g.Items...), itemsOf(g.Groups)...)
	}
	return items
}

// first returns the first item of a group, for its picture.
func (g group) first() *library.Item {
	for _, inner := range g.Groups {
		if it := inner.first(); it != nil {
			return it
		}
	}
	if len(g.Items) == 0 {
		return nil
	}
	return g.Items[0]
}
