package main

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// These tests walk the pages in a real browser: at the widths of a telephone,
// a tablet and a desk, with scripts and without. Where MUSTSERV_AXE names
// axe-core's file, it looks for what keeps people out (WCAG); where
// MUSTSERV_PICTURES names a folder, it gets a picture of each page.

// house serves films, one with subtitles and a title full of markup, from a
// config that the admin page may change; it ends with the lines given.
func house(t *testing.T, more ...string) *program {
	t.Helper()
	made, dir := films(t), t.TempDir()
	share := filepath.Join(dir, "Films")
	if err := os.CopyFS(share, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(share, "start.en.srt"), []byte("1\n00:00:01,000 --> 00:00:50,000\nHello\n"))
	config := filepath.Join(dir, "mustserv.toml")
	write(t, config, []byte("# ours\n[[share]]\nname = \"Films\"\npath = "+strconv.Quote(share)+"\n\n[stream]\nlisten = \"127.0.0.1:0\"\n"+strings.Join(more, "\n")+"\n"))
	server := start(t, "-config", config)
	eventually(t, "all found and measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":6`) && strings.Contains(body, `"unmeasured":0`)
	})
	return server
}

func TestPagesAtAllWidths(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := house(t)
	axe := readAxe(t)
	for _, width := range []int{360, 768, 1440} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			tab := startChromium(t)
			tab.width(width)
			for _, scripts := range []bool{true, false} {
				tab.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !scripts})
				for name, path := range map[string]string{
					"library": "/", "folder": "/browse/Films/", "film": "/watch/Films/start.mp4", "song": "/watch/Films/vbr.mp3",
					"unplayable": "/watch/Films/film.avi", "search": "/search?q=film", "status": "/status", "admin": "/admin", "login": "/login", "nothing": "/search?q=nosuchthing",
				} {
					name = fmt.Sprintf("%s-%d", name, width)
					if !scripts {
						name += "-plain"
					}
					t.Run(name, func(t *testing.T) { tab.looks(t, server.url+path, name, axe, scripts) })
				}
			}
		})
	}
}

// looks opens a page and looks for what is wrong with it at this width.
func (c *tab) looks(t *testing.T, url, name, axe string, scripts bool) {
	c.t, c.complaints = t, nil
	c.open(url)
	if c.overflows() {
		t.Error("the page is wider than the window")
	}
	c.picture(name)
	if scripts {
		c.inspect(axe)
	}
	if len(c.complaints) > 0 {
		t.Errorf("the console says %v", c.complaints)
	}
}

// TestGermanPages looks at the pages with their longer words, where there is
// the least room for them.
func TestGermanPages(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := house(t)
	tab := startChromium(t)
	axe := readAxe(t)
	tab.call("Network.enable", nil)
	tab.call("Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]any{"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}})
	tab.width(360)
	for name, path := range map[string]string{
		"library": "/", "folder": "/browse/Films/", "film": "/watch/Films/start.mp4", "films": "/films", "search": "/search?q=film", "status": "/status", "admin": "/admin",
	} {
		tab.open(server.url + path)
		if got := tab.eval(`document.documentElement.lang`); got != "de" {
			t.Errorf("%s: the language is %s, want German", path, got)
		}
		if tab.overflows() {
			t.Errorf("%s: the page is wider than the window", path)
		}
		tab.picture("german-" + name)
		tab.inspect(axe)
	}
	tab.open(server.url + "/browse/Films/")
	tab.is("scripts speak German, too", `document.querySelector(".copy").textContent === "Kopieren"`)
}

// readAxe returns the script that looks for barriers, empty if there is none.
func readAxe(t *testing.T) string {
	t.Helper()
	file := os.Getenv("MUSTSERV_AXE")
	if file == "" {
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatal("MUSTSERV_AXE does not name axe-core's file, and MUSTSERV_NO_SKIP is set")
		}
		t.Log("MUSTSERV_AXE does not name axe-core's file; with it, this test looks for barriers")
		return ""
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inspect says what axe-core objects to.
func (c *tab) inspect(axe string) {
	c.t.Helper()
	if axe == "" {
		return
	}
	c.eval(axe + `; ""`)
	found := c.eval(`axe.run(document).then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 120)).join(" | ")).join("\n"))`)
	if found != "" {
		c.t.Errorf("barriers:\n%s", found)
	}
}

// picture keeps a picture of the page where somebody wants it.
func (c *tab) picture(name string) {
	c.t.Helper()
	dir := os.Getenv("MUSTSERV_PICTURES")
	if dir == "" {
		return
	}
	png, err := base64.StdEncoding.DecodeString(c.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true})["data"].(string))
	if err != nil {
		c.t.Fatal(err)
	}
	write(c.t, filepath.Join(dir, name+".png"), png)
}

// key presses and lets go of a key.
func (c *tab) key(key string) {
	c.t.Helper()
	event := map[string]any{"type": "keyDown", "key": key}
	code := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}[key]
	switch {
	case code != 0:
		event["windowsVirtualKeyCode"] = code
	case len(key) == 1:
		event["text"] = key
	}
	if key == "Enter" {
		event["text"] = "\r"
	}
	c.call("Input.dispatchKeyEvent", event)
	event["type"] = "keyUp"
	delete(event, "text")
	c.call("Input.dispatchKeyEvent", event)
}

func TestPlayerPage(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := house(t)
	tab := startChromium(t)
	at := func() float64 {
		s, _ := strconv.ParseFloat(tab.eval(`"" + document.querySelector(".player").currentTime`), 64)
		return s
	}
	is := func(what, script string) {
		t.Helper()
		eventually(t, what, func() bool { return tab.eval(`"" + (`+script+`)`) == "true" })
	}
	tab.open(server.url + "/watch/Films/start.mp4")
	is("its length is known", `document.querySelector(".player").duration > 50`)
	is("the player has subtitles", `document.querySelector(".player").textTracks[0].cues && document.querySelector(".player").textTracks[0].cues[0].text === "Hello"`)
	tab.eval(`document.querySelector(".player").muted = true; ""`)
	tab.key("k")
	eventually(t, "K plays", func() bool { return at() > 0.5 })
	tab.key("5")
	eventually(t, "5 goes to the middle", func() bool { return at() > 29 })
	tab.key("k")
	is("K pauses", `document.querySelector(".player").paused`)
	tab.key(">")
	is("> is faster", `document.querySelector(".player").playbackRate === 1.25 && document.querySelector(".tools select").value === "1.25"`)
	tab.key("c")
	is("C takes the subtitles away", `document.querySelector(".player").textTracks[0].mode === "disabled"`)
	tab.key("?")
	is("? lists the keys", `document.querySelector(".keys").open`)
	stopped := at()

	tab.open(server.url + "/browse/Films/")
	tab.open(server.url + "/watch/Films/start.mp4")
	eventually(t, "the film goes on where it stopped", func() bool { return at() > stopped-6 && at() < stopped+6 })
	tab.eval(`document.querySelector(".resumed button").click(); ""`)
	eventually(t, "or from the start", func() bool { return at() < 5 })

	tab.open(server.url + "/watch/Films/film.avi")
	is("what can't be played is said", `document.querySelector(".cannot")?.hidden === false && document.querySelector(".player").style.display === "none"`)
	tab.key("n")
	is("N goes to the next film", `location.pathname === "/watch/Films/film.mkv"`)
	is("which this browser plays", `document.querySelector(".cannot")?.hidden`)
}

func TestAdminPage(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := house(t)
	tab := startChromium(t)
	tab.open(server.url + "/admin")
	is := func(what, script string) {
		t.Helper()
		eventually(t, what, func() bool { return tab.eval(`"" + (`+script+`)`) == "true" })
	}
	is("lines have numbers", `document.querySelector(".gutter").textContent.indexOf("7") > 0`)
	edit := func(text string) {
		tab.eval(fmt.Sprintf(`const a = document.querySelector("textarea"); a.value += %q; a.dispatchEvent(new Event("input")); ""`, text))
	}
	edit("[webui]\ntilte = \"Ours\"\n")
	is("a mistake is told as one types", `document.querySelector(".live").textContent.indexOf('did you mean "title"') > 0`)
	tab.eval(`const a = document.querySelector("textarea"); a.value = a.value.replace("tilte", "title"); a.dispatchEvent(new Event("input")); ""`)
	is("and that it is gone", `document.querySelector(".live").textContent === "No mistakes."`)
	tab.eval(`document.querySelector("button[value=review]").click(); ""`)
	is("what changes is shown", `document.querySelector(".diff .new")?.textContent.indexOf("[webui]") > 0`)
	tab.eval(`document.querySelector("button[value=save]").click(); ""`)
	is("it is saved and applied", `document.querySelector(".brand")?.textContent.trim() === "Ours"`)
	tab.eval(fmt.Sprintf(`document.querySelector("#name").value = "More"; document.querySelector("#place").value = %q; document.querySelector("button[value=add]").click(); ""`, t.TempDir()))
	is("a folder is tried and added", `document.querySelector("textarea")?.value.indexOf('name = "More"') > 0`)
	tab.eval(`document.querySelector("button[value=save]").click(); ""`)
	is("the new share is there", `location.search === "?done=saved"`)
	_, body := get(t, server.url+"/api/v1/shares")
	if !strings.Contains(body, `"name":"More"`) {
		t.Errorf("the shares are %s", body)
	}
}

// reachAll presses Tab until the focus must have come round.
func (c *tab) reachAll() {
	c.t.Helper()
	wanted, err := strconv.Atoi(c.eval(`"" + (window.all = Array.from(document.querySelectorAll("a[href], button:enabled, input, select, textarea, summary")).filter(e => e.type !== "hidden" && e.getClientRects().length)).length`))
	if err != nil || wanted < 3 {
		c.t.Fatal(wanted, err)
	}
	c.eval(`window.reached = new Set(); ""`)
	for range 2*wanted + 40 { // the controls of a player count, too
		c.key("Tab")
		c.eval(`window.reached.add(document.activeElement); ""`)
	}
	if missed := c.eval(`window.all.filter(e => !window.reached.has(e)).map(e => e.outerHTML.slice(0, 100)).join("\n")`); missed != "" {
		c.t.Errorf("Tab never comes to\n%s", missed)
	}
}

// TestKeyboardReachesEverything presses Tab until the focus comes round.
func TestKeyboardReachesEverything(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := house(t)
	tab := startChromium(t)
	for _, path := range []string{"/", "/browse/Films/", "/watch/Films/start.mp4", "/search?q=film", "/status", "/admin"} {
		t.Run(url.PathEscape(path), func(t *testing.T) {
			tab.t = t
			tab.open(server.url + path)
			tab.reachAll()
		})
	}
}

// TestWeightOfPages counts what a browser fetches that was never here, and
// what at its next page.
func TestWeightOfPages(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := house(t)
	tab := startChromium(t)
	tab.call("Network.enable", nil)
	for _, row := range []struct {
		name, path string
		requests   int
		bytes      float64
	}{
		{"the first", "/", 12, 60_000},
		{"the next, a folder", "/browse/Films/", 4, 10_000},
		{"the first again", "/", 3, 8_000},
	} {
		tab.traffic = traffic{}
		tab.open(server.url + row.path)
		eventually(t, "all has come", func() bool {
			return tab.eval(`document.readyState`) == "complete" && tab.traffic.fetched > 0
		})
		t.Logf("%s: %d requests, %.0f bytes", row.name, tab.traffic.fetched, tab.traffic.bytes)
		if got := tab.traffic; got.fetched == 0 || got.fetched > row.requests || got.bytes > row.bytes {
			t.Errorf("%s: %d requests and %.0f bytes, want %d and %.0f at most", row.name, got.fetched, got.bytes, row.requests, row.bytes)
		}
	}
}
