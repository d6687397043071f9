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

const (
	measuredMost  = 4 << 20                // bytes of what a node has found out about a file
	measuredEvery = 500 * time.Millisecond // between two questions for the same
	measuredWait  = 5 * time.Second        // for a node to measure what belongs to it
	idleMost      = time.Minute            // a node that measures nothing for so long is not waited for
)

// ErrPending says that the node that a file belongs to has still to measure
// it, and is at it.
var ErrPending = errors.New("the node that it belongs to has not measured it yet")

// errNotThere says that a node has not that very file.
var errNotThere = errors.New("that node has another file, or none")

// Owns reports whether a path belongs to this node, of all that are up.
func (c *Cluster) Owns(path string) bool {
	_, ours := c.holder(path)
	return ours
}

// Settle waits until it is known for each node whether it is up, so that all
// agree on what belongs to whom, or until ctx ends.
func (c *Cluster) Settle(ctx context.Context) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !c.settled() {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *Cluster) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.config.Nodes) == 0 ||
		len(c.peers) > 0 && !slices.ContainsFunc(c.peers, func(p *peer) bool { return p.Since.IsZero() })
}

// holder returns the node that a path belongs to, of all that are up; where
// that is this one, ours, it returns who would have it else, nil for nobody.
func (c *Cluster) holder(path string) (p *peer, ours bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []Candidate{{ID: c.ID}}
	for _, p := range c.peers {
		if p.Up && !slices.ContainsFunc(list, func(o Candidate) bool { return o.ID == p.ID }) {
			list = append(list, Candidate{peer: p, ID: p.ID})
		}
	}
	if first := owner(list, path); first.peer != nil {
		return first.peer, false
	}
	if len(list) == 1 {
		return nil, true
	}
	return owner(list[1:], path).peer, true
}

// Measured returns what the node has found out about a file that it belongs
// to, or where that is this one, any other; path is the library path as in a
// URL. It waits a while for the owner, and fails with ErrPending then; any
// other error says that the file is to be measured here.
func (c *Cluster) Measured(ctx context.Context, path string, size int64, modified time.Time) ([]byte, error) {
	p, ours := c.holder(path)
	if p == nil {
		return nil, errNotThere
	}
	for began := time.Now(); ; {
		text, err := c.measured(ctx, p, path, size, modified)
		if err == nil {
			c.mu.Lock()
			c.taken++
			c.mu.Unlock()
			return text, nil
		}
		if ours || !errors.Is(err, ErrPending) || !c.progress(p) {
			return nil, fmt.Errorf("ask %s what was measured: %v", p.URL, err) // and no ErrPending: it is not waited for
		}
		if time.Since(began) >= measuredWait {
			return nil, ErrPending
		}
		again := time.NewTimer(measuredEvery)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, ErrPending
		}
	}
}

// progress reports whether a node measures files.
func (c *Cluster) progress(p *peer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.Up && (p.Unmeasured > 0 || p.Scanning) && time.Since(p.progress) < idleMost
}

// Taken returns how many measurements were taken over from other nodes.
func (c *Cluster) Taken() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken
}

// measured asks a node what it has found out about a file.
func (c *Cluster) measured(ctx context.Context, p *peer, path string, size int64, modified time.Time) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	answer, err := c.send(ctx, p, http.MethodGet, "/api/v1/items/"+path+"?measured", nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if err := refusal(answer); err != nil {
		return nil, err
	}
	var item struct {
		Size     int64           `json:"size"`
		Modified time.Time       `json:"modified"`
		Measured json.RawMessage `json:"measured"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, measuredMost)).Decode(&item); err != nil {
		return nil, fmt.Errorf("its answer: %w", err)
	}
	if item.Size != size || item.Modified.Sub(modified).Abs() >= timeSteps {
		return nil, errNotThere
	}
	if len(item.Measured) == 0 {
		return nil, ErrPending
	}
	return item.Measured, nil
}

// timeSteps is how far the times of one file may differ between file systems:
// FAT keeps every other second.
const timeSteps = 2 * time.Second
