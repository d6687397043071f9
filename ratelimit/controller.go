// Package ratelimit says how fast each stream goes: units, token bucket
// specs, the buckets of viewers and the caps of clients and of the whole
// server. It knows nothing of HTTP or files.
package ratelimit

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrBusy says that a request can't be admitted now.
var ErrBusy = errors.New("too many streams")

// Request is what a stream asks of a Controller.
type Request struct {
	Client  string // address without port
	Item    string // library path; Client and Item make the viewer
	Need    TSpec  // of the item
	Size    int64  // bytes of the item
	Header  int64  // bytes at its start and
	Trailer int64  // at its end that have no playing time
}

// Stats are the figures of a Controller at one moment.
type Stats struct {
	Viewers  int  // with at least one open stream
	Streams  int  // open
	Reserved Rate // sum of the viewers' rates
	Capacity Rate // 0 if there is no cap
}

// Controller admits streams and paces them. All its methods may be called
// concurrently.
type Controller struct {
	mu      sync.Mutex
	config  Config
	total   *Bucket
	clients map[string]*client
	viewers map[viewerKey]*viewer
	swept   time.Time
}

type viewerKey struct{ client, item string }

// NewController returns a controller without viewers. The config must be valid.
func NewController(c Config) *Controller {
	return &Controller{
		config:  c,
		total:   NewBucket(capSpec(c.Capacity)),
		clients: make(map[string]*client),
		viewers: make(map[viewerKey]*viewer),
	}
}

// capSpec is the bucket of a cap: a tenth of a second of burst, so that the
// link behind it never queues more.
func capSpec(r Rate) TSpec {
	return TSpec{Rate: r, Burst: max(64*KiB, Size(r.BytesPerSecond()/10))}
}

// Config returns the config in force.
func (c *Controller) Config() Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config
}

// SetConfig changes the caps of running streams at once, and the rest for
// requests to come. The config must be valid.
func (c *Controller) SetConfig(config Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = config
	c.total.SetSpec(capSpec(config.Capacity))
	for _, cl := range c.clients {
		cl.cap.SetSpec(capSpec(config.PerClient))
	}
}

// Admit returns a grant for one more stream to the viewer of r, or ErrBusy
// where the client has too many open. The caller releases the grant.
func (c *Controller) Admit(ctx context.Context, r Request) (*Grant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(time.Now())
	cl := c.clients[r.Client]
	if cl == nil {
		cl = &client{cap: NewBucket(capSpec(c.config.PerClient))}
		c.clients[r.Client] = cl
	}
	if cl.grants >= c.config.StreamsPerClient {
		return nil, ErrBusy
	}
	key := viewerKey{r.Client, r.Item}
	v := c.viewers[key]
	if v == nil {
		v = newViewer(cl, r.Need)
		c.viewers[key] = v
	}
	v.bucket.SetSpec(r.Need)
	v.grants++
	cl.grants++
	return &Grant{controller: c, viewer: v, request: r, step: step(r.Need)}, nil
}

func (c *Controller) release(v *viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v.grants--
	v.client.grants--
}

// sweep forgets viewers that are gone and whose bucket has filled up since,
// so that one who comes back too early finds it as he left it.
func (c *Controller) sweep(now time.Time) {
	if now.Sub(c.swept) < time.Second {
		return
	}
	c.swept = now
	for key, v := range c.viewers {
		if v.grants == 0 && v.bucket.Full(now) && v.gifts.TokensAt(now) >= giftBurst {
			delete(c.viewers, key)
		}
	}
	inUse := make(map[*client]bool, len(c.clients))
	for _, v := range c.viewers {
		inUse[v.client] = true
	}
	for addr, cl := range c.clients {
		if cl.grants == 0 && !inUse[cl] {
			delete(c.clients, addr)
		}
	}
}

// Stats returns the figures of this moment.
func (c *Controller) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{Capacity: c.config.Capacity}
	for _, v := range c.viewers {
		if v.grants > 0 {
			s.Viewers++
			s.Streams += v.grants
			s.Reserved += v.bucket.Spec().Rate
		}
	}
	return s
}
