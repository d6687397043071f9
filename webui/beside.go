package webui

import "mustserv/library"

// company is what lies beside the films and songs of one folder.
type company struct {
	subtitles map[*library.Item][]library.Sidecar
	pictures  map[*library.Item]*library.Item
	picture   *library.Item // for all of them
}

func companyIn(f *library.Folder) company {
	own, whole := f.Pictures()
	return company{f.Sidecars(), own, whole}
}

// companyOf returns what lies beside an item; nothing if its folder is gone.
func (h *Handler) companyOf(it *library.Item) company {
	_, folder, err := h.lookup(parent(it.Path))
	if err != nil || folder == nil {
		return company{}
	}
	return companyIn(folder)
}

// art returns the picture of an item: the one in the file, the one beside it,
// or that of its folder.
func (c company) art(it *library.Item) (art, bool) {
	switch {
	case hasCover(it):
		return art{it, true}, true
	case c.pictures[it] != nil:
		return art{c.pictures[it], false}, true
	case c.picture != nil && it.Playable():
		return art{c.picture, false}, true
	}
	return art{}, false
}
