// Package routing knows the other nodes: which are up, what they have to
// spare, and which of them is to get a viewer. It keeps nothing and asks no
// coordinator: each node asks each other how it is, and decides by itself.
package routing

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Options is what a Cluster is made of.
type Options struct {
	Config Config // valid
	ID     string // of this node, as others hear it
	Self   func() Report
	Log    *slog.Logger

	// Lookup finds the addresses of a name; nil asks the system.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Transport returns what carries requests to an address; nil is TCP.
	Transport func(netip.AddrPort) http.RoundTripper
}

// Cluster is this node and the others. All its methods may be called
// concurrently.
type Cluster struct {
	Options
	changed chan struct{}   // the config; holds one
	lost    map[string]bool // names that were not found; of Run alone

	mu     sync.Mutex
	config Config
	signer signer
	peers  []*peer // in the order of the config
	data   *peer   // the data node; nil for none
	memory memory
	lent   memory // items that the data node has
	turns  Turns
	taken  int64 // measurements

	answering chan struct{} // holds one for each answer of ServeCached
}

// New returns a cluster that asks nobody before Run.
func New(o Options) *Cluster {
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.Transport == nil {
		o.Transport = overTCP
	}
	return &Cluster{Options: o, changed: make(chan struct{}, 1), lost: make(map[string]bool), config: o.Config, signer: signer(o.Config.Secret), answering: make(chan struct{}, cachedAtOnce)}
}

// SetConfig takes over another config, which must be valid. Nodes that stay
// are known as before.
func (c *Cluster) SetConfig(config Config) {
	c.mu.Lock()
	c.config, c.signer = config, signer(config.Secret)
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// overTCP carries requests for one node, whatever its name stands for.
func overTCP(to netip.AddrPort) http.RoundTripper {
	dialer := &net.Dialer{}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, to.String())
		},
		DisableCompression: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute,
	}
}

// Nodes returns what is known of all nodes, this one too, in the order of the
// config. A node that several addresses lead to is there once for each.
func (c *Cluster) Nodes() []Node {
	own := c.Self()
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]Node, len(c.peers))
	now := time.Now()
	for i, p := range c.peers {
		list[i] = p.Node
		list[i].Resting = now.Before(p.rest)
		if p.Self {
			list[i].Report, list[i].Draining = own, own.Told.Draining
		}
	}
	return list
}

// others returns the peers that may get viewers, each node once, ordered so
// that all nodes have them in the same order.
func (c *Cluster) others(now time.Time) []*peer {
	var list []*peer
	for _, p := range c.peers {
		if p.takes(now) && !slices.ContainsFunc(list, func(q *peer) bool { return q.ID == p.ID }) {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *peer) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// Alone reports whether the config names no other nodes.
func (c *Cluster) Alone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.config.Nodes) == 0 && c.config.DataNode == ""
}

// Elsewhere reports whether another node is up and takes viewers.
func (c *Cluster) Elsewhere() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.others(time.Now())) > 0
}

// Sign signs a request if it goes to another node that is up. To anybody else
// it goes unsigned: a node would take the signature from him, too.
func (c *Cluster) Sign(r *http.Request) {
	c.mu.Lock()
	key := c.signer
	known := slices.ContainsFunc(c.peers, func(p *peer) bool { return p.Up && !p.Self && p.answersAt(r.URL) })
	c.mu.Unlock()
	if known {
		key.sign(r, time.Now())
	}
}

// Trusts reports whether a request is one of another node.
func (c *Cluster) Trusts(r *http.Request) bool {
	c.mu.Lock()
	key := c.signer
	c.mu.Unlock()
	return key.signed(r, time.Now())
}
