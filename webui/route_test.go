package webui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mustserv/library"
)

func TestRoutes(t *testing.T) {
	const html, js, trouble = "text/html; charset=utf-8", "application/json", "application/problem+json"
	h := testHandler(t, testRoot())
	for _, c := range []struct {
		name, target string
		status       int
		want         string // type of the answer, or where it leads
	}{
		{"root", "/", 200, html},
		{"browse without slash", "/browse", 302, "/"},
		{"browse root", "/browse/", 302, "/"},
		{"folder", "/browse/Movies/", 200, html},
		{"folder without slash", "/browse/Movies", 302, "/browse/Movies/"},
		{"folder of another alphabet", "/browse/Movies/%C3%89t%C3%A9/", 200, html},
		{"folder encoded in part", "/browse/Movi%65s/", 200, html},
		{"item in browse", "/browse/Movies/a.mp4", 302, "/watch/Movies/a.mp4"},
		{"item", "/watch/Movies/a.mp4", 200, html},
		{"item with a space", "/watch/Movies/%C3%89t%C3%A9/A%20B.mp4", 200, html},
		{"item as folder", "/watch/Movies/a.mp4/", 404, html},
		{"folder in watch", "/watch/Movies", 302, "/browse/Movies/"},
		{"root in watch", "/watch/", 302, "/"},
		{"no item", "/watch/Movies/no.mp4", 404, html},
		{"no folder", "/browse/no/", 404, html},
		{"up", "/browse/Movies/../", 404, html},
		{"up, encoded", "/browse/Movies/%2e%2e/", 404, html},
		{"encoded slash", "/watch/Movies%2Fa.mp4", 404, html},
		{"NUL", "/watch/Movies/%00", 404, html},
		{"empty element", "/browse//Movies/", 404, html},
		{"page 1", "/browse/Movies/?page=1", 200, html},
		{"page after the last", "/browse/Movies/?page=2", 400, html},
		{"page 0", "/browse/Movies/?page=0", 400, html},
		{"no page", "/browse/Movies/?page=x", 400, html},
		{"search", "/search", 200, html},
		{"search for", "/search?q=b&kind=video", 200, html},
		{"search for nothing there", "/search?q=zzz", 200, html},
		{"search of a wrong kind", "/search?q=b&kind=x", 400, html},
		{"status", "/status", 200, html},
		{"favicon", "/favicon.ico", 200, "image/x-icon"},
		{"no static", "/static/style.css", 404, html},
		{"no page there", "/nope", 404, html},
		{"another case", "/Browse/Movies/", 404, html},
		{"API item", "/api/v1/items/Movies/a.mp4", 200, js},
		{"API item as folder", "/api/v1/items/Movies/a.mp4/", 404, trouble},
		{"API folder", "/api/v1/items/Movies", 200, js},
		{"API folder with slash", "/api/v1/items/Movies/", 200, js},
		{"API root", "/api/v1/items/", 200, js},
		{"API root without slash", "/api/v1/items", 200, js},
		{"API up", "/api/v1/items/Movies/../../etc", 404, trouble},
		{"API no item", "/api/v1/items/nope", 404, trouble},
		{"API search", "/api/v1/search?q=a", 200, js},
		{"API search, bad limit", "/api/v1/search?q=a&limit=abc", 400, trouble},
		{"API search, limit too high", "/api/v1/search?q=a&limit=1001", 400, trouble},
		{"API search, bad offset", "/api/v1/search?q=a&offset=-1", 400, trouble},
		{"API search, bad kind", "/api/v1/search?q=a&kind=film", 400, trouble},
		{"API sessions", "/api/v1/sessions", 200, js},
		{"API shares", "/api/v1/shares", 200, js},
		{"API status", "/api/v1/status", 200, js},
		{"API nothing", "/api/v2/status", 404, trouble},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(h, "GET", c.target)
			got := w.Header().Get("Content-Type")
			if c.status == http.StatusFound {
				got = w.Header().Get("Location")
			}
			if w.Code != c.status || got != c.want {
				t.Errorf("%d %q, want %d %q", w.Code, got, c.status, c.want)
			}
			if w.Code >= 400 && w.Body.Len() < 50 {
				t.Errorf("says only %q", w.Body)
			}
		})
	}
}

func TestOtherMethods(t *testing.T) {
	h := testHandler(t, testRoot())
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "x"} {
		for target, mime := range map[string]string{"/": "text/html; charset=utf-8", "/api/v1/status": "application/problem+json"} {
			w := get(h, method, target)
			if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" || w.Header().Get("Content-Type") != mime {
				t.Errorf("%s %s: %d, %v", method, target, w.Code, w.Header())
			}
		}
	}
}

func TestHeadersProtect(t *testing.T) {
	h := testHandler(t, testRoot())
	for _, target := range []string{"/", "/watch/Movies/a.mp4", "/nope", "/api/v1/status", "/favicon.ico"} {
		header := get(h, "GET", target).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if !strings.HasPrefix(header.Get(name), want) {
				t.Errorf("%s: %s is %q", target, name, header.Get(name))
			}
		}
		if csp := header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %q", target, csp)
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	server := httptest.NewServer(testHandler(t, testRoot()))
	defer server.Close()
	for _, target := range []string{"/", "/watch/Movies/a.mp4", "/nope", "/api/v1/items/Movies", "/favicon.ico"} {
		r, err := server.Client().Head(server.URL + target)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		want := get(testHandler(t, testRoot()), "GET", target)
		if len(body) > 0 || r.StatusCode != want.Code || r.Header.Get("Content-Type") != want.Header().Get("Content-Type") {
			t.Errorf("%s: %d, %v, %q", target, r.StatusCode, r.Header, body)
		}
	}
}

func TestStatusRefreshesWithoutScripts(t *testing.T) {
	w := get(testHandler(t, testRoot()), "GET", "/status")
	if !strings.Contains(w.Body.String(), `<noscript><meta http-equiv="refresh" content="5"></noscript>`) || w.Header().Get("Refresh") != "" {
		t.Errorf("without scripts it stays as it is, or with them it does not: %v", w.Header())
	}
}

func TestNewWantsAllOptions(t *testing.T) {
	o := testOptions(testRoot())
	o.Need = nil
	if _, err := New(o); err == nil {
		t.Error("made without Need")
	}
}

// FuzzRoute asks for any path: each has an answer, and none is an error of ours.
func FuzzRoute(f *testing.F) {
	for _, s := range []string{"", "browse/Movies/", "watch/%ff", "api/v1/items/../x", "browse/%zz/", "static/../webui.go", "watch/a?b#c", "api/v1/search?limit=%00"} {
		f.Add(s)
	}
	h := testHandler(f, testRoot())
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.NewRequest("GET", "http://box/"+target, nil)
		if err != nil {
			return // no URL
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == 302 && !strings.HasPrefix(w.Header().Get("Location"), "/") {
			t.Errorf("%q: %d %v", target, w.Code, w.Header())
		}
	})
}

// What the library may yet find is not said to be missing; nobody
// hears of a client that did not wait.
func TestNotFoundYet(t *testing.T) {
	var logged bytes.Buffer
	options := testOptions(testRoot())
	options.Library = fakeLibrary{tree: &library.Tree{Root: testRoot()}, fails: fmt.Errorf("not yet: %w", library.ErrScanning)}
	options.Log = slog.New(slog.NewTextHandler(&logged, nil))
	h, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/watch/Movies/a.mp4", "/browse/Movies/", "/api/v1/items/Movies/a.mp4", "/art/Movies/a.mp4"} {
		w := get(h, "GET", target)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", target, w.Code)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(gone, "GET", "http://box:8080"+target, nil)
		options.Library = fakeLibrary{tree: &library.Tree{Root: testRoot()}, fails: context.Canceled}
		left, err := New(options)
		if err != nil {
			t.Fatal(err)
		}
		left.ServeHTTP(httptest.NewRecorder(), r)
	}
	if logged.Len() > 0 {
		t.Errorf("the log says %s", &logged)
	}
}
