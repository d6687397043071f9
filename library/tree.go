package library

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"

	"mustserv/library/source"
)

// Folder is one folder of the library, immutable like its items. The folders
// of the root are the shares. A folder that holds no item, nor does any below
// it, is left out, unless it is a share.
type Folder struct {
	Path    string        // in the library; the root's is empty
	Name    string        // last element of Path
	Folders []*Folder     // in natural order of their names
	Items   []*Item       // in natural order of their names
	Origin  source.Origin // the node that it is of, if that is another one, and nothing in it is of this one

	totals  Totals
	any     bool          // there is an item in it or below
	version atomic.Uint64 // 0 until it is asked for
}

// Totals counts the films and music in a folder and below it.
type Totals struct {
	Items      int
	Unmeasured int   // of these, still to be measured
	Bytes      int64 // of these
}

// Totals returns the folder's totals; they are counted already.
func (f *Folder) Totals() Totals { return f.totals }

// All calls yield for each item in the folder and below it, until yield
// returns false: first its own in natural order, then folder by folder.
func (f *Folder) All(yield func(*Item) bool) { f.all(yield) }

func (f *Folder) all(yield func(*Item) bool) bool {
	for _, it := range f.Items {
		if !yield(it) {
			return false
		}
	}
	for _, sub := range f.Folders {
		if !sub.all(yield) {
			return false
		}
	}
	return true
}

// count sets the totals from the items and the folders below.
func (f *Folder) count() {
	f.totals, f.any = Totals{}, len(f.Items) > 0
	for _, sub := range f.Folders {
		f.totals.Items += sub.totals.Items
		f.totals.Unmeasured += sub.totals.Unmeasured
		f.totals.Bytes += sub.totals.Bytes
		f.any = f.any || sub.any
	}
	for _, it := range f.Items {
		if it.Playable() {
			f.totals.Items++
			f.totals.Bytes += it.Size
		}
		if it.unmeasured() {
			f.totals.Unmeasured++
		}
	}
}

// label orders folders by name.
func (f *Folder) label() string { return f.Name }

// Tree is an immutable snapshot of the whole library.
type Tree struct {
	Root *Folder
}

// Lookup returns the item or the folder at a library path, the root folder
// for the empty one, or fs.ErrNotExist. It does no I/O and takes no lock.
func (t *Tree) Lookup(path string) (*Item, *Folder, error) {
	f := t.Root
	if path == "" {
		return nil, f, nil
	}
	for rest, more := path, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, "/")
		sub, ok := byName(f.Folders, name)
		if !ok && !more {
			if it, ok := byName(f.Items, name); ok {
				return it, nil, nil
			}
		}
		if !ok {
			return nil, nil, fmt.Errorf("%q in the library: %w", path, fs.ErrNotExist)
		}
		f = sub
	}
	return nil, f, nil
}

// labelled is what lists in natural order hold.
type labelled interface{ label() string }

// byName finds name in a list in natural order.
func byName[T labelled](list []T, name string) (found T, ok bool) {
	i, ok := slices.BinarySearchFunc(list, name, func(e T, name string) int { return CompareNames(e.label(), name) })
	if !ok {
		return found, false
	}
	return list[i], true
}
