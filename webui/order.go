package webui

import (
	"cmp"
	"slices"
	"sync"

	"mustserv/library"
)

const ordersKept = 4

// orders remembers how the last few lists were put in order: to sort many
// items takes longer than to show some of them. The zero value is ready.
type orders struct {
	mu   sync.Mutex
	tree *library.Tree // that they are of
	kept []order
}

// order is how a list is sorted.
type order struct {
	of      any // the folder or shelf that the list is of
	sort    string
	reverse bool
	places  []int32 // of the items in the list
}

// list is items in the order that a look asks for.
type list struct {
	items  []*library.Item
	places []int32 // nil if they are in it as they are
	back   bool    // they are shown from the last on
}

// at returns an item, from 0 on.
func (l list) at(i int) *library.Item {
	if l.back {
		i = len(l.items) - 1 - i
	}
	if l.places != nil {
		i = int(l.places[i])
	}
	return l.items[i]
}

// ordered puts the items of a folder or shelf, which both never change, in
// the order that a look asks for.
func (h *Handler) ordered(of any, items []*library.Item, l look) list {
	if l.Sort == l.natural {
		return list{items, nil, l.Reverse}
	}
	h.orders.mu.Lock()
	defer h.orders.mu.Unlock()
	if tree := h.tree(); h.orders.tree != tree {
		h.orders.tree, h.orders.kept = tree, nil
	}
	i := slices.IndexFunc(h.orders.kept, func(o order) bool { return o.of == of && o.sort == l.Sort && o.reverse == l.Reverse })
	if i >= 0 {
		return list{items, h.orders.kept[i].places, false}
	}
	made := order{of, l.Sort, l.Reverse, h.sorted(items, l)}
	h.orders.kept = append([]order{made}, h.orders.kept[:min(len(h.orders.kept), ordersKept-1)]...)
	return list{items, made.places, false}
}

// sorted returns the places of items in order. What is alike stays as it is.
func (h *Handler) sorted(items []*library.Item, l look) []int32 {
	places := make([]int32, len(items))
	for i := range places {
		places[i] = int32(i)
	}
	sign := -1
	if l.rises() {
		sign = 1
	}
	if l.Sort == byName {
		titles := make([]string, len(items))
		for i, it := range items {
			titles[i] = it.Title()
		}
		slices.SortStableFunc(places, func(a, b int32) int { return sign * library.CompareNames(titles[a], titles[b]) })
		return places
	}
	keys := make([]int64, len(items))
	for i, it := range items {
		keys[i] = h.sortKey(it, l.Sort)
	}
	slices.SortFunc(places, func(a, b int32) int { return cmp.Or(sign*cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	return places
}

// sortKey is the number by which an item is sorted.
func (h *Handler) sortKey(it *library.Item, sort string) int64 {
	switch sort {
	case byDate:
		return it.Modified.Unix()
	case byLength:
		return int64(it.Head().Duration * 1000)
	case bySize:
		return it.Size
	case byRate:
		rate, _ := h.Need(it)
		return rate
	}
	return 0
}

// sortGroups returns groups in the order that a look asks for.
func sortGroups(groups []group, l look) []group {
	all := slices.Clone(groups)
	if l.Sort != l.natural {
		slices.SortStableFunc(all, func(a, b group) int { return cmp.Compare(b.sum.by(l.Sort), a.sum.by(l.Sort)) })
	}
	if l.Reverse {
		slices.Reverse(all)
	}
	return all
}
