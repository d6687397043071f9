package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// playing is a film on its way to a player.
type playing struct {
	status int
	broken chan error // what its end was, once it has come
}

// play asks for a film and takes it as fast as it comes: what the server is
// ahead of the player does not run out.
func play(t *testing.T, url, agent string) playing {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", agent)
	response, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	p := playing{response.StatusCode, make(chan error, 1)}
	go func() {
		_, err := io.Copy(io.Discard, response.Body)
		p.broken <- err
	}()
	return p
}

// longest is a script that puts the widest of what the figures of the table of
// sessions come to into it.
const longest = `document.querySelectorAll("#now tbody tr").forEach(row => {
	const widest = ["888.8 Mbit/s", "888.8 Mbit/s", "88 min", "888 ms", "888.8 GiB", "88 days 23 h"];
	row.querySelectorAll("td.num").forEach((cell, i) => cell.textContent = widest[i]);
	row.querySelectorAll("td.num")[2].innerHTML += '<span class="bad">waited 888 ×</span>';
	row.querySelectorAll("td.num")[3].innerHTML += '<span class="about">888 888 lost</span>';
	row.querySelector(".client bdi").textContent = "2001:db8:8888:8888:8888:8888:8888:8888";
}); ""`

// TestStatusPage watches a film come and go on the page, and ends it there.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	log := filepath.Join(t.TempDir(), "access.log")
	server := house(t, "access_log = "+fmt.Sprintf("%q", log), "[ratelimit]", `capacity = "25 Mbit/s"`)
	tab := startChromium(t)
	is := func(what, script string) {
		t.Helper()
		eventually(t, what, func() bool { return tab.eval(`"" + (`+script+`)`) == "true" })
	}
	axe := readAxe(t)
	tab.open(server.url + "/status")
	is("nobody plays", `document.querySelector("#now .empty")?.textContent.startsWith("Nobody")`)
	tab.eval(`window.stays = true; ""`)
	film := play(t, server.url+"/media/Films/start.mp4", "VLC/3.0.21 LibVLC/3.0.21")
	other := play(t, server.url+"/media/Films/film.mkv", "Kodi/21.1 (X11; Linux x86_64)")
	is("two films come", `document.querySelectorAll("#now tbody tr").length === 2`)
	is("of which is said how far ahead their players are", `document.querySelectorAll("#now tbody .lead").length === 2`)
	for _, width := range []int{360, 768, 1440} {
		tab.width(width)
		tab.picture(fmt.Sprintf("playing-%d", width))
		tab.inspect(axe)
	}
	tab.eval(`document.querySelector(".pulse button").click(); ""`)
	tab.eval(longest)
	for width := 320; width <= 1440; width += 32 {
		tab.width(width)
		if tab.overflows() {
			t.Errorf("with the longest figures there are, the page is wider than %d", width)
			tab.picture(fmt.Sprintf("crowded-%d", width))
		}
	}
	tab.picture("crowded")
	tab.eval(`document.querySelector(".pulse button").click(); ""`)
	tab.eval(`document.querySelector("#now tbody tr .end button").focus();
		window.button = document.activeElement; window.before = document.querySelector("#now tbody").innerHTML; ""`)
	is("it goes on", `document.querySelector("#now tbody").innerHTML !== window.before`)
	is("and leaves the focus alone", `window.stays && document.activeElement === window.button && window.button.textContent === "End"`)
	tab.eval(`document.querySelector(".pulse button").click(); ""`)
	is("it pauses", `document.querySelector(".pulse").className === "pulse still"`)
	tab.eval(`document.querySelector(".pulse button").click(); ""`)
	tab.key("Enter")
	is("it is said that the session was ended", `document.querySelector("[role=status]")?.textContent.startsWith("The session was ended")`)
	if err := <-film.broken; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the film was not cut: %v", err)
	}
	is("one is left", `document.querySelectorAll("#now tbody tr").length === 1`)
	if again := play(t, server.url+"/media/Films/start.mp4", "VLC/3.0.21"); again.status != http.StatusForbidden {
		t.Errorf("its player comes back and gets %d", again.status)
	}
	if line, err := os.ReadFile(log); err != nil || !strings.HasSuffix(string(line), " admin\n") {
		t.Errorf("the access log says %q, %v", line, err)
	}
	tab.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true})
	tab.open(server.url + "/status")
	tab.eval(`document.querySelector("#now tbody tr .end button").focus(); ""`)
	tab.key("Enter")
	is("it works without scripts", `document.querySelector("[role=status]")?.textContent.startsWith("The session was ended")`)
	if err := <-other.broken; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the other film was not cut: %v", err)
	}
	if len(tab.complaints) > 0 {
		t.Errorf("the console says %v", tab.complaints)
	}
}

// TestWatchedStatusHoldsNothingUp stops the server while a browser watches the
// status: it does not wait for that as for a stream.
func TestWatchedStatusHoldsNothingUp(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "mustserv.toml")
	write(t, config, []byte("[stream]\nlisten = \"127.0.0.1:0\"\nshutdown_timeout = \"1h\"\n"))
	server := start(t, "-config", config)
	events, err := http.Get(server.url + "/status/events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	first := make([]byte, len("event: now\n"))
	if _, err := io.ReadFull(events.Body, first); err != nil || string(first) != "event: now\n" {
		t.Fatalf("%q, %v", first, err)
	}
	server.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-server.ended:
		server.ended <- err // for who cleans up
	case <-time.After(time.Minute):
		t.Error("the server waits for the browser")
	}
}
