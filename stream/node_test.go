package stream

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"mustserv/ratelimit"
)

// trusting is a Router that takes who says so for another node.
type trusting struct{ alone }

func (trusting) Trusts(r *http.Request) bool { return r.Header.Get("Node") != "" }

const fromNode = "Node: yes\r\n"

// Another node gets what it asks for at once, for it paces its own viewers.
func TestNodeIsNotPaced(t *testing.T) {
	film := vbrFilm()
	inBubble(t, map[string][]byte{"film.mp4": film}, func(t *testing.T, s *Server, l *pipeListener) {
		s.router = trusting{}
		for client, headers := range map[string]string{"10.0.0.1:1": "", "10.0.0.9:1": fromNode} {
			r := l.open(t, client, "/media/s/film.mp4", headers)
			got := r.read(time.Second)
			if all := got == int64(len(film)); all != (headers != "") {
				t.Errorf("with %q, %d bytes of %d come in a second", headers, got, len(film))
			}
			r.conn.Close()
		}
	})
}

// It holds a viewer's place meanwhile, and gets what the link has free: nobody
// who watches notices.
func TestNodeTakesNobodysRate(t *testing.T) {
	film := vbrFilm()
	inBubble(t, map[string][]byte{"film.mp4": film}, func(t *testing.T, s *Server, l *pipeListener) {
		s.router = trusting{}
		item, _, err := s.library.Tree().Lookup("s/film.mp4")
		if err != nil {
			t.Fatal(err)
		}
		need := s.Need(item).Rate
		config := s.control.Config()
		config.Capacity, config.ReadAhead = ratelimit.Capacity(need*4), 0
		s.control.SetConfig(config)
		viewer := l.open(t, "10.0.0.1:1", "/media/s/film.mp4", "")
		defer viewer.conn.Close()
		viewer.read(5 * time.Second)
		node := l.open(t, "10.0.0.9:1", "/media/s/film.mp4", fromNode)
		defer node.conn.Close()
		if stats := s.control.Stats(); stats.Viewers != 2 || stats.Reserved != 2*need {
			t.Errorf("%+v, of %v each", stats, need)
		}
		const watched = 20 * time.Second
		var paced, free int64
		var both sync.WaitGroup
		both.Go(func() { paced = viewer.read(watched) })
		both.Go(func() { free = node.read(watched) })
		both.Wait()
		want := need.BytesPerSecond() * watched.Seconds()
		if float64(paced) < 0.97*want {
			t.Errorf("the viewer got %d bytes, not %.0f", paced, want)
		}
		if float64(free) < 1.5*want || float64(paced+free) > 4.2*want {
			t.Errorf("the node got %d bytes, where %.0f are a viewer's", free, want)
		}
	})
}

func TestNodeWaitsForAPlace(t *testing.T) {
	inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
		s.router = trusting{}
		first := full(t, s, l)
		node := l.request(t, "GET", "10.0.0.9:1", "/media/s/film.mp4", fromNode)
		first.read(20 * time.Second)
		if stats := s.control.Stats(); stats.Waiting != 1 || stats.Viewers != 1 {
			t.Errorf("%+v", stats)
		}
		first.conn.Close()
		if got := <-node; got.StatusCode != 200 {
			t.Errorf("%s after %v", got.Status, got.after)
		}
	})
}
