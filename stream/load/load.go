// Package load plays films to simulated players, to find out how many viewers
// a server and its link carry.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Options says who plays what, and how.
type Options struct {
	Players int
	Targets []Target      // played by turns
	For     time.Duration // how long all of it takes
	Over    time.Duration // players begin spread evenly over this, for people do not start in one instant
	Drain   bool          // read as fast as it comes, over and over, instead of playing

	Start       time.Duration // media that a player must have before it plays, also after a stall
	Cache       time.Duration // and time that passes from its first byte on, as VLC's network-caching
	Buffer      time.Duration // media that it reads ahead,
	BufferBytes int64         // but no more bytes than this

	Seek      time.Duration // mean time between jumps to a random place; 0 is none
	Reconnect bool          // go on at the same byte after a broken connection, as VLC does
	Silence   time.Duration // after so long without a byte, a connection counts as broken; 0 is never, as VLC

	// From is the address of the first player; the next has the next address,
	// and so on: a server may take all that comes from one address for one
	// viewer. Zero is one address for all, but on Linux' loopback, which has
	// many.
	From netip.Addr
}

// Target is a film to play.
type Target struct {
	URL   string  // may hold user and password
	Curve *Curve  // nil only to drain
	Rate  float64 // bytes per second that the server says it sends; 0: not known
}

// DefaultOptions returns a player like VLC, ten times, for half a minute.
func DefaultOptions() Options {
	return Options{
		Players: 10, For: 30 * time.Second, Over: 2 * time.Second,
		Start: 2 * time.Second, Cache: time.Second, Buffer: 20 * time.Second, BufferBytes: 32 << 20,
		Reconnect: true,
	}
}

const (
	maxPlayers = 100_000     // that one process plays
	settled    = time.Second // after the last player has begun
)

// Validate returns all that is wrong with o, joined.
func (o Options) Validate() error {
	var wrong []error
	need := func(ok bool, format string, values ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, values...))
		}
	}
	need(o.Players >= 1 && o.Players <= maxPlayers, "%d players: must be 1 to %d", o.Players, maxPlayers)
	need(o.For > 0, "a run of %v: must be longer, as 30s", o.For)
	need(o.Over >= 0 && o.Over < o.For, "players begin over %v: must be less than the run of %v", o.Over, o.For)
	need(o.Start >= 0 && o.Cache >= 0 && o.Seek >= 0 && o.Silence >= 0, "a time is negative")
	need(o.Buffer > o.Start, "a buffer of %v: must hold more than the %v with which a player starts", o.Buffer, o.Start)
	need(o.BufferBytes > 0, "a buffer of %d bytes: must hold some", o.BufferBytes)
	need(len(o.Targets) > 0, "nothing to play")
	for _, t := range o.Targets {
		need(t.Curve != nil || o.Drain, "%s: nobody says when which byte is due", t.URL)
	}
	return errors.Join(wrong...)
}

// Run plays until o.For is over, ctx ends, or all players have come to an end.
// Its error is one of the options; what goes wrong for a player is in the
// report.
func Run(ctx context.Context, o Options) (Report, error) {
	return run(ctx, o, (&net.Dialer{}).DialContext)
}

// dialer makes a connection; a net.Dialer's DialContext.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// run is Run over connections made by dial where a player needs no address of
// its own.
func run(ctx context.Context, o Options, dial dialer) (Report, error) {
	players, err := lineUp(&o, dial)
	if err != nil {
		return Report{}, err
	}
	began := time.Now()
	ctx, cancel := context.WithDeadline(ctx, began.Add(o.For))
	defer cancel()
	var wait sync.WaitGroup
	for i, p := range players {
		p.meter.all = began.Add(o.Over + settled)
		wait.Go(func() {
			if sleep(ctx, o.Over*time.Duration(i)/time.Duration(len(players))) {
				p.run(ctx)
			}
		})
	}
	wait.Wait()
	return report(o, players, time.Since(began)), nil
}

// lineUp makes the players.
func lineUp(o *Options, dial dialer) ([]*player, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	urls := make([]*url.URL, len(o.Targets))
	o.Targets = slices.Clone(o.Targets)
	for i, t := range o.Targets {
		u, err := parse(t.URL)
		if err != nil {
			return nil, err
		}
		urls[i], o.Targets[i].URL = u, u.Redacted()
	}
	if !o.From.IsValid() && runtime.GOOS == "linux" && !slices.ContainsFunc(urls, notLoopback) {
		o.From = netip.AddrFrom4([4]byte{127, 1, 0, 1})
	}
	scratch := make([]byte, readMost)
	players := make([]*player, o.Players)
	for i, from := range addresses(o.From, o.Players) {
		k := i % len(urls)
		players[i] = &player{
			options: o, target: o.Targets[k], home: urls[k], url: urls[k], dial: dial, from: from, scratch: scratch,
			random: rand.New(rand.NewPCG(uint64(i), 1)), // the same each time
		}
		players[i].playback = playback{options: o}
		if o.Drain {
			players[i].meter.rate = o.Targets[k].Rate
		} else {
			players[i].playback.curve = o.Targets[k].Curve
		}
	}
	return players, nil
}

// parse reads the address of a film.
func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("an address cannot be read; for example: http://192.168.1.20:8000/media/Films/a.mp4") // err would tell a password
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("%q is no address of a film; for example: http://192.168.1.20:8000/media/Films/a.mp4", u.Redacted())
	}
	return u, nil
}

func notLoopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && (err != nil || !ip.Is4() || !ip.IsLoopback())
}

// addresses returns n of them, from first on; invalid ones if that is.
func addresses(first netip.Addr, n int) []netip.Addr {
	all := make([]netip.Addr, n)
	for i := range all {
		all[i] = first
		if first.IsValid() {
			first = first.Next()
		}
	}
	return all
}

// sleep waits for d; false says that ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
