package webui

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mustserv/stream/auth"
)

// withUser returns a handler that knows ann, whose password is sesame.
func withUser(t *testing.T) *Handler {
	t.Helper()
	salt := []byte("saltsalt")
	derived, err := pbkdf2.Key(sha256.New, "sesame", salt, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	config := auth.DefaultConfig()
	config.User = []auth.User{{Name: "ann", Password: "pbkdf2-sha256$1$" + encode(salt) + "$" + encode(derived), Role: auth.Admin}}
	o := testOptions(testRoot())
	o.Keeper = auth.New([]byte(strings.Repeat("k", 32)), config)
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(h http.Handler, target string, form url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "http://box:8080"+target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.ServeHTTP(w, r)
	return w
}

func TestLogin(t *testing.T) {
	h := withUser(t)
	for _, row := range []struct {
		name, user, password, to string
		status                   int
		location                 string
	}{
		{"right", "ann", "sesame", "/watch/Movies/a.mp4?x=y", 302, "/watch/Movies/a.mp4?x=y"},
		{"without a wish", "ann", "sesame", "", 302, "/"},
		{"to another server", "ann", "sesame", "https://evil.example/", 302, "/"},
		{"to another server, in short", "ann", "sesame", "//evil.example/", 302, "/"},
		{"to another server, as browsers take it", "ann", "sesame", "/\\evil.example/", 302, "/"},
		{"to another server, past a tab", "ann", "sesame", "/\t/evil.example/", 302, "/"},
		{"wrong password", "ann", "x", "/", 403, ""},
		{"wrong user", `"><script>alert(1)</script>`, "x", `"><script>`, 403, ""},
		{"nothing", "", "", "", 403, ""},
		{"too long", "ann", strings.Repeat("x", formMax), "/", 403, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := post(h, "/login", url.Values{"user": {row.user}, "password": {row.password}, "to": {row.to}})
			if w.Code != row.status || w.Header().Get("Location") != row.location {
				t.Errorf("%d, to %q", w.Code, w.Header().Get("Location"))
			}
			if got := len(w.Result().Cookies()); (row.status == 302) != (got == 1) {
				t.Errorf("%d cookies", got)
			}
			if strings.Contains(w.Body.String(), "<script>alert") || strings.Contains(w.Body.String(), "sesame") {
				t.Errorf("the page says %s", w.Body)
			}
		})
	}
}

func TestLoginEndsAfterTooManyGuesses(t *testing.T) {
	h := withUser(t)
	var w *httptest.ResponseRecorder
	for range 11 {
		w = post(h, "/login", url.Values{"user": {"ann"}, "password": {"guess"}})
	}
	if w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "Wait a minute") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPagesSayWhoIsLoggedIn(t *testing.T) {
	h := withUser(t)
	page := func(who auth.Identity) string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://box/status", nil)
		h.ServeHTTP(w, r.WithContext(auth.With(r.Context(), who)))
		return w.Body.String()
	}
	if got := page(auth.Identity{User: "<ann>", Role: auth.Admin}); !strings.Contains(got, "Log out <bdi>&lt;ann&gt;</bdi>") {
		t.Errorf("ann sees\n%s", got)
	}
	if got := page(auth.Identity{}); !strings.Contains(got, `<a href="/login">Log in</a>`) {
		t.Errorf("nobody sees\n%s", got)
	}
	out := post(h, "/logout", nil)
	if out.Code != 302 || len(out.Result().Cookies()) != 1 || out.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("logging out: %d %v", out.Code, out.Result().Cookies())
	}
}
