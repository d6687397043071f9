package webui

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mustserv/library"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAPIGolden(t *testing.T) {
	h := testHandler(t, testRoot())
	for name, target := range map[string]string{
		"item":             "/api/v1/items/Movies/a.mp4",
		"item-song":        "/api/v1/items/Music/s.mp3",
		"item-unmeasured":  "/api/v1/items/Movies/c.avi",
		"item-problem":     "/api/v1/items/Movies/b.avi",
		"item-subtitle":    "/api/v1/items/Movies/a.srt",
		"item-unavailable": "/api/v1/items/Attic/gone.mp4",
		"folder":           "/api/v1/items/Movies",
		"root":             "/api/v1/items/",
		"search":           "/api/v1/search?q=a.mp4&limit=1",
		"search-none":      "/api/v1/search?q=zzz",
		"search-groups":    "/api/v1/search?q=zoe&limit=1&groups=3",
		"wrong-groups":     "/api/v1/search?groups=101",
		"sessions":         "/api/v1/sessions",
		"shares":           "/api/v1/shares",
		"status":           "/api/v1/status",
		"missing":          "/api/v1/items/nope",
		"wrong-limit":      "/api/v1/search?limit=abc",
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := json.Indent(&got, get(h, "GET", target).Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", got.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAPICurve(t *testing.T) {
	h := testHandler(t, testRoot())
	for target, cells := range map[string]int{
		"/api/v1/items/Movies/a.mp4?curve": 5400, // its file is not there: what is known must do
		"/api/v1/items/Movies/a.mp4":       0,
		"/api/v1/items/Movies/b.avi?curve": 0, // not measured
	} {
		var got itemJSON
		if err := json.Unmarshal(get(h, "GET", target).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Curve == nil {
			got.Curve = &curveJSON{}
		}
		if len(got.Curve.Bytes) != cells {
			t.Errorf("%s has %d cells, want %d", target, len(got.Curve.Bytes), cells)
		}
		for _, n := range got.Curve.Bytes {
			if n != 1087000/8 || got.Curve.Cell != 1 {
				t.Fatalf("%s: %d bytes in %g s, want those of the average", target, n, got.Curve.Cell)
			}
		}
	}
}

func TestAPIHidesPlaces(t *testing.T) {
	h := testHandler(t, testRoot())
	for _, target := range []string{"/api/v1/shares", "/status", "/"} {
		if body := get(h, "GET", target).Body.String(); strings.Contains(body, "secret") {
			t.Errorf("%s tells where a share is", target)
		}
	}
}

func TestAPIOddPathsKeepTheirAddress(t *testing.T) {
	for _, name := range oddNames() {
		h := testHandler(t, folder("", []*library.Folder{folder("S", nil, film(name))}))
		var got struct{ Items []itemJSON }
		body := get(h, "GET", "/api/v1/items/S").Body.Bytes()
		if err := json.Unmarshal(body, &got); err != nil || len(got.Items) != 1 {
			t.Fatalf("%q: %v in %s", name, err, body)
		}
		page := strings.TrimPrefix(got.Items[0].URLs.Page, "http://box:8080")
		if w := get(h, "GET", page); w.Code != 200 {
			t.Errorf("%q: %s is %d", name, page, w.Code)
		}
	}
}

func TestFolderInPages(t *testing.T) {
	h := testHandler(t, bigFolder(250))
	seen := 0
	for offset := 0; offset <= 300; offset += 100 {
		var got struct {
			Total int
			Items []itemJSON
		}
		w := get(h, "GET", fmt.Sprintf("/api/v1/items/Big?limit=100&offset=%d", offset))
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Total != 250 || len(got.Items) != min(100, max(0, 250-offset)) {
			t.Fatalf("from %d: %d items of %d, %v", offset, len(got.Items), got.Total, err)
		}
		for _, it := range got.Items {
			if want := fmt.Sprintf("%05d.mp4", seen); !strings.HasSuffix(it.Name, want) {
				t.Errorf("%s, want %s", it.Name, want)
			}
			seen++
		}
	}
	for _, wrong := range []string{"limit=0", "limit=1001", "limit=10&offset=-1", "offset=x"} {
		if w := get(h, "GET", "/api/v1/items/Big?"+wrong); w.Code != 400 {
			t.Errorf("%s is %d, want 400", wrong, w.Code)
		}
	}
}
