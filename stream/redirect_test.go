package stream

import (
	"context"
	"net/http"
	"testing"
	"time"

	"mustserv/stream/routing"
)

// elsewhere is a Router with one other node, for some reasons.
type elsewhere struct {
	base  string
	takes func(routing.Asked) bool
	asked []routing.Asked
}

func (e *elsewhere) Route(_ context.Context, a routing.Asked) (string, bool) {
	e.asked = append(e.asked, a)
	return e.base, e.takes(a)
}

func (e *elsewhere) Alone() bool                                        { return false }
func (e *elsewhere) Lend(context.Context, routing.Asked) (string, bool) { return "", false }
func (e *elsewhere) Tell(context.Context, string, []routing.Lent) error { return nil }
func (e *elsewhere) Trusts(*http.Request) bool                          { return false }

func TestFullLinkSendsToAnotherNode(t *testing.T) {
	inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
		other := &elsewhere{base: "http://other:8000/base", takes: func(a routing.Asked) bool { return a.Reason == routing.Full }}
		s.router = other
		first := full(t, s, l)
		go first.read(2 * time.Minute)
		for _, row := range []struct{ name, path, want string }{
			{"plain", "/media/s/film.mp4", "http://other:8000/base/media/s/film.mp4?routed=1"},
			{"with a query", "/media/s/film.mp4?download", "http://other:8000/base/media/s/film.mp4?download=&routed=1"},
			{"sent on before", "/media/s/film.mp4?routed=2", "http://other:8000/base/media/s/film.mp4?routed=3"},
			{"no number", "/media/s/film.mp4?routed=x", "http://other:8000/base/media/s/film.mp4?routed=2"},
		} {
			got := <-l.request(t, "GET", "10.0.0.2:1", row.path, "")
			if to := got.Header.Get("Location"); got.StatusCode != 307 || to != row.want || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s to %q, want %q", row.name, got.Status, to, row.want)
			}
		}
		head := <-l.request(t, "HEAD", "10.0.0.2:1", "/media/s/film.mp4", "")
		if a := other.asked[len(other.asked)-1]; a.ETag != head.Header.Get("ETag") || a.Viewer != "10.0.0.2 s/film.mp4" || a.Path != "/media/s/film.mp4" || a.Need <= 0 {
			t.Errorf("asked for %+v, the tag is %s", a, head.Header.Get("ETag"))
		}
	})
}

func TestWhoHasAPlaceStays(t *testing.T) {
	inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
		other := &elsewhere{base: "http://other:8000", takes: func(routing.Asked) bool { return false }}
		s.router = other
		first := l.open(t, "10.0.0.1:1", "/media/s/film.mp4", "")
		t.Cleanup(func() { first.conn.Close() })
		first.read(time.Second)
		other.takes = func(routing.Asked) bool { return true }
		before := len(other.asked)
		if got := <-l.request(t, "GET", "10.0.0.1:2", "/media/s/film.mp4", "Range: bytes=1000-\r\n"); got.StatusCode != 206 || len(other.asked) != before {
			t.Errorf("its second request: %s, others asked %d times", got.Status, len(other.asked)-before)
		}
		if got := <-l.request(t, "GET", "10.0.0.2:1", "/media/s/film.mp4", ""); got.StatusCode != 307 {
			t.Errorf("who is new: %s", got.Status)
		}
		s.Drain(true)
		got := <-l.request(t, "GET", "10.0.0.1:3", "/media/s/film.mp4", "Range: bytes=2000-\r\n")
		if got.StatusCode != 307 || other.asked[len(other.asked)-1].Reason != routing.Draining {
			t.Errorf("at the end: %s", got.Status)
		}
	})
}
