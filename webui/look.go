package webui

import (
	"net/http"
	"net/url"
	"slices"
)

// Ways to put a list in order.
const (
	byName   = "name"
	byNumber = "number" // on an album, in a season
	byDate   = "date"
	byLength = "length"
	bySize   = "size"
	byRate   = "rate"
)

// look is how a person wants to see a list.
type look struct {
	Grid    bool   // pictures rather than rows
	Sort    string // one of the ways above
	natural string // the order that the list is in as it is
	Reverse bool   // the other way round
	Sorts   []choice
	Views   []choice
}

// choice is one of several ways that a page offers.
type choice struct {
	Name   saying
	URL    string
	Chosen bool
	Arrow  string // of a chosen order
}

const viewCookie = "mustserv-view"

// readLook returns what a query asks for. Rows or pictures are remembered in
// the browser; grid is what is shown to whom has not chosen. The first of the
// ways to sort is the order that the list is in.
func readLook(w http.ResponseWriter, r *http.Request, grid bool, sorts ...string) (look, error) {
	query := r.URL.Query()
	l := look{Grid: grid, Sort: sorts[0], natural: sorts[0], Reverse: query.Has("reverse")}
	if kept, err := r.Cookie(viewCookie); err == nil {
		l.Grid = kept.Value == "grid" || l.Grid && kept.Value != "list"
	}
	if view := query.Get("view"); view != "" {
		if view != "grid" && view != "list" {
			return l, &parameterError{"view", view, "grid or list"}
		}
		l.Grid = view == "grid"
		http.SetCookie(w, &http.Cookie{Name: viewCookie, Value: view, Path: "/", MaxAge: 365 * 86400, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	}
	if sort := query.Get("sort"); sort != "" {
		if !slices.Contains(sorts, sort) {
			return l, &parameterError{"sort", sort, "one of " + wordList(sorts)}
		}
		l.Sort = sort
	}
	l.offer(query, sorts)
	return l, nil
}

// offer makes the links to other looks.
func (l *look) offer(query url.Values, sorts []string) {
	query.Del("page")
	for _, view := range []string{"list", "grid"} {
		query.Set("view", view)
		l.Views = append(l.Views, choice{Name: nameOf(view), URL: "?" + query.Encode(), Chosen: l.Grid == (view == "grid")})
	}
	query.Del("view")
	for _, sort := range sorts {
		c := choice{Name: nameOf(sort), Chosen: sort == l.Sort}
		query.Set("sort", sort)
		query.Del("reverse")
		if c.Chosen {
			c.Arrow = l.arrow()
			if !l.Reverse {
				query.Set("reverse", "1")
			}
		}
		c.URL = "?" + query.Encode()
		l.Sorts = append(l.Sorts, c)
	}
}

// nameOf is what a page calls a look.
func nameOf(way string) saying {
	switch way {
	case "list":
		return say("List")
	case "grid":
		return say("Grid")
	case byNumber:
		return say("Number")
	case byDate:
		return say("Date")
	case byLength:
		return say("Length")
	case bySize:
		return say("Size")
	case byRate:
		return say("Rate")
	}
	return say("Name")
}

// rises reports whether small comes first: in names and numbers, unless they
// are reversed.
func (l *look) rises() bool {
	return (l.Sort == byName || l.Sort == byNumber) != l.Reverse
}

func (l *look) arrow() string {
	if l.rises() {
		return "↑"
	}
	return "↓"
}

// perPage is how much of a list a page shows.
func (l *look) perPage() int {
	if l.Grid {
		return cardsPerPage
	}
	return rowsPerPage
}
