package stream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// fast is so fast that nothing waits, and paced all the same.
func fast(s *Server) {
	limits := ratelimit.DefaultConfig()
	limits.Unmeasured, limits.StreamsPerClient = 100*ratelimit.GbitPerSecond, 100000
	s.control.SetConfig(limits)
}

// slow sends what is not measured at a rate, with the least burst.
func slow(r ratelimit.Rate) way {
	return func(s *Server) {
		limits := ratelimit.DefaultConfig()
		limits.Unmeasured, limits.BurstMax, limits.StreamsPerClient = r, limits.BurstMin, 100000
		s.control.SetConfig(limits)
	}
}

// noise is a file that can't be measured and where no two places are alike.
func noise(size int) []byte {
	data := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(data)
	return data
}

// client is a connection on which requests are made one by one.
type client struct {
	*net.TCPConn
	in *bufio.Reader
}

func dial(t testing.TB, base string) client {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return client{conn.(*net.TCPConn), bufio.NewReaderSize(conn, 4<<10)}
}

// request is the head of one.
func request(method, path, version string, headers ...string) string {
	return method + " " + path + " HTTP/" + version + "\r\nHost: x\r\n" + strings.Join(headers, "") + "\r\n"
}

// answer reads an answer and its body.
func (c client) answer(method string) (*http.Response, []byte, error) {
	response, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

// TestManyRequestsOnOneConnection mixes what the pacer sends with what it
// does not, kept alive, and some requests sent before the answer to the last.
func TestManyRequestsOnOneConnection(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		data := noise(3 << 20)
		s, base := start(t, map[string][]byte{"a.mkv": data}, by, fast)
		c := dial(t, base)
		r := rand.New(rand.NewPCG(1, 2))
		for range 60 {
			var heads []string
			var checks []func() error
			for range 1 + r.IntN(4) {
				head, check := anyRequest(r, c, data)
				heads, checks = append(heads, head), append(checks, check)
			}
			io.WriteString(c, strings.Join(heads, ""))
			for i, check := range checks {
				if err := check(); err != nil {
					t.Fatalf("%q: %v", heads[i], err)
				}
			}
		}
		c.Close()
		ended(t, s)
	})
}

// anyRequest returns a request and what has to be true of its answer.
func anyRequest(r *rand.Rand, c client, data []byte) (head string, check func() error) {
	expect := func(method string, status int, want []byte) func() error {
		return func() error {
			got, body, err := c.answer(method)
			if err != nil || got.StatusCode != status {
				return fmt.Errorf("%+v, want %d: %v", got, status, err)
			}
			if want != nil && sha256.Sum256(body) != sha256.Sum256(want) {
				return fmt.Errorf("%d other bytes than the %d asked for", len(body), len(want))
			}
			return nil
		}
	}
	from := r.IntN(len(data))
	to := from + r.IntN(len(data)-from)
	ranges := fmt.Sprintf("Range: bytes=%d-%d\r\n", from, to)
	const path = "/media/s/a.mkv"
	switch r.IntN(8) {
	case 0:
		return request("HEAD", path, "1.1"), expect("HEAD", 200, []byte{})
	case 1:
		return request("GET", path, "1.1", "Range: bytes=9999999-\r\n"), expect("GET", 416, nil)
	case 2:
		return request("GET", path, "1.1", "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT\r\n"), expect("GET", 304, []byte{})
	case 3:
		return request("GET", path, "1.1"), expect("GET", 200, data)
	case 4:
		return request("GET", "/media/s/none", "1.1"), expect("GET", 404, nil)
	case 5:
		return request("GET", path, "1.1", "Range: bytes=0-9,20-29\r\n"), expect("GET", 206, nil)
	}
	return request("GET", path, "1.1", ranges), expect("GET", 206, data[from:to+1])
}

// ended waits until a server has no streams and their sessions only linger.
func ended(t testing.TB, s *Server) {
	t.Helper()
	until(t, "no stream is left", func() bool {
		active := 0
		for _, session := range s.ledger.Sessions() {
			if session.Active {
				active++
			}
		}
		return s.control.Stats().Streams == 0 && active == 0
	})
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so after 20 s: %s", what)
		}
	}
}

func TestConnectionIsKeptOrClosed(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		data := noise(200 << 10)
		_, base := start(t, map[string][]byte{"a.mkv": data}, by, fast)
		for _, row := range []struct {
			name, version, header string
			kept                  bool
		}{
			{"1.1", "1.1", "", true},
			{"1.1 close", "1.1", "Connection: close\r\n", false},
			{"1.0", "1.0", "", false},
			{"1.0 keep-alive", "1.0", "Connection: keep-alive\r\n", true},
		} {
			t.Run(row.name, func(t *testing.T) {
				c := dial(t, base)
				for i := range 2 {
					io.WriteString(c, request("GET", "/media/s/a.mkv", row.version, row.header))
					got, body, err := c.answer("GET")
					switch {
					case i == 1 && !row.kept:
						if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) && err == nil {
							t.Errorf("a second answer: %+v", got)
						}
					case err != nil || !bytes.Equal(body, data):
						t.Fatalf("answer %d: %d bytes, %v", i, len(body), err)
					case got.Close == row.kept:
						t.Errorf("the answer says close: %v", got.Close)
					}
				}
			})
		}
	})
}

// A player that has said all that it wants to say still listens.
func TestHalfClosedPeerIsServed(t *testing.T) {
	data := noise(600 << 10)
	s, base := start(t, map[string][]byte{"a.mkv": data}, slow(20*ratelimit.MbitPerSecond))
	if s.pacer == nil {
		t.Skip("net/http takes a half-closed connection for one that is gone")
	}
	c := dial(t, base)
	io.WriteString(c, request("GET", "/media/s/a.mkv", "1.1"))
	if _, err := c.in.Peek(1); err != nil {
		t.Fatal(err)
	}
	c.CloseWrite()
	if _, body, err := c.answer("GET"); err != nil || !bytes.Equal(body, data) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	ended(t, s)
}

func TestResetEndsTheStreamAtOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		for _, row := range []struct {
			name string
			rate ratelimit.Rate
		}{{"that waits for its time", 64 * ratelimit.KbitPerSecond}, {"that waits for the peer", ratelimit.GbitPerSecond}} {
			t.Run(row.name, func(t *testing.T) {
				s, base := start(t, map[string][]byte{"a.mkv": noise(32 << 20)}, by, slow(row.rate))
				c := dial(t, base)
				io.WriteString(c, request("GET", "/media/s/a.mkv", "1.1"))
				if _, err := c.in.Peek(1); err != nil {
					t.Fatal(err)
				}
				until(t, "a stream", func() bool { return s.control.Stats().Streams == 1 })
				c.SetLinger(0)
				c.Close()
				ended(t, s)
			})
		}
	})
}

func TestShrunkFileEndsTheConnection(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		dir := t.TempDir()
		name := filepath.Join(dir, "a.mkv")
		if err := os.WriteFile(name, noise(4<<20), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		os.Chtimes(name, old, old)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, catalogueOf(t, dir, 1), l, ratelimit.DefaultConfig(), by, slow(4*ratelimit.MbitPerSecond))
		c := dial(t, "http://"+l.Addr().String())
		io.WriteString(c, request("GET", "/media/s/a.mkv", "1.1"))
		if _, err := c.in.Peek(1); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, 500<<10); err != nil {
			t.Fatal(err)
		}
		_, body, err := c.answer("GET")
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) > 500<<10 {
			t.Errorf("%d bytes, %v; want no more than the file has, and an early end", len(body), err)
		}
		ended(t, s)
	})
}

func TestPausedPlayerGoesOn(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		data := noise(24 << 20)
		s, base := start(t, map[string][]byte{"a.mkv": data}, by, slow(2*ratelimit.GbitPerSecond))
		c := dial(t, base)
		c.SetReadBuffer(64 << 10)
		io.WriteString(c, request("GET", "/media/s/a.mkv", "1.1"))
		var last int64
		until(t, "the peer's buffers are full", func() bool { // as soon as nothing more goes out
			sent := s.ledger.Totals().Bytes
			still := sent == last && sent > 0
			last = sent
			time.Sleep(100 * time.Millisecond)
			return still
		})
		if _, body, err := c.answer("GET"); err != nil || sha256.Sum256(body) != sha256.Sum256(data) {
			t.Errorf("%d bytes, %v", len(body), err)
		}
	})
}

func TestShutdownWaitsForStreams(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		for _, row := range []struct {
			name     string
			patience time.Duration
			whole    bool
		}{{"to their end", 20 * time.Second, true}, {"no longer than it is told", 100 * time.Millisecond, false}} {
			t.Run(row.name, func(t *testing.T) {
				data := noise(700 << 10)
				s, base := start(t, map[string][]byte{"a.mkv": data}, by, slow(4*ratelimit.MbitPerSecond))
				idle := dial(t, base)
				io.WriteString(idle, request("GET", "/media/s/a.mkv", "1.1", "Range: bytes=0-99999\r\n"))
				if _, _, err := idle.answer("GET"); err != nil {
					t.Fatal(err)
				}
				c := dial(t, base)
				io.WriteString(c, request("GET", "/media/s/a.mkv", "1.1"))
				if _, err := c.in.Peek(1); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), row.patience)
				defer cancel()
				done := make(chan error)
				go func() { done <- s.Shutdown(ctx) }()
				if _, err := idle.in.ReadByte(); !errors.Is(err, io.EOF) {
					t.Errorf("the connection without a stream: %v", err)
				}
				_, body, err := c.answer("GET")
				if whole := err == nil && bytes.Equal(body, data); whole != row.whole {
					t.Errorf("%d of %d bytes, %v", len(body), len(data), err)
				}
				if err := <-done; (err == nil) != row.whole {
					t.Errorf("shutdown: %v", err)
				}
				ended(t, s)
			})
		}
	})
}

// TestSeekersLeaveNothingBehind has many players open, seek and hang up, at
// random.
func TestSeekersLeaveNothingBehind(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		data := noise(8 << 20)
		s, base := start(t, map[string][]byte{"a.mkv": data}, by, slow(2*ratelimit.GbitPerSecond))
		seekers(t, base, data, 20, 2) // what is made once
		ended(t, s)
		goroutines, files := runtime.NumGoroutine(), descriptors(t)
		seekers(t, base, data, 1000, 3)
		ended(t, s)
		until(t, "no more goroutines and descriptors than before", func() bool {
			return runtime.NumGoroutine() <= goroutines+2 && descriptors(t) <= files+2
		})
	})
}

// seekers plays with so many connections, at most 100 at a time.
func seekers(t *testing.T, base string, data []byte, connections, seeks int) {
	var wait sync.WaitGroup
	room := make(chan bool, 100)
	for i := range connections {
		room <- true
		wait.Go(func() {
			defer func() { <-room }()
			if err := seek(base, data, rand.New(rand.NewPCG(uint64(i), 0)), seeks); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

// seek asks for ranges on one connection, reads some of each, and hangs up.
func seek(base string, data []byte, r *rand.Rand, seeks int) error {
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	in := bufio.NewReader(conn)
	for range seeks {
		from, size := r.IntN(len(data)-100<<10), 1+r.IntN(90<<10)
		io.WriteString(conn, request("GET", "/media/s/a.mkv", "1.1", fmt.Sprintf("Range: bytes=%d-%d\r\n", from, from+size-1)))
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		part := make([]byte, size)
		if r.IntN(3) == 0 { // a seek while the answer comes
			part = part[:r.IntN(size)]
		}
		if _, err := io.ReadFull(response.Body, part); err != nil || !bytes.Equal(part, data[from:from+len(part)]) {
			return fmt.Errorf("%d bytes at %d: %w", len(part), from, err)
		}
		if len(part) < size {
			return nil
		}
	}
	return nil
}

// TestWhatIsSentIsCounted compares the books with what came, on a connection
// that sees an end before its time, too.
func TestWhatIsSentIsCounted(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		data := probetest.WAV(5, 44100, 2)
		s, base := start(t, map[string][]byte{"a.wav": data}, by)
		ask(t, "GET", base+"/media/s/a.wav", "Range", "bytes=100-200099")
		ended(t, s)
		got := s.ledger.Sessions()
		if totals := s.ledger.Totals(); totals.Bytes != 200000 || totals.Requests != 1 || len(got) != 1 || got[0].Bytes != 200000 {
			t.Errorf("%+v, sessions %+v", totals, got)
		}
	})
}
