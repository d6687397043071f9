package stream

import (
	"crypto/tls"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"mustserv/ratelimit"
)

// TestEndedSession ends a session as an admin does, in whatever its stream
// waits for: the connection is cut, the place is free, and the same player
// does not get the film again at once, but others do.
func TestEndedSession(t *testing.T) {
	bothWays(t, func(t *testing.T, by way) {
		for _, row := range []struct {
			name string
			rate ratelimit.Rate
		}{{"that waits for its time", 64 * ratelimit.KbitPerSecond}, {"that waits for the peer", ratelimit.GbitPerSecond}} {
			t.Run(row.name, func(t *testing.T) {
				s, base := start(t, map[string][]byte{"a.mkv": noise(32 << 20), "b.mkv": noise(1000)}, by, slow(row.rate))
				c := dial(t, base)
				io.WriteString(c, request("GET", "/media/s/a.mkv", "1.1"))
				if _, err := c.in.Peek(1); err != nil {
					t.Fatal(err)
				}
				until(t, "a session", func() bool { return len(s.ledger.Sessions()) == 1 })
				s.ledger.End(s.ledger.Sessions()[0].ID)
				if _, body, err := c.answer("GET"); err == nil || len(body) >= 32<<20 {
					t.Errorf("%d bytes, %v", len(body), err)
				}
				ended(t, s)
				if stats := s.control.Stats(); stats.Reserved != 0 {
					t.Errorf("still reserved: %v", stats.Reserved)
				}
				if r, body := ask(t, "GET", base+"/media/s/a.mkv"); r.StatusCode != http.StatusForbidden || r.Header.Get("Retry-After") == "" || !strings.Contains(body, "admin has ended") {
					t.Errorf("again: %s %v %q", r.Status, r.Header, body)
				}
				if r, _ := ask(t, "GET", base+"/media/s/b.mkv"); r.StatusCode != http.StatusOK {
					t.Errorf("another film: %s", r.Status)
				}
			})
		}
	})
}

// TestEndedSessionOverTLS has two films on one HTTP/2 connection, of which one
// is ended: the other goes on.
func TestEndedSessionOverTLS(t *testing.T) {
	s, base := start(t, map[string][]byte{"a.mkv": noise(8 << 20), "b.mkv": noise(300 << 10)}, slow(2*ratelimit.MbitPerSecond))
	dir, config := t.TempDir(), DefaultConfig()
	config.Certificate, config.Key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	trusted := certify(t, config)
	certificate, err := OpenCertificate(config)
	if err != nil {
		t.Fatal(err)
	}
	s.SetConfig(config, certificate.TLS())
	browser := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}}
	t.Cleanup(browser.CloseIdleConnections)
	open := func(name string) io.ReadCloser {
		r, err := browser.Get(strings.Replace(base, "http:", "https:", 1) + "/media/s/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if r.ProtoMajor != 2 {
			t.Fatal(r.Proto)
		}
		t.Cleanup(func() { r.Body.Close() })
		return r.Body
	}
	a, b := open("a.mkv"), open("b.mkv")
	until(t, "two sessions", func() bool { return len(s.ledger.Sessions()) == 2 })
	for _, session := range s.ledger.Sessions() {
		if session.Path == "s/a.mkv" {
			s.ledger.End(session.ID)
		}
	}
	if n, err := io.Copy(io.Discard, a); err == nil {
		t.Errorf("all %d bytes came", n)
	}
	if n, err := io.Copy(io.Discard, b); n != 300<<10 || err != nil {
		t.Errorf("of the other %d bytes, %v", n, err)
	}
}
