package webui

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"mustserv/library"
)

const cardsPerPage = 60

// card is one film, song, series, artist or album, as a picture with words.
type card struct {
	Name     string // any bytes
	About    saying // so is this
	URL      string
	Art      string // address of its picture; empty: one is drawn
	Hue      int    // of the drawn one, 0 to 7
	Initials string // on it
	Percent  int    // of it that was seen; 0 if it is not told
	Away     bool
}

type cardsPage struct {
	Name    saying
	Path    string // of these, among the ways to look at the library
	Trail   []link // the way to this page
	Summary saying
	List    listing
	Art     string
	Songs   string // where the dock finds those of the page; empty if there are none
	M3U     string // a playlist of the folder that all rows lie in; empty if there is none
}

// showFilms answers with the films that are no part of a series.
func (h *Handler) showFilms(w http.ResponseWriter, r *http.Request, _ string) error {
	look, err := readLook(w, r, true, byName, byDate, byLength, bySize, byRate)
	if err != nil {
		return err
	}
	shelf := h.shelf()
	films := h.ordered(shelf, shelf.films, look)
	return h.showItems(w, r, cardsPage{Name: say("Films"), Path: "/films", Summary: counted(len(shelf.films), "film", "films")}, films, look)
}

// showNewest answers with what was last written.
func (h *Handler) showNewest(w http.ResponseWriter, r *http.Request, _ string) error {
	look, err := readLook(w, r, true, byDate, byName, byLength, bySize, byRate)
	if err != nil {
		return err
	}
	shelf := h.shelf()
	newest := h.ordered(&shelf.newest, shelf.newest, look)
	return h.showItems(w, r, cardsPage{Name: say("New"), Path: "/new", Summary: say("What came last, at most %d.", newestMost)}, newest, look)
}

// showItems answers with one page of items.
func (h *Handler) showItems(w http.ResponseWriter, r *http.Request, p cardsPage, items list, l look) error {
	pager, err := newPager(r, len(items.items), l.perPage())
	if err != nil {
		return err
	}
	p.List = h.newListing(l, pager)
	for i := pager.first; i < pager.last; i++ {
		p.List.addItem(items.at(i))
	}
	return h.render(w, r, http.StatusOK, "cards", p.Name, p)
}

// showSeries answers with all series, or one.
func (h *Handler) showSeries(w http.ResponseWriter, r *http.Request, _ string) error {
	return h.showGroups(w, r, shown{say("Series"), "/series", "name", "season", seasons, parts, say("series"), say("season"), false}, h.shelf().series)
}

// showMusic answers with all artists, or one, or an album of one.
func (h *Handler) showMusic(w http.ResponseWriter, r *http.Request, _ string) error {
	return h.showGroups(w, r, shown{say("Music"), "/music", "artist", "album", albums, songs, say("artist"), say("album"), true}, h.shelf().music)
}

// shown is how groups are called.
type shown struct {
	name         saying
	path         string
	outer, inner string // parameters of the query
	groups       func(n int) amount
	items        func(n int) amount
	one, part    saying // a group, and one in it
	music        bool
}

func seasons(n int) amount { return counted(n, "season", "seasons") }
func parts(n int) amount   { return counted(n, "part", "parts") }
func albums(n int) amount  { return counted(n, "album", "albums") }
func songs(n int) amount   { return counted(n, "song", "songs") }

func (h *Handler) showGroups(w http.ResponseWriter, r *http.Request, as shown, all []group) error {
	query := r.URL.Query()
	p := cardsPage{Name: as.name, Path: as.path, Summary: counted(len(all), "name", "names")}
	if as.music && len(all) > 0 {
		p.Songs = songsOf(query)
	}
	if outer := query.Get(as.outer); query.Has(as.outer) {
		in, err := named(all, outer)
		if err != nil {
			return err
		}
		p.Name, p.Summary, p.Trail = verbatim(in.Name), as.groups(len(in.Groups)), []link{{as.name, as.path}}
		inner := query.Get(as.inner)
		if len(in.Groups) == 1 && !query.Has(as.inner) {
			inner = in.Groups[0].Name
		} else if !query.Has(as.inner) {
			return h.showCards(w, r, p, as, in.Groups, outer)
		}
		return h.showGroup(w, r, p, as, in, inner)
	}
	return h.showCards(w, r, p, as, all, "")
}

// showCards answers with groups.
func (h *Handler) showCards(w http.ResponseWriter, r *http.Request, p cardsPage, as shown, all []group, outer string) error {
	look, err := readLook(w, r, true, byName, byDate, byLength, bySize)
	if err != nil {
		return err
	}
	pager, err := newPager(r, len(all), look.perPage())
	if err != nil {
		return err
	}
	p.List = h.newListing(look, pager)
	for _, g := range sortGroups(all, look)[pager.first:pager.last] {
		query := url.Values{as.outer: {g.Name}}
		var about saying = as.items(g.sum.items)
		if outer != "" {
			query = url.Values{as.outer: {outer}, as.inner: {g.Name}}
		} else if len(g.Groups) > 1 {
			about = commas(as.groups(len(g.Groups)), about)
		}
		p.List.add(row{Icon: "folder.svg", Kind: as.kind(outer), Name: g.Name, About: about, URL: as.path + "?" + query.Encode(), Duration: g.sum.length, Size: g.sum.size}, p.List.pictures.art(g.first()))
	}
	return h.render(w, r, http.StatusOK, "cards", p.Name, p)
}

// kind is what a group is called, in the group outer or in none.
func (s shown) kind(outer string) saying {
	if outer == "" {
		return s.one
	}
	return s.part
}

// showGroup answers with the items of one group.
func (h *Handler) showGroup(w http.ResponseWriter, r *http.Request, p cardsPage, as shown, in group, inner string) error {
	g, err := named(in.Groups, inner)
	if err != nil {
		return err
	}
	look, err := readLook(w, r, false, byNumber, byName, byDate, byLength, bySize, byRate)
	if err != nil {
		return err
	}
	if len(in.Groups) > 1 {
		p.Trail = append(p.Trail, link{verbatim(in.Name), as.path + "?" + url.Values{as.outer: {in.Name}}.Encode()})
	}
	p.Summary = dots(verbatim(in.Name), as.items(len(g.Items)))
	p.Name, p.Art, p.M3U = verbatim(g.Name), h.gallery().art(g.first()), together(g.Items)
	return h.showItems(w, r, p, h.ordered(&g.Items[0], g.Items, look), look)
}

// together returns the playlist of the folder that all items lie in; empty if
// they do not lie together.
func together(items []*library.Item) string {
	folder := parent(items[0].Path)
	for _, it := range items {
		if parent(it.Path) != folder {
			return ""
		}
	}
	return playlistURL(folder, "m3u")
}

// brief says of an item what fits below its picture.
func brief(it *library.Item) saying {
	info := it.Info()
	if info == nil {
		return sized(it.Size)
	}
	parts := []string{clock(info.Duration)}
	if it.Kind == library.Audio {
		parts = append(parts, info.Artist)
	}
	if info.Year > 0 {
		parts = append(parts, strconv.Itoa(info.Year))
	}
	for _, t := range info.Tracks {
		if t.Height > 0 {
			parts = append(parts, fmt.Sprintf("%d × %d", t.Width, t.Height))
			break
		}
	}
	return verbatim(joined(parts))
}

func joined(parts []string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, " · ")
}

// gallery finds the pictures for one page. It looks into each folder once.
type gallery struct {
	handler *Handler
	folders map[string]company
}

func (h *Handler) gallery() gallery { return gallery{h, make(map[string]company)} }

// art is the address of an item's picture, empty if it has none.
func (g gallery) art(it *library.Item) string {
	if it == nil {
		return ""
	}
	if !hasCover(it) {
		folder := parent(it.Path)
		if _, ok := g.folders[folder]; !ok {
			g.folders[folder] = g.handler.companyOf(it)
		}
		if _, ok := g.folders[folder].art(it); !ok {
			return ""
		}
	}
	return artURL(it.Path)
}

// drawn adds what a picture is drawn from where there is none.
func drawn(c card) card {
	sum := fnv.New32a()
	sum.Write([]byte(c.Name))
	c.Hue = int(sum.Sum32() % 8)
	for _, word := range strings.Fields(plain(c.Name)) {
		if r := []rune(word); len([]rune(c.Initials)) < 2 {
			c.Initials += strings.ToUpper(string(r[:1]))
		}
	}
	return c
}
