package webui

import "mustserv/library"

// listing is folders, items or groups on one page, as rows or as pictures.
type listing struct {
	Look  look
	Rows  []row
	Cards []card
	Pager pager

	pictures gallery
}

func (h *Handler) newListing(l look, p pager) listing {
	return listing{Look: l, Pager: p, pictures: h.gallery()}
}

// add adds a row, or a picture with its words; art is the picture's address,
// empty for a drawn one.
func (l *listing) add(r row, art string) {
	if !l.Look.Grid {
		l.Rows = append(l.Rows, r)
		return
	}
	c := drawn(card{Name: r.Name, About: first(r.Note, r.About), URL: r.URL, Away: r.Away})
	c.Art = art
	l.Cards = append(l.Cards, c)
}

func (l *listing) addFolder(f *library.Folder) {
	art := ""
	if l.Look.Grid {
		if _, ok := artOfFolder(f); ok {
			art = artURL(f.Path)
		}
	}
	l.add(folderRow(f), art)
}

func (l *listing) addItem(it *library.Item) {
	r := l.pictures.handler.itemRow(it)
	if l.Look.Grid {
		r.About = brief(it)
		l.add(r, l.pictures.art(it))
		return
	}
	l.add(r, "")
}

// describeShares says of each share's folder whether it can be played. One of
// several shares of a name is enough.
func (l *listing) describeShares(shares []library.ShareStatus) {
	for i := range l.Rows {
		if note, away := shareTrouble(l.Rows[i].Name, shares); note != nil || away {
			l.Rows[i].Note, l.Rows[i].Away = note, away
		}
	}
	for i := range l.Cards {
		if note, away := shareTrouble(l.Cards[i].Name, shares); note != nil || away {
			l.Cards[i].About, l.Cards[i].Away = first(note, l.Cards[i].About), away
		}
	}
}

// shareTrouble says what is wrong with the shares of a name.
func shareTrouble(name string, shares []library.ShareStatus) (note saying, away bool) {
	away = true
	for _, s := range shares {
		switch {
		case s.Name != name:
		case s.State == library.Unavailable:
			note = trouble(s)
		default:
			away = false
		}
	}
	return note, away
}

// first returns the first saying that there is.
func first(all ...saying) saying {
	for _, s := range all {
		if s != nil {
			return s
		}
	}
	return nil
}
