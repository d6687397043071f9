package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"
)

const (
	readMost      = 256 << 10              // bytes taken at a time
	receiveBuffer = 64 << 10               // bytes that wait in the kernel for one that plays
	retryAfter    = 500 * time.Millisecond // as VLC
	redirectsMost = 5                      // on the way to one film
)

var (
	errJump  = errors.New("the player jumps")
	errMoved = errors.New("the film is elsewhere")
)

// player is a simulated one. It belongs to one goroutine.
type player struct {
	options *Options
	target  Target
	home    *url.URL // where the film was said to be
	url     *url.URL // where it is, after all redirects
	dial    dialer
	from    netip.Addr // invalid for any
	scratch []byte
	random  *rand.Rand

	playback  playback
	meter     meter
	modified  string    // when the film was last changed, as the server said first
	jump      time.Time // when it jumps next; zero for never
	redirects int
	broken    int // connections
	err       error
}

// run plays until ctx ends or there is nothing more to do.
func (p *player) run(ctx context.Context) {
	p.begin(0)
	for p.err == nil && ctx.Err() == nil && p.goesOn(ctx, p.fetch(ctx)) {
	}
	p.playback.end(time.Now())
}

// begin starts at a media time, and plans the next jump.
func (p *player) begin(at time.Duration) {
	now := time.Now()
	p.playback.begin(at, now)
	p.meter.restart()
	if p.options.Seek > 0 {
		p.jump = now.Add(time.Duration(p.random.ExpFloat64() * float64(p.options.Seek)))
	}
}

// leap starts at a random place.
func (p *player) leap() bool {
	var end time.Duration
	if c := p.target.Curve; c != nil {
		end = c.duration()
	}
	p.begin(time.Duration(p.random.Float64() * float64(end)))
	return true
}

// goesOn decides what to do after a connection has ended with err; false is
// the end.
func (p *player) goesOn(ctx context.Context, err error) bool {
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, errMoved):
		return true
	case errors.Is(err, errJump):
		return p.leap()
	case err == nil && p.options.Drain:
		p.begin(0)
		return true
	case err == nil: // it plays what it has
		return p.options.Seek > 0 && sleep(ctx, time.Until(p.jump)) && p.leap()
	case errors.Is(err, errGarbage), !p.options.Reconnect, p.meter.bytes == 0:
		p.err = err
		return false
	}
	p.broken++
	// To where it was sent on there may be nobody any more: it asks as at first,
	// like mpv. VLC goes where it was last.
	p.url, p.redirects = p.home, 0
	return sleep(ctx, retryAfter)
}

// fetch asks for the film from the player's position on and takes what comes,
// over one connection. It returns nil if that was all.
func (p *player) fetch(ctx context.Context) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	p.limit(conn)
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	offset := p.playback.position
	if _, err := io.WriteString(conn, p.request(offset, p.modified)); err != nil {
		return err
	}
	a, err := readAnswer(conn, offset)
	if err != nil {
		return p.jumped(err)
	}
	if a.redirects() {
		return p.follow(a.location)
	}
	p.modified = a.modified
	if a.early > 0 {
		p.got(a.early)
	}
	return p.receive(ctx, conn, a.length-a.early)
}

// limit sets for how long the next bytes are waited for: to the next jump, and
// no longer than a server may be silent.
func (p *player) limit(conn net.Conn) {
	until := p.jump
	if p.options.Silence > 0 {
		if end := time.Now().Add(p.options.Silence); until.IsZero() || end.Before(until) {
			until = end
		}
	}
	conn.SetReadDeadline(until)
}

// receive takes left bytes.
func (p *player) receive(ctx context.Context, conn net.Conn, left int64) error {
	in := newDiscarder(conn, p.scratch)
	for left > 0 {
		if wait := p.playback.full(time.Now()); wait > 0 {
			if err := p.rest(ctx, wait); err != nil {
				return err
			}
			continue
		}
		if p.options.Silence > 0 {
			p.limit(conn)
			if ctx.Err() != nil { // the limit may have come after that of the end
				return ctx.Err()
			}
		}
		n, err := in.take(left)
		if n > 0 {
			p.got(n)
			left -= n
		}
		if err != nil && left > 0 {
			return p.jumped(err)
		}
	}
	return nil
}

// rest lets a player with a full buffer play for a while.
func (p *player) rest(ctx context.Context, d time.Duration) error {
	if !p.jump.IsZero() {
		d = min(d, time.Until(p.jump))
	}
	if !sleep(ctx, d) {
		return ctx.Err()
	}
	return p.jumped(nil)
}

// jumped returns errJump if it is time to, else err.
func (p *player) jumped(err error) error {
	if !p.jump.IsZero() && !time.Now().Before(p.jump) && (err == nil || errors.Is(err, os.ErrDeadlineExceeded)) {
		return errJump
	}
	return err
}

func (p *player) got(n int64) {
	now := time.Now()
	p.playback.got(n, now)
	p.meter.got(n, now)
}

// connect makes a connection to where the film is.
func (p *player) connect(ctx context.Context) (net.Conn, error) {
	dial, port := p.dial, p.url.Port()
	if p.from.IsValid() {
		dial = (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.from, 0))}).DialContext
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[p.url.Scheme]
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(p.url.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok && !p.options.Drain {
		tcp.SetReadBuffer(receiveBuffer) // a larger one works as well
	}
	if p.url.Scheme == "https" {
		return tls.Client(conn, &tls.Config{ServerName: p.url.Hostname()}), nil
	}
	return conn, nil
}

// follow goes to where the server sends the player.
func (p *player) follow(location string) error {
	to, err := p.url.Parse(location)
	if err == nil {
		to, err = parse(to.String())
	}
	p.redirects++
	switch {
	case err != nil:
		return fmt.Errorf("%w: redirected to %q", errGarbage, plain(location))
	case p.redirects > redirectsMost:
		return fmt.Errorf("%w: redirected more than %d times", errGarbage, redirectsMost)
	}
	p.url = to
	return errMoved
}
