package httpdir

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mustserv/library/source"
)

func TestOpenRefuses(t *testing.T) {
	for _, place := range []string{
		"", "/srv/films", "nas/films", "ftp://nas/", "http://", "http:nas", "http:///films", "http://nas:port/", "http://nas/%zz",
		"http://nas/a?token=hunter2", "http://nas/a#hunter2", "http://nas/a/../hunter2", "http://nas/a%2fhunter2", "http://nas/%00",
		"http://u:hunter2@nas/", "http://u:hunter2@nas/\x7f",
	} {
		src, err := Open(place, source.Access{})
		if !errors.Is(err, fs.ErrInvalid) || src != nil {
			t.Errorf("Open(%q) answers %v, %v", place, src, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) tells it: %v", place, err)
		}
	}
	empty := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(empty, []byte("none"), 0o600))
	for _, file := range []string{empty, empty + ".missing"} {
		if _, err := Open("https://nas/", source.Access{CA: file}); err == nil {
			t.Errorf("%s is taken for certificates", file)
		}
	}
}

// What a status means to the library, and that it is said in words.
func TestStatuses(t *testing.T) {
	for _, row := range []struct {
		status int
		header string
		user   string
		want   error
		words  string
	}{
		{401, `Basic realm="x"`, "", fs.ErrPermission, "wants a user and a password"},
		{401, `Basic realm="x"`, "anna", fs.ErrPermission, `refuses user "anna": check user and password`},
		{401, `Digest realm="x"`, "anna", fs.ErrPermission, "another way to log in"},
		{403, "", "", fs.ErrPermission, "does not let a guest read this"},
		{403, "", "anna", fs.ErrPermission, `does not let user "anna" read this`},
		{404, "", "", fs.ErrNotExist, "404 Not Found"},
		{410, "", "", fs.ErrNotExist, "410 Gone"},
		{400, "", "", fs.ErrInvalid, "400 Bad Request"},
		{408, "", "", source.ErrUnavailable, "408"},
		{429, "", "", source.ErrUnavailable, "429"},
		{500, "", "", source.ErrUnavailable, "500 Internal Server Error"},
		{503, "", "", source.ErrUnavailable, "503 Service Unavailable"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if row.header != "" {
				w.Header().Set("WWW-Authenticate", row.header)
			}
			w.WriteHeader(row.status)
		}))
		src := openSource(t, server.URL, source.Access{User: row.user, Password: "hunter2"})
		_, list := src.List(t.Context(), "a")
		_, open := src.Open(t.Context(), "a")
		for _, err := range []error{list, open} {
			if !errors.Is(err, row.want) || !strings.Contains(err.Error(), row.words) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%d for %q answers %v", row.status, row.user, err)
			}
		}
		server.Close()
	}
}

// A password goes to its server alone, whatever that one says.
func TestRedirects(t *testing.T) {
	var leaked atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked.Store(true)
		newFake(nil).ServeHTTP(w, r)
	}))
	defer other.Close()
	f := newFake([]byte("content"))
	var to string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "anna" || password != "hunter2":
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasPrefix(r.URL.Path, "/moved/"):
			w.Header().Set("Location", strings.Replace(to, "*", strings.TrimPrefix(r.URL.Path, "/moved/"), 1))
			w.WriteHeader(http.StatusFound)
		default:
			f.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	src := openSource(t, server.URL+"/moved", source.Access{User: "anna", Password: "hunter2"})
	for _, row := range []struct{ to, want string }{
		{"/*", ""},
		{"../../*", ""},
		{server.URL + "/*", ""},
		{other.URL + "/*?token=hunter2", "not followed"},
		{strings.Replace(server.URL, "http:", "ftp:", 1) + "/*", "not followed"},
		{strings.Replace(other.URL, "http://", "http://anna:hunter2@", 1) + "/*", "not followed"},
		{"/moved/*", "more than 5 times"},
		{"http://%zz/*", "redirects to no address"},
	} {
		to = row.to
		_, err := src.Stat(t.Context(), "a.mp4")
		if (row.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("to %s: %v", row.to, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
	if leaked.Load() {
		t.Error("another server was asked")
	}
}

func TestTLS(t *testing.T) {
	f := newFake([]byte("content"))
	secure := httptest.NewUnstartedServer(f)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of the client that does not trust it
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secure.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer plain.Close()
	down := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusMovedPermanently)
	}))
	defer down.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600))

	for _, place := range []string{secure.URL, plain.URL} {
		if infos, err := openSource(t, place, source.Access{CA: ca}).List(t.Context(), "."); err != nil || len(infos) != 1 {
			t.Errorf("with its CA %s answers %v, %v", place, infos, err)
		}
	}
	if _, err := openSource(t, secure.URL, source.Access{}).List(t.Context(), "."); !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("without its CA it answers %v", err)
	}
	if _, err := openSource(t, down.URL, source.Access{CA: ca}).List(t.Context(), "."); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a redirect from https to http answers %v", err)
	}
}

// A folder that is looked at again costs one request, but for what has
// changed and for what a listing says nothing of.
func TestRescanIsCheap(t *testing.T) {
	for _, row := range []struct {
		name, line string
		modified   string
		again      int
	}{
		{"sizes and times", "22-Nov-2026 01:04 %d", "Sun, 22 Nov 2020 01:04:00 GMT", 0},
		{"names only", "", "Sun, 22 Nov 2020 01:04:00 GMT", 50},
		{"written just now", "22-Nov-2026 01:04 %d", time.Now().UTC().Format(http.TimeFormat), 50},
		{"no times", "22-Nov-2026 01:04 %d", "", 50},
	} {
		t.Run(row.name, func(t *testing.T) {
			var heads, size atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == "PROPFIND":
					w.WriteHeader(http.StatusNotImplemented)
				case r.Method == http.MethodHead && r.URL.Path != "/":
					heads.Add(1)
					w.Header().Set("Content-Length", fmt.Sprint(1000+size.Load()))
					if row.modified != "" {
						w.Header().Set("Last-Modified", row.modified)
					}
				case r.URL.Path == "/":
					w.Header().Set("Content-Type", "text/html")
					fmt.Fprint(w, "<title>Index of /</title><ul>")
					for i := range 50 {
						line := row.line
						if strings.Contains(line, "%d") {
							line = fmt.Sprintf(line, 1000+size.Load())
						}
						fmt.Fprintf(w, "<li><a href='%d.mp3'>%d</a> %s</li>\n", i, i, line)
					}
				}
			}))
			defer server.Close()
			src := openSource(t, server.URL, source.Access{})
			list := func() int64 {
				t.Helper()
				heads.Store(0)
				infos, err := src.List(t.Context(), ".")
				if err != nil || len(infos) != 50 {
					t.Fatalf("%d entries, %v", len(infos), err)
				}
				for _, i := range infos {
					if i.Size() != 1000+size.Load() {
						t.Fatalf("%s has %d bytes", i.Name(), i.Size())
					}
				}
				return heads.Load()
			}
			if n := list(); n != 50 {
				t.Errorf("first %d", n)
			}
			if n := list(); n != int64(row.again) {
				t.Errorf("then %d, want %d", n, row.again)
			}
			size.Store(7)
			if n := list(); n != 50 {
				t.Errorf("after a change %d", n)
			}
		})
	}
}

// The dialect is found once, and again when the server speaks another one.
func TestDialects(t *testing.T) {
	var kind atomic.Value
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch kind := kind.Load(); {
		case kind == "away":
			w.WriteHeader(http.StatusBadGateway)
		case kind == "missing":
			w.WriteHeader(http.StatusNotFound)
		case r.Method == "PROPFIND":
			asked.Add(1)
			if kind != "dav" {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			w.WriteHeader(http.StatusMultiStatus)
			fmt.Fprint(w, `<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop><resourcetype><collection/></resourcetype></prop>`+
				`<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`)
		case kind == "hotel", kind == "dav":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<h1>Welcome</h1>")
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `[{"name":"a.mp3","type":"file","size":7}]`)
		}
	}))
	defer server.Close()
	src := openSource(t, server.URL, source.Access{})
	for _, step := range []struct {
		kind  string
		want  error
		asked int32
	}{
		{"away", source.ErrUnavailable, 0},
		{"missing", fs.ErrNotExist, 0},
		{"pages", nil, 1},
		{"pages", nil, 0},
		{"away", source.ErrUnavailable, 0},
		{"missing", fs.ErrNotExist, 0},
		{"pages", nil, 0},
		{"hotel", errNotSpoken, 1},
		{"dav", nil, 2},
		{"dav", nil, 1},
		{"away", source.ErrUnavailable, 0},
		{"dav", nil, 1},
		{"pages", nil, 2},
	} {
		kind.Store(step.kind)
		asked.Store(0)
		_, err := src.List(t.Context(), ".")
		if !errors.Is(err, step.want) || asked.Load() != step.asked {
			t.Errorf("%s: %v, asked %d times for WebDAV", step.kind, err, asked.Load())
		}
	}
}

func TestContextEndsCalls(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	src := openSource(t, server.URL, source.Access{})
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := src.List(ctx, "."); !errors.Is(err, context.Canceled) {
		t.Errorf("List answers %v", err)
	}
}
