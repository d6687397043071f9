package webui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
)

// shelved is a library of films, a series and two albums.
func shelved() *library.Folder {
	numbered := func(name, title, artist, album string, number int) *library.Item {
		return retold(song(name, title, artist), func(i *probe.Info) { i.Album, i.Number = album, number })
	}
	newest := film("b film.mp4")
	newest.Modified = newest.Modified.Add(time.Hour)
	untagged := retold(song("x.mp3", "", ""), func(i *probe.Info) { i.Album = "" })
	return folder("", []*library.Folder{
		folder("M", []*library.Folder{folder("M/Untagged", nil, untagged)},
			numbered("1.mp3", "Second", "Zoë", "One", 2), numbered("2.mp3", "First", "ZOË", "One", 1), numbered("3.mp3", "Third", "Zoë", "Two", 1)),
		folder("V", []*library.Folder{
			folder("V/Other", nil, film("Other 1x01.mkv")),
			folder("V/Show", nil, film("Show S01E02.mkv"), film("Show S01E10.mkv"), film("show s02e01.mkv")),
		}, film("A film.mp4"), newest, &library.Item{Name: "cover.jpg", Kind: library.Image, MIME: "image/jpeg", Available: true, Modified: when()}),
	})
}

func TestShelf(t *testing.T) {
	s := newShelf(&library.Tree{Root: shelved()})
	var got []string
	list := func(what string, items []*library.Item) {
		names := make([]string, len(items))
		for i, it := range items {
			names[i] = it.Name
		}
		got = append(got, what+": "+strings.Join(names, ", "))
	}
	list("films", s.films)
	for _, all := range [][]group{s.series, s.music} {
		for _, outer := range all {
			for _, inner := range outer.Groups {
				list(outer.Name+"/"+inner.Name, inner.Items)
			}
		}
	}
	list("newest", s.newest[:1])
	want := `films: A film.mp4, b film.mp4
Other/Season 1: Other 1x01.mkv
Show/Season 1: Show S01E02.mkv, Show S01E10.mkv
Show/Season 2: show s02e01.mkv
Various Artists/Untagged: x.mp3
Zoë/One: 2.mp3, 1.mp3
Zoë/Two: 3.mp3
newest: b film.mp4`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// An album of many artists is one, and its discs follow one another.
func TestAlbumOfMany(t *testing.T) {
	on := func(name, artist string, disc, number int) *library.Item {
		return retold(song(name, name, artist), func(i *probe.Info) { i.Album, i.AlbumArtist, i.Disc, i.Number = "Sampler", "Many", disc, number })
	}
	h := testHandler(t, folder("", []*library.Folder{folder("M", nil, on("a.mp3", "Zoë", 2, 1), on("b.mp3", "Anna", 1, 2), on("c.mp3", "Zoë", 1, 1), on("d.mp3", "Many", 2, 2))}))
	music := h.shelf().music
	if len(music) != 1 || music[0].Name != "Many" || len(music[0].Groups) != 1 {
		t.Fatalf("%+v", music)
	}
	var got string
	for _, it := range music[0].Groups[0].Items {
		got += it.Name + " "
	}
	if want := "c.mp3 b.mp3 a.mp3 d.mp3 "; got != want {
		t.Errorf("in the order %s, want %s", got, want)
	}
	// The pages and their search agree on whose it is, whatever its case.
	for _, target := range []string{"/search?q=sampler", "/search?q=many"} {
		if body := get(h, "GET", target).Body.String(); !strings.Contains(body, `href="/music?`) || !strings.Contains(body, "artist=Many") {
			t.Errorf("%s does not lead to the album", target)
		}
	}
	song := get(h, "GET", "/watch/M/a.mp3").Body.String()
	for _, says := range []string{`<bdi>Zoë</bdi></td>`, `<a href="/music?album=Sampler&amp;artist=Many"><bdi>Sampler</bdi></a>`, `<a href="/music?artist=Many"><bdi>Many</bdi></a>`} {
		if !strings.Contains(song, says) {
			t.Errorf("the page of a song lacks %s", says)
		}
	}
	if w := get(h, "GET", "/music?artist=MANY&album=sampler"); w.Code != 200 {
		t.Errorf("in other letters: %d", w.Code)
	}
	if body := get(h, "GET", "/search?q=anna").Body.String(); strings.Contains(body, `href="/music?`) {
		t.Error("who has no album has a page")
	}
}

func TestShelfIsRenewed(t *testing.T) {
	lib := &fakeLibrary{tree: &library.Tree{Root: shelved()}}
	o := testOptions(nil)
	o.Library = lib
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	films := func() int { return len(h.shelf().films) }
	older := func(by time.Duration) {
		h.shelving.Lock()
		defer h.shelving.Unlock()
		h.shelved.made = time.Now().Add(-by)
	}
	if films() != 2 {
		t.Fatal("two films are not there")
	}
	lib.tree = &library.Tree{Root: folder("", nil)}
	if films() != 2 {
		t.Error("a new shelf is not good for a while")
	}
	older(shelfTime + time.Second)
	if films() != 2 {
		t.Error("who asks waits until another one is made")
	}
	for end := time.Now().Add(10 * time.Second); films() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no other one is made")
		}
	}
	lib.tree = &library.Tree{Root: shelved()}
	older(shelfOld + time.Second)
	if films() != 2 {
		t.Error("an old one is shown")
	}
}

func TestKindsOfPages(t *testing.T) {
	h := testHandler(t, shelved())
	for _, row := range []struct {
		target string
		status int
		says   []string
	}{
		{"/films", 200, []string{"2 films", `href="/watch/V/A%20film.mp4"`, `src="/art/V/A%20film.mp4"`, "1:30:00 · 1280 × 720"}},
		{"/series", 200, []string{"2 names", `href="/series?name=Show"`, "2 seasons, 3 parts", "hue"}},
		{"/series?name=Show", 200, []string{`href="/series?name=Show&amp;season=Season&#43;2"`}},
		{"/series?name=Other", 200, []string{"Other 1x01", "Open in VLC", "/playlist/V/Other.m3u"}},
		{"/series?name=Show&season=Season+1", 200, []string{"Show S01E02", `href="/series?name=Show"`}},
		{"/series?name=Nope", 404, nil},
		{"/series?name=Show&season=9", 404, nil},
		{"/music", 200, []string{"2 albums, 3 songs", `href="/music?artist=Zo%C3%AB"`}},
		{"/music?artist=Zo%C3%AB", 200, []string{`href="/music?album=One&amp;artist=Zo%C3%AB"`, "2 songs"}},
		{"/music?artist=Zo%C3%AB&album=One", 200, []string{"First", "Second"}},
		{"/new", 200, []string{"b film"}},
		{"/new?page=2", 400, nil},
		{"/films?page=x", 400, nil},
	} {
		t.Run(row.target, func(t *testing.T) {
			w := get(h, "GET", row.target)
			if w.Code != row.status {
				t.Fatalf("%d, want %d", w.Code, row.status)
			}
			checkPage(t, row.target, w.Body.String())
			for _, want := range row.says {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("it does not say %s:\n%s", want, w.Body)
				}
			}
		})
	}
	if empty := get(testHandler(t, folder("", nil)), "GET", "/films").Body.String(); !strings.Contains(empty, "none of these") {
		t.Errorf("an empty library has\n%s", empty)
	}
}

// BenchmarkPages asks for pages of a library of 100 000 items, after the
// first, which puts it in order.
func BenchmarkPages(b *testing.B) {
	var folders []*library.Folder
	for i := range 100 {
		var items []*library.Item
		for j := range 1000 {
			if it := film(fmt.Sprintf("Film %d.mp4", j)); i%2 == 0 {
				items = append(items, it)
			} else {
				items = append(items, song(fmt.Sprintf("%d.mp3", j), fmt.Sprint("Song ", j), fmt.Sprint("Artist ", j%50)))
			}
		}
		folders = append(folders, folder(fmt.Sprintf("Share/%d", i), nil, items...))
	}
	h, err := New(testOptions(folder("", []*library.Folder{folder("Share", folders)})))
	if err != nil {
		b.Fatal(err)
	}
	for _, target := range []string{
		"/", "/browse/Share/0/", "/watch/Share/0/Film%207.mp4", "/films", "/films?page=500", "/music", "/new", "/search?q=song+7", "/status",
	} {
		b.Run(target, func(b *testing.B) {
			getPacked(h, target)
			for b.Loop() {
				if w := getPacked(h, target); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
	b.Run("in order", func(b *testing.B) {
		for b.Loop() {
			newShelf(h.tree())
		}
	})
}
