package stream

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
	"mustserv/stream/auth"
)

// guarded serves some files to an admin, ann, and a viewer, bob, whose
// password is sesame. Its pages answer with who asks.
func guarded(t *testing.T) (*Server, *auth.Keeper, auth.Config) {
	t.Helper()
	salt := []byte("saltsalt")
	derived, err := pbkdf2.Key(sha256.New, "sesame", salt, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	hash := "pbkdf2-sha256$1$" + encode(salt) + "$" + encode(derived)
	config := auth.DefaultConfig()
	config.User = []auth.User{{Name: "ann", Password: hash, Role: auth.Admin}, {Name: "bob", Password: hash, Role: auth.Viewer}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lib := catalogue(t, map[string][]byte{
		"a b.wav": probetest.WAV(1, 8000, 1), "c.wav": probetest.WAV(1, 8000, 1),
		"hls/list.m3u8": []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n1.ts\n#EXT-X-ENDLIST\n"),
		"hls/1.ts":      probetest.TS(probetest.MPEGOptions{Seconds: 1}),
	})
	s := serve(t, lib, l, ratelimit.DefaultConfig())
	s.auth = auth.New([]byte(strings.Repeat("k", 32)), config)
	s.pages = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", auth.Who(r.Context()).User, auth.Who(r.Context()).Role)
	})
	return s, s.auth, config
}

// asking is one request.
type asking struct {
	method, target, from, host, accept, origin, cookie, user, password string
}

func (a asking) of(s *Server) *httptest.ResponseRecorder {
	method, from := "GET", "192.0.2.7:4711"
	if a.method != "" {
		method = a.method
	}
	if a.from != "" {
		from = a.from
	}
	r := httptest.NewRequest(method, "http://box:8000"+a.target, nil)
	r.RemoteAddr = from
	if a.host != "" {
		r.Host = a.host
	}
	for name, value := range map[string]string{"Accept": a.accept, "Origin": a.origin, "Cookie": a.cookie} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if a.user != "" {
		r.SetBasicAuth(a.user, a.password)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestWhoMayDoWhat(t *testing.T) {
	s, keeper, _ := guarded(t)
	session := func(name string, role auth.Role) string {
		c := keeper.Session(auth.Identity{User: name, Role: role}, false)
		return c.Name + "=" + c.Value
	}
	ann, bob := session("ann", auth.Admin), session("bob", auth.Viewer)
	signed := "/signed/" + keeper.Sign(auth.Identity{User: "bob"}, "s/a b.wav", false)
	stream := "/signed/" + keeper.Sign(auth.Identity{User: "bob"}, "s/hls/list.m3u8", true)
	forged := signed[:len(signed)-2] + "xx"
	open := []string{"/healthz", "/readyz", "/login", "/static/style.css", "/favicon.ico"}
	viewers := []string{
		"/", "/browse/s/", "/watch/s/c.wav", "/media/s/a%20b.wav", "/media/s/", "/playlist/s.m3u", "/art/s/c.wav", "/subtitles/s/c.wav",
		"/api/v1/items/s", "/api/v1/search?q=a", "/api/v1/shares", "/api/v1/status", "/metrics", "/chart/s/c.wav", "/search",
		"/api/v1/songs/s", "/api/v1/songs", "/api/v1/resume", "/api/v1/resume/s/c.wav",
	}
	admins := []string{"/admin", "/admin/config", "/api/v1/admin/config", "/status", "/status/events", "/status/end", "/api/v1/sessions", "/api/v1/sessions/1/end"}
	type row struct {
		name string
		asking
		status int
	}
	var rows []row
	for _, at := range open {
		rows = append(rows, row{"anybody", asking{target: at}, 200}, row{"wrong password", asking{target: at, user: "ann", password: "x"}, 200})
	}
	for _, at := range viewers {
		rows = append(rows,
			row{"nobody", asking{target: at}, 401},
			row{"nobody at this computer", asking{target: at, from: "127.0.0.1:1", host: "localhost:8000"}, 401},
			row{"viewer", asking{target: at, cookie: bob}, 200},
			row{"viewer by password", asking{target: at, user: "bob", password: "sesame"}, 200},
			row{"admin", asking{target: at, cookie: ann}, 200},
			row{"forged session", asking{target: at, cookie: strings.Replace(bob, "mustserv=Y", "mustserv=Z", 1)}, 401},
			row{"viewer from a foreign page, reading", asking{target: at, cookie: bob, origin: "http://evil.example"}, 200},
			row{"viewer from a foreign page, writing", asking{method: "POST", target: at, cookie: bob, origin: "http://evil.example"}, 403})
	}
	for _, at := range admins {
		rows = append(rows,
			row{"nobody", asking{target: at}, 401},
			row{"viewer", asking{target: at, cookie: bob}, 403},
			row{"admin", asking{target: at, cookie: ann}, 200},
			row{"admin, writing", asking{method: "POST", target: at, cookie: ann, origin: "http://box:8000"}, 200},
			row{"admin from a foreign page, writing", asking{method: "POST", target: at, cookie: ann, origin: "http://evil.example"}, 403})
	}
	for _, method := range []string{"PUT", "DELETE"} {
		const place = "/api/v1/resume/s/c.wav"
		rows = append(rows,
			row{"nobody", asking{method: method, target: place}, 401},
			row{"viewer", asking{method: method, target: place, cookie: bob, origin: "http://box:8000"}, 200},
			row{"viewer from a foreign page", asking{method: method, target: place, cookie: bob, origin: "http://evil.example"}, 403},
			row{"signed", asking{method: method, target: signed + place}, 404})
	}
	rows = append(rows,
		row{"signed", asking{target: signed + "/media/s/a%20b.wav"}, 200},
		row{"signed, artwork", asking{target: signed + "/art/s/a%20b.wav"}, 200},
		row{"signed, playlist of it", asking{target: signed + "/playlist/s/a%20b.wav.m3u"}, 200},
		row{"signed, another item", asking{target: signed + "/media/s/c.wav"}, 403},
		row{"signed, its folder", asking{target: signed + "/media/s/"}, 403},
		row{"signed, all", asking{target: signed + "/playlist.m3u"}, 404},
		row{"signed, a page", asking{target: signed + "/status"}, 404},
		row{"signed, up", asking{target: signed + "/media/s/a%20b.wav/../c.wav"}, 404},
		row{"forged", asking{target: forged + "/media/s/a%20b.wav"}, 403},
		row{"no signature", asking{target: "/signed/media/s/a%20b.wav"}, 404},
		row{"signed twice", asking{target: signed + signed + "/media/s/a%20b.wav"}, 404},
		row{"signed, a stream", asking{target: stream + "/media/s/hls/list.m3u8"}, 200},
		row{"signed, a stream's segment", asking{target: stream + "/media/s/hls/1.ts"}, 200},
		row{"signed, beside the stream", asking{target: stream + "/media/s/c.wav"}, 403},
		row{"a browser", asking{target: "/browse/s/", accept: "text/html,*/*"}, 303},
		row{"a browser, at a film", asking{target: "/media/s/c.wav", accept: "text/html,*/*"}, 401},
	)
	for _, row := range rows {
		if got := row.of(s).Code; got != row.status {
			t.Errorf("%s: %s %s: %d, want %d", row.name, row.method, row.target, got, row.status)
		}
	}
	if got := (asking{target: "/watch/s/c.wav?a=b", accept: "text/html"}).of(s).Header().Get("Location"); got != "/login?to="+url.QueryEscape("/watch/s/c.wav?a=b") {
		t.Errorf("a browser is sent to %q", got)
	}
	if got := (asking{target: "/media/s/c.wav"}).of(s).Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
		t.Errorf("a player is asked for a password by %q", got)
	}
}

func TestWithoutUsersThisComputerIsTheAdmin(t *testing.T) {
	s, _, _ := guarded(t)
	s.auth = auth.New(nil, auth.Config{})
	for _, row := range []struct {
		name string
		asking
		status int
	}{
		{"a film", asking{target: "/media/s/c.wav"}, 200},
		{"an address signed before", asking{target: "/signed/x.y.z/media/s/c.wav"}, 200},
		{"the status", asking{target: "/status"}, 200},
		{"the status, live", asking{target: "/status/events"}, 200},
		{"to end a session from elsewhere", asking{method: "POST", target: "/status/end"}, 403},
		{"to end one from elsewhere as a program", asking{method: "POST", target: "/api/v1/sessions/1/end"}, 403},
		{"to end one from here", asking{method: "POST", target: "/status/end", from: "127.0.0.1:1", host: "localhost:8000"}, 200},
		{"to end one from here, a foreign page", asking{method: "POST", target: "/status/end", from: "127.0.0.1:1", host: "localhost:8000", origin: "http://evil.example"}, 403},
		{"admin from elsewhere", asking{target: "/admin"}, 403},
		{"admin from here", asking{target: "/admin", from: "127.0.0.1:1", host: "localhost:8000"}, 200},
		{"admin from here over IPv6", asking{target: "/admin", from: "[::1]:1", host: "[::1]:8000"}, 200},
		{"admin from here by a name of a foreign page", asking{target: "/admin", from: "127.0.0.1:1", host: "evil.example"}, 403},
		{"admin from here without a port", asking{target: "/admin", from: "127.0.0.1:1", host: "127.0.0.1"}, 200},
	} {
		if got := row.of(s).Code; got != row.status {
			t.Errorf("%s: %d, want %d", row.name, got, row.status)
		}
	}
}

func TestPlaylistsNeedNoPassword(t *testing.T) {
	s, _, _ := guarded(t)
	list := asking{target: "/playlist/s.m3u8", user: "bob", password: "sesame"}.of(s).Body.String()
	addresses := regexp.MustCompile(`http://\S+`).FindAllString(list, -1)
	if len(addresses) != 3 {
		t.Fatalf("three films are not what this lists:\n%s", list)
	}
	for _, at := range addresses {
		if got := (asking{target: strings.TrimPrefix(at, "http://box:8000")}).of(s); got.Code != 200 {
			t.Errorf("%s: %d %s", at, got.Code, got.Body)
		}
	}
	if strings.Contains(list, "sesame") {
		t.Error("the playlist shows the password")
	}
}

func TestWrongPasswords(t *testing.T) {
	s, _, _ := guarded(t)
	status := func(from, password string) *httptest.ResponseRecorder {
		return asking{target: "/media/s/c.wav", from: from, user: "bob", password: password}.of(s)
	}
	if got := status("192.0.2.9:1", "sesame").Code; got != 200 {
		t.Fatal(got)
	}
	for range 10 {
		if got := status("192.0.2.1:1", "guess").Code; got != 401 {
			t.Fatal(got)
		}
	}
	if got := status("192.0.2.1:2", "guess"); got.Code != 429 || got.Header().Get("Retry-After") == "" {
		t.Errorf("after ten wrong ones: %d", got.Code)
	}
	if got := status("192.0.2.9:1", "sesame").Code; got != 200 {
		t.Errorf("another client: %d", got)
	}
}
