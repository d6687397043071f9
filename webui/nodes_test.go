package webui

import (
	"strings"
	"testing"
	"time"

	"mustserv/stream/routing"
)

func TestStatusShowsTheNodes(t *testing.T) {
	o := testOptions(testRoot())
	o.Nodes = func() []routing.Node {
		return []routing.Node{
			{Public: "http://10.0.0.1:8000", Self: true, Up: true, Since: time.Now().Add(-61 * time.Minute)},
			{Public: "http://10.0.0.2:8000", Up: true, Draining: true, Report: routing.Report{Viewers: 7, Capacity: 100e6, Reserved: 35e6}},
			{Public: "http://10.0.0.3:8000", Since: time.Now().Add(-200 * time.Second), Problem: "connection <refused>"},
			{Public: "http://10.0.0.4:8000", Up: true, Resting: true, Sent: 12},
			{Public: "http://10.0.0.5:8000"},
		}
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	answer := get(h, "GET", "/status")
	page := answer.Body.String()
	if csp := answer.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "; media-src 'self' http://10.0.0.2:8000 http://10.0.0.3:8000 ") || strings.Contains(csp, "10.0.0.1") {
		t.Errorf("films may come from %q", csp)
	}
	for _, want := range []string{"this one for 1 h", "draining</td>", "35 Mbit/s", "down for 3 min", "connection &lt;refused&gt;", "resting", "not asked yet", ">12<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, row := range []struct {
		path string
		want bool
	}{{"/api/v1/status", true}, {"/api/v1/status?self", false}} {
		if body := get(h, "GET", row.path).Body.String(); strings.Contains(body, `"nodes":[{"url":"http://10.0.0.1:8000","self":true,"up":true`) != row.want {
			t.Errorf("%s: %s", row.path, body)
		}
	}
}
