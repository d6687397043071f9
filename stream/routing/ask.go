package routing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// How often nodes are asked. One that is silent is known to be down before
// five seconds have gone: after the longest pause, three answers that do not
// come.
const (
	askEvery    = 2 * time.Second
	askAgain    = 100 * time.Millisecond // after a miss, until the node is down
	askTimeout  = 700 * time.Millisecond
	askJitter   = 0.1              // of a pause: nodes that start together do not ask together
	lookupEvery = 10 * time.Second // names may stand for other addresses then
	lookupTime  = 5 * time.Second
	nodeHeader  = "MuStServ-Node" // names the node that has made an answer
)

// Run asks the other nodes until ctx ends. It is called once.
func (c *Cluster) Run(ctx context.Context) {
	running := make(map[string]context.CancelFunc)
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for ctx.Err() == nil {
		c.follow(ctx, running, c.addresses(ctx))
		again := time.NewTimer(lookupEvery)
		select {
		case <-again.C:
		case <-c.changed:
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// address is one of those that the config's nodes stand for.
type address struct {
	base *url.URL
	at   netip.AddrPort
	data bool // of the data node
}

func (a address) key() string { return a.base.String() + " " + a.at.String() }

// addresses finds out where the nodes of the config are. A name that can't be
// looked up stands for what it stood for.
func (c *Cluster) addresses(ctx context.Context) (all []address) {
	c.mu.Lock()
	nodes, data := c.config.Nodes, c.config.DataNode
	c.mu.Unlock()
	if data != "" {
		nodes = append([]string{data}, nodes...)
	}
	for i, node := range nodes {
		base, err := parseBase(node)
		if err != nil {
			continue // Validate has refused it
		}
		found, err := c.lookup(ctx, base)
		if err != nil {
			if !c.lost[node] {
				c.Log.Warn("node not found", "node", node, "error", err)
			}
			found = c.before(base)
		}
		c.lost[node] = err != nil
		for _, at := range found {
			all = append(all, address{base, at, data != "" && i == 0})
		}
	}
	return all[:min(len(all), nodesMost)]
}

// lookup returns the addresses that a node's name stands for.
func (c *Cluster) lookup(ctx context.Context, base *url.URL) ([]netip.AddrPort, error) {
	port, err := strconv.ParseUint(base.Port(), 10, 16)
	if err != nil {
		port = map[string]uint64{"http": 80, "https": 443}[base.Scheme]
	}
	if ip, err := netip.ParseAddr(base.Hostname()); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, uint16(port))}, nil
	}
	limited, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	ips, err := c.Lookup(limited, base.Hostname())
	var list []netip.AddrPort
	for _, ip := range ips {
		list = append(list, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	return list, err
}

func (c *Cluster) before(base *url.URL) (list []netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range append([]*peer{c.data}, c.peers...) {
		if p != nil && *p.base == *base {
			list = append(list, p.Addr)
		}
	}
	return list
}

// follow sees to it that the nodes at all addresses are asked, and no others.
func (c *Cluster) follow(ctx context.Context, running map[string]context.CancelFunc, all []address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := make(map[string]*peer)
	for _, p := range append([]*peer{c.data}, c.peers...) {
		if p != nil {
			known[p.key] = p
		}
	}
	c.peers, c.data = nil, nil
	kept := make(map[string]bool)
	for _, a := range all {
		p := known[a.key()]
		if p == nil {
			p = c.begin(ctx, a, running)
			known[p.key] = p
		}
		kept[p.key] = true
		switch {
		case a.data:
			c.data = p
		case !slices.Contains(c.peers, p):
			c.peers = append(c.peers, p)
		}
	}
	for key, stop := range running {
		if !kept[key] {
			stop()
			delete(running, key)
		}
	}
}

// begin has the node at an address asked.
func (c *Cluster) begin(ctx context.Context, a address, running map[string]context.CancelFunc) *peer {
	p := &peer{
		key: a.key(), base: a.base, Node: Node{URL: urlOf(a), Public: urlOf(a), Addr: a.at},
		client: &http.Client{Transport: c.Transport(a.at), CheckRedirect: noRedirect},
	}
	asking, stop := context.WithCancel(ctx)
	running[p.key] = stop
	go c.keepAsking(asking, p)
	return p
}

// urlOf returns the base URL of the node at an address: by its name where it
// must be the one of a certificate, else by its number, for the name may stand
// for several.
func urlOf(a address) string {
	if a.base.Scheme == "https" {
		return a.base.String()
	}
	return "http://" + a.at.String()
}

// keepAsking asks a node how it is, until ctx ends.
func (c *Cluster) keepAsking(ctx context.Context, p *peer) {
	defer p.client.CloseIdleConnections()
	for ctx.Err() == nil {
		asked := time.Now()
		report, id, err := c.ask(ctx, p)
		if ctx.Err() != nil {
			return
		}
		pause := time.NewTimer(c.learn(p, report, id, err, asked))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ask asks a node how it is.
func (c *Cluster) ask(ctx context.Context, p *peer) (r Report, id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := c.send(ctx, p, http.MethodGet, "/api/v1/status?self", nil)
	if err != nil {
		return r, "", err
	}
	defer answer.Body.Close()
	if err := refusal(answer); err != nil {
		return r, "", err
	}
	r, err = readReport(answer.Body)
	return r, answer.Header.Get(nodeHeader), err
}

// send asks a node for something, in the name of this one.
func (c *Cluster) send(ctx context.Context, p *peer, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, p.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set(digestHeader, digest(body))
	}
	return c.carry(p, request)
}

// carry sends a request to a node, signed.
func (c *Cluster) carry(p *peer, request *http.Request) (*http.Response, error) {
	c.mu.Lock()
	key := c.signer
	c.mu.Unlock()
	key.sign(request, time.Now())
	answer, err := p.client.Do(request)
	if err != nil {
		return nil, plain(err)
	}
	return answer, nil
}

// refusal returns why a node has not answered as one.
func refusal(answer *http.Response) error {
	switch {
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return errors.New("it does not know us: [routing] secret, or [auth] key, must be the same on all nodes")
	case answer.StatusCode != http.StatusOK:
		io.CopyN(io.Discard, answer.Body, 4<<10) // the connection may be good for more
		return fmt.Errorf("it answers %q", answer.Status)
	case answer.Header.Get(nodeHeader) == "":
		return errors.New("what answers there is no MuStServ, or an old one")
	}
	return nil
}

// plain takes the address off an error: it is said already.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("it has not answered in time")
	}
	return err
}

// learn takes over what came of asking a node, says what is new, and returns
// when to ask again.
func (c *Cluster) learn(p *peer, r Report, id string, err error, asked time.Time) time.Duration {
	own := c.Self().Told
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if err != nil {
		if p.missed(err, now) {
			c.Log.Warn("node is down", "node", p.URL, "error", err)
		}
		if p.misses < missesMost {
			return askAgain
		}
		return pause()
	}
	p.Self = id == c.ID
	if p.heard(r, id, asked, now) && !p.Self {
		c.Log.Info("node is up", "node", p.URL)
	}
	if !p.Self {
		c.judge(p, own, now)
	}
	return pause()
}

// judge says what is wrong with a node that answers, once.
func (c *Cluster) judge(p *peer, own Told, now time.Time) {
	if p.stuck() {
		p.rest = now.Add(restTime)
		c.Log.Warn("node gets no viewers for a while: its figures do not change with those that were sent there", "node", p.URL)
	}
	wrong := errors.Join(p.differences(own)...)
	text := ""
	if wrong != nil {
		text = wrong.Error()
	}
	if text != "" && text != p.noted {
		c.Log.Warn("node is not like this one", "node", p.URL, "difference", text, "clock", p.Skew)
	}
	p.noted, p.Problem = text, text
}

// pause returns how long to wait before a node is asked again.
func pause() time.Duration {
	return time.Duration(float64(askEvery) * (1 + askJitter*(2*rand.Float64()-1)))
}
