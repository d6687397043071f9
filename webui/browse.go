package webui

import (
	"cmp"
	"fmt"
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
	Notices   []string
	Summary   string
	Rows      []row
	Pager     pager
	Playlists []link
	Listing   string // plain, for players that walk folders
	Songs     string // where the dock finds those below; empty if there are none
	Address   string // absolute, of the playlist that most players read
}

// browse shows a folder; the root's folders are the shares.
func (h *Handler) browse(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(rest)
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
	page, err := h.browsePage(r, at.folder)
	if err != nil {
		return err
	}
	return h.render(w, r, http.StatusOK, "browse", cmp.Or(at.folder.Name, h.Config().Title), page)
}

func (h *Handler) browsePage(r *http.Request, f *library.Folder) (browsePage, error) {
	shares := h.Library.Shares()
	items := playable(f)
	folders := len(f.Folders)
	pager, err := newPager(r, folders+len(items), rowsPerPage)
	p := browsePage{
		Name: f.Name, Top: f.Path == "", Crumbs: crumbs(f.Path),
		Notices: notices(shares, f.Path), Summary: contents(f), Pager: pager,
		Playlists: playlists("", f.Path), Listing: listingURL(f.Path), Address: origin(r) + playlistURL(f.Path, "m3u"),
		Songs: folderSongs(f),
	}
	for i := pager.first; i < pager.last; i++ {
		if i < folders {
			p.Rows = append(p.Rows, folderRow(f.Folders[i]))
		} else {
			p.Rows = append(p.Rows, h.itemRow(items[i-folders]))
		}
	}
	if p.Top {
		p.Name, p.Summary = "Library", summary(shares)
		describeShares(p.Rows, shares)
		p.Rows = append(p.Rows, unseenShares(f, shares)...)
	}
	return p, err
}

// summary says what all shares hold together.
func summary(shares []library.ShareStatus) string {
	files, bytes, names := 0, int64(0), map[string]bool{}
	for _, s := range shares {
		files, bytes, names[s.Name] = files+s.Items, bytes+s.Bytes, true
	}
	return count(len(names), "share", "shares") + ", " + count(files, "file", "files") + ", " + size(bytes)
}

// describeShares says of each share's folder whether it can be played. One of
// several shares of a name is enough.
func describeShares(rows []row, shares []library.ShareStatus) {
	for i := range rows {
		away := true
		for _, s := range shares {
			if s.Name != rows[i].Name {
				continue
			}
			if s.State == library.Unavailable {
				rows[i].Note = stateInWords(s) + because(s.Reason)
			} else {
				away = false
			}
		}
		rows[i].Away = away
	}
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
			rows = append(rows, row{Icon: "folder.svg", Kind: "folder", Name: s.Name, Note: stateInWords(s) + because(s.Reason), Away: true})
		}
	}
	return rows
}

// notices tells what a person who looks at path must know of its share, or at
// the root of all shares.
func notices(shares []library.ShareStatus, path string) []string {
	name, _, _ := strings.Cut(path, "/")
	var all []string
	for _, s := range shares {
		if path != "" && s.Name != name {
			continue
		}
		switch s.State {
		case library.Scanning:
			all = append(all, fmt.Sprintf("Still looking through %s: %s so far.", plain(s.Name), count(s.Items, "file", "files")))
		case library.Unavailable:
			if path == "" { // the share's row says it
				continue
			}
			all = append(all, fmt.Sprintf("%s does not answer%s. What it holds is shown as it was last seen.", plain(s.Name), because(s.Reason)))
		}
	}
	return slices.Compact(all)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + plain(reason) + ")"
}

func stateInWords(s library.ShareStatus) string {
	switch s.State {
	case library.Scanning:
		return "being looked through"
	case library.Watched:
		return "watched"
	case library.Polled:
		return "looked through now and then"
	case library.Unavailable:
		return "does not answer"
	}
	return plain(string(s.State))
}
