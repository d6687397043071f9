package webui

import (
	"net/http"
	"strings"

	"mustserv/stream/routing"
)

// endpoint answers a request whose path went on with rest, percent-encoded.
// It writes nothing if it returns an error.
type endpoint func(w http.ResponseWriter, r *http.Request, rest string) error

// ServeHTTP answers one request. Library paths are told apart by their first
// elements alone and as they were sent: names may hold what a ServeMux would
// clean away.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	protect(w.Header(), h.nodes())
	fail := h.failPage
	if strings.HasPrefix(path, "/api/") {
		fail = h.failAPI
	}
	answer, rest := h.route(path)
	change, object := h.changes(path)
	var err error
	switch {
	case r.Method == http.MethodPost && change != nil:
		err = change(w, r, object)
	case (r.Method == http.MethodPut || r.Method == http.MethodDelete) && strings.HasPrefix(path, resumePrefix):
		err = h.changePlace(w, r, rest)
	case answer == nil:
		err = errNoPage
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		err = errMethod
	default:
		err = answer(w, r, rest)
	}
	if err != nil {
		fail(w, r, err)
	}
}

// route returns who answers for a path, and what is left of it.
func (h *Handler) route(path string) (answer endpoint, rest string) {
	for _, at := range []struct {
		prefix string
		answer endpoint
	}{
		{"/browse/", h.browse},
		{"/watch/", h.watch},
		{"/chart/", h.serveChart},
		{"/art/", h.serveArt},
		{"/subtitles/", h.serveSubtitles},
		{"/static/", h.serveStatic},
		{"/api/v1/items/", h.apiItems},
		{"/api/v1/songs/", h.apiSongs},
		{resumePrefix, h.apiPlace},
	} {
		if rest, ok := strings.CutPrefix(path, at.prefix); ok {
			return at.answer, rest
		}
	}
	return h.exactly(path), ""
}

func (h *Handler) exactly(path string) endpoint {
	switch path {
	case "/", "/browse":
		return h.browse
	case "/admin":
		return h.needAdmin(h.admin)
	case "/login":
		return h.login
	case "/films":
		return h.showFilms
	case "/series":
		return h.showSeries
	case "/music":
		return h.showMusic
	case "/new":
		return h.showNewest
	case "/qr":
		return h.serveQR
	case "/search":
		return h.search
	case "/status":
		return h.status
	case "/status/events":
		return h.watchStatus
	case "/favicon.ico":
		return h.favicon
	case "/api/v1/items":
		return h.apiItems
	case "/api/v1/songs":
		return h.apiMusic
	case "/api/v1/resume":
		return h.apiResume
	case "/api/v1/search":
		return h.apiSearch
	case "/api/v1/sessions":
		return h.apiSessions
	case "/api/v1/shares":
		return h.apiShares
	case "/api/v1/status":
		return h.apiStatus
	}
	return nil
}

// changes returns who answers a POST to a path, which changes something, and
// what is left of it.
func (h *Handler) changes(path string) (answer endpoint, rest string) {
	if rest, ok := strings.CutPrefix(path, "/api/v1/sessions/"); ok && strings.HasSuffix(rest, "/end") {
		return h.needAdmin(h.apiEndSession), rest
	}
	return h.changesAt(path), ""
}

func (h *Handler) changesAt(path string) endpoint {
	switch path {
	case "/login":
		return h.logIn
	case "/logout":
		return h.logOut
	case "/admin/config":
		return h.needAdmin(h.changeConfig)
	case "/admin/check":
		return h.needAdmin(h.checkConfig)
	case "/admin/share":
		return h.needAdmin(h.addShare)
	case "/status/end":
		return h.needAdmin(h.endSession)
	case "/admin/rescan":
		return h.needAdmin(h.rescan)
	case "/admin/drain":
		return h.needAdmin(h.drain)
	}
	return nil
}

// protect sets what keeps a page from loading, running or telling anything
// that is not ours. Films may come from the other nodes: they are ours, too.
func protect(h http.Header, nodes []routing.Node) {
	h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; media-src 'self'"+origins(nodes)+"; style-src 'self'; "+
		"script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
}

// redirect sends a browser on to a path of ours.
func redirect(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
	return nil
}
