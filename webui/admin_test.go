package webui

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mustserv/stream/accounting"
	"mustserv/stream/auth"
	"mustserv/webui/settings"
)

// fakeDesk is an admin's desk with a config in memory.
type fakeDesk struct {
	text, hash string
	tried      NewShare
	rescans    int
	draining   bool
	ended      []string
	refuses    error
}

func (d *fakeDesk) ReadConfig() (settings.File, error) {
	return settings.File{Name: "/etc/mustserv/mustserv.toml", Text: d.text, Hash: d.hash}, nil
}

func (d *fakeDesk) CheckConfig(text string) (all []settings.Mistake) {
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "wrong") {
			all = append(all, settings.Mistake{Line: i + 1, Column: 1, Text: `<b>unknown key "wrong"</b>`})
		}
	}
	return all
}

func (d *fakeDesk) SaveConfig(text, hash string) error {
	if hash != d.hash {
		return settings.ErrOvertaken
	}
	if d.refuses != nil {
		return d.refuses
	}
	d.text, d.hash = text, d.hash+"x"
	return nil
}

func (d *fakeDesk) TryShare(_ context.Context, s NewShare) (string, error) {
	d.tried = s
	if s.Place == "/nowhere" {
		return "", errors.New("the folder does not exist")
	}
	return "It can be read.", nil
}

func (d *fakeDesk) EndSession(id string) (accounting.Session, bool) {
	d.ended = append(d.ended, id)
	return accounting.Session{ID: id, Client: "192.0.2.1", Path: "Movies/a.mp4", Started: when()}, id == "1"
}

func (d *fakeDesk) Rescan()        { d.rescans++ }
func (d *fakeDesk) Drain(on bool)  { d.draining = on }
func (d *fakeDesk) Draining() bool { return d.draining }
func (d *fakeDesk) Log() []string  { return []string{"<i>a line</i>"} }

// administered returns a handler with a desk, and how an admin asks it.
func administered(t *testing.T) (*fakeDesk, func(method, target string, form url.Values, who auth.Role) *httptest.ResponseRecorder) {
	t.Helper()
	d := &fakeDesk{text: "# mine\n[stream]\nlisten = \":1\"\n", hash: "h"}
	o := testOptions(testRoot())
	o.Admin = d
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d, func(method, target string, form url.Values, who auth.Role) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "http://box"+target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(w, r.WithContext(auth.With(r.Context(), auth.Identity{User: "ann", Role: who})))
		return w
	}
}

func TestAdminPages(t *testing.T) {
	form := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	const changed = "# mine\n[stream]\nlisten = \":2\"\n"
	for _, row := range []struct {
		name, method, target string
		form                 url.Values
		status               int
		says                 []string
	}{
		{"page", "GET", "/admin", nil, 200, []string{"# mine\n[stream]", `value="h"`, "&lt;i&gt;a line&lt;/i&gt;"}},
		{"check", "POST", "/admin/config", form("action", "check", "text", changed, "hash", "h"), 200, []string{"No mistakes."}},
		{"check a mistake", "POST", "/admin/config", form("action", "save", "text", "wrong = 1\n", "hash", "h"), 422, []string{"Line 1, column 1", "&lt;b&gt;unknown", "wrong = 1"}},
		{"review", "POST", "/admin/config", form("action", "review", "text", strings.ReplaceAll(changed, "\n", "\r\n"), "hash", "h"), 200, []string{"- listen = &#34;:1&#34;", "&#43; listen = &#34;:2&#34;"}},
		{"save", "POST", "/admin/config", form("action", "save", "text", changed, "hash", "h"), 302, nil},
		{"save what was overtaken", "POST", "/admin/config", form("action", "save", "text", changed, "hash", "old"), 409, []string{"Somebody else", `value="h"`, "&#43; listen"}},
		{"try a share", "POST", "/admin/share", form("action", "try", "name", "Films", "place", "/srv/films"), 200, []string{"It can be read."}},
		{"try a share that is not there", "POST", "/admin/share", form("action", "try", "name", "Films", "place", "/nowhere"), 200, []string{"the folder does not exist"}},
		{"add a share", "POST", "/admin/share", form("action", "add", "name", `Fi"lms`, "place", "smb://attic/f", "user", "me", "password", "hunter2"), 200,
			[]string{"It can be read.", `&#43; name = &#34;Fi\&#34;lms&#34;`, "&#43; url = &#34;smb://attic/f&#34;", "# mine"}},
		{"add a share with a mistake", "POST", "/admin/share", form("action", "add", "name", "wrong", "place", "/srv"), 422, []string{"1 mistake"}},
		{"rescan", "POST", "/admin/rescan", nil, 302, nil},
		{"drain", "POST", "/admin/drain", form("on", "on"), 302, nil},
		{"done", "GET", "/admin?done=saved", nil, 200, []string{"Saved and applied."}},
		{"by a script", "POST", "/admin/check", nil, 200, []string{`{"mistakes":[]}`}},
		{"no such thing", "POST", "/admin/format", nil, 404, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, ask := administered(t)
			w := ask(row.method, row.target, row.form, auth.Admin)
			if w.Code != row.status {
				t.Fatalf("%d, want %d: %s", w.Code, row.status, w.Body)
			}
			for _, want := range row.says {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, w.Body)
				}
			}
			if got := w.Header().Get("Cache-Control"); row.status == 200 && got != "no-store" {
				t.Errorf("it may be kept: %q", got)
			}
			if _, ask := administered(t); ask(row.method, row.target, row.form, auth.Viewer).Code != 404 {
				t.Error("a viewer gets it, too")
			}
		})
	}
}

func TestAdminSaves(t *testing.T) {
	d, ask := administered(t)
	v := url.Values{"action": {"save"}, "text": {"a = 1\r\n# ä\r\n"}, "hash": {"h"}}
	if w := ask("POST", "/admin/config", v, auth.Admin); w.Code != http.StatusFound || d.text != "a = 1\n# ä\n" {
		t.Errorf("%d, the file is %q", w.Code, d.text)
	}
	d.refuses = errors.New("listen on :1: address in use")
	v.Set("hash", d.hash)
	if w := ask("POST", "/admin/config", v, auth.Admin); w.Code != 422 || !strings.Contains(w.Body.String(), "Not saved: listen on :1") {
		t.Errorf("a refusal: %d %s", w.Code, w.Body)
	}
	ask("POST", "/admin/rescan", nil, auth.Admin)
	for _, on := range []string{"on", ""} {
		if w := ask("POST", "/admin/drain", url.Values{"on": {on}}, auth.Admin); w.Code != http.StatusFound || d.draining != (on != "") {
			t.Errorf("drain %q: %d, then it drains: %v", on, w.Code, d.draining)
		}
	}
	ask("POST", "/admin/share", url.Values{"action": {"try"}, "name": {"n"}, "place": {" /p "}, "user": {"u"}, "password": {" p "}}, auth.Admin)
	if want := (NewShare{"n", "/p", "u", " p "}); d.rescans != 1 || d.tried != want {
		t.Errorf("%d rescans, tried %+v", d.rescans, d.tried)
	}
	v.Set("text", strings.Repeat("x", 5*configMax))
	if w := ask("POST", "/admin/config", v, auth.Admin); w.Code != 400 {
		t.Errorf("a config that is too long: %d", w.Code)
	}
}

func TestAppendShareKeepsTheRest(t *testing.T) {
	for _, row := range []struct {
		name, text string
		share      NewShare
		want       string
	}{
		{"folder", "# x\na = 1", NewShare{Name: "A", Place: "/a"}, "# x\na = 1\n\n[[share]]\nname = \"A\"\npath = \"/a\"\n"},
		{"server", "", NewShare{Name: "A", Place: "http://b/<é>", User: "u", Password: "p\"\n\x7f"},
			"\n[[share]]\nname = \"A\"\nurl = \"http://b/<é>\"\nuser = \"u\"\npassword = \"p\\\"\\n\\u007f\"\n"},
	} {
		if got := appendShare(row.text, row.share); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestEndSession(t *testing.T) {
	d, ask := administered(t)
	for _, row := range []struct {
		name, target string
		form         url.Values
		who          auth.Role
		status       int
		want         string // where it leads, or what is said
	}{
		{"on the page", "/status/end", url.Values{"id": {"1"}}, auth.Admin, 302, "/status?done=ended"},
		{"too late", "/status/end", url.Values{"id": {"2"}}, auth.Admin, 302, "/status?done=gone"},
		{"by a viewer", "/status/end", url.Values{"id": {"1"}}, auth.Viewer, 404, "no such page"},
		{"by a program", "/api/v1/sessions/1/end", nil, auth.Admin, 200, `"id":"1","client":"192.0.2.1"`},
		{"by a program, too late", "/api/v1/sessions/2/end", nil, auth.Admin, 404, "no such session"},
		{"by a viewer's program", "/api/v1/sessions/1/end", nil, auth.Viewer, 404, "no such page"},
	} {
		d.ended = nil
		w := ask("POST", row.target, row.form, row.who)
		if w.Code != row.status || !strings.Contains(w.Header().Get("Location")+w.Body.String(), row.want) {
			t.Errorf("%s: %d %v %s", row.name, w.Code, w.Header(), w.Body)
		}
		if (len(d.ended) > 0) != (row.who == auth.Admin) {
			t.Errorf("%s: asked for %v", row.name, d.ended)
		}
	}
	for _, target := range []string{"/status/end", "/api/v1/sessions/1/end"} {
		if w := ask("GET", target, nil, auth.Admin); w.Code != 404 {
			t.Errorf("GET %s is %d", target, w.Code)
		}
	}
	if got := ask("GET", "/status?done=ended", nil, auth.Admin).Body.String(); !strings.Contains(got, "was ended") {
		t.Errorf("the page does not say that it was done: %s", got)
	}
}
