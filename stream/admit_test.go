package stream

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// answer is what a request got and when.
type answer struct {
	*http.Response
	text  string // of an error
	after time.Duration
}

// request sends a request in the background.
func (l *pipeListener) request(t *testing.T, method, client, path, headers string) <-chan answer {
	t.Helper()
	ours, theirs := net.Pipe()
	l.conns <- pipeConn{theirs, pipeAddr(client)}
	t.Cleanup(func() { ours.Close() })
	got := make(chan answer, 1)
	go func() {
		began := time.Now()
		fmt.Fprintf(ours, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path, headers)
		response, err := http.ReadResponse(bufio.NewReader(ours), &http.Request{Method: method})
		if err != nil {
			return // hung up by the test's end
		}
		a := answer{Response: response, after: time.Since(began)}
		if response.StatusCode >= 400 {
			text, _ := io.ReadAll(response.Body)
			a.text = string(text)
		}
		got <- a
	}()
	synctest.Wait()
	return got
}

// full fills the link with one viewer, and returns what lets him leave.
func full(t *testing.T, s *Server, l *pipeListener) *reader {
	t.Helper()
	item, _, err := s.library.Tree().Lookup("s/film.mp4")
	if err != nil {
		t.Fatal(err)
	}
	config := s.control.Config()
	config.Capacity, config.ReadAhead = ratelimit.Capacity(float64(s.Need(item).Rate)*1.5), 0
	s.control.SetConfig(config)
	r := l.open(t, "10.0.0.1:1", "/media/s/film.mp4", "")
	t.Cleanup(func() { r.conn.Close() })
	r.read(time.Second)
	return r
}

func filmAndMore() map[string][]byte {
	return map[string][]byte{
		"film.mp4": vbrFilm(), "film.jpg": make([]byte, 100<<10), "film.srt": []byte("1\n00:00:01,000 --> 00:00:02,000\nhi\n"),
		"song.mp3": probetest.MP3(30, 32),
	}
}

func TestViewerBeyondCapacityWaits(t *testing.T) {
	inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
		first := full(t, s, l)
		second := l.request(t, "GET", "10.0.0.2:1", "/media/s/film.mp4", "")
		before := first.total
		first.read(20 * time.Second)
		item, _, _ := s.library.Tree().Lookup("s/film.mp4")
		if got, want := float64(first.total-before), s.Need(item).Rate.BytesPerSecond()*20; got < 0.97*want {
			t.Errorf("who watches got %.0f bytes while another waits, want %.0f", got, want)
		}
		if stats := s.control.Stats(); stats.Waiting != 1 || stats.Viewers != 1 {
			t.Errorf("%+v", stats)
		}
		first.conn.Close()
		got := <-second
		if got.StatusCode != 200 || got.after < 35*time.Second || got.after > 37*time.Second {
			t.Errorf("%s after %v, want 200 when the first viewer's place is free, 15 s after 20 s", got.Status, got.after)
		}
	})
}

func TestFullLink(t *testing.T) {
	const minute, now = time.Minute, time.Duration(0)
	for _, row := range []struct {
		name, method, client, path, headers string
		status                              int
		after                               time.Duration
	}{
		{"another viewer", "GET", "10.0.0.2:1", "film.mp4", "", 503, minute},
		{"a range of another", "GET", "10.0.0.2:1", "film.mp4", "Range: bytes=100-200\r\n", 503, minute},
		{"one more connection of who watches", "GET", "10.0.0.1:2", "film.mp4", "Range: bytes=100-200\r\n", 206, now},
		{"a song that fits", "GET", "10.0.0.2:1", "song.mp3", "", 200, now},
		{"a head", "HEAD", "10.0.0.2:1", "film.mp4", "", 200, now},
		{"what the client has", "GET", "10.0.0.2:1", "film.mp4", "If-None-Match: *\r\n", 304, now},
		{"what the client has not", "GET", "10.0.0.2:1", "film.mp4", "If-None-Match: \"x\"\r\n", 503, minute},
		{"a picture", "GET", "10.0.0.2:1", "film.jpg", "", 200, now},
		{"subtitles", "GET", "10.0.0.2:1", "film.srt", "", 200, now},
		{"a listing", "GET", "10.0.0.2:1", "", "", 200, now},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
				first := full(t, s, l)
				go first.read(2 * time.Minute)
				got := <-l.request(t, row.method, row.client, "/media/s/"+row.path, row.headers)
				if got.StatusCode != row.status || got.after.Round(time.Second) != row.after {
					t.Errorf("%s after %v, want %d after %v", got.Status, got.after, row.status, row.after)
				}
				if row.status == 503 && (got.Header.Get("Retry-After") == "" || !strings.Contains(got.text, "full")) {
					t.Errorf("Retry-After %q, %s", got.Header.Get("Retry-After"), got.text)
				}
			})
		})
	}
}

func TestWhoHangsUpLeavesTheQueue(t *testing.T) {
	inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
		full(t, s, l)
		ours, theirs := net.Pipe()
		l.conns <- pipeConn{theirs, "10.0.0.2:1"}
		fmt.Fprintf(ours, "GET /media/s/film.mp4 HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		if stats := s.control.Stats(); stats.Waiting != 1 {
			t.Errorf("%+v", stats)
		}
		ours.Close()
		synctest.Wait()
		if stats := s.control.Stats(); stats.Waiting != 0 || stats.Streams != 1 {
			t.Errorf("after it has hung up: %+v", stats)
		}
	})
}
