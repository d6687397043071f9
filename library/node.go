package library

import (
	"slices"
	"strings"

	"mustserv/library/probe"
	"mustserv/library/source"
)

// node is a folder of one share as the share keeps it, under its lock, and
// changes it in place. What has changed since is published as new Folders;
// the rest of the tree stays as it was.
type node struct {
	up     *node
	name   string
	path   string        // in the library
	subs   []*node       // natural order
	items  []*Item       // natural order; also those that are not shown, of no kind (yet)
	parts  []part        // which of the items are parts of streams
	unread bool          // it could not be listed
	origin source.Origin // the node that it is of, if that is another one
	hot    bool          // it was being changed when it was listed, so that more may have followed unseen

	// When the folder itself was last changed, as its source tells, in
	// nanoseconds since 1970; 0 if that is not known. Only the share's goroutine
	// uses them.
	seen   int64 // when it was last looked at
	listed int64 // when it was last listed

	out  *Folder // as published; nil if anything in it or below has changed since
	lent bool    // items is out's too, and must not be changed in place
}

// label orders nodes by name.
func (n *node) label() string { return n.name }

// depth is the number of folders above, within the share.
func (n *node) depth() (depth int) {
	for ; n.up != nil; n = n.up {
		depth++
	}
	return depth
}

// below returns the folder's name within its share.
func (n *node) below() string {
	root := n
	for root.up != nil {
		root = root.up
	}
	if n == root {
		return "."
	}
	return n.path[len(root.path)+1:]
}

// touch says that n has changed.
func (n *node) touch() {
	for ; n != nil && n.out != nil; n = n.up {
		n.out = nil
	}
}

// find returns the folder with a name within the share, if it is known.
func (n *node) find(below string) (*node, bool) {
	if below == "." {
		return n, true
	}
	for name := range strings.SplitSeq(below, "/") {
		sub, ok := byName(n.subs, name)
		if !ok {
			return nil, false
		}
		n = sub
	}
	return n, true
}

// drop takes n out of its parent.
func (n *node) drop() {
	if n.up == nil {
		return
	}
	n.up.subs = slices.DeleteFunc(slices.Clone(n.up.subs), func(sub *node) bool { return sub == n })
	n.up.touch()
}

// replace puts it in the place of the item with the same name.
func (n *node) replace(it *Item) {
	i, ok := slices.BinarySearchFunc(n.items, it.Name, func(e *Item, name string) int { return CompareNames(e.Name, name) })
	if !ok {
		return
	}
	if n.lent {
		n.items, n.lent = slices.Clone(n.items), false
	}
	n.items[i] = it
	n.touch()
}

// setAvailable marks all items in n and below.
func (n *node) setAvailable(available bool) {
	if slices.ContainsFunc(n.items, func(it *Item) bool { return it.Available != available }) {
		n.items, n.lent = inOnePiece(n.items), false
		for _, it := range n.items {
			it.Available = available
		}
	}
	n.out = nil
	for _, sub := range n.subs {
		sub.setAvailable(available)
	}
}

// inOnePiece returns copies of a folder's items that lie together, and their
// texts, too: made one by one, they leave gaps all over the heap.
func inOnePiece(items []*Item) []*Item {
	copies, list := make([]Item, len(items)), make([]*Item, len(items))
	var texts strings.Builder
	for _, it := range items {
		texts.WriteString(it.Path)
		texts.WriteString(string(it.info))
	}
	rest := strings.Clone(texts.String()) // without what Builder has in reserve
	take := func(n int) (text string) {
		text, rest = rest[:n], rest[n:]
		return text
	}
	for i, it := range items {
		c := &copies[i]
		*c, list[i] = *it, c
		c.Path = take(len(it.Path))
		c.Name = c.Path[len(c.Path)-len(it.Name):]
		c.info = probe.Packed(take(len(it.info)))
	}
	return list
}

// folder publishes n. It makes new Folders for what has changed only.
func (n *node) folder() *Folder {
	if n.out != nil {
		return n.out
	}
	f := &Folder{Path: n.path, Name: n.name, Origin: n.origin}
	for _, sub := range n.subs {
		if s := sub.folder(); s.any {
			f.Folders = append(f.Folders, s)
		}
	}
	f.Items, n.lent = n.shown()
	f.count()
	n.out = f
	return f
}

// shown returns the items that have a kind, the parts of streams as such, and
// whether they are the very same list.
func (n *node) shown() ([]*Item, bool) {
	hidden := func(it *Item) bool { return it.Kind == "" }
	if len(n.parts) == 0 && !slices.ContainsFunc(n.items, hidden) {
		return slices.Clip(n.items), true
	}
	items := slices.DeleteFunc(slices.Clone(n.items), hidden)
	for i, it := range items {
		items[i] = n.asPart(it)
	}
	return items, false
}
