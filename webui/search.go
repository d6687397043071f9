package webui

import (
	"net/http"
	"slices"

	"mustserv/library"
)

const (
	resultsPerPage = 100
	groupsOnPage   = 6 // on the first one
)

type searchPage struct {
	Text  string
	Kind  string
	Kinds []kindChoice
	Asked bool
	Rows  []row
	Pager pager
}

type kindChoice struct {
	Value  string
	Name   saying
	Chosen bool
}

// search shows the films and music whose paths hold all words asked for.
func (h *Handler) search(w http.ResponseWriter, r *http.Request, _ string) error {
	text := r.URL.Query().Get("q")
	kind, err := kindAsked(r, library.Video, library.Audio)
	if err != nil {
		return err
	}
	p := searchPage{Text: text, Kind: string(kind), Kinds: kindChoices(kind), Asked: text != ""}
	if p.Asked {
		if err := h.find(r, &p, library.Query{Text: text, Kind: kind, Limit: resultsPerPage}); err != nil {
			return err
		}
	}
	return h.render(w, r, http.StatusOK, "search", say("Search"), p)
}

func (h *Handler) find(r *http.Request, p *searchPage, q library.Query) (err error) {
	if q.Offset, err = pageOffset(r, resultsPerPage); err != nil {
		return err
	}
	if q.Offset == 0 {
		q.Groups = groupsOnPage
	}
	found := h.tree().Search(q)
	if p.Pager, err = newPager(r, found.Total, resultsPerPage); err != nil {
		return err
	}
	for _, g := range found.Groups {
		p.Rows = append(p.Rows, groupRow(g))
	}
	for _, it := range found.Items {
		row := h.itemRow(it)
		row.About = verbatim(parent(it.Path))
		p.Rows = append(p.Rows, row)
	}
	return nil
}

// groupRow is an artist, an album or a folder above the items found.
func groupRow(g library.Group) row {
	switch {
	case g.Folder != nil:
		r := folderRow(g.Folder)
		r.About = dots(verbatim(parent(g.Folder.Path)), r.About)
		return r
	case g.Album != "":
		return row{Icon: "folder.svg", Kind: say("album"), Name: g.Album, About: dots(say("album"), verbatim(g.Artist)), URL: musicURL(g.Artist, g.Album)}
	}
	return row{Icon: "folder.svg", Kind: say("artist"), Name: g.Artist, About: say("artist"), URL: musicURL(g.Artist, "")}
}

func kindChoices(chosen library.Kind) []kindChoice {
	return []kindChoice{
		{"", say("Films and music"), chosen == ""},
		{string(library.Video), say("Films"), chosen == library.Video},
		{string(library.Audio), say("Music"), chosen == library.Audio},
	}
}

// kindAsked reads the parameter kind, which is empty or one of some kinds.
func kindAsked(r *http.Request, kinds ...library.Kind) (library.Kind, error) {
	text := r.URL.Query().Get("kind")
	if text == "" || slices.Contains(kinds, library.Kind(text)) {
		return library.Kind(text), nil
	}
	return "", &parameterError{"kind", text, "one of " + wordList(kinds)}
}
