package webui

import (
	"net/url"
	"strings"
	"time"

	"mustserv/stream/routing"
)

// nodes returns those that serve together; none where this one is alone.
func (h *Handler) nodes() []routing.Node {
	if h.Nodes == nil {
		return nil
	}
	return h.Nodes()
}

// origins returns the addresses of other nodes for a page's policy, each after
// a space.
func origins(nodes []routing.Node) (list string) {
	for _, n := range nodes {
		if u, err := url.Parse(n.Public); err == nil && !n.Self && !strings.ContainsAny(u.Host, "; ,") {
			list += " " + u.Scheme + "://" + u.Host
		}
	}
	return list
}

// nodeJSON is a node in the API, as this one knows it.
type nodeJSON struct {
	URL      string     `json:"url"`
	Node     string     `json:"node,omitempty"` // its id, once it has answered
	Self     bool       `json:"self,omitempty"`
	Up       bool       `json:"up"`
	Since    *time.Time `json:"since,omitempty"` // it is up, or down
	Draining bool       `json:"draining,omitempty"`
	Problem  string     `json:"problem,omitempty"`
	Weight   int        `json:"weight"`
	Viewers  int        `json:"viewers"`
	Capacity int64      `json:"capacity"` // 0: no limit
	Reserved int64      `json:"reserved"`
	Free     int64      `json:"free"`
	Waiting  int        `json:"waiting"`
	SentRate int64      `json:"sent_rate"`
	Clock    float64    `json:"clock,omitempty"` // seconds that it goes ahead of ours
	Routed   int        `json:"routed"`          // viewers that were sent there from here
}

func describeNodes(nodes []routing.Node) []nodeJSON {
	list := make([]nodeJSON, len(nodes))
	for i, n := range nodes {
		list[i] = nodeJSON{
			URL: n.Public, Node: n.ID, Self: n.Self, Up: n.Up, Since: known(n.Since), Draining: n.Draining, Problem: n.Problem,
			Weight: n.Told.Weight, Viewers: n.Viewers, Capacity: n.Capacity, Reserved: n.Reserved, Free: n.Free,
			Waiting: n.Waiting, SentRate: n.SentRate, Clock: n.Skew.Seconds(), Routed: n.Sent,
		}
	}
	return list
}

// nodeRow is a node as it is shown.
type nodeRow struct {
	routing.Node
	State saying
	Since time.Duration // 0 if not known
}

func nodeRows(nodes []routing.Node, now time.Time) []nodeRow {
	rows := make([]nodeRow, len(nodes))
	for i, n := range nodes {
		rows[i] = nodeRow{Node: n, State: nodeInWords(n)}
		if !n.Since.IsZero() {
			rows[i].Since = now.Sub(n.Since)
		}
	}
	return rows
}

func nodeInWords(n routing.Node) saying {
	switch {
	case n.Self:
		return say("this one")
	case !n.Up && n.Since.IsZero():
		return say("not asked yet")
	case !n.Up:
		return say("down")
	case n.Draining:
		return say("draining")
	case n.Resting:
		return say("resting")
	}
	return say("up")
}
