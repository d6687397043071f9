package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
	"mustserv/stream/auth"
)

// cluster is some nodes with the same shares, that know each other.
type cluster []*program

// startCluster starts nodes; each reads its own config behind the common one.
func startCluster(t *testing.T, common string, each ...string) cluster {
	t.Helper()
	addrs := make([]string, len(each))
	for i := range each {
		addrs[i] = freeAddress(t)
	}
	var nodes cluster
	for i := range each {
		config := fmt.Sprintf("[routing]\nnodes = [\"http://%s\"]\n%s\n%s\n", strings.Join(addrs, "\", \"http://"), each[i], common)
		file := filepath.Join(t.TempDir(), "m.toml")
		write(t, file, []byte(config))
		nodes = append(nodes, start(t, "-config", file, "-listen", addrs[i]))
	}
	for _, n := range nodes {
		eventually(t, "all nodes know each other and their films", func() bool {
			s := n.status(t)
			return s.up() == len(nodes) && s.Unmeasured == 0 && !s.Scanning && s.Items > 0
		})
	}
	return nodes
}

// nodeStatus is what a node says of itself and the others.
type nodeStatus struct {
	Items, Unmeasured int
	Scanning          bool
	Viewers, Waiting  int
	Nodes             []struct {
		URL, Problem       string
		Up, Self, Draining bool
		Viewers, Routed    int
	}
}

func (p *program) status(t *testing.T) (s nodeStatus) {
	t.Helper()
	request, err := http.NewRequest("GET", p.url+"/api/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("ann", "sesame")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s nodeStatus) up() (n int) {
	for _, node := range s.Nodes {
		if node.Up {
			n++
		}
	}
	return n
}

// asViewer asks from an address of its own, as a player at another computer
// would; it follows no redirect. The answer's body is the caller's to close.
func asViewer(t *testing.T, from int, url string) *http.Response {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(1+from/200), byte(1+from%200))}}
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("ann", "sesame")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// fill lets viewers come to a node until it sends one on, and returns where
// to. Those who came stay.
func (p *program) fill(t *testing.T, path string) (location string) {
	t.Helper()
	for from := range 100 {
		answer := asViewer(t, from, p.url+path)
		switch answer.StatusCode {
		case http.StatusOK:
			t.Cleanup(func() { answer.Body.Close() })
			io.CopyN(io.Discard, answer.Body, 1)
		case http.StatusTemporaryRedirect:
			answer.Body.Close()
			return answer.Header.Get("Location")
		default:
			t.Fatalf("viewer %d: %s", from, answer.Status)
		}
	}
	t.Fatal("100 viewers have room on a small link")
	return ""
}

func TestNodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film := probetest.WAV(60, 44100, 2) // 1.4 Mbit/s
	write(t, filepath.Join(dir, "a b.wav"), film)
	hash, err := auth.Hash("sesame")
	if err != nil {
		t.Fatal(err)
	}
	common := "[[share]]\nname = \"Films\"\npath = '" + dir + "'\n[auth]\nkey = \"one key for all nodes, 32 letters\"\n" +
		"[[auth.user]]\nname = \"ann\"\npassword = \"" + hash + "\"\nrole = \"viewer\"\n[ratelimit]\nread_ahead = \"0s\"\nqueue_wait = \"3s\"\ncapacity = "
	nodes := startCluster(t, "", common+"\"5 Mbit/s\"", common+"\"1 Mbit/s\"", common+"\"50 Mbit/s\"\n[stream]\nshutdown_timeout = \"6s\"")
	first, third := nodes[0], nodes[2]

	const path = "/media/Films/a%20b.wav"
	location := first.fill(t, path)
	if !strings.HasPrefix(location, third.url+"/signed/") || !strings.HasSuffix(location, path+"?routed=1") {
		t.Fatalf("a full node sends to %s", location)
	}
	answer, err := http.Get(location) // as a player that knows no password
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	begin := make([]byte, 64<<10)
	if _, err := io.ReadFull(answer.Body, begin); err != nil || string(begin) != string(film[:len(begin)]) || answer.StatusCode != 200 {
		t.Errorf("there: %s, %v", answer.Status, err)
	}
	if status, body := get(t, third.url+path); status != http.StatusUnauthorized {
		t.Errorf("without the signature: %d %s", status, body)
	}

	if err := third.cmd.Process.Signal(syscall.SIGTERM); err != nil { // with one viewer
		t.Fatal(err)
	}
	eventually(t, "all know that it drains", func() bool { return first.status(t).Nodes[2].Draining })
	if status, _ := get(t, third.url+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("it says that it is ready: %d", status)
	}
	again := asViewer(t, 150, location)
	if to := again.Header.Get("Location"); again.StatusCode != 307 || strings.HasPrefix(to, third.url) || !strings.HasSuffix(to, "?routed=2") {
		t.Errorf("a viewer that comes again at its end: %s to %s", again.Status, to)
	}
	if _, err := io.ReadFull(answer.Body, begin); err != nil {
		t.Errorf("who watches is cut off: %v", err)
	}
	answer.Body.Close()
	if err := <-third.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	third.ended <- nil // for the cleanup
	eventually(t, "the others see that it is gone", func() bool { s := first.status(t); return s.up() == 2 && s.Nodes[2].Problem != "" })

	began := time.Now()
	nodes[1].cmd.Process.Kill()
	eventually(t, "the last one sees that it is alone", func() bool { return first.status(t).up() == 1 })
	if took := time.Since(began); took > 5*time.Second && !testing.Short() {
		t.Errorf("a dead node was seen after %v", took)
	}
	if answer := asViewer(t, 160, first.url+path); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("nobody has room: %s", answer.Status)
	}
}

// Players that come to a full node play at another one, and find their way
// there again at each jump.
func TestPlayersAreSentOn(t *testing.T) {
	t.Parallel()
	need(t, "mpv", "vlc", "ffmpeg", "chromium", "audacious")
	common := "[[share]]\nname = \"Films\"\npath = '" + films(t) + "'\n[ratelimit]\nread_ahead = \"0s\"\ncapacity = "
	nodes := startCluster(t, "", common+"\"2 Mbit/s\"", common+"\"100 Mbit/s\"")
	full, free := nodes[0], nodes[1]
	full.fill(t, "/media/Films/vbr.mp3")
	t.Run("players", func(t *testing.T) {
		for file, startPlayer := range map[string]func(*testing.T, string) player{"film.mkv": startVLC, "end.mp4": startMPV, "vbr.mp3": startAudacious} {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				p := startPlayer(t, full.url+"/media/Films/"+file)
				reaches(t, p, 2)
				if err := p.seek(40); err != nil {
					t.Fatal(err)
				}
				reaches(t, p, 42)
			})
		}
		t.Run("start.mp4", func(t *testing.T) { // on a page whose policy lets films come from the other node
			t.Parallel()
			tab := startChromium(t)
			tab.open(full.url + "/watch/Films/start.mp4")
			tab.eval(`const m = document.querySelector("video"); m.muted = true; m.play().then(() => "")`)
			eventually(t, "playing", func() bool { return tab.eval(`"" + (document.querySelector("video").currentTime > 1)`) == "true" })
			tab.eval(`document.querySelector("video").currentTime = 45; ""`)
			eventually(t, "playing after a seek", func() bool { return tab.eval(`"" + (document.querySelector("video").currentTime > 46)`) == "true" })
		})
		t.Run("film.avi", func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-nostdin", "-ss", "40", "-i", full.url+"/media/Films/film.avi", "-t", "5", "-f", "null", "-").CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("seek: %v\n%s", err, out)
			}
		})
	})
	// Each comes to the full node several times, and is one viewer for each of
	// the five files, and the one that found it full.
	if s := full.status(t); s.Nodes[1].Routed != 6 || free.status(t).Items == 0 {
		t.Errorf("%d viewers were sent on, want 6", s.Nodes[1].Routed)
	}
}

// Each file is measured by one node, for all.
func TestNodesShareMeasurements(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const files = 40
	for i := range files {
		write(t, filepath.Join(dir, fmt.Sprintf("%d.wav", i)), probetest.WAV(1, 8000, 1))
	}
	nodes := startCluster(t, "[[share]]\nname = \"S\"\npath = '"+dir+"'\n", "", "")
	measured, curve := 0, ""
	for _, n := range nodes {
		_, text := get(t, n.url+"/metrics")
		var taken int
		fmt.Sscanf(text[strings.LastIndex(text, "mustserv_measured_elsewhere_total"):], "mustserv_measured_elsewhere_total %d", &taken)
		measured += files - taken
		_, item := get(t, n.url+"/api/v1/items/S/7.wav?measured")
		item = strings.ReplaceAll(item, n.url, "")
		if curve != "" && item != curve {
			t.Errorf("one says %s, the other %s", curve, item)
		}
		curve = item
	}
	t.Logf("%d measurements of %d files", measured, files)
	if most := files * 5 / 4; measured > most { // who is asked before it has heard of a file leaves it to who asks
		t.Errorf("%d measurements of %d files", measured, files)
	}
}
