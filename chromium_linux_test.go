package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tab is a page of a headless Chromium, driven over its debugging pipe: JSON
// messages, each ended by a zero byte (Chrome DevTools Protocol).
type tab struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int

	complaints []string // of the browser about pages: errors on its console
	traffic    traffic  // since somebody set it back, once Network.enable was called
}

// traffic is what came over the network, and not out of the browser's cache.
type traffic struct {
	fetched int     // answers
	bytes   float64 // with their heads, as they were on the wire
}

// count counts an event of the network.
func (s *traffic) count(m message) {
	n, _ := m.Params["encodedDataLength"].(float64)
	if m.Method == "Network.loadingFinished" && n > 0 {
		s.fetched++
		s.bytes += n
	}
}

func startChromium(t *testing.T) *tab {
	t.Helper()
	dir, err := os.MkdirTemp("", "mustserv-chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	commands, in := pipe(t)
	out, answers := pipe(t)
	cmd := exec.Command("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--autoplay-policy=no-user-gesture-required", "--user-data-dir="+dir, "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{commands, answers} // descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	commands.Close()
	answers.Close()
	c := &tab{t: t, in: in, out: bufio.NewReader(out)}
	target := c.call("Target.createTarget", map[string]any{"url": "about:blank"})
	c.session = c.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})["sessionId"].(string)
	c.call("Page.enable", nil)
	c.call("Runtime.enable", nil)
	c.call("Log.enable", nil)
	return c
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

type message struct {
	ID     int            `json:"id,omitempty"`
	Method string         `json:"method,omitempty"`
	Params map[string]any `json:"params,omitempty"`
	Result map[string]any `json:"result,omitempty"`
	Error  map[string]any `json:"error,omitempty"`
}

func (c *tab) read() message {
	c.t.Helper()
	data, err := c.out.ReadBytes(0)
	if err != nil {
		c.t.Fatalf("chromium: %v", err)
	}
	var m message
	if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
		c.t.Fatal(err)
	}
	c.traffic.count(m)
	entry, _ := m.Params["entry"].(map[string]any)
	if m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" && entry["level"] == "error" {
		c.complaints = append(c.complaints, fmt.Sprint(m.Params))
	}
	return m
}

// call sends a command and waits for its answer; there is none where the page
// goes meanwhile.
func (c *tab) call(method string, params map[string]any) map[string]any {
	c.t.Helper()
	c.id++
	data, err := json.Marshal(map[string]any{"id": c.id, "method": method, "params": params, "sessionId": c.session})
	if c.session == "" {
		data, err = json.Marshal(map[string]any{"id": c.id, "method": method, "params": params})
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(data, 0)); err != nil {
		c.t.Fatal(err)
	}
	for {
		m := c.read()
		if m.ID != c.id {
			continue // an event
		}
		if m.Error != nil && !strings.Contains(fmt.Sprint(m.Error), "navigated or closed") {
			c.t.Fatalf("chromium: %s: %v", method, m.Error)
		}
		return m.Result
	}
}

// open navigates to a page and waits until it is loaded.
func (c *tab) open(url string) {
	c.t.Helper()
	c.call("Page.navigate", map[string]any{"url": url})
	for c.read().Method != "Page.domContentEventFired" {
	}
}

// eval runs a script that yields text, or a promise of it; no text where it
// went with its page.
func (c *tab) eval(script string) string {
	c.t.Helper()
	answer := c.call("Runtime.evaluate", map[string]any{"expression": "{" + script + "}", "awaitPromise": true, "returnByValue": true})
	if answer["exceptionDetails"] != nil {
		c.t.Fatalf("chromium: %s: %v", script, answer["exceptionDetails"])
	}
	result, _ := answer["result"].(map[string]any)
	text, _ := result["value"].(string)
	return text
}

// overflows tells whether the page is wider than its window.
func (c *tab) overflows() bool {
	c.t.Helper()
	return c.eval(`"" + (document.documentElement.scrollWidth > innerWidth)`) == "true"
}
