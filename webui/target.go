package webui

import (
	"context"

	"mustserv/library"
)

// target is what an address leads to in the library: an item or a folder.
type target struct {
	path   string // in the library
	slash  bool   // the address ended in one
	item   *library.Item
	folder *library.Folder
}

// locate returns what the percent-encoded path of an address leads to.
func (h *Handler) locate(ctx context.Context, rest string) (at target, err error) {
	if at.path, at.slash, err = library.ParsePath(rest); err != nil {
		return at, err
	}
	at.item, at.folder, err = h.Library.Find(ctx, at.path)
	return at, err
}

// lookup finds an item or a folder in the library as it is now.
func (h *Handler) lookup(path string) (*library.Item, *library.Folder, error) {
	return h.tree().Lookup(path)
}

// tree returns the library as it is now; it has a root in any case.
func (h *Handler) tree() *library.Tree {
	if t := h.Library.Tree(); t != nil && t.Root != nil {
		return t
	}
	return &library.Tree{Root: &library.Folder{}}
}
