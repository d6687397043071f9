package stream

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/index"
	"mustserv/library/source"
	"mustserv/library/source/local"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
	"mustserv/stream/pacer"
)

// catalogue returns the library of a folder with these files, all of which
// are measured. The share is called "s".
func catalogue(t testing.TB, files map[string][]byte) *library.Library {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2006, 1, 2, 3, 4, 5, 0, time.UTC)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return catalogueOf(t, dir, len(files))
}

// catalogueOf returns the library of a folder with so many files, whose source
// may be wrapped.
func catalogueOf(t testing.TB, dir string, files int, wrap ...func(source.Source) source.Source) *library.Library {
	t.Helper()
	memory, err := index.Open("")
	if err != nil {
		t.Fatal(err)
	}
	lib := library.New(library.Options{
		Config: library.DefaultConfig(),
		Shares: []library.Share{{Name: "s", Place: dir}},
		Openers: map[string]library.Opener{"": func(place string, _ source.Access) (source.Source, error) {
			src, err := local.Open(place)
			if err != nil {
				return nil, err
			}
			made := source.Source(src)
			for _, w := range wrap {
				made = w(made)
			}
			return made, nil
		}},
		Index: memory,
		Log:   slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); lib.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	for deadline := time.Now().Add(20 * time.Second); !complete(lib, files); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the library is not complete: %+v", lib.Shares())
		}
	}
	return lib
}

// complete reports whether so many files are measured. Lists of segments count,
// too, whatever they are taken for until then: they say what the others are.
func complete(lib *library.Library, files int) bool {
	n := 0
	for item := range lib.Tree().Root.All {
		list := strings.HasSuffix(item.Name, ".m3u8")
		if (list || item.Playable()) && item.Info() == nil && item.Problem == "" {
			return false
		}
		n++
	}
	return n >= files
}

// way is how the bytes of items leave a server.
type way func(*Server)

// byPacer leaves to the pacer whatever that can do; byWriter nothing.
func byPacer(s *Server)  { s.handOverFrom = 1 }
func byWriter(s *Server) { s.pacer = nil }

// bothWays runs a test once for each way that this system has: the results
// must be the same.
func bothWays(t *testing.T, test func(*testing.T, way)) {
	if pacer.New(pacer.Options{}) != nil {
		t.Run("pacer", func(t *testing.T) { test(t, byPacer) })
	}
	t.Run("portable", func(t *testing.T) { test(t, byWriter) })
}

// serve serves a library on a listener and returns the server.
func serve(t testing.TB, lib Library, l net.Listener, limits ratelimit.Config, by ...way) *Server {
	t.Helper()
	s := New(Options{
		Config: DefaultConfig(), Library: lib, Control: ratelimit.NewController(limits),
		Ledger: accounting.NewLedger(10 * time.Second), Log: slog.New(slog.DiscardHandler),
	})
	for _, set := range by {
		set(s)
	}
	s.Listen(l)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
		s.ledger.Close()
	})
	return s
}

// start serves files over TCP and returns the base URL.
func start(t testing.TB, files map[string][]byte, by ...way) (*Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, catalogue(t, files), l, ratelimit.DefaultConfig(), by...)
	return s, "http://" + l.Addr().String()
}

// ask sends one request and returns the answer, with its body read.
func ask(t testing.TB, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}
