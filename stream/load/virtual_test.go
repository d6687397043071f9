package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// filmRate is the rate of the film of these tests, in bytes per second.
const filmRate = 100_000

// film returns a film of constant rate.
func film(t *testing.T, seconds int) Target {
	t.Helper()
	cells := make([]int64, 4*seconds)
	for i := range cells {
		cells[i] = filmRate / 4
	}
	c, err := NewCurve(0.25, cells)
	if err != nil {
		t.Fatal(err)
	}
	return Target{URL: "http://server/media/film", Curve: c, Rate: filmRate}
}

// server answers over connections in memory, in virtual time.
type server struct {
	size    int64
	pace    func(since time.Duration) float64 // bytes per second, since the request
	breakAt int64                             // the byte before which the first connection breaks; 0: none
	sendOn  string                            // where the very first request is sent on to; empty: nowhere

	wait     sync.WaitGroup // for all connections
	mu       sync.Mutex
	requests []*http.Request
}

const lastModified = "Mon, 05 Jan 2026 10:00:00 GMT"

func (s *server) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	s.wait.Go(func() { s.serve(theirs) })
	return ours, nil
}

func (s *server) serve(conn net.Conn) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r)
	turn := len(s.requests)
	s.mu.Unlock()
	if s.sendOn != "" {
		if turn--; turn == 0 {
			fmt.Fprintf(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", s.sendOn)
			return
		}
	}
	var offset int64
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &offset)
	fmt.Fprintf(conn, "HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\nLast-Modified: %s\r\n\r\n",
		s.size-offset, offset, s.size-1, s.size, lastModified)
	const step = 100 * time.Millisecond
	for since := time.Duration(0); offset < s.size; since += step {
		time.Sleep(step)
		n := min(int64(s.pace(since)*step.Seconds()), s.size-offset)
		if turn == 1 && s.breakAt > 0 && offset+n > s.breakAt {
			return
		}
		if n == 0 {
			continue // a pipe would take this for something that comes
		}
		if _, err := conn.Write(make([]byte, n)); err != nil {
			return
		}
		offset += n
	}
}

func constant(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// TestPlayed compares what players report with what arithmetic says.
func TestPlayed(t *testing.T) {
	at := func(s float64) time.Duration { return seconds(s) }
	for _, test := range []struct {
		name    string
		pace    func(time.Duration) float64
		breakAt int64
		run     time.Duration

		startup, stalled float64
		stalls, requests int
		most, least      float64 // seconds of the film that were read
	}{
		// One step of 0.1 s late: the first byte comes with it.
		{"fast", constant(100 * filmRate), 0, at(60), 1.1, 0, 0, 1, 90, 75},
		// Two seconds of film come within four, last for four, and so on: stalls
		// from 8, 16, 24, 32, 40, 48 and 56 s on, of four seconds each.
		{"half the rate", constant(filmRate / 2), 0, at(60), 4, 28, 7, 1, 30, 29.8},
		{"the rate", constant(filmRate), 0, at(60), 2, 0, 0, 1, 60, 59.8},
		// A break of ten seconds after the tenth, when ten seconds have come and
		// eight are played: eight seconds later none is left, for the last two
		// until two seconds of film have come again.
		{"a hole", func(since time.Duration) float64 {
			if since >= at(10) && since < at(20) {
				return 0
			}
			return filmRate
		}, 0, at(60), 2, 10, 1, 1, 50, 49.8},
		// Broken with three seconds ahead, back after half of one.
		{"broken", constant(2 * filmRate), 6 * filmRate, at(30), 1.1, 0, 0, 2, 51, 48},
		// The whole film of 100 s at ten times its rate, stopped by the buffer.
		{"to the end", constant(10 * filmRate), 0, at(150), 1.1, 0, 0, 1, 100, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{size: 100 * filmRate, pace: test.pace, breakAt: test.breakAt}
				o := DefaultOptions()
				o.Players, o.For, o.Over, o.Targets = 1, test.run, 0, []Target{film(t, 100)}
				r, err := run(t.Context(), o, s.dial)
				s.wait.Wait()
				if err != nil {
					t.Fatal(err)
				}
				got := r.Each[0]
				near := func(what string, got, want, by float64) {
					if got < want-by || got > want+by {
						t.Errorf("%s %.2f, want %.2f", what, got, want)
					}
				}
				near("start-up", got.Startup, test.startup, 0.11)
				near("seconds of stalls", got.StallSeconds, test.stalled, 0.1*float64(test.stalls)+0.01)
				near("stalls", float64(got.Stalls), float64(test.stalls), 0)
				near("read", float64(got.Bytes)/filmRate, (test.most+test.least)/2, (test.most-test.least)/2+0.001)
				near("requests", float64(len(s.requests)), float64(test.requests), 0)
				if got.Error != "" || r.Started != 1 || r.Smooth == 1 != (test.stalls == 0) {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// TestReconnect: a player whose connection breaks asks for the byte at which it
// was, of the same state of the file, as VLC does.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{size: 30 * filmRate, pace: constant(2 * filmRate), breakAt: 6 * filmRate}
		o := DefaultOptions()
		o.Players, o.Over, o.Targets = 1, 0, []Target{film(t, 30)}
		r, err := run(t.Context(), o, s.dial)
		s.wait.Wait()
		if err != nil || r.Broken != 1 || r.Bytes != s.size || len(s.requests) != 2 {
			t.Fatalf("%d requests, %+v, %v", len(s.requests), r, err)
		}
		for i, want := range []string{"bytes=0- ", fmt.Sprintf("bytes=%d- %s", 6*filmRate, lastModified)} {
			h := s.requests[i].Header
			if got := h.Get("Range") + " " + h.Get("If-Unmodified-Since"); got != want {
				t.Errorf("request %d is for %q, want %q", i, got, want)
			}
		}
	})
}

// TestSentOnAndBroken: a player that was sent on to a server that breaks off
// asks the first one again, for the byte at which it was.
func TestSentOnAndBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{size: 30 * filmRate, pace: constant(2 * filmRate), breakAt: 6 * filmRate, sendOn: "http://other/media/film"}
		o := DefaultOptions()
		o.Players, o.Over, o.Targets = 1, 0, []Target{film(t, 30)}
		r, err := run(t.Context(), o, s.dial)
		s.wait.Wait()
		if err != nil || r.Broken != 1 || r.Bytes != s.size || r.Stalls != 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		var got []string
		for _, r := range s.requests {
			got = append(got, r.Host+" "+r.Header.Get("Range"))
		}
		if want := []string{"server bytes=0-", "other bytes=0-", fmt.Sprintf("server bytes=%d-", 6*filmRate)}; !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
	})
}

// TestSilence: a server that falls silent without a word is left after a while,
// by who does not wait for ever.
func TestSilence(t *testing.T) {
	for _, test := range []struct {
		name                     string
		silence                  time.Duration
		broken, requests, stalls int
	}{
		{"left", 3 * time.Second, 2, 3, 0}, // ten seconds of film come within five; then there are others
		{"waited for", 0, 0, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{size: 30 * filmRate, pace: func(since time.Duration) float64 {
					if since >= 5*time.Second && since < time.Minute {
						return 0
					}
					return 2 * filmRate
				}}
				o := DefaultOptions()
				o.Players, o.Over, o.Targets, o.Silence = 1, 0, []Target{film(t, 30)}, test.silence
				r, err := run(t.Context(), o, s.dial)
				s.wait.Wait()
				if err != nil || r.Broken != test.broken || len(s.requests) != test.requests || r.Stalls != test.stalls || r.Failed != 0 {
					t.Errorf("%d requests, %+v, %v", len(s.requests), r.Total, err)
				}
			})
		})
	}
}

// TestPassword: one in an address is sent, and never told.
func TestPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{size: 10 * filmRate, pace: constant(2 * filmRate)}
		target := film(t, 10)
		target.URL = "http://me:secret@server/media/film"
		o := DefaultOptions()
		o.Players, o.Over, o.Targets = 1, 0, []Target{target}
		r, err := run(t.Context(), o, s.dial)
		if err != nil || r.Smooth != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		if user, password, ok := s.requests[0].BasicAuth(); !ok || user != "me" || password != "secret" {
			t.Errorf("sent %q %q", user, password)
		}
		if text := fmt.Sprintf("%+v", r); strings.Contains(text, "secret") {
			t.Errorf("the report tells the password: %s", text)
		}
	})
}

func TestNoReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{size: 30 * filmRate, pace: constant(2 * filmRate), breakAt: 6 * filmRate}
		o := DefaultOptions()
		o.Players, o.Over, o.Reconnect, o.Targets = 1, 0, false, []Target{film(t, 30)}
		r, err := run(t.Context(), o, s.dial)
		s.wait.Wait()
		if err != nil || r.Failed != 1 || r.Smooth != 0 || r.Each[0].Error != io.EOF.Error() || r.Bytes != 6*filmRate {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// TestSeek: jumps come at random about as often as asked for, and each is a
// start of its own.
func TestSeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{size: 1000 * filmRate, pace: constant(10 * filmRate)}
		o := DefaultOptions()
		o.Players, o.For, o.Over, o.Seek, o.Targets = 10, 4*time.Minute, 0, 10*time.Second, []Target{film(t, 1000)}
		r, err := run(t.Context(), o, s.dial)
		s.wait.Wait()
		if err != nil || r.Stalls != 0 || r.Failed != 0 || r.Broken != 0 {
			t.Fatalf("%+v, %v", r.Total, err)
		}
		if n := len(s.requests); n < 180 || n > 320 { // 10 players, 24 jumps each
			t.Errorf("%d requests", n)
		}
		if r.StartupMedian < 1 || r.StartupMedian > 1.2 {
			t.Errorf("start-up %.2f s", r.StartupMedian)
		}
	})
}

// TestRate: a reader of a paced stream sees its rate, and a burst as long as it
// is.
func TestRate(t *testing.T) {
	for _, test := range []struct {
		name       string
		pace       func(time.Duration) float64
		off, burst float64
	}{
		{"as promised", constant(filmRate), 0, 100},
		{"2 % slow", constant(filmRate * 0.98), 0.02, 98},
		{"a second at once, each five", func(since time.Duration) float64 {
			if since%(5*time.Second) == 0 {
				return filmRate * 50
			}
			return 0
		}, 0, 5000},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{size: 100 * filmRate, pace: test.pace}
				o := DefaultOptions()
				o.Players, o.For, o.Over, o.Drain, o.Targets = 1, time.Minute, 0, true, []Target{film(t, 100)}
				r, err := run(t.Context(), o, s.dial)
				s.wait.Wait()
				if err != nil || r.Started != 1 || r.Stalls != 0 {
					t.Fatalf("%+v, %v", r, err)
				}
				if d := r.RateErrorMedian - test.off; d < -0.001 || d > 0.001 {
					t.Errorf("rate is off by %.4f, want %.4f", r.RateErrorMedian, test.off)
				}
				if r.LateBytes <= 0 || r.LateBytes >= r.Bytes {
					t.Errorf("%d of %d bytes came late", r.LateBytes, r.Bytes)
				}
				if d := r.LargestBurst - test.burst; d < -5 || d > 5 {
					t.Errorf("largest burst %.0f ms, want %.0f", r.LargestBurst, test.burst)
				}
			})
		})
	}
}

// TestAnswers: what is wrong with an answer ends the player, with words.
func TestAnswers(t *testing.T) {
	const head = "HTTP/1.1 "
	for _, test := range []struct{ name, answer, want string }{
		{"missing", head + "404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found"},
		{"busy", head + "503 Service Unavailable\r\nRetry-After: 5\r\n\r\n", "503"},
		{"changed", head + "412 Precondition Failed\r\n\r\n", "412"},
		{"garbage", "\x00\xff\x1b[2J\r\n\r\n", "malformed HTTP"},
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed HTTP"},
		{"endless head", head + "200 OK\r\n" + strings.Repeat("X: y\r\n", 20_000), "no proper answer"},
		{"nothing", "", "EOF"},
		{"half a head", head + "200 OK\r\nContent-Le", "EOF"},
		{"no length", head + "200 OK\r\n\r\n", "how long"},
		{"chunked", head + "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "how long"},
		{"more than said", head + "200 OK\r\nContent-Length: 2\r\n\r\nabcdef", "more bytes"},
		{"another part", head + "206 Partial Content\r\nContent-Length: 2\r\nContent-Range: bytes 5-6/7\r\n\r\n", "Content-Range"},
		{"no part", head + "206 Partial Content\r\nContent-Length: 2\r\n\r\n", "Content-Range"},
		{"in circles", head + "307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "redirected more than"},
		{"nowhere", head + "302 Found\r\nLocation: ftp://elsewhere/\r\n\r\n", "redirected to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := DefaultOptions()
				o.Players, o.Over, o.Targets = 2, 0, []Target{film(t, 10)}
				r, err := run(t.Context(), o, func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go func() {
						defer theirs.Close()
						if _, err := http.ReadRequest(bufio.NewReader(theirs)); err == nil {
							io.WriteString(theirs, test.answer)
						}
					}()
					return ours, nil
				})
				if err != nil || r.Failed != 2 || r.Started != 0 || !strings.Contains(r.Each[1].Error, test.want) {
					t.Errorf("%+v, %v; want %q", r, err, test.want)
				}
			})
		})
	}
}

// TestNobodyThere: who finds no server at first gives up.
func TestNobodyThere(t *testing.T) {
	o := DefaultOptions()
	o.Players, o.Over, o.Targets = 3, 0, []Target{film(t, 10)}
	r, err := run(t.Context(), o, func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Addr: &net.TCPAddr{}, Err: errors.New("connection refused")}
	})
	if err != nil || r.Failed != 3 || r.Each[0].Error != "dial: connection refused" {
		t.Errorf("%+v, %v", r, err)
	}
}
