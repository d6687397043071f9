package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"mustserv/library/probe/probetest"
)

// wire leads to a node, while it is not cut.
type wire struct {
	addr  string
	mu    sync.Mutex
	isCut bool
	conns []net.Conn
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &wire{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(c, to)
		}
	}()
	return w
}

func (w *wire) carry(here net.Conn, to string) {
	defer here.Close()
	there, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer there.Close()
	if !w.add(here, there) {
		return
	}
	go func() { io.Copy(there, here); there.Close() }()
	io.Copy(here, there)
}

func (w *wire) add(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conns...)
	return !w.isCut
}

// cut ends all that goes over it, until it is mended.
func (w *wire) cut(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = yes
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// Two nodes that do not see each other any more go on, and let wait whom they
// would have sent on; when they meet again they send on again.
func TestSplitBrain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film := probetest.WAV(60, 44100, 2) // 1.4 Mbit/s
	write(t, filepath.Join(dir, "a.wav"), film)
	addrs := []string{freeAddress(t), freeAddress(t)}
	wires := []*wire{newWire(t, addrs[0]), newWire(t, addrs[1])}
	var nodes []*program
	for i, capacity := range []string{"5 Mbit/s", "50 Mbit/s"} {
		list := []string{wires[0].addr, wires[1].addr}
		list[i] = addrs[i]
		config := filepath.Join(t.TempDir(), "m.toml")
		write(t, config, []byte(fmt.Sprintf("[routing]\nnodes = [\"http://%s\"]\nurl = \"http://%s\"\n[ratelimit]\nread_ahead = \"0s\"\ncapacity = \"%s\"\n[[share]]\nname = \"S\"\npath = '%s'\n",
			strings.Join(list, "\", \"http://"), addrs[i], capacity, dir)))
		nodes = append(nodes, start(t, "-config", config, "-listen", addrs[i]))
	}
	small, large := nodes[0], nodes[1]
	see := func(up int) {
		t.Helper()
		for _, n := range nodes {
			eventually(t, fmt.Sprintf("%d are up", up), func() bool { s := n.status(t); return s.up() == up && s.Unmeasured == 0 && s.Items > 0 })
		}
	}
	const path = "/media/S/a.wav"
	see(2)
	first := asViewer(t, 200, small.url+path)
	sent, err := http.Get(small.fill(t, path))
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Body.Close()

	for _, w := range wires {
		w.cut(true)
	}
	see(1)
	for _, n := range nodes {
		n.stderr.wait(t, "node is down")
	}
	begin := make([]byte, 512<<10)
	if _, err := io.ReadFull(sent.Body, begin); err != nil || !bytes.Equal(begin, film[:len(begin)]) || !strings.HasPrefix(sent.Request.URL.String(), large.url) {
		t.Errorf("who was sent on before gets from %s: %v", sent.Request.URL, err)
	}
	waits := make(chan *http.Response, 1)
	go func() {
		answer, err := http.Get(small.url + path)
		if err != nil {
			t.Error(err)
			close(waits)
			return
		}
		waits <- answer
	}()
	eventually(t, "one more waits", func() bool { return small.status(t).Waiting == 1 })
	first.Body.Close()
	if answer, ok := <-waits; ok {
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Request.URL.String(), small.url) {
			t.Errorf("who waited gets %s from %s", answer.Status, answer.Request.URL)
		}
	}
	other := asViewer(t, 220, large.url+path)
	other.Body.Close()
	if other.StatusCode != http.StatusOK {
		t.Errorf("the other half answers %s", other.Status)
	}

	for _, w := range wires {
		w.cut(false)
	}
	see(2)
	answer := asViewer(t, 230, small.url+path)
	answer.Body.Close()
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusTemporaryRedirect || !strings.HasPrefix(to, large.url) {
		t.Errorf("once they have met again: %s to %s", answer.Status, to)
	}
}
