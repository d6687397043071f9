package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// These tests listen to music in a real browser, and look around meanwhile.

// music returns a folder with two albums. They are made once.
func music(t *testing.T) string {
	t.Helper()
	need(t, "ffmpeg")
	dir, err := madeMusic()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var madeMusic = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "Music")
	tone := filepath.Join(scratch, "tone.mp3")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "sine=f=440:r=44100:d=120", "-b:a", "64k", tone).CombinedOutput(); err != nil {
		return "", fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	for album, songs := range map[string][]string{"Nuit d'été": {"L'aube", "Le vent", "La mer", "Le soir"}, "Machines": {"Wheels", "Gears"}} {
		at := filepath.Join(dir, "Zoë Marin", album)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return "", err
		}
		for i, title := range songs {
			cmd := exec.Command("ffmpeg", "-v", "error", "-y", "-i", tone, "-c", "copy", "-metadata", "title="+title, "-metadata", "artist=Zoë Marin",
				"-metadata", "album="+album, "-metadata", "track="+strconv.Itoa(i+1), filepath.Join(at, fmt.Sprintf("%02d %s.mp3", i+1, title)))
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("ffmpeg: %w: %s", err, out)
			}
		}
	}
	return dir, nil
})

// parlour serves the music and a tab to listen to it.
func parlour(t *testing.T) (*program, *tab) {
	t.Helper()
	need(t, "chromium")
	server := start(t, "-listen", "127.0.0.1:0", music(t))
	eventually(t, "all found and measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":6`) && strings.Contains(body, `"unmeasured":0`)
	})
	return server, startChromium(t)
}

// is waits until a script's expression is true.
func (c *tab) is(what, expression string) {
	c.t.Helper()
	eventually(c.t, what, func() bool { return c.eval(`"" + (`+expression+`)`) == "true" })
}

// click clicks what a selector finds first.
func (c *tab) click(selector string) {
	c.t.Helper()
	c.eval(fmt.Sprintf(`document.querySelector(%q).click(); ""`, selector))
}

// width makes the window so wide.
func (c *tab) width(pixels int) {
	c.t.Helper()
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": pixels < 500})
}

func TestMusicGoesOnWhileOneBrowses(t *testing.T) {
	t.Parallel()
	server, tab := parlour(t)
	const playing, title = `document.querySelector(".dock audio")`, `document.querySelector(".dock .title").textContent`
	tab.open(server.url + "/music?artist=Zo%C3%AB+Marin&album=Nuit+d%27%C3%A9t%C3%A9")
	tab.click("[data-listen=play]")
	tab.is("the album plays", playing+`.currentTime > 0.2 && `+title+` === "L'aube"`)
	tab.eval(`window.same = true; ""`)

	tab.click(".nav a")
	tab.is("a link leads on", `location.pathname === "/" && document.querySelector("h1")?.textContent === "Library"`)
	tab.is("with its title and the focus", `document.title === "MuStServ" && document.activeElement === document.querySelector("h1")`)
	tab.is("and the music goes on", `window.same && !`+playing+`.paused && `+playing+`.currentTime > 0.2`)
	tab.eval(`history.back(); ""`)
	tab.is("back leads back", `location.pathname === "/music" && document.querySelector("h1")?.textContent?.startsWith("Nuit") && window.same`)
	tab.eval(`document.querySelector(".find input").value = "gears"; document.querySelector(".find").requestSubmit(); ""`)
	tab.is("so does the search", `location.search === "?q=gears" && document.querySelector("tr.song .add") && window.same`)

	tab.click("tr.song .add")
	tab.is("a song is added", `document.querySelector(".dock .count").textContent === "1 / 5" && `+title+` === "L'aube"`)
	tab.click("[data-dock=queue]")
	tab.is("the queue unfolds", `document.querySelectorAll(".queue li").length === 5 && document.querySelector("[data-dock=queue]").getAttribute("aria-expanded") === "true"`)
	tab.click(".queue li:last-child [data-act=up]")
	tab.is("a song moves up", `document.querySelector(".queue li:nth-child(4)").textContent?.startsWith("Gears")`)
	tab.click(".queue li:nth-child(2) [data-act=remove]")
	tab.is("one is removed", `document.querySelectorAll(".queue li").length === 4 && document.querySelector(".queue li:nth-child(2)").textContent?.startsWith("La mer")`)
	tab.click("[data-dock=next]")
	tab.is("the next one plays", title+` === "La mer" && `+playing+`.currentTime > 0.2`)
	tab.click("[data-dock=shuffle]")
	tab.is("the rest is shuffled", `document.querySelector("[data-dock=shuffle]").getAttribute("aria-pressed") === "true" && document.querySelectorAll(".queue li").length === 4`)
	tab.eval(`sessionStorage.setItem("before", document.querySelector(".queue ol").textContent); ""`)

	tab.open(server.url + "/status")
	tab.is("a page loaded anew goes on", `!window.same && `+title+` === "La mer" && !`+playing+`.paused && `+playing+`.currentTime > 0.2`)
	tab.click("[data-dock=queue]")
	tab.is("with the same queue", `document.querySelector(".queue ol").textContent === sessionStorage.getItem("before")`)
	tab.is("the keyboard's keys know it", `navigator.mediaSession.metadata.title === "La mer" && navigator.mediaSession.metadata.artist === "Zoë Marin"`)
	tab.click("[data-dock=play]")
	tab.is("it pauses", playing+`.paused && document.querySelector("[data-dock=play]").getAttribute("aria-label") === "Play"`)
	tab.eval(`document.querySelector(".queue li [data-act=jump]").focus(); ""`)
	tab.key("Escape")
	tab.is("Escape folds the queue", `document.querySelector(".queue").hidden && document.activeElement.dataset.dock === "queue"`)
	if len(tab.complaints) > 0 {
		t.Errorf("the console says %v", tab.complaints)
	}
}

// TestDockAtAllWidths looks at the dock, folded and unfolded.
func TestDockAtAllWidths(t *testing.T) {
	t.Parallel()
	server, tab := parlour(t)
	axe := readAxe(t)
	tab.open(server.url + "/browse/Music/Zo%C3%AB%20Marin/Nuit%20d'%C3%A9t%C3%A9/")
	tab.click("tr.song:nth-child(2) .go")
	tab.is("it plays from that song on", `document.querySelector(".dock .title").textContent === "Le vent" && document.querySelector(".dock .count").textContent === "2 / 4"`)
	for _, width := range []int{360, 768, 1440} {
		for _, open := range []bool{false, true} {
			tab.width(width)
			if now := tab.eval(`"" + !document.querySelector(".queue").hidden`); now != strconv.FormatBool(open) {
				tab.click("[data-dock=queue]")
			}
			name := fmt.Sprintf("dock-%d-%v", width, open)
			tab.picture(name)
			tab.inspect(axe)
			if tab.overflows() {
				t.Errorf("%s: the page is wider than the window", name)
			}
		}
	}
	tab.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": "dark"}}})
	tab.picture("dock-dark")
	tab.inspect(axe)
	tab.click("[data-dock=play]") // a new song would make new rows
	tab.reachAll()
	tab.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
	tab.open(server.url + "/browse/Music/Zo%C3%AB%20Marin/Machines/")
	tab.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false})
	tab.is("without scripts there is none", `document.querySelector(".dock").hidden && document.querySelector(".listen").hidden`)
	if len(tab.complaints) > 0 {
		t.Errorf("the console says %v", tab.complaints)
	}
}

func TestResultsWhileOneTypes(t *testing.T) {
	t.Parallel()
	server, tab := parlour(t)
	axe := readAxe(t)
	tab.width(360)
	tab.open(server.url + "/")
	tab.eval(`document.querySelector(".find input").focus(); ""`)
	for _, key := range strings.Split("ete zoe", "") {
		tab.key(key)
	}
	tab.is("the album is found by album and artist, and its songs", `Array.from(document.querySelectorAll(".found [role=option] bdi:first-child"), o => o.textContent).join() === "Nuit d'été,L'aube,Le vent,La mer,Le soir"`)
	tab.is("which is said", `document.querySelector(".find input").getAttribute("aria-expanded") === "true"`)
	tab.key("ArrowDown")
	tab.key("ArrowDown")
	tab.key("ArrowDown")
	tab.is("arrows choose", `document.querySelector(".found [aria-selected=true]").textContent?.startsWith("Le vent") && document.querySelector(".find input").getAttribute("aria-activedescendant") === document.querySelector(".found [aria-selected=true]").id`)
	tab.picture("find-360")
	tab.inspect(axe)
	tab.key("Escape")
	tab.is("Escape takes them away", `!document.querySelector(".found").children.length && document.activeElement === document.querySelector(".find input")`)
	tab.key("x")
	tab.is("that there is nothing is said", `document.querySelector(".found").textContent === "Nothing found"`)
	tab.eval(`document.querySelector(".find input").value = ""; ""`)
	for _, key := range strings.Split("gear", "") {
		tab.key(key)
	}
	tab.is("another one is found", `document.querySelector(".found").textContent?.startsWith("Gears")`)
	tab.key("ArrowDown")
	tab.key("Enter")
	tab.is("Enter goes there", `location.pathname.endsWith("/02%20Gears.mp3") && document.querySelector("h1")?.textContent === "Gears"`)
	tab.eval(`document.querySelector(".find input").focus(); document.querySelector(".find input").value = ""; ""`)
	for _, key := range strings.Split("marin", "") {
		tab.key(key)
	}
	tab.is("an artist is found by name", `document.querySelector(".found").textContent?.startsWith("Zoë Marinartist")`)
	tab.key("ArrowDown")
	tab.key("Enter")
	tab.is("Enter goes to all of the artist's albums", `location.pathname === "/music" && document.querySelector("h1")?.textContent === "Zoë Marin" && document.querySelectorAll(".cards li").length === 2`)
	tab.open(server.url + "/search?q=MUSIC")
	tab.is("a folder comes before what is in it", `document.querySelector(".list tbody a").getAttribute("href") === "/browse/Music/" && document.querySelectorAll(".list tbody tr").length === 7`)
	if len(tab.complaints) > 0 {
		t.Errorf("the console says %v", tab.complaints)
	}
}

func TestTypedBeforeTheScript(t *testing.T) {
	t.Parallel()
	server, tab := parlour(t)
	// Somebody types as soon as there is a box, which is before deferred scripts run.
	tab.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": `new MutationObserver((_, o) => {
		const box = document.querySelector(".find input");
		if (box) { o.disconnect(); box.focus(); box.value = "gear"; }
	}).observe(document, { childList: true, subtree: true })`})
	tab.open(server.url + "/")
	tab.is("what was typed before the script came is looked for", `document.querySelector(".found").textContent?.includes("Gears")`)
}

// TestLooksAtAllWidths chooses pictures and another order, with scripts and
// without.
func TestLooksAtAllWidths(t *testing.T) {
	t.Parallel()
	server, tab := parlour(t)
	axe := readAxe(t)
	tab.open(server.url + "/browse/Music/Zo%C3%AB%20Marin/")
	tab.click(".views a:last-child")
	tab.is("a folder as pictures", `location.search === "?view=grid" && document.querySelectorAll(".cards li").length === 2`)
	for _, width := range []int{360, 768, 1440} {
		tab.width(width)
		for _, scripts := range []bool{true, false} {
			tab.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": !scripts})
			for name, path := range map[string]string{"folder-grid": "/browse/Music/Zo%C3%AB%20Marin/Machines/?sort=size", "artists": "/music?sort=date"} {
				tab.open(server.url + path)
				tab.is(name+" has pictures", `document.querySelector(".cards li") !== null`)
				if tab.overflows() {
					t.Errorf("%s, %d pixels: the page is wider than the window", name, width)
				}
				if scripts {
					tab.picture(fmt.Sprintf("%s-%d", name, width))
					tab.inspect(axe)
				}
			}
		}
	}
	tab.open(server.url + "/browse/Music/Zo%C3%AB%20Marin/?view=list&sort=size&reverse=1")
	tab.is("the other way round", `document.querySelector(".sorts [aria-current]").textContent === "Size ↑"`)
	if len(tab.complaints) > 0 {
		t.Errorf("the console says %v", tab.complaints)
	}
}

// TestPlacesFollowTheirUser watches a film as one user and goes on with it in
// another browser, after a start of the server; another user sees none of it.
func TestPlacesFollowTheirUser(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	dir := t.TempDir()
	hash := func(password string) string {
		cmd := mustserv(t, "passwd")
		cmd.Stdin = strings.NewReader(password + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`password = "(.*)"`).FindStringSubmatch(string(out))[1]
	}
	config := filepath.Join(dir, "mustserv.toml")
	write(t, config, fmt.Appendf(nil, "[[share]]\nname = \"Films\"\npath = %q\n[stream]\nlisten = \"127.0.0.1:0\"\n"+
		"[[auth.user]]\nname = \"ann\"\npassword = %q\nrole = \"viewer\"\n[[auth.user]]\nname = \"bob\"\npassword = %q\nrole = \"viewer\"\n", films(t), hash("one"), hash("two")))
	logIn := func(c *tab, server *program, user, password string) {
		c.t = t
		c.open(server.url + "/login")
		c.eval(fmt.Sprintf(`document.querySelector("[name=user]").value = %q; document.querySelector("[name=password]").value = %q; document.querySelector(".login button, .login [type=submit]").click(); ""`, user, password))
		c.is("the library is there", `document.querySelector("h1")?.textContent === "Library" && document.querySelector(".nav")?.textContent.includes("`+"Log out"+`")`)
	}
	state := t.TempDir()
	server := startIn(t, state, "-config", config)
	tab := startChromium(t)
	logIn(tab, server, "ann", "one")
	tab.open(server.url + "/watch/Films/start.mp4")
	tab.is("the film can be played", `document.querySelector(".player")?.duration > 50`)
	tab.eval(`const p = document.querySelector(".player"); p.muted = true; p.currentTime = 30; p.play().then(() => p.pause()).then(() => "")`)
	eventually(t, "the server keeps where it stopped", func() bool {
		return tab.eval(`fetch("/api/v1/resume").then(r => r.json()).then(a => "" + (a.items[0]?.at >= 30))`) == "true"
	})
	tab.open(server.url + "/")
	tab.is("the film is there to go on with", `document.querySelector(".goon a")?.textContent.includes("start") && document.querySelector(".goon .about").textContent.endsWith("left")`)
	axe := readAxe(t)
	for _, width := range []int{360, 1440} {
		tab.width(width)
		tab.picture(fmt.Sprintf("goon-%d", width))
		tab.inspect(axe)
	}
	server.cmd.Process.Signal(os.Interrupt)
	if err := <-server.ended; err != nil {
		t.Fatal(err)
	}
	server.ended <- nil

	server = startIn(t, state, "-config", config)
	other := startChromium(t)
	logIn(other, server, "ann", "one")
	other.is("another browser has it, too", `document.querySelector(".goon a") !== null`)
	other.click(".goon a")
	other.is("and goes on there", `document.querySelector(".player")?.currentTime >= 29 && document.querySelector(".resumed") !== null`)
	other.eval(`fetch("/logout", { method: "POST" }).then(() => "")`)
	logIn(other, server, "bob", "two")
	other.is("another user does not see it", `document.querySelector(".goon") === null`)
	if all := append(tab.complaints, other.complaints...); len(all) > 0 {
		t.Errorf("the console says %v", all)
	}
}

// TestTextsWithinFilmsAreShown turns on the subtitles within films that
// another program has written.
func TestTextsWithinFilmsAreShown(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	film, dir := filepath.Join(films(t), "start.mp4"), t.TempDir()
	lines := filepath.Join(dir, "lines.srt")
	write(t, lines, []byte("1\n00:00:01,000 --> 00:00:03,000\nGrüß <i>dich</i>\n\n2\n00:00:30,000 --> 00:00:33,500\nZwei\nZeilen\n"))
	share := filepath.Join(dir, "Films")
	if err := os.Mkdir(share, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-map", "1", "-map", "1", "-c:s:0", "srt", "-c:s:1", "ass", "-metadata:s:s:0", "language=ger", "-metadata:s:s:1", "language=eng", "two.mkv"},
		{"-map", "1", "-c:s", "mov_text", "-metadata:s:s:0", "language=ger", "text.mp4"},
		{"-map", "1", "-c:s", "mov_text", "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "fragments.mp4"},
		{"-map", "1", "-c:s", "webvtt", "vtt.mkv"},
	} {
		cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-y", "-i", film, "-i", lines, "-map", "0", "-c", "copy"}, args...)...)
		cmd.Dir = share
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg %v: %v: %s", args, err, out)
		}
	}
	server := start(t, "-listen", "127.0.0.1:0", share)
	eventually(t, "all found and measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":4`) && strings.Contains(body, `"unmeasured":0`)
	})
	tab := startChromium(t)
	const shown = `Array.from(document.querySelector(".player").textTracks).find(t => t.mode === "showing")`
	for _, row := range []struct{ path, keys, label, texts string }{ // ffmpeg puts no pauses into fragments
		{"two.mkv", "c", "Deutsch", "1 3 Grüß <i>dich</i>|30 33.5 Zwei\nZeilen"},
		{"two.mkv", "cc", "English", "1 3 Grüß <i>dich</i>|30 33.5 Zwei\nZeilen"},
		{"text.mp4", "c", "Deutsch", "1 3 Grüß dich|30 33.5 Zwei\nZeilen"},
		{"fragments.mp4", "c", "text", "1 30 Grüß dich|30 33.5 Zwei\nZeilen"},
		{"vtt.mkv", "c", "webvtt", "1 3 Grüß <i>dich</i>|30 33.5 Zwei\nZeilen"},
	} {
		t.Run(row.path+" "+row.label, func(t *testing.T) {
			tab.t = t
			tab.open(server.url + "/watch/Films/" + row.path)
			tab.is("nothing is shown unasked", `document.querySelector(".tools select") !== null && !`+shown)
			for _, key := range strings.Split(row.keys, "") {
				tab.key(key)
			}
			got := ""
			eventually(t, "the texts are there", func() bool {
				got = tab.eval(`const t = ` + shown + `; t && t.cues && t.cues.length === 2 ? t.label + ": " + Array.from(t.cues, c => Math.round(c.startTime * 10) / 10 + " " + Math.round(c.endTime * 10) / 10 + " " + c.text).join("|") : ""`)
				return got != ""
			})
			if want := row.label + ": " + row.texts; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	tab.t = t
	if len(tab.complaints) > 0 {
		t.Errorf("the console says %v", tab.complaints)
	}
}
