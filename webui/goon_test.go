package webui

import (
	"net/http/httptest"
	"strings"
	"testing"

	"mustserv/stream/auth"
	"mustserv/webui/resume"
)

// resuming is a handler that keeps places.
func resuming(t *testing.T) *Handler {
	t.Helper()
	o := testOptions(testRoot())
	o.Resume = resume.Open(t.TempDir(), o.Log)
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// as asks as a user; nobody with an empty name.
func as(h *Handler, user, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://box:8080"+target, strings.NewReader(body))
	h.ServeHTTP(w, r.WithContext(auth.With(r.Context(), auth.Identity{User: user, Role: auth.Viewer})))
	return w
}

func TestPlacesOfUsers(t *testing.T) {
	h := resuming(t)
	const film, place = "/watch/Movies/a.mp4", "/api/v1/resume/Movies/a.mp4"
	for _, row := range []struct {
		name, user, method, target, body string
		status                           int
		says, not                        string
	}{
		{"nothing yet", "ann", "GET", place, "", 404, "", ""},
		{"nobody's", "", "PUT", place, `{"at": 60}`, 404, "Nobody is logged in", ""},
		{"of no item", "ann", "PUT", "/api/v1/resume/Movies/nope.mp4", `{"at": 60}`, 404, "", ""},
		{"of a folder", "ann", "PUT", "/api/v1/resume/Movies", `{"at": 60}`, 404, "", ""},
		{"of a picture of text", "ann", "PUT", "/api/v1/resume/Movies/a.srt", `{"at": 60}`, 404, "", ""},
		{"no JSON", "ann", "PUT", place, `at=60`, 400, "A place is", ""},
		{"before the start", "ann", "PUT", place, `{"at": -1}`, 400, "", ""},
		{"too long", "ann", "PUT", place, `{"at": 1, "x": "` + strings.Repeat("x", placeMax) + `"}`, 400, "", ""},
		{"kept", "ann", "PUT", place, `{"at": 2700.5, "duration": 5400}`, 204, "", ""},
		{"told", "ann", "GET", place, "", 200, `"at":2700.5,"duration":5400`, ""},
		{"told to its owner only", "bob", "GET", place, "", 404, "", "2700"},
		{"listed", "ann", "GET", "/api/v1/resume", "", 200, `"page":"http://box:8080/watch/Movies/a.mp4"`, ""},
		{"listed to its owner only", "bob", "GET", "/api/v1/resume", "", 200, `{"items":[]}`, "Movies"},
		{"not listed to nobody", "", "GET", "/api/v1/resume", "", 404, "", "Movies"},
		{"on the first page", "ann", "GET", "/", "", 200, "44 min left", ""},
		{"on its owner's only", "bob", "GET", "/", "", 200, "", "Continue watching"},
		{"on its page", "ann", "GET", film, "", 200, `data-resume="/api/v1/resume/Movies/a.mp4" data-stopped="2700.5"`, ""},
		{"on another one's", "bob", "GET", film, "", 200, `data-resume="/api/v1/resume/Movies/a.mp4" data-stopped="0"`, ""},
		{"on nobody's", "", "GET", film, "", 200, "", "data-resume="},
		{"a song", "ann", "PUT", "/api/v1/resume/Music/s.mp3", `{"at": 100, "duration": 200.5}`, 204, "", ""},
		{"is none to go on with", "ann", "GET", "/", "", 200, "44 min left", "1 min left"},
		{"another way", "ann", "POST", place, `{"at": 60}`, 405, "", ""},
		{"seen to the end", "ann", "PUT", place, `{"at": 5390, "duration": 5400}`, 204, "", ""},
		{"over", "ann", "GET", place, "", 404, "", ""},
		{"once more", "ann", "PUT", place, `{"at": 60}`, 204, "", ""},
		{"forgotten", "ann", "DELETE", place, "", 204, "", ""},
		{"gone", "ann", "GET", "/", "", 200, "", "Continue watching"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := as(h, row.user, row.method, row.target, row.body)
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.says) || row.not != "" && strings.Contains(w.Body.String(), row.not) {
				t.Errorf("%d, want %d saying %q and not %q:\n%s", w.Code, row.status, row.says, row.not, w.Body)
			}
			if strings.HasPrefix(row.target, "/watch") || row.target == "/" {
				checkPage(t, row.target, w.Body.String())
			}
		})
	}
}

func TestWithoutAStoreNothingIsKept(t *testing.T) {
	h := testHandler(t, testRoot())
	if got := as(h, "ann", "PUT", "/api/v1/resume/Movies/a.mp4", `{"at": 60}`).Code; got != 404 {
		t.Errorf("a place is taken: %d", got)
	}
}
