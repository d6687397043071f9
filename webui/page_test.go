package webui

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"mustserv/library"
	"mustserv/library/probe"
	"mustserv/stream/accounting"
)

// oddNames are names that files really have, or that somebody gives them to
// break a page.
func oddNames() []string {
	return []string{
		"plain.mp4", "with space.mp4", "Été.mp4", "E\u0301te\u0301.mp4", "映画.mp4", "new\nline.mp4", "tab\tcr\r.mp4", "invalid \xff\xfe.mp4",
		`<script>alert(1).mp4`, `"><img src=x onerror=alert(1)>.mp4`, `' onmouseover='alert(1).mp4`, "{{.}} ${x} `x`.mp4",
		"&amp; &lt;b&gt;.mp4", "\u202Egpj.exe.mp4", "\u2066\u2067isolates.mp4", "\u200Fאבג.mp4", "%2e%2e%2f.mp4", "?a=b&c=d#e.mp4", "\\back\\slash.mp4",
		"-dash.mp4", "javascript:alert(1).mp4", "\x01\x1b[31m\x7f\u0085.mp4", "\u2028line\u2029.mp4", strings.Repeat("ü", 125) + ".mp4", "...", " ", "~.mp4", ";v=1.mp4", "]]>.mp4", "<!--.mp4",
	}
}

func TestOddNamesOnEveryPage(t *testing.T) {
	for _, name := range oddNames() {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) { walkNames(t, name) })
	}
}

// walkNames gives a name to all that has one, and follows every link from the
// root on.
func walkNames(t *testing.T, name string) {
	tagged := retold(song(name+"2", name, name), func(i *probe.Info) {
		i.Album, i.Tracks[0].Codec, i.Tracks[0].Language = name, name, name
	})
	tagged.Problem = name
	deep := folder(name+"/"+name, nil, film(name), tagged)
	o := testOptions(folder("", []*library.Folder{folder(name, []*library.Folder{deep}, film(name+"1"))}))
	o.Library = fakeLibrary{tree: o.Library.Tree(), shares: []library.ShareStatus{
		{Name: name, State: library.Unavailable, Reason: name}, {Name: name, State: library.Scanning}, {Name: name + "x", State: library.Polled, Reason: name},
	}}
	o.Config = func() Config { return Config{Title: name} }
	o.Sessions = func() []accounting.Session {
		return []accounting.Session{{Client: name, UserAgent: name, Path: name + "/" + name + "1", Active: true}}
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	seen, pages := map[string]bool{}, 0
	todo := []string{"/", "/status", "/search?q=" + library.EscapePath(name), "/search?q=mp4", "/browse/" + library.EscapePath(name) + "/nope"}
	for len(todo) > 0 {
		target := todo[0]
		todo = todo[1:]
		if seen[target] {
			continue
		}
		seen[target] = true
		w := get(h, "GET", target)
		if w.Code != 200 && !strings.HasSuffix(target, "/nope") {
			t.Errorf("%s is %d", target, w.Code)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			pages++
			checkPage(t, target, w.Body.String())
			here, _, _ := strings.Cut(target, "?")
			for _, link := range ours(w.Body.String()) {
				if strings.HasPrefix(link, "?") {
					link = here + link
				}
				if !strings.Contains(link, "sort=") { // the same in another order
					todo = append(todo, link)
				}
			}
		}
	}
	if pages < 10 {
		t.Errorf("only %d pages: %v", pages, seen)
	}
}

// ours returns the links of a page that this package answers.
func ours(page string) []string {
	var links []string
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		link := html.UnescapeString(m[1])
		if !strings.HasPrefix(link, "/media/") && !strings.HasPrefix(link, "/playlist") {
			links = append(links, link)
		}
	}
	return links
}

// checkPage checks what holds for every page.
func checkPage(t *testing.T, target, page string) {
	t.Helper()
	if !utf8.ValidString(page) {
		t.Errorf("%s is not UTF-8", target)
	}
	for _, raw := range []string{"<script>", "<img src=x", "<b>.mp4", "onmouseover='", "onerror=alert(1)>", "style=", "ZgotmplZ", "<!--"} {
		if strings.Contains(page, raw) {
			t.Errorf("%s holds %q", target, raw)
		}
	}
	if i := strings.IndexFunc(page, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || r == '\u2028' }); i >= 0 {
		t.Errorf("%s holds control character %q", target, page[i:i+1])
	}
	if err := wellFormed(page); err != nil {
		t.Errorf("%s: %v\n%s", target, err, page)
	}
	for _, link := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(link[1], "/") && !strings.HasPrefix(link[1], "?") || strings.HasPrefix(link[1], "//") {
			t.Errorf("%s leads to %q", target, link[1])
		}
	}
}

// wellFormed reports whether the tags of a page are balanced, and no text
// outside <bdi> can turn the direction of what follows.
func wellFormed(page string) error {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			for _, a := range token.Attr {
				if strings.ContainsFunc(a.Value, turnsText) || strings.HasPrefix(a.Name.Local, "on") {
					return fmt.Errorf("attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != token.Name.Local {
				return fmt.Errorf("</%s> in %v", token.Name.Local, open)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if strings.ContainsFunc(string(token), turnsText) && !slices.Contains(open, "bdi") {
				return fmt.Errorf("direction marks in %v", open)
			}
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("still open: %v", open)
	}
	return nil
}

// FuzzName gives a file any name and title.
func FuzzName(f *testing.F) {
	for _, name := range oddNames() {
		f.Add(name, name)
	}
	f.Fuzz(func(t *testing.T, name, title string) {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			t.Skip("no file has this name")
		}
		h := testHandler(t, folder("", []*library.Folder{folder("S", nil, song(name, title, title))}))
		for _, target := range []string{"/browse/S/", watchURL("S/" + name)} {
			w := get(h, "GET", target)
			if w.Code != 200 {
				t.Errorf("%s is %d", target, w.Code)
			}
			if err := wellFormed(w.Body.String()); err != nil {
				t.Errorf("%s: %v", target, err)
			}
		}
	})
}

func TestPagesSay(t *testing.T) {
	h := testHandler(t, testRoot())
	for _, c := range []struct {
		name, target string
		want         []string
		not          []string
	}{
		{"root", "/", []string{"Still looking through Music: 1 file so far.", "Unseen", "no such folder", "/browse/Movies/", "http://box:8080/playlist.m3u", `href="/media/"`}, nil},
		{"folder", "/browse/Movies/", []string{"/browse/Movies/%C3%89t%C3%A9/", "/watch/Movies/a.mp4", "1:30:00", "700 MiB", "1.5 Mbit/s", "not measured", "<i>2 Mbit/s</i>", "/playlist/Movies.rss", `href="/media/Movies/"`}, []string{"a.srt", "live.pls"}},
		{"folder of a share that is away", "/browse/Attic/", []string{"does not answer (mount does not answer)"}, nil},
		{"film", "/watch/Movies/a.mp4", []string{`<source src="/media/Movies/a.mp4" type="video/mp4">`, "<video", "1.1 Mbit/s", "3.1 Mbit/s", "1280 × 720", "h264, aac (en)", "Measured exactly", "http://box:8080/media/Movies/a.mp4", "http://box:8080/playlist/Movies/a.mp4.xspf", "/media/Movies/a.mp4?download", `rel="next" href="/watch/Movies/b.avi"`}, []string{`rel="prev"`}},
		{"song", "/watch/Music/s.mp3", []string{"<audio", "A Song", "Zoë", "1999", "3:21"}, []string{`rel="next"`}},
		{"unmeasured film", "/watch/Movies/c.avi", []string{"Not measured yet", "Most browsers cannot play"}, nil},
		{"film that cannot be measured", "/watch/Movies/b.avi", []string{"<bdi>The file ends in the middle</bdi>"}, nil},
		{"film that is away", "/watch/Attic/gone.mp4", []string{"does not answer"}, nil},
		{"search", "/search?q=a.mp4", []string{"/watch/Movies/a.mp4", "Movies"}, nil},
		{"search for an artist and an album", "/search?q=Zoe+Album", []string{`href="/music?album=Album&amp;artist=Zo%C3%AB"`, "album · Zoë", "/watch/Music/s.mp3"}, nil},
		{"search without result", "/search?q=zzz", []string{"No title, artist, album or folder has all of this", "zzz"}, nil},
		{"status", "/status", []string{"1.2.3", "box", "1 h 30 min", "192.0.2.1", "VLC 3.0.24", "/watch/Movies/a.mp4", "deleted.mp4", "25 Mbit/s", "1.5 Mbit/s", "1 file is still to be measured", "took 1.5 s"}, nil},
		{"missing", "/watch/x", []string{"Nothing here", "renamed, moved or deleted"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := strings.ReplaceAll(get(h, "GET", c.target).Body.String(), "\u00A0", " ")
			for _, s := range c.want {
				if !strings.Contains(page, s) {
					t.Errorf("does not say %q", s)
				}
			}
			for _, s := range c.not {
				if strings.Contains(page, s) {
					t.Errorf("says %q", s)
				}
			}
			checkPage(t, c.target, page)
			if t.Failed() {
				t.Log(page)
			}
		})
	}
}

func bigFolder(n int) *library.Folder {
	f := folder("Big", nil)
	for i := range n {
		it := film(fmt.Sprintf("A film of an ordinary name %05d.mp4", i))
		it.Path = "Big/" + it.Name
		f.Items = append(f.Items, it)
	}
	return folder("", []*library.Folder{f})
}

func TestPaging(t *testing.T) {
	h := testHandler(t, bigFolder(450))
	seen := 0
	for target, pages := "/browse/Big/", 1; ; pages++ {
		page := get(h, "GET", target).Body.String()
		checkPage(t, target, page)
		seen += strings.Count(page, `href="/watch/`)
		m := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(page)
		if m == nil {
			if seen != 450 || pages != 3 {
				t.Errorf("%d rows on %d pages", seen, pages)
			}
			return
		}
		target = "/browse/Big/" + html.UnescapeString(m[1])
	}
}

func TestStaticFiles(t *testing.T) {
	h := testHandler(t, testRoot())
	for name, f := range h.static.files {
		w := get(h, "GET", "/static/"+name)
		if w.Code != 200 || w.Header().Get("Content-Type") == "application/octet-stream" || w.Header().Get("ETag") != `"`+f.hash+`"` ||
			w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
}

func BenchmarkBrowse(b *testing.B) {
	h := testHandler(b, bigFolder(10_000))
	b.ReportAllocs()
	for b.Loop() {
		get(h, "GET", "/browse/Big/?page=25")
	}
}

func BenchmarkWatch(b *testing.B) {
	h := testHandler(b, bigFolder(10_000))
	b.ReportAllocs()
	for b.Loop() {
		get(h, "GET", "/watch/Big/A%20film%20of%20an%20ordinary%20name%2005000.mp4")
	}
}

func BenchmarkAPIFolder(b *testing.B) {
	h := testHandler(b, bigFolder(10_000))
	b.ReportAllocs()
	for b.Loop() {
		get(h, "GET", "/api/v1/items/Big")
	}
}

// Pages are parsed when they are asked for: here all are.
func TestEveryPageParses(t *testing.T) {
	s, err := loadStatics()
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range newPages(s, english()) {
		if _, err := page(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
