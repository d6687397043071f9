package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
)

// The README's pictures: MUSTSERV_LONG=1 MUSTSERV_PICTURES=FOLDER takes them
// of films of some length, that were watched for a while.

const pictureMost = 150_000 // bytes: a README loads fast

// cinema serves films of no content, with drawn posters.
func cinema(t *testing.T) *program {
	t.Helper()
	need(t, "chromium", "ffmpeg")
	dir, second := t.TempDir(), 1.0 // of a minute
	if os.Getenv("MUSTSERV_LONG") != "" {
		second = 60
	}
	for i, film := range []struct {
		name           string
		minutes, bytes int // bytes of a quiet picture
		colours        string
	}{
		{"Harbour Lights (2019)", 52, 1100, "c0=0x0b2d48:c1=0xe8935a:c2=0x12566b"}, {"Low Tide (2021)", 38, 700, "c0=0x1d5c63:c1=0xf2e3c9:c2=0x417d7a"},
		{"Northern Line (2016)", 47, 900, "c0=0x20242b:c1=0xb6403a:c2=0x5b6676"}, {"Saltmarsh (2023)", 29, 1000, "c0=0x5a6b2f:c1=0xd9c88f:c2=0x2d3a1e"},
		{"The Long Field (2018)", 41, 800, "c0=0xb97a24:c1=0xf4d58d:c2=0x6b3e1c"}, {"Weathervane (2020)", 33, 1200, "c0=0x2a2350:c1=0xc0a5d8:c2=0x4d3f86"},
		{"Winter Garden (2014)", 58, 600, "c0=0xdfe9ee:c1=0x3f6d8c:c2=0x8fb4c8"}, {"Yesterday's Weather (2022)", 26, 900, "c0=0x3c4a57:c1=0x9fb7c4:c2=0x1b2027"},
	} {
		at := filepath.Join(dir, "films", film.name)
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		size := func(n int) int { // scenes of twenty seconds, some of them busy, and a picture every two seconds that is larger
			busy := []int{1, 2, 1, 4, 2, 1, 3, 1, 6, 2, 1, 2, 5, 3, 1}[(n/480+i)%15]
			if n%48 == 0 {
				busy *= 5
			}
			return film.bytes * busy
		}
		write(t, filepath.Join(at, film.name+".mp4"), probetest.MP4(probetest.MP4Options{Seconds: float64(film.minutes) * second, FPS: 24, Audio: true, FrameSize: size}))
		poster := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("gradients=s=300x400:n=3:%s:seed=%d", film.colours, i+1),
			"-frames:v", "1", "-q:v", "4", filepath.Join(at, "poster.jpg"))
		if out, err := poster.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	write(t, filepath.Join(dir, "mustserv.toml"), []byte("# What is shared. Saving applies it at once.\n[[share]]\nname = \"Films\"\npath = \"films\"\n\n[stream]\nlisten = \"127.0.0.1:0\"\n\n"+
		"[ratelimit]\ncapacity = \"20 Mbit/s\"           # of the network\nread_ahead = \"30s\"\n\n[webui]\ntitle = \"Attic\"\n"))
	command := mustserv(t, "-config", "mustserv.toml")
	command.Dir = dir
	server := launch(t, command, t.TempDir())
	eventually(t, "all is measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":8`) && strings.Contains(body, `"unmeasured":0`)
	})
	return server
}

// sit has a viewer at an address of his own watch a film to its end.
func sit(t *testing.T, address, player, url string) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", player)
	answer, err := (&http.Transport{DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, at)
	}}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	go io.Copy(io.Discard, answer.Body)
}

func TestReadmePictures(t *testing.T) {
	t.Parallel()
	server := cinema(t)
	tab := startChromium(t)
	tab.call("Emulation.setScrollbarsHidden", map[string]any{"hidden": true})
	watched, pause := time.Now(), time.Duration(0)
	if os.Getenv("MUSTSERV_LONG") != "" {
		pause = 20 * time.Second
	}
	for i, viewer := range []struct{ address, player, film string }{
		{"127.0.0.21", "VLC/3.0.21 LibVLC/3.0.21", "Harbour%20Lights%20%282019%29"}, {"127.0.0.34", "Kodi/21.1 (X11; Linux x86_64)", "Weathervane%20%282020%29"},
		{"127.0.0.22", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Low%20Tide%20%282021%29"},
		{"127.0.0.40", "Lavf/61.7.100", "Saltmarsh%20%282023%29"},
	} {
		sit(t, viewer.address, viewer.player, server.url+"/media/Films/"+viewer.film+"/"+viewer.film+".mp4")
		time.Sleep(time.Until(watched.Add(time.Duration(i+1) * pause)))
	}
	for _, page := range []struct {
		name, path, ready string
		height            int
	}{
		{"status", "/status", `document.querySelectorAll("#now tbody tr").length > 3 && document.querySelector("#hour svg")`, 1230},
		{"library", "/films", `document.querySelectorAll(".cards img").length === 8 && [...document.querySelectorAll(".cards img")].every(i => i.complete)`, 860},
		{"film", "/watch/Films/Harbour%20Lights%20%282019%29/Harbour%20Lights%20%282019%29.mp4", `document.querySelector(".chart").complete`, 1080},
		{"admin", "/admin", `document.querySelector(".gutter")`, 870},
	} {
		tab.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1200, "height": page.height, "deviceScaleFactor": 1, "mobile": false})
		tab.open(server.url + page.path)
		if page.name == "film" {
			tab.eval(`document.querySelector(".chart").loading = "eager"; document.querySelector(".player").style.maxHeight = "18rem"; ""`)
		}
		tab.is(page.name+" is there", `!!(`+page.ready+`)`)
		data, err := base64.StdEncoding.DecodeString(tab.call("Page.captureScreenshot", map[string]any{"format": "webp", "quality": 85})["data"].(string))
		if err != nil || len(data) > pictureMost {
			t.Errorf("the picture of the %s has %d bytes, %v", page.name, len(data), err)
		}
		if dir := os.Getenv("MUSTSERV_PICTURES"); dir != "" {
			write(t, filepath.Join(dir, page.name+".webp"), data)
		}
	}
}
