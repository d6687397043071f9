package stream

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"mustserv/library/source"
)

func TestPass(t *testing.T) {
	for _, row := range []struct {
		name  string
		via   []string
		nodes []string // that are kept; nil where it is refused
		ok    bool
	}{
		{"a player", nil, nil, true},
		{"a proxy", []string{"1.1 squid (squid/5)"}, nil, true},
		{"another node", []string{"1.1 mustserv-B"}, []string{"B"}, true},
		{"two, and a proxy", []string{"1.1 mustserv-C, 1.0 proxy", "1.1 mustserv-B"}, []string{"C", "B"}, true},
		{"ourselves", []string{"1.1 mustserv-A"}, nil, false},
		{"ourselves by way of another", []string{"1.1 mustserv-A, 1.1 mustserv-B"}, nil, false},
		{"nonsense", []string{",,1.1,mustserv-A, x", " "}, nil, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/media/x", nil)
			r.Header["Via"] = row.via
			w := httptest.NewRecorder()
			s := &Server{node: "A"}
			r, ok := s.pass(w, r)
			if ok != row.ok || !slices.Equal(source.Via(r.Context()), row.nodes) {
				t.Errorf("passes %v with %q", ok, source.Via(r.Context()))
			}
			if w.Header().Get(nodeHeader) != "A" || (!ok && w.Code != http.StatusLoopDetected) {
				t.Errorf("answers %d, %v", w.Code, w.Header())
			}
		})
	}
}
