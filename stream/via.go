package stream

import (
	"net/http"
	"strings"

	"mustserv/library/source"
)

// nodeHeader names the node that has made an answer.
const nodeHeader = "MuStServ-Node"

// pass says who we are, and keeps which nodes the request has come through
// (RFC 9110 section 7.6.3), for what is asked of others to answer it. It
// refuses what we have asked for ourselves: nodes that read from each other
// would else ask in a circle.
func (s *Server) pass(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	if s.node == "" {
		return r, true
	}
	w.Header().Set(nodeHeader, s.node)
	nodes := nodesOf(r.Header)
	for _, node := range nodes {
		if node == s.node {
			http.Error(w, "This MuStServ has asked itself, over others or right away.", http.StatusLoopDetected)
			return r, false
		}
	}
	if len(nodes) > 0 {
		r = r.WithContext(source.WithVia(r.Context(), nodes))
	}
	return r, true
}

// nodesOf returns the nodes in "Via: 1.1 mustserv-ID, 1.1 proxy".
func nodesOf(h http.Header) (nodes []string) {
	for _, line := range h.Values("Via") {
		for hop := range strings.SplitSeq(line, ",") {
			fields := strings.Fields(hop)
			if len(fields) < 2 {
				continue
			}
			if node, ok := strings.CutPrefix(fields[1], "mustserv-"); ok {
				nodes = append(nodes, node)
			}
		}
	}
	return nodes
}
