package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"mustserv/library/probe/probetest"
)

// These tests give names, tags and config values to everything that has one,
// each of which would add something to some output that does not know what it
// writes, and read all that the program says with parsers: nothing was added.

// hostile returns the names. What one of them adds is called injected.
func hostile() []string {
	return []string{
		`"><injected injected="1">`, `' injected='1' onmouseover='window.injected=1`, `<img src=x onerror=window.injected=1>`,
		`<script>window.injected=1`, "\nX-Injected: 1\r\n\r\n<injected>", "\n#EXTINF:1,injected\nhttp:injected", "\nFile1=http:injected", `]]><injected>`,
		"--><injected>", "{{injected}}${injected}`injected`", "javascript:window.injected=1", "%0d%0aX-Injected:1", `\"},"injected":{"`,
		"\u202Einjected\u2066\u2028", "\xff\xfe<injected>", "\x1b]0;injected\x07\x7f", "&lt;injected&gt;&#60;injected&#62;",
	}
}

// hostileFiles makes files of these names and with them in their tags.
func hostileFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range hostile() {
		text := strings.ToValidUTF8(name, "?")
		for file, data := range map[string][]byte{
			name + ".mp3": probetest.MP3With(probetest.MP3Options{Seconds: 1, ID3v2: 1000, Title: name}),
			name + ".wma": probetest.ASF(probetest.ASFOptions{Seconds: 1, Music: true, Title: text, Artist: text, Album: text, Genre: text, Year: "1999"}),
			name + ".mkv": probetest.Matroska(probetest.MatroskaOptions{Seconds: 1, Title: text, Subtitles: true}),
			name + ".srt": fmt.Appendf(nil, "1\n00:00:00,000 --> 00:00:01,000\n%s\n", text),
			filepath.Join(name, fmt.Sprintf("%s S01E%02d.mkv", name, i+1)): probetest.Matroska(probetest.MatroskaOptions{Seconds: 1}),
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, file), data)
		}
	}
	return dir
}

const hostileUser, hostileTitle = `ann"><injected>`, `"><injected> title` + "\u202E"

// hostileHouse serves a folder to a user with such a name, under a title and
// in a share like that.
func hostileHouse(t *testing.T, folder string) (server *program, log string) {
	t.Helper()
	dir := t.TempDir()
	config, log := filepath.Join(dir, "mustserv.toml"), filepath.Join(dir, "access.log")
	write(t, config, fmt.Appendf(nil, "[[share]]\nname = %q\npath = %q\n[[share]]\nname = %q\npath = %q\n"+
		"[stream]\nlisten = \"127.0.0.1:0\"\naccess_log = %q\n[webui]\ntitle = %q\n"+
		"[[auth.user]]\nname = %q\npassword = \"pbkdf2-sha256$1$c2FsdHNhbHQ$AYiIS8XpJELVzb43nckOD8XYXym_EFBFDmJbTUlarvo\"\nrole = \"admin\"\n",
		`<injected>"share'`, folder, "gone<injected>", filepath.Join(dir, "none"), log, hostileTitle, hostileUser))
	server = start(t, "-config", config)
	asking := crawler{t: t, base: server.url}
	eventually(t, "all is measured", func() bool {
		var now struct {
			Items, Unmeasured int
			Scanning          bool
		}
		_, body := asking.get("/api/v1/status")
		return json.Unmarshal(body, &now) == nil && now.Items > 10 && now.Unmeasured == 0 && !now.Scanning
	})
	return server, log
}

// crawler asks for all that an output leads to.
type crawler struct {
	t     *testing.T
	base  string
	todo  []string // addresses without the base
	kinds map[string]int
	pages []string
	file  string // the last one
}

// get asks as a player with a name of that kind.
func (c *crawler) get(at string) (http.Header, []byte) {
	c.t.Helper()
	r, err := http.NewRequest("GET", c.base+at, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.SetBasicAuth(hostileUser, "sesame")
	r.Header.Set("User-Agent", `"><injected>\" injected`)
	r.Header.Set("Referer", "http://x/\"><injected>\u202E")
	if strings.Contains(at, "/media/") {
		r.Header.Set("Range", "bytes=0-9")
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		c.t.Fatalf("%s: %v", at, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 500 {
		c.t.Errorf("%s: %s, %v", at, answer.Status, err)
	}
	return answer.Header, body
}

// found adds an address, in an attribute, a text or a header, that an output
// at an address leads to.
func (c *crawler) found(at, link string) {
	from, err := url.Parse(c.base + at)
	to, err2 := url.Parse(link)
	if err := errors.Join(err, err2); err != nil {
		c.t.Errorf("%s leads to %q: %v", at, link, err)
		return
	}
	full := from.ResolveReference(to)
	if full.Fragment = ""; full.Host != from.Host || full.Scheme != "http" {
		c.t.Errorf("%s leads to %q", at, link)
		return
	}
	c.todo = append(c.todo, full.RequestURI())
}

// walk asks for everything, each once, and checks it.
func (c *crawler) walk() {
	seen := map[string]bool{"/logout": true}
	for len(c.todo) > 0 {
		at := c.todo[0]
		c.todo = c.todo[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		header, body := c.get(at)
		c.check(at, header, body)
	}
}

func (c *crawler) check(at string, header http.Header, body []byte) {
	c.checkHeader(at, header)
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil && len(body) > 0 {
		c.t.Errorf("%s: its type is %q", at, header.Get("Content-Type"))
	}
	if strings.Contains(at, "/media/") && header.Get("ETag") != "" { // a file
		c.kinds["file"]++
		c.file = at
		return
	}
	c.kinds[kind]++
	switch kind {
	case "text/html":
		c.pages = append(c.pages, at)
		if path, ok := strings.CutPrefix(at, "/watch/"); ok {
			c.todo = append(c.todo, "/api/v1/items/"+path+"?curve&measured", "/media/"+path+"?download")
		} else if path, ok := strings.CutPrefix(at, "/browse/"); ok {
			c.todo = append(c.todo, "/api/v1/items/"+path)
		}
		c.checkPage(at, body)
	case "application/json", "application/problem+json":
		c.checkJSON(at, body)
	case "audio/x-mpegurl":
		c.checkM3U(at, body)
	case "audio/x-scpls":
		c.checkPLS(at, body)
	case "application/xspf+xml", "video/x-ms-asf", "application/rss+xml", "image/svg+xml":
		c.checkXML(at, body)
	case "text/plain":
		c.checkLines(at, body)
	}
}

// checkHeader checks that no header was added, and that those with names and
// addresses in them hold nothing else.
func (c *crawler) checkHeader(at string, header http.Header) {
	for name, values := range header {
		if strings.Contains(strings.ToLower(name), "injected") || strings.ContainsFunc(strings.Join(values, ""), unicode.IsControl) {
			c.t.Errorf("%s has a header %s: %q", at, name, values)
		}
	}
	if to := header.Get("Location"); to != "" {
		c.found(at, to)
	}
	for name, want := range map[string]string{
		"CMSD-Static": `br=\d+,d=\d+,ot=[avo]+`, "CMSD-Dynamic": `"MuStServ";etp=\d+`, "ETag": `(W/)?"[0-9a-z-]+"`,
	} {
		if got := header.Get(name); got != "" && !regexp.MustCompile("^"+want+"$").MatchString(got) {
			c.t.Errorf("%s: %s is %q", at, name, got)
		}
	}
	if got := header.Get("Content-Disposition"); got != "" && got != "inline" {
		what, more, err := mime.ParseMediaType(got)
		name, _ := url.PathUnescape(at[strings.LastIndexByte(at, '/')+1 : strings.LastIndexByte(at, '?')])
		if err != nil || what != "attachment" || len(more) != 1 || utf8.ValidString(name) && more["filename"] != name {
			c.t.Errorf("%s: %s, %q, %v", at, what, more, err)
		}
	}
}

// checkPage parses a page as browsers do.
func (c *crawler) checkPage(at string, body []byte) {
	tree, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		c.t.Errorf("%s: %v", at, err)
		return
	}
	for n := range tree.Descendants() {
		if n.Type == html.CommentNode {
			c.t.Errorf("%s has a comment %q", at, n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"injected", "style", "iframe", "object", "embed", "base"}, n.Data) {
			c.t.Errorf("%s has an element %s", at, n.Data)
		}
		if n.Data == "script" && n.FirstChild != nil {
			c.t.Errorf("%s has a script %q", at, n.FirstChild.Data)
		}
		for _, a := range n.Attr {
			c.checkAttribute(at, n, a)
		}
	}
}

func (c *crawler) checkAttribute(at string, n *html.Node, a html.Attribute) {
	switch {
	case strings.Contains(a.Key, "injected"), strings.HasPrefix(a.Key, "on"), a.Key == "style", strings.ContainsAny(a.Key, `"'<{`):
		c.t.Errorf("%s: <%s> has an attribute %s=%q", at, n.Data, a.Key, a.Val)
	case a.Key == "action", n.Data == "script" && a.Key == "src":
		if !strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//") {
			c.t.Errorf("%s: <%s> leads to %q", at, n.Data, a.Val)
		}
	case slices.Contains([]string{"href", "src", "poster", "data-media", "data-art"}, a.Key) && a.Val != "":
		c.found(at, a.Val)
	}
}

// checkJSON checks that a text is one value without foreign keys.
func (c *crawler) checkJSON(at string, body []byte) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		c.t.Errorf("%s: %v", at, err)
	}
	c.checkValue(at, value)
}

func (c *crawler) checkValue(at string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			if strings.Contains(key, "injected") {
				c.t.Errorf("%s has a key %q", at, key)
			}
			c.checkValue(at, below)
		}
	case []any:
		for _, below := range value {
			c.checkValue(at, below)
		}
	case string:
		if strings.HasPrefix(value, c.base) {
			c.found(at, value)
		}
	}
}

// checkM3U checks that there is one address after each line about it.
func (c *crawler) checkM3U(at string, body []byte) {
	lines := strings.Split(strings.TrimSuffix(strings.TrimPrefix(string(body), "\ufeff"), "\n"), "\n")
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		switch {
		case strings.Contains(line, "\r") || line == "":
			c.t.Errorf("%s: line %q", at, line)
		case !strings.HasPrefix(line, "#"):
			if i == 0 || !strings.HasPrefix(lines[i-1], "#EXTINF:") {
				c.t.Errorf("%s: nothing announces %q", at, line)
			}
			c.found(at, line)
		case !regexp.MustCompile(`^#(EXTM3U$|EXTINF:-?\d+|PLAYLIST:|EXTENC:)`).MatchString(line):
			c.t.Errorf("%s: line %q", at, line)
		}
	}
}

// checkPLS checks that each key is there once, and as many as are promised.
func (c *crawler) checkPLS(at string, body []byte) {
	keys := make(map[string]string)
	for i, line := range strings.Split(strings.TrimSpace(string(body)), "\n") {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\r"), "=")
		if _, twice := keys[key]; twice || i == 0 && line != "[playlist]" || i > 0 && !ok {
			c.t.Errorf("%s: line %q", at, line)
		}
		keys[key] = value
		if strings.HasPrefix(key, "File") {
			c.found(at, value)
		}
	}
	n, err := strconv.Atoi(keys["NumberOfEntries"])
	for key := range keys {
		m := regexp.MustCompile(`^(?:File|Title|Length)(\d+)$`).FindStringSubmatch(key)
		if m != nil {
			i, _ := strconv.Atoi(m[1])
			if i < 1 || i > n {
				c.t.Errorf("%s: %s of %d", at, key, n)
			}
		} else if !slices.Contains([]string{"[playlist]", "NumberOfEntries", "Version", "PlaylistName", "X-GNOME-Title"}, key) {
			c.t.Errorf("%s: key %q", at, key)
		}
	}
	if err != nil {
		c.t.Errorf("%s: %v", at, err)
	}
}

// checkXML checks that a text is well-formed and has no foreign elements.
func (c *crawler) checkXML(at string, body []byte) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			c.t.Errorf("%s: %v", at, err)
			return
		}
		switch token := token.(type) {
		case xml.StartElement:
			if strings.Contains(fmt.Sprint(token.Name.Local, token.Attr), "<") || token.Name.Local == "injected" || token.Name.Local == "script" {
				c.t.Errorf("%s has an element %v", at, token)
			}
			for _, a := range token.Attr {
				if strings.Contains(a.Name.Local, "injected") || strings.HasPrefix(a.Name.Local, "on") {
					c.t.Errorf("%s has an attribute %v", at, a)
				}
				if a.Name.Local == "href" || a.Name.Local == "url" {
					c.found(at, a.Value)
				}
			}
		case xml.Comment:
			c.t.Errorf("%s has a comment %q", at, token)
		}
	}
}

// checkLines checks a plain text: the metrics, or what is wrong.
func (c *crawler) checkLines(at string, body []byte) {
	if at != "/metrics" {
		return
	}
	for line := range strings.Lines(string(body)) {
		if !regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)+\})? \S+)\n$`).MatchString(line) {
			c.t.Errorf("%s: line %q", at, line)
		}
	}
}

func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	need(t)
	for name, folder := range map[string]func(*testing.T) string{
		"names made for it":   hostileFiles,
		"names of the corpus": func(t *testing.T) string { return filepath.Join(corpus(t), "names") },
	} {
		t.Run(name, func(t *testing.T) {
			server, log := hostileHouse(t, folder(t))
			c := crawler{t: t, base: server.url, kinds: make(map[string]int), todo: []string{
				"/", "/films", "/series", "/music", "/new", "/status", "/admin", "/media/", "/metrics", "/playlist.m3u", "/playlist.pls",
				"/api/v1/items", "/api/v1/status", "/api/v1/sessions", "/api/v1/shares", "/api/v1/search?q=injected&limit=1000", "/api/v1/items/?folders",
			}}
			for _, name := range hostile() {
				q := url.QueryEscape(name)
				c.todo = append(c.todo, "/search?q="+q, "/api/v1/search?kind="+q, "/api/v1/search?limit="+q, "/browse/"+url.PathEscape(name)+"/",
					"/media/"+url.PathEscape(name), "/login?to="+q, "/music?artist="+q, "/series?name="+q, "/status?done="+q, "/browse/?page="+q, "/playlist/"+url.PathEscape(name)+".xspf")
			}
			c.walk()
			t.Logf("%v", c.kinds)
			for _, kind := range []string{
				"file", "text/html", "application/json", "application/problem+json", "audio/x-mpegurl", "audio/x-scpls", "application/xspf+xml", "video/x-ms-asf",
				"application/rss+xml", "image/svg+xml", "text/plain",
			} {
				if c.kinds[kind] == 0 {
					t.Errorf("no %s among %v", kind, slices.Sorted(maps.Keys(c.kinds)))
				}
			}
			c.get(c.file)
			header, body := c.get("/status") // with a session at least
			c.check("/status", header, body)
			header, body = c.get("/api/v1/sessions")
			c.check("/api/v1/sessions", header, body)
			if !bytes.Contains(body, []byte(`"user":"ann\"`)) {
				t.Errorf("the sessions do not say whose they are: %.500s", body)
			}
			checkLogs(t, server, log)
		})
	}
}

// checkLogs ends the server and checks the lines of its logs.
func checkLogs(t *testing.T, server *program, log string) {
	t.Helper()
	server.cmd.Process.Signal(syscall.SIGTERM)
	server.ended <- <-server.ended // for who cleans up
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^127\.0\.0\.1 - \S+ \[[^\]]+\] "([^"\\]|\\.)*" \d+ \d+ "([^"\\]|\\.)*" "([^"\\]|\\.)*" [\d.]+ \d+ \d+ -\n$`)
	if len(text) == 0 {
		t.Error("nothing was logged")
	}
	for got := range strings.Lines(string(text)) {
		if !line.MatchString(got) || strings.ContainsFunc(got[:len(got)-1], func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the access log says %q", got)
		}
	}
}

// TestNoNameRuns opens pages with such names in a real browser: nothing in a
// name is run, or asked to be, also by scripts that build what they show.
func TestNoNameRuns(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server, _ := hostileHouse(t, hostileFiles(t))
	c := crawler{t: t, base: server.url, kinds: make(map[string]int), todo: []string{"/", "/films", "/series", "/music", "/new", "/status", "/admin"}}
	c.walk()
	tab := startChromium(t)
	tab.call("Network.enable", nil)
	login := "Basic " + base64.StdEncoding.EncodeToString([]byte(hostileUser+":sesame"))
	tab.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]any{"Authorization": login}})
	untouched := func(at string) {
		t.Helper()
		if got := tab.eval(`"" + (window.injected || document.querySelector("injected, [injected]") || "nothing")`); got != "nothing" || len(tab.complaints) > 0 {
			t.Errorf("%s: %s, %v", at, got, tab.complaints)
			tab.complaints = nil
		}
	}
	kinds := make(map[string]int)
	for _, at := range c.pages {
		kind := strings.FieldsFunc(at+"/", func(r rune) bool { return r == '/' || r == '?' })
		if len(kind) == 0 || kinds[kind[0]] < 10 {
			tab.open(server.url + at)
			untouched(at)
		}
		if len(kind) > 0 {
			kinds[kind[0]]++
		}
	}
	t.Log(kinds)
	tab.open(server.url + "/")
	for _, name := range hostile() {
		tab.eval(fmt.Sprintf(`{ const box = document.querySelector(".find input"); box.value = %s; box.dispatchEvent(new Event("input", { bubbles: true })); box.focus(); ""; }`, strconv.QuoteToASCII(strings.ToValidUTF8(name, ""))))
		untouched("looking for " + name)
	}
	tab.eval(`{ const box = document.querySelector(".find input"); box.value = "injected"; box.dispatchEvent(new Event("input", { bubbles: true })); ""; }`)
	tab.is("names are found as one types", `document.querySelector(".found").childElementCount > 3`)
	untouched("what was found")
}
