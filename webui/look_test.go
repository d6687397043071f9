package webui

import (
	"fmt"
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
)

// uneven is a folder of two folders and three films that differ in all by
// which they are sorted, and not in the same order.
func uneven() *library.Folder {
	made := func(name string, days int, length float64, size int64) *library.Item {
		it := retold(film(name), func(i *probe.Info) { i.Duration = length })
		it.Modified, it.Size = when().Add(time.Duration(days)*24*time.Hour), size
		return it
	}
	return folder("", []*library.Folder{folder("S", []*library.Folder{folder("S/x", nil, film("in x.mp4")), folder("S/y", nil, film("in y.mp4"))},
		made("a.mp4", 2, 300, 1000), made("b.mp4", 3, 100, 3000), made("c.mp4", 1, 200, 2000))})
}

// names returns the names on a page in their order.
func names(page string) string {
	var all []string
	for _, m := range regexp.MustCompile(`<(?:a href="[^"]*"><bdi|bdi class="title")>([^<]+)</bdi>`).FindAllStringSubmatch(page[strings.Index(page, `class="look"`):], -1) {
		all = append(all, html.UnescapeString(m[1]))
	}
	return strings.Join(all, " ")
}

func TestLooks(t *testing.T) {
	o := testOptions(uneven())
	o.Need = func(it *library.Item) (int64, int64) { return int64(it.Head().Duration) * it.Size, 0 }
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		target, want string
		status       int
	}{
		{"/browse/S/", "x y a b c", 200},
		{"/browse/S/?reverse=1", "y x c b a", 200},
		{"/browse/S/?sort=date", "x y b a c", 200},
		{"/browse/S/?sort=date&reverse=1", "x y c a b", 200},
		{"/browse/S/?sort=length", "x y a c b", 200},
		{"/browse/S/?sort=size", "x y b c a", 200},
		{"/browse/S/?sort=size&reverse=1", "y x a c b", 200},
		{"/browse/S/?sort=rate", "x y c a b", 200},
		{"/browse/S/?sort=rate&view=grid", "x y c a b", 200},
		{"/browse/S/?sort=number", "", 400},
		{"/browse/S/?view=pile", "", 400},
		{"/films", "a b c in x in y", 200},
		{"/films?sort=size&view=list", "in x in y b c a", 200},
		{"/new?sort=name", "a b c in x in y", 200},
		{"/new?reverse=1", "in y in x c a b", 200},
		{"/music?sort=size", "", 200},
		{"/search?q=mp4&sort=size", "", 200},
	} {
		for range 2 { // the second time the order is known
			w := get(h, "GET", row.target)
			if w.Code != row.status {
				t.Errorf("%s is %d, want %d", row.target, w.Code, row.status)
			}
			if w.Code != 200 || row.want == "" {
				continue
			}
			checkPage(t, row.target, w.Body.String())
			if got := names(w.Body.String()); got != row.want {
				t.Errorf("%s shows %s, want %s", row.target, got, row.want)
			}
		}
	}
}

func TestGroupsAreSorted(t *testing.T) {
	h := testHandler(t, shelved())
	for target, want := range map[string]string{
		"/music": "Various Artists Zoë", "/music?reverse=1": "Zoë Various Artists", "/music?sort=length": "Zoë Various Artists", "/music?sort=length&reverse=1": "Various Artists Zoë",
		"/music?artist=Zo%C3%AB": "One Two", "/music?artist=Zo%C3%AB&sort=size": "One Two", "/music?artist=Zo%C3%AB&album=One": "First Second",
		"/music?artist=Zo%C3%AB&album=One&reverse=1": "Second First", "/series?sort=size&view=list": "Show Other",
	} {
		if got := names(get(h, "GET", target).Body.String()); got != want {
			t.Errorf("%s shows %s, want %s", target, got, want)
		}
	}
}

func TestViewIsRemembered(t *testing.T) {
	h := testHandler(t, uneven())
	w := get(h, "GET", "/browse/S/?view=grid&sort=size")
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Value != "grid" || !cookies[0].HttpOnly || cookies[0].Path != "/" {
		t.Fatalf("cookies: %v", cookies)
	}
	for target, grid := range map[string]bool{"/browse/S/": true, "/films": true, "/browse/S/?view=list": false} {
		r := httptest.NewRequest("GET", target, nil)
		r.AddCookie(cookies[0])
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := strings.Contains(w.Body.String(), `<ul class="cards">`); got != grid {
			t.Errorf("%s with the cookie: pictures %v, want %v", target, got, grid)
		}
	}
	if !strings.Contains(w.Body.String(), `href="?reverse=1&amp;sort=size"`) {
		t.Errorf("the order can't be turned round:\n%s", w.Body)
	}
}

func TestOrderOfAnotherTreeIsNotTaken(t *testing.T) {
	lib := &fakeLibrary{tree: &library.Tree{Root: uneven()}}
	o := testOptions(nil)
	o.Library = lib
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	get(h, "GET", "/browse/S/?sort=size")
	root := uneven()
	root.Folders[0].Items = root.Folders[0].Items[:2]
	lib.tree = &library.Tree{Root: root}
	if got := names(get(h, "GET", "/browse/S/?sort=size").Body.String()); got != "x y b a" {
		t.Errorf("the new tree shows %s", got)
	}
}

// BenchmarkBigFolder asks for pages of one folder of 100 000 films.
func BenchmarkBigFolder(b *testing.B) {
	h := testHandler(b, bigFolder(100_000))
	for _, target := range []string{"/browse/Big/", "/browse/Big/?page=400", "/browse/Big/?view=grid", "/api/v1/items/Big?limit=100"} {
		b.Run(target, func(b *testing.B) {
			for b.Loop() {
				get(h, "GET", target)
			}
		})
	}
	for _, sort := range []string{byDate, byLength, bySize, byRate} {
		b.Run("first by "+sort, func(b *testing.B) {
			for b.Loop() {
				h.orders.tree = nil
				get(h, "GET", "/browse/Big/?sort="+sort)
			}
		})
		b.Run("again by "+sort, func(b *testing.B) {
			for b.Loop() {
				get(h, "GET", fmt.Sprint("/browse/Big/?page=300&sort=", sort))
			}
		})
	}
}
