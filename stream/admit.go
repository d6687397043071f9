package stream

import (
	"errors"
	"net/http"
	"path"
	"strings"
	"time"

	"mustserv/library"
	"mustserv/ratelimit"
	"mustserv/stream/routing"
)

// admit returns the grant of a request for an item. Where the link is full it
// sends who asks to another node, or holds the request until there is room.
// It reports false where it has answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, client string, item *library.Item) (*ratelimit.Grant, bool) {
	request := s.request(r, client, item)
	if reason, ok := s.why(request); ok && s.sendOn(w, r, item, request, reason) {
		return nil, false
	}
	grant, err := s.control.Try(request)
	switch {
	case errors.Is(err, ratelimit.ErrFull):
		if s.unchanged(w, r, item) || s.sendOn(w, r, item, request, routing.Full) {
			return nil, false
		}
		grant, err = s.control.Admit(r.Context(), request)
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout)) // the wait used up the one before
	case errors.Is(err, ratelimit.ErrBusy) && s.loans.makeRoom(client):
		grant, err = s.control.Try(request)
	}
	if err != nil {
		fail(w, r, err)
		return nil, false
	}
	return grant, true
}

// request is what admission control is asked for an item. What is shown
// beside films, and lists of segments, goes at once. So does what another node
// reads, for it paces its viewers; but it has to have room here for one.
func (s *Server) request(r *http.Request, client string, item *library.Item) ratelimit.Request {
	share, _, _ := strings.Cut(item.Path, "/")
	request := ratelimit.Request{Client: client, Item: bucketOf(item), Share: share, Size: item.Size, Node: s.router.Trusts(r)}
	switch item.Kind {
	case library.Image, library.Subtitle, library.Playlist:
		request.Short = true
		return request
	}
	request.Need = s.Need(item)
	if info := item.Info(); info != nil && item.Kind != library.Segment {
		request.Header, request.Trailer = info.Curve.Header, info.Curve.Trailer
	}
	return request
}

// bucketOf names the bucket of an item: its own, or for the segments of a
// stream, which players fetch by turns from many files, that of their folder.
func bucketOf(item *library.Item) string {
	if item.Kind == library.Segment {
		return path.Dir(item.Path) + "/"
	}
	return item.Path
}

// unchanged answers a request with conditions that gets no bytes of the item,
// because it has them already or the item is not there, so that it need not
// wait until there is room for bytes. It reports whether it has answered.
func (s *Server) unchanged(w http.ResponseWriter, r *http.Request, item *library.Item) bool {
	if r.Header.Get("If-None-Match") == "" && r.Header.Get("If-Modified-Since") == "" {
		return false
	}
	head := r.Clone(r.Context())
	head.Method = http.MethodHead
	trial := &statusOnly{header: make(http.Header)}
	s.serveHead(trial, head, item)
	if trial.status == http.StatusOK {
		return false
	}
	s.serveHead(w, head, item)
	return true
}

// serveHead answers with the head of what a GET would get.
func (s *Server) serveHead(w http.ResponseWriter, r *http.Request, item *library.Item) {
	file, info, ok := open(r.Context(), w, r, item)
	if !ok {
		return
	}
	defer file.Close()
	if describe(w, r, item, info, s.Need(item)) {
		http.ServeContent(w, r, "", info.ModTime(), file)
	}
}

// statusOnly is an answer of which only the status is of interest.
type statusOnly struct {
	header http.Header
	status int
}

func (w *statusOnly) Header() http.Header         { return w.header }
func (w *statusOnly) WriteHeader(status int)      { w.status = status }
func (w *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
