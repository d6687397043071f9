package stream

import (
	"context"
	"net/http"
	"strconv"

	"mustserv/library"
	"mustserv/ratelimit"
	"mustserv/stream/routing"
)

// Router knows other nodes that have the same library; a *routing.Cluster.
type Router interface {
	// Alone reports whether there are none to ask.
	Alone() bool
	// Route returns the base URL of the node that is to send an item, or false
	// where it is this one. It may ask other nodes.
	Route(ctx context.Context, a routing.Asked) (base string, ok bool)
	// Lend returns the base URL of the node that is to send the bytes of an
	// item in the name of this one, or false where this one is.
	Lend(ctx context.Context, a routing.Asked) (base string, ok bool)
	// Tell tells a node what is sent in its name.
	Tell(ctx context.Context, node string, list []routing.Lent) error
	// Trusts reports whether a request is one of another node.
	Trusts(r *http.Request) bool
}

// alone is the Router of a server without other nodes.
type alone struct{}

var _ Router = alone{}

func (alone) Alone() bool                                         { return true }
func (alone) Route(context.Context, routing.Asked) (string, bool) { return "", false }
func (alone) Lend(context.Context, routing.Asked) (string, bool)  { return "", false }
func (alone) Tell(context.Context, string, []routing.Lent) error  { return nil }
func (alone) Trusts(*http.Request) bool                           { return false }

// hopsKey counts in an address how often who asks was sent on, so that no two
// nodes send him to and fro.
const hopsKey = "routed"

// sendOn answers with the address of another node, if one is to send the item.
// It reports whether it has answered. Players that know only the first address
// come here again at each jump, and are sent to the same node again.
func (s *Server) sendOn(w http.ResponseWriter, r *http.Request, item *library.Item, request ratelimit.Request, why routing.Reason) bool {
	if request.Unpaced() || s.router.Alone() {
		return false
	}
	asked := s.asked(r, item, request)
	asked.Reason = why
	base, ok := s.router.Route(r.Context(), asked)
	if ok {
		s.redirect(w, r, item, base, asked, "")
	}
	return ok
}

// asked is what the router is told of a request.
func (s *Server) asked(r *http.Request, item *library.Item, request ratelimit.Request) routing.Asked {
	return routing.Asked{
		Viewer: request.Client + " " + request.Item, Item: request.Item,
		Path: "/media/" + library.EscapePath(item.Path), ETag: etag(item.Size, item.ModTime()), Need: int64(request.Need.Rate),
		TLS: r.TLS != nil, Hops: hopsOf(r),
	}
}

// redirect sends who asks to another node, lent or not.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, item *library.Item, base string, a routing.Asked, lent string) {
	query := r.URL.Query()
	query.Set(hopsKey, strconv.Itoa(a.Hops+1))
	if lent != "" {
		query.Set(lentKey, lent)
	}
	w.Header().Set("Cache-Control", "no-store") // the next request may find room here
	http.Redirect(w, r, base+s.Signature(r, item)+a.Path+"?"+query.Encode(), http.StatusTemporaryRedirect)
}

// hopsOf returns how often who asks was sent on; what is no number is once.
func hopsOf(r *http.Request) int {
	text := r.URL.Query().Get(hopsKey)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// why returns for what reason who asks may be sent on before it is known
// whether there is room: at the end of this node, or because it is nobody's
// viewer yet.
func (s *Server) why(request ratelimit.Request) (reason routing.Reason, ok bool) {
	if s.draining.Load() {
		return routing.Draining, true
	}
	return routing.ByPolicy, !s.router.Alone() && !s.control.Holds(request)
}
