package webui

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"mustserv/library"
)

// rowsPerPage bounds what one page of a big folder holds.
const rowsPerPage = 200

type browsePage struct {
	Name      string
	Top       bool
	Crumbs    []crumb
	Notices   []saying
	Summary   saying
	GoOn      []card // what one has begun
	List      listing
	Playlists []link
	Listing   string // plain, for players that walk folders
	Songs     string // where the dock finds those below; empty if there are none
	Address   string // absolute, of the playlist that most players read
}

// browse shows a folder; the root's folders are the shares.
func (h *Handler) browse(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	switch {
	case err != nil:
		return err
	case at.item != nil:
		return redirect(w, watchURL(at.path))
	case at.path == "" && r.URL.EscapedPath() != "/":
		return redirect(w, "/")
	case at.path != "" && !at.slash:
		return redirect(w, browseURL(at.path))
	}
	page, err := h.browsePage(w, r, at.folder)
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, "browse", verbatim(cmp.Or(at.folder.Name, h.Config().Title)), page)
}

func (h *Handler) browsePage(w http.ResponseWriter, r *http.Request, f *library.Folder) (browsePage, error) {
	shares := h.Library.Shares()
	p := browsePage{
		Name: f.Name, Top: f.Path == "", Crumbs: crumbs(f.Path),
		Notices: notices(shares, f.Path), Summary: contents(f),
		Playlists: playlists("", f.Path), Listing: listingURL(f.Path), Address: origin(r) + playlistURL(f.Path, "m3u"),
		Songs: folderSongs(f),
	}
	look, err := readLook(w, r, false, byName, byDate, byLength, bySize, byRate)
	if err != nil {
		return p, err
	}
	items, folders := h.ordered(f, playable(f), look), sortFolders(f.Folders, look)
	pager, err := newPager(r, len(folders)+len(items.items), look.perPage())
	if err != nil {
		return p, err
	}
	p.List = h.newListing(look, pager)
	for i := pager.first; i < pager.last; i++ {
		if i < len(folders) {
			p.List.addFolder(folders[i])
		} else {
			p.List.addItem(items.at(i - len(folders)))
		}
	}
	if p.Top {
		p.Summary, p.GoOn = summary(shares), h.goOn(r)
		p.List.describeShares(shares)
		for _, row := range unseenShares(f, shares) {
			p.List.add(row, "")
		}
	}
	return p, nil
}

// sortFolders returns folders in the order that a look asks for, as far as it
// is one for folders.
func sortFolders(folders []*library.Folder, l look) []*library.Folder {
	if l.Sort != bySize && !(l.Sort == byName && l.Reverse) {
		return folders
	}
	all := slices.Clone(folders)
	if l.Sort == bySize {
		slices.SortStableFunc(all, func(a, b *library.Folder) int { return cmp.Compare(b.Totals().Bytes, a.Totals().Bytes) })
	}
	if l.Reverse {
		slices.Reverse(all)
	}
	return all
}

// summary says what all shares hold together.
func summary(shares []library.ShareStatus) saying {
	files, bytes, names := 0, int64(0), map[string]bool{}
	for _, s := range shares {
		files, bytes, names[s.Name] = files+s.Items, bytes+s.Bytes, true
	}
	return commas(counted(len(names), "share", "shares"), counted(files, "file", "files"), sized(bytes))
}

// unseenShares returns the shares that have no folder yet.
func unseenShares(root *library.Folder, shares []library.ShareStatus) []row {
	var rows []row
	seen := map[string]bool{}
	for _, f := range root.Folders {
		seen[f.Name] = true
	}
	for _, s := range shares {
		if !seen[s.Name] {
			seen[s.Name] = true
			rows = append(rows, row{Icon: "folder.svg", Kind: say("folder"), Name: s.Name, Note: trouble(s), Away: true})
		}
	}
	return rows
}

// notices tells what a person who looks at path must know of its share, or at
// the root of all shares.
func notices(shares []library.ShareStatus, path string) []saying {
	name, _, _ := strings.Cut(path, "/")
	var all []saying
	for _, s := range shares {
		if path != "" && s.Name != name {
			continue
		}
		switch s.State {
		case library.Scanning:
			all = append(all, say("Still looking through %s: %s so far.", plain(s.Name), counted(s.Items, "file", "files")))
		case library.Unavailable:
			if path == "" { // the share's row says it
				continue
			}
			all = append(all, say("%s does not answer%s. What it holds is shown as it was last seen.", plain(s.Name), because(s.Reason)))
		}
	}
	return slices.CompactFunc(all, func(a, b saying) bool { return a.in(english()) == b.in(english()) })
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + plain(reason) + ")"
}

// trouble is the state of a share, and why it is that.
func trouble(s library.ShareStatus) saying {
	return chain{"", []saying{stateInWords(s), verbatim(because(s.Reason))}}
}

func stateInWords(s library.ShareStatus) saying {
	switch s.State {
	case library.Scanning:
		return say("being looked through")
	case library.Watched:
		return say("watched")
	case library.Polled:
		return say("looked through now and then")
	case library.Unavailable:
		return say("does not answer")
	}
	return verbatim(plain(string(s.State)))
}
