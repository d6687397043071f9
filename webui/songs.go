package webui

import (
	"math/rand/v2"
	"net/http"
	"net/url"

	"mustserv/library"
)

// mostSongs is how many songs the queue of a browser gets at once.
const mostSongs = 1000

// songJSON is a song as the dock of the pages plays it. Its addresses are
// those of this host.
type songJSON struct {
	Title    string  `json:"title"`
	Artist   string  `json:"artist,omitempty"`
	Album    string  `json:"album,omitempty"`
	Duration float64 `json:"duration,omitempty"` // seconds
	Type     string  `json:"type"`               // with the codecs (RFC 6381)
	Media    string  `json:"media"`
	Page     string  `json:"page"`
	Art      string  `json:"art,omitempty"`
}

// apiSongs answers with the songs in a folder and below it, or with one song.
// With the parameter shuffle they are in any order, and any of them where
// there are too many for one answer.
func (h *Handler) apiSongs(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	if err != nil {
		return err
	}
	if at.item != nil {
		return h.answerSongs(w, r, []*library.Item{at.item})
	}
	var songs []*library.Item
	for it := range at.folder.All {
		songs = append(songs, it)
	}
	return h.answerSongs(w, r, songs)
}

// apiMusic answers like apiSongs with all music, or that of an artist, or of
// one of his albums.
func (h *Handler) apiMusic(w http.ResponseWriter, r *http.Request, _ string) error {
	query, all := r.URL.Query(), h.shelf().music
	for _, name := range []string{"artist", "album"} {
		if !query.Has(name) {
			break
		}
		in, err := named(all, query.Get(name))
		if err != nil {
			return err
		}
		if all = in.Groups; len(all) == 0 {
			return h.answerSongs(w, r, in.Items)
		}
	}
	return h.answerSongs(w, r, itemsOf(all))
}

// answerSongs answers with those of the items that are songs and can be played
// now.
func (h *Handler) answerSongs(w http.ResponseWriter, r *http.Request, items []*library.Item) error {
	songs := make([]*library.Item, 0, min(len(items), mostSongs))
	for _, it := range items {
		if it.Kind == library.Audio && it.Available {
			songs = append(songs, it)
		}
	}
	if r.URL.Query().Has("shuffle") {
		rand.Shuffle(len(songs), func(i, j int) { songs[i], songs[j] = songs[j], songs[i] })
	}
	answer := struct {
		Total int        `json:"total"`
		Songs []songJSON `json:"songs"` // at most 1000
	}{len(songs), []songJSON{}}
	pictures := h.gallery()
	for _, it := range songs[:min(len(songs), mostSongs)] {
		answer.Songs = append(answer.Songs, describeSong(it, pictures))
	}
	return answerJSON(w, answer)
}

func describeSong(it *library.Item, pictures gallery) songJSON {
	s := songJSON{Title: it.Title(), Type: it.MIME, Media: mediaURL(it.Path), Page: watchURL(it.Path), Art: pictures.art(it)}
	if info := it.Info(); info != nil {
		s.Artist, s.Album, s.Duration = info.Artist, info.Album, finite(info.Duration)
		s.Type = typeOf(it.MIME, info.Codecs)
	}
	return s
}

// typeOf returns a MIME type with the codecs, if they are known.
func typeOf(mime, codecs string) string {
	if codecs == "" {
		return mime
	}
	return mime + `; codecs="` + codecs + `"`
}

// folderSongs is where the dock finds the songs in a folder; empty if it is
// not one of music: if less than half of what it holds is.
func folderSongs(f *library.Folder) string {
	songs := 0
	for it := range f.All {
		if it.Kind == library.Audio {
			songs++
		}
	}
	if songs == 0 || 2*songs < f.Totals().Items {
		return ""
	}
	return songsURL(f.Path)
}

func songsURL(path string) string { return "/api/v1/songs/" + library.EscapePath(path) }

// songsOf is where the dock finds the music that a page's query asks for: of
// an artist, of an album, or all.
func songsOf(query url.Values) string {
	names := url.Values{}
	for _, name := range []string{"artist", "album"} {
		if query.Has(name) {
			names.Set(name, query.Get(name))
		}
	}
	if len(names) == 0 {
		return "/api/v1/songs"
	}
	return "/api/v1/songs?" + names.Encode()
}
