package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
)

// startHandOver starts a node on a host and a guest that lends it its viewers.
func startHandOver(t *testing.T, shares string) (host, guest *program) {
	t.Helper()
	addrs := []string{freeAddress(t), freeAddress(t)}
	config := fmt.Sprintf("[routing]\nnodes = [\"http://%s\", \"http://%s\"]\nsecret = \"one secret of all nodes, 32 letters\"\n", addrs[0], addrs[1])
	var nodes []*program
	for i, own := range []string{"", "data_node = \"http://" + addrs[0] + "\"\n"} {
		file := filepath.Join(t.TempDir(), "m.toml")
		write(t, file, []byte(config+own+shares))
		nodes = append(nodes, start(t, "-config", file, "-listen", addrs[i]))
	}
	for _, n := range nodes {
		eventually(t, "both know each other and their files", func() bool {
			s := n.status(t)
			return s.up() == 2 && s.Unmeasured == 0 && !s.Scanning && s.Items > 0
		})
	}
	return nodes[0], nodes[1]
}

// A guest has the viewer and his session; the bytes come from the host.
func TestHandOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film := probetest.WAV(60, 44100, 2)
	write(t, filepath.Join(dir, "a b.wav"), film)
	host, guest := startHandOver(t, "[[share]]\nname = \"Films\"\npath = '"+dir+"'\n")
	const path = "/media/Films/a%20b.wav"
	eventually(t, "the guest knows the data node", func() bool {
		answer := asViewer(t, 1, guest.url+path)
		answer.Body.Close()
		return answer.StatusCode == 307
	})
	answer, err := http.Get(guest.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	begin := make([]byte, 64<<10)
	if _, err := io.ReadFull(answer.Body, begin); err != nil || !bytes.Equal(begin, film[:len(begin)]) || !strings.HasPrefix(answer.Request.URL.String(), host.url) {
		t.Errorf("from %s: %v", answer.Request.URL, err)
	}
	session := func(says string) bool {
		_, body := get(t, guest.url+"/api/v1/sessions")
		return strings.Contains(body, `"path":"Films/a b.wav"`) && strings.Contains(body, says)
	}
	eventually(t, "the guest has the session", func() bool { return session(`"active":true`) && !session(`"bytes":0,`) })
	if s := guest.status(t); s.Viewers == 0 {
		t.Error("the guest has no viewer")
	}
	answer.Body.Close()
	eventually(t, "the session is over", func() bool { return session(`"active":false`) })

	host.cmd.Process.Kill()
	eventually(t, "the guest serves by itself", func() bool {
		answer, err := http.Get(guest.url + path)
		if err != nil {
			return false // it was sent to the host, which is not there any more
		}
		defer answer.Body.Close()
		_, err = io.ReadFull(answer.Body, begin)
		return err == nil && bytes.Equal(begin, film[:len(begin)]) && strings.HasPrefix(answer.Request.URL.String(), guest.url)
	})
}

// TestHandOverTimes says what the way over the guest costs on a link of 1 Gbit/s:
// segments of the sizes of D-DASH, and single files. Each file is fetched both
// ways, one right after the other, and it is the median pair that counts: what
// else this computer does falls on both.
func TestHandOverTimes(t *testing.T) {
	if os.Getenv("MUSTSERV_LONG") == "" {
		t.Skip("MUSTSERV_LONG=1 reads for three minutes")
	}
	dir := t.TempDir()
	sets := []struct {
		name         string
		bytes, count int
	}{
		{"10.5 MB", 10_500_000, 351}, {"1.4 MB", 1_400_000, 526}, {"288.6 kB", 288_600, 875},
		{"4 kB", 4 << 10, 200}, {"100 kB", 100_000, 200}, {"1 MB", 1_000_000, 100}, {"25 MB", 25_000_000, 41}, {"100 MB", 100_000_000, 15}, {"200 MB", 200_000_000, 9},
	}
	file := func(name string, i int) string { return fmt.Sprintf("%s.%d.ts", strings.ReplaceAll(name, " ", ""), i) }
	for _, s := range sets {
		data := make([]byte, s.bytes)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		write(t, filepath.Join(dir, file(s.name, 0)), data)
		for i := range s.count - 1 {
			if err := os.Link(filepath.Join(dir, file(s.name, 0)), filepath.Join(dir, file(s.name, i+1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	host, guest := startHandOver(t, "[ratelimit]\nunmeasured = \"off\"\nper_client = \"1 Gbit/s\"\n[[share]]\nname = \"Films\"\npath = '"+dir+"'\n")
	client := &http.Client{Transport: &http.Transport{}}
	fetch := func(base, name string, size int) time.Duration {
		began := time.Now()
		answer, err := client.Get(base + "/media/Films/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != int64(size) || !strings.HasPrefix(answer.Request.URL.String(), host.url) {
			t.Fatalf("%s: %s, %d bytes, %v", answer.Request.URL, answer.Status, n, err)
		}
		return time.Since(began)
	}
	for _, s := range sets {
		var direct, longer []time.Duration
		for i := range s.count {
			first, second := host, guest
			if i%2 == 1 {
				first, second = guest, host
			}
			one, two := fetch(first.url, file(s.name, i), s.bytes), fetch(second.url, file(s.name, i), s.bytes)
			if i%2 == 1 {
				one, two = two, one
			}
			direct, longer = append(direct, one), append(longer, two-one)
		}
		slices.Sort(direct)
		slices.Sort(longer)
		usual, more := direct[s.count/2], longer[s.count/2]
		part := float64(more) / float64(usual)
		t.Logf("%3d x %-8s: from the host %8v each, by the guest %8v more, %+.1f %%", s.count, s.name, usual.Round(10*time.Microsecond), more.Round(10*time.Microsecond), part*100)
		if s.bytes >= 10_000_000 && part > 0.03 {
			t.Errorf("%s: %.1f %% more than directly, at most 3 %%", s.name, part*100)
		}
	}
}
