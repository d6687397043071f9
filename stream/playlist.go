package stream

import (
	"cmp"
	"io/fs"
	"iter"
	"net/http"
	"path"
	"strings"

	"mustserv/library"
	"mustserv/library/playlist"
)

// servePlaylist answers /playlist/PATH.EXT: an item, or all that plays in a
// folder and below it, in the dialect EXT. /playlist.EXT is the whole library.
func (s *Server) servePlaylist(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r) {
		return
	}
	escaped := below(r.URL.EscapedPath(), "/playlist")
	ext := path.Ext(escaped)
	format, ok := playlist.ByExtension(strings.ToLower(strings.TrimPrefix(ext, ".")))
	if !ok {
		fail(w, r, fs.ErrNotExist)
		return
	}
	name, _, err := library.ParsePath(strings.TrimSuffix(escaped, ext))
	if err != nil {
		fail(w, r, err)
		return
	}
	item, folder, err := s.library.Find(r.Context(), name)
	if err != nil {
		fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", format.MIME)
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodHead {
		format.Write(w, s.list(r, item, folder)) // a client that is gone needs no answer
	}
}

// list is the playlist of an item, or of a folder where item is nil, for who
// asks for it.
func (s *Server) list(r *http.Request, item *library.Item, folder *library.Folder) playlist.List {
	base := BaseURL(r)
	if item != nil {
		return playlist.List{
			Title: item.Title(), URL: base + "/watch/" + library.EscapePath(item.Path),
			Entries: func(yield func(playlist.Entry) bool) { yield(s.entry(r, item)) },
		}
	}
	url := base + "/"
	if folder.Path != "" {
		url = base + "/browse/" + library.EscapePath(folder.Path) + "/"
	}
	return playlist.List{Title: cmp.Or(folder.Name, "MuStServ"), URL: url, Entries: s.entries(r, folder)}
}

func (s *Server) entries(r *http.Request, folder *library.Folder) iter.Seq[playlist.Entry] {
	return func(yield func(playlist.Entry) bool) {
		for item := range folder.All {
			if item.Playable() && !yield(s.entry(r, item)) {
				return
			}
		}
	}
}

func (s *Server) entry(r *http.Request, item *library.Item) playlist.Entry {
	e := playlist.Entry{
		URL: s.signedURL(r, item), ID: library.EscapePath(item.Path), Title: item.Title(),
		Size: item.Size, MIME: item.MIME, Modified: item.Modified,
	}
	if info := item.Info(); info != nil {
		e.Artist, e.Duration = info.Artist, info.Duration
	}
	return e
}
