package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mustserv/library/probe/probetest"
)

// startPeer starts a whole program with shares, and returns its access log.
func startPeer(t *testing.T, addr, shares string) (p *program, log string) {
	t.Helper()
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	write(t, filepath.Join(dir, "m.toml"), []byte("[stream]\naccess_log = '"+log+"'\n"+shares))
	return start(t, "-config", filepath.Join(dir, "m.toml"), "-listen", addr), log
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// paths returns what the API lists in a folder.
func paths(t *testing.T, url string) string {
	t.Helper()
	_, body := get(t, url)
	var answer struct{ Folders, Items []struct{ Path string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s answers %v: %s", url, err, body)
	}
	var all []string
	for _, e := range append(answer.Folders, answer.Items...) {
		all = append(all, e.Path)
	}
	return strings.Join(all, " ")
}

// A share of another MuStServ is what that one has measured: nothing of it is
// read until somebody plays it.
func TestPeer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film := probetest.MP4(probetest.MP4Options{Seconds: 3, FPS: 25, Audio: true})
	write(t, filepath.Join(dir, "a b.mp4"), film)
	write(t, filepath.Join(dir, "sub", "b.wav"), probetest.WAV(3, 8000, 1))
	first, log := startPeer(t, "127.0.0.1:0", "[[share]]\nname = \"Films\"\npath = '"+dir+"'\n")
	second, _ := startPeer(t, "127.0.0.1:0", "[[share]]\nname = \"Attic\"\nurl = \""+first.url+"/\"\n")

	const item = "Films/a%20b.mp4"
	var here, there struct {
		Duration, Size float64
		Container      string
		Bitrate        map[string]any
	}
	eventually(t, "what was measured is taken over", func() bool {
		_, body := get(t, second.url+"/api/v1/items/Attic/"+item)
		there.Duration = 0
		json.Unmarshal([]byte(body), &there) // an error is no duration
		return there.Duration > 0
	})
	_, body := get(t, first.url+"/api/v1/items/"+item)
	if err := json.Unmarshal([]byte(body), &here); err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(here), fmt.Sprint(there); a != b {
		t.Errorf("measured %s, taken over %s", a, b)
	}
	eventually(t, "the second file is known", func() bool {
		return paths(t, second.url+"/api/v1/items/Attic/Films/sub") == "Attic/Films/sub/b.wav"
	})
	if text, err := os.ReadFile(log); err != nil || len(text) > 0 {
		t.Errorf("files were read: %s, %v", text, err)
	}
	if status, got := get(t, second.url+"/media/Attic/"+item); status != 200 || got != string(film) {
		t.Errorf("%d, %d bytes of %d", status, len(got), len(film))
	}
	eventually(t, "the share is watched", func() bool {
		_, shares := get(t, second.url+"/api/v1/shares")
		return strings.Contains(shares, `"state":"watched"`)
	})
}

// Three servers share each other's libraries in a circle, and one itself.
func TestPeersInACircle(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for servers to ask each other, every ten seconds; left out with -short")
	}
	addrs := []string{freeAddress(t), freeAddress(t), freeAddress(t)}
	var peers []*program
	for i := range addrs {
		dir := t.TempDir()
		write(t, filepath.Join(dir, fmt.Sprintf("%d.wav", i)), probetest.WAV(1, 8000, 1))
		config := fmt.Sprintf("[library]\nrescan = \"10s\"\n[[share]]\nname = \"Own%d\"\npath = '%s'\n[[share]]\nname = \"Next\"\nurl = \"http://%s/\"\n", i, dir, addrs[(i+1)%3])
		if i == 0 {
			config += "[[share]]\nname = \"Self\"\nurl = \"http://" + addrs[0] + "/media/Own0/\"\n"
		}
		p, _ := startPeer(t, addrs[i], config)
		peers = append(peers, p)
	}
	for i, p := range peers {
		eventually(t, "what the next one has is there", func() bool {
			return paths(t, p.url+"/api/v1/items/Next") == fmt.Sprintf("Next/Next Next/Own%d", (i+1)%3)
		})
		eventually(t, "and what the one after it has", func() bool {
			return paths(t, p.url+"/api/v1/items/Next/Next") == fmt.Sprintf("Next/Next/Own%d", (i+2)%3)
		})
	}
	_, shares := get(t, peers[0].url+"/api/v1/shares")
	if !strings.Contains(shares, "can't be a share of itself") {
		t.Errorf("nothing is said of the share of itself: %s", shares)
	}
}
