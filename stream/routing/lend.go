package routing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// LentPath is where a node hears what another one sends in its name.
const LentPath = "/api/v1/lent"

const (
	lentMost = 1 << 20 // bytes of what is told at once
	tellTime = 2 * time.Second
)

// Lent is how a range is doing that a node sends in the name of another one,
// as the first tells the second.
type Lent struct {
	ID     string `json:"id"`    // that the viewer was sent there with
	Range  int64  `json:"range"` // of the same viewer; no two are alike
	Status int    `json:"status"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"` // bytes asked for
	Sent   int64  `json:"sent"` // so far
	Ended  bool   `json:"ended"`
}

// Lend returns the base URL of the data node, which is to send the item in the
// name of this one; false where there is none, or it is not fit for it.
func (c *Cluster) Lend(ctx context.Context, a Asked) (base string, ok bool) {
	c.mu.Lock()
	p, key := c.data, a.Path+" "+a.ETag
	fit := p != nil && p.takes(time.Now()) && a.Hops == 0
	known := fit && c.lent.node(key, time.Now()) == p.ID
	c.mu.Unlock()
	if !fit || known {
		return c.publicOf(p, known)
	}
	if rest, err := c.confirm(ctx, p, a); err != nil {
		if ctx.Err() == nil {
			c.refused(p, a, rest, err)
		}
		return "", false
	}
	c.mu.Lock()
	c.lent.note(key, p.ID, time.Now())
	c.mu.Unlock()
	return c.publicOf(p, true)
}

func (c *Cluster) publicOf(p *peer, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.Public, true
}

// Tell tells a node what is sent in its name. It fails where that is none of
// the config's.
func (c *Cluster) Tell(ctx context.Context, node string, list []Lent) error {
	c.mu.Lock()
	i := slices.IndexFunc(c.peers, func(p *peer) bool { return p.ID == node && !p.Self })
	var p *peer
	if i >= 0 {
		p = c.peers[i]
	}
	c.mu.Unlock()
	if p == nil {
		return fmt.Errorf("tell node %q what is sent in its name: it is not in [routing] nodes", node)
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	answer, err := c.send(limited, p, http.MethodPost, LentPath, body)
	if err != nil {
		return fmt.Errorf("tell %s what is sent in its name: %w", p.URL, err)
	}
	defer answer.Body.Close()
	return refusal(answer)
}

// ReadLent reads what another node tells. It fails where the body is not the
// one that was signed.
func ReadLent(r *http.Request) ([]Lent, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, lentMost))
	if err != nil {
		return nil, err
	}
	if r.Header.Get(digestHeader) != digest(body) {
		return nil, errors.New("read what another node sends: the body is not the one that was signed")
	}
	var list []Lent
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("read what another node sends: %w", err)
	}
	return list, nil
}
