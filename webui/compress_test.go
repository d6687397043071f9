package webui

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// getPacked asks as browsers do, which take answers packed.
func getPacked(h http.Handler, target string) *httptest.ResponseRecorder {
	return getWith(h, target, "Accept-Encoding", "gzip, deflate, br")
}

// getWith asks with a header.
func getWith(h http.Handler, target, name, value string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set(name, value)
	h.ServeHTTP(w, r)
	return w
}

func TestPacked(t *testing.T) {
	h := testHandler(t, bigFolder(10))
	for _, target := range []string{"/browse/Big/", "/static/" + h.static.names["style.css"], "/nope"} {
		plain, packed := getWith(h, target, "Accept-Encoding", "gzip;q=0, br"), getPacked(h, target)
		for name, w := range map[string]*httptest.ResponseRecorder{"plain": plain, "packed": packed} {
			if !slices.Contains(w.Header().Values("Vary"), "Accept-Encoding") {
				t.Errorf("%s %s: Vary is %q", target, name, w.Header().Values("Vary"))
			}
		}
		if plain.Header().Get("Content-Encoding") != "" || packed.Header().Get("Content-Encoding") != "gzip" {
			if target == "/nope" { // too short
				continue
			}
			t.Fatalf("%s: %v, packed %v", target, plain.Header(), packed.Header())
		}
		if tag := packed.Header().Get("ETag"); tag != "" && tag == plain.Header().Get("ETag") {
			t.Errorf("%s: two texts have the tag %s", target, tag)
		}
		if packed.Body.Len() > plain.Body.Len()/2 {
			t.Errorf("%s: %d bytes of %d", target, packed.Body.Len(), plain.Body.Len())
		}
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
			t.Errorf("%s: unpacked it is another text, %v", target, err)
		}
	}
	style := "/static/" + h.static.names["style.css"]
	if w := getWith(h, style, "If-None-Match", get(h, "GET", style).Header().Get("ETag")); w.Code != http.StatusNotModified {
		t.Errorf("who has it gets %d", w.Code)
	}
}

func TestPreferences(t *testing.T) {
	for header, want := range map[string][]preference{
		"":                                     {{"", 1}},
		"gzip":                                 {{"gzip", 1}},
		"de-AT, EN;q=0.8 , *;q=0.1":            {{"de-at", 1}, {"en", 0.8}, {"*", 0.1}},
		"gzip;Q=0, br; q=1.000":                {{"gzip", 0}, {"br", 1}},
		"a;q=x,b;q=2,c;q=-1,d;q=NaN,e;level=1": {{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}, {"e", 1}},
	} {
		if got := preferences(header); !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", header, got, want)
		}
	}
	if got := len(preferences(strings.Repeat("x,", 1000))); got != preferencesMost {
		t.Errorf("%d of a thousand are read", got)
	}
}

func FuzzPreferences(f *testing.F) {
	for _, s := range []string{"gzip;q=0.5, *", "de-AT,en;q=0.8", ";q=,,;;", "a;q=1e999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, p := range preferences(header) {
			if !(p.weight >= 0 && p.weight <= 1) || strings.Contains(p.name, ",") {
				t.Errorf("%q: %v", header, p)
			}
		}
	})
}
