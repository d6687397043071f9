// Package ratelimit says how fast each stream goes and whether it may go at
// all: units, token bucket specs, the buckets of viewers, the caps of clients,
// and the places on the links that carry them. It knows nothing of HTTP or
// files.
package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// ErrBusy says that a request can't be admitted now: its client has as
	// many streams as it may have.
	ErrBusy = errors.New("too many streams")
	// ErrFull is the ErrBusy of a link that others have reserved.
	ErrFull = fmt.Errorf("%w: the link is full", ErrBusy)
)

// Request is what a stream asks of a Controller.
type Request struct {
	Client  string // address without port
	Item    string // library path; Client and Item make the viewer
	Share   string // that the item is read from
	Need    TSpec  // of the item; a rate of 0 reserves nothing
	Short   bool   // a picture, subtitles or a playlist: goes at once, as the link has room or out of the share for such
	Node    bool   // for another node, which paces its viewers itself: goes as if it were short, and its address has no caps
	Size    int64  // bytes of the item
	Header  int64  // bytes at its start and
	Trailer int64  // at its end that have no playing time
}

// Unpaced reports whether the bytes of the request go as soon as there is room
// for them.
func (r Request) Unpaced() bool { return r.Short || r.Node }

func (r Request) client() clientKey { return clientKey{r.Client, r.Node} }

// Stats are the figures of a Controller at one moment.
type Stats struct {
	Viewers  int  // with at least one open stream
	Streams  int  // open
	Waiting  int  // viewers in the queue
	Reserved Rate // sum of the viewers' rates
	Free     Rate // that can still be reserved; 0 if there is no capacity
	Capacity Rate // of the link; 0 if there is none
	Lent     Size // sent to viewers ahead of their buckets
}

// Controller admits streams and paces them. All its methods may be called
// concurrently.
type Controller struct {
	mu       sync.Mutex
	config   Config
	network  *link
	shares   map[string]*link // by name
	capacity map[string]Rate  // of shares
	clients  map[clientKey]*client
	viewers  map[viewerKey]*viewer
	queue    queue
	expires  time.Time   // when a viewer is to be looked at: its place may be free, or it may be forgotten
	alarm    *time.Timer // rings then, while somebody waits; else nil or stopped
}

type viewerKey struct {
	client *client
	item   string
}

// NewController returns a controller without viewers. The config must be valid.
func NewController(c Config) *Controller {
	made := &Controller{
		network: newLink(),
		shares:  make(map[string]*link),
		clients: make(map[clientKey]*client),
		viewers: make(map[viewerKey]*viewer),
	}
	made.SetConfig(c)
	return made
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
// requests to come: who waits comes in where there is room now, and nobody
// loses a place. The config must be valid.
func (c *Controller) SetConfig(config Config) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = config
	for key, cl := range c.clients {
		if !key.node {
			cl.setCap(config.PerClient)
		}
	}
	c.setLinks()
}

// SetShares changes what the shares of each name can deliver together, as
// SetConfig does; a rate of 0, and no entry, is no limit.
func (c *Controller) SetShares(capacity map[string]Rate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capacity = capacity
	c.setLinks()
}

// setLinks changes what the links carry.
func (c *Controller) setLinks() {
	c.network.setCapacity(c.config.usable(), c.config)
	for name, l := range c.shares {
		l.setCapacity(c.capacity[name], c.config)
	}
	for _, v := range c.viewers { // what one reserves depends on the room
		if v.placed {
			v.reserve()
		}
	}
	c.serve(time.Now())
}

// share returns the link to a share.
func (c *Controller) share(name string) *link {
	l := c.shares[name]
	if l == nil {
		l = newLink()
		l.setCapacity(c.capacity[name], c.config)
		c.shares[name] = l
	}
	return l
}

// Holds reports whether the viewer of r has a place, or waits for one.
func (c *Controller) Holds(r Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.viewers[viewerKey{c.clients[r.client()], r.Item}]
	return v != nil && (v.placed || v.grants > 0)
}

// Try returns a grant for one more stream to the viewer of r, ErrBusy where
// the client has too many open, or ErrFull where there is no room now. The
// caller releases the grant.
func (c *Controller) Try(r Request) (*Grant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, err := c.enter(r, time.Now())
	if err == nil && !g.viewer.placed {
		c.leave(g.viewer, time.Now())
		return nil, ErrFull
	}
	return g, err
}

// Admit is Try, but where there is no room it waits for its turn, up to the
// config's QueueWait; it ends with ctx's error as soon as ctx does.
func (c *Controller) Admit(ctx context.Context, r Request) (*Grant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	g, err := c.enter(r, time.Now())
	if err != nil || g.viewer.placed {
		c.mu.Unlock()
		return g, err
	}
	g.viewer.queued++
	ready, patience := g.viewer.turn.ready, time.NewTimer(c.config.QueueWait)
	c.mu.Unlock()
	defer patience.Stop()
	select {
	case <-ready:
	case <-patience.C:
	case <-ctx.Done():
	}
	return c.decide(ctx, g)
}

// decide ends the wait of a request.
func (c *Controller) decide(ctx context.Context, g *Grant) (*Grant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g.viewer.queued--
	err := ctx.Err()
	if err == nil && !g.viewer.placed {
		err = ErrFull
	}
	if err != nil {
		c.leave(g.viewer, time.Now())
		return nil, err
	}
	return g, nil
}

// enter counts one more stream to the viewer of r, who has a place now or
// waits for one.
func (c *Controller) enter(r Request, now time.Time) (*Grant, error) {
	c.serve(now)
	cl := c.clients[r.client()]
	if cl == nil {
		cl = new(client)
		if !r.Node {
			cl.setCap(c.config.PerClient)
		}
		c.clients[r.client()] = cl
	}
	if !r.Node && cl.grants >= c.config.StreamsPerClient {
		return nil, ErrBusy
	}
	v := c.viewer(cl, r)
	v.grants++
	cl.grants++
	if !v.placed && !v.waits() {
		if !c.enqueue(v, now, false) {
			c.leave(v, now)
			return nil, ErrFull
		}
	}
	return newGrant(c, v, r), nil
}

// viewer returns the viewer of r, with the need that the item has now.
func (c *Controller) viewer(cl *client, r Request) *viewer {
	key := viewerKey{cl, r.Item}
	v := c.viewers[key]
	if v == nil {
		v = newViewer(cl, r.Need)
		v.network, v.share = c.network, c.share(r.Share)
		c.viewers[key] = v
	}
	v.setNeed(r.Need)
	return v
}

// leave counts one stream less. Who never sent a byte leaves no place behind.
func (c *Controller) leave(v *viewer, now time.Time) {
	v.grants--
	v.client.grants--
	if v.grants > 0 {
		return
	}
	v.left = v.moment(now)
	c.queue.remove(v)
	c.expires = earlier(c.expires, now.Add(linger))
	if v.placed && !v.wasActive() {
		v.unplace()
		c.serve(now)
	}
	c.setAlarm(now)
}

func (c *Controller) release(v *viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(v, time.Now())
}

// evict takes a viewer's place, for others.
func (c *Controller) evict(v *viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.placed {
		v.unplace()
		c.serve(time.Now())
	}
}

// resume lets a viewer that goes on after a long pause have a place again:
// now, or before all others who wait.
func (c *Controller) resume(v *viewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !v.placed && !v.waits() && v.grants > 0 {
		c.enqueue(v, time.Now(), true)
	}
}

// Stats returns the figures of this moment.
func (c *Controller) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.serve(now)
	s := Stats{Waiting: len(c.queue.waiting), Reserved: c.network.reserved, Capacity: max(0, Rate(c.config.Capacity))}
	if c.network.limited() {
		s.Free = max(0, c.network.room-c.network.reserved)
	}
	for _, v := range c.viewers {
		if streams := int(v.grants - v.queued); streams > 0 {
			s.Viewers++
			s.Streams += streams
			s.Lent += Size(max(0, -v.bucket.Tokens(now)))
		}
	}
	return s
}
