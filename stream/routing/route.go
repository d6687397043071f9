package routing

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// triesMost is how many nodes are asked for one viewer, who waits for it.
const triesMost = 3

// confirmTime is how long one may take to answer.
const confirmTime = 2 * time.Second

// hopsMost is how often a viewer is sent on, by nodes that do not know yet of
// each other that they drain.
const hopsMost = 3

// Reason is why a viewer may be sent to another node.
type Reason int

// The reasons.
const (
	ByPolicy Reason = iota // this node has room for it; the config says whether another is to get it
	Full                   // it has none
	Draining               // it is about to end
)

// Asked is an item that a player asks for.
type Asked struct {
	Viewer string // the player and what it plays: one that comes again goes where it was
	Item   string // what it plays, the same for all
	Path   string // of the item's bytes as in a URL: "/media/Films/a.mp4"
	ETag   string // of the item here
	Need   int64  // bit/s
	TLS    bool   // a page that came by TLS takes nothing that does not
	Hops   int    // how often it was sent on
	Reason Reason
}

// Route returns the base URL of the node that is to send an item to a player;
// none says that it is this node.
func (c *Cluster) Route(ctx context.Context, a Asked) (base string, ok bool) {
	if a.Hops > 0 && (a.Reason != Draining || a.Hops >= hopsMost) || !c.Elsewhere() {
		return "", false
	}
	var tried []*peer
	for range triesMost {
		p := c.pick(a, tried, time.Now())
		if p == nil {
			return "", false
		}
		rest, err := c.confirm(ctx, p, a)
		if err == nil {
			return c.settle(p, a), true
		}
		if ctx.Err() != nil {
			return "", false
		}
		tried = append(tried, p)
		c.refused(p, a, rest, err)
	}
	return "", false
}

// pick returns the node that a viewer is to go to, nil for this one.
func (c *Cluster) pick(a Asked, tried []*peer, now time.Time) *peer {
	own := c.Self()
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.DeleteFunc(c.others(now), func(p *peer) bool {
		return slices.Contains(tried, p) || a.TLS && !strings.HasPrefix(p.Public, "https:")
	})
	if id := c.memory.node(a.Viewer, now); id != "" {
		if i := slices.IndexFunc(list, func(p *peer) bool { return p.ID == id }); i >= 0 {
			return list[i] // it has its place there, whatever else is taken
		}
		c.memory.forget(a.Viewer)
	}
	if a.Reason == ByPolicy && c.config.Redirect != Always {
		return nil
	}
	var found []Candidate
	for _, p := range list {
		if p.Report.Fits(a.Need, p.sent()) {
			found = append(found, candidateOf(p))
		}
	}
	switch {
	case a.Reason == ByPolicy:
		found = append(found, Candidate{ID: c.ID, Here: true, Report: own, Weight: c.config.Weight})
	case a.Reason == Draining && len(found) == 0: // they let it wait: this node is about to end
		for _, p := range list {
			found = append(found, candidateOf(p))
		}
	}
	chosen, _ := c.turns.Choose(c.config.Policy, found, a.Item)
	return chosen.peer // none of none
}

// confirm asks a node whether it has the very item. An error with rest says
// that the node is not fit for viewers now.
func (c *Cluster) confirm(ctx context.Context, p *peer, a Asked) (rest bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	answer, err := c.send(ctx, p, http.MethodHead, a.Path, nil)
	if err != nil {
		return true, err
	}
	answer.Body.Close()
	switch status := answer.StatusCode; {
	case status == http.StatusNotFound:
		return false, fmt.Errorf("it has no %s", a.Path)
	case status != http.StatusOK:
		return true, refusal(answer)
	case answer.Header.Get("ETag") != a.ETag:
		return false, fmt.Errorf("it has another %s", a.Path)
	}
	return false, nil
}

// settle notes that a viewer goes to a node, and returns its address.
func (c *Cluster) settle(p *peer, a Asked) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.memory.node(a.Viewer, now) != p.ID {
		p.pending = append(p.pending, sending{now, a.Need})
		p.Sent++
		c.memory.note(a.Viewer, p.ID, now)
	}
	return p.Public
}

// refused notes that a node does not take a viewer.
func (c *Cluster) refused(p *peer, a Asked, rest bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.memory.forget(a.Viewer)
	if rest { // else it lacks a file, which may be so for each viewer
		p.rest = time.Now().Add(restTime)
		c.Log.Info("node does not take a viewer", "node", p.URL, "error", err)
	}
}
