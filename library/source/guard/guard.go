// Package guard keeps a source whose calls may hang, as those into a mounted
// network folder do when its server is gone, from hanging its callers.
//
// The system's own file calls can't be interrupted: a call into a dead mount
// keeps its goroutine and a thread of the system until the server is back. So
// each call runs in a goroutine of its own, of which a source has a few only,
// and is waited for so long and no longer. Once all of them hang, further
// calls fail at once. When the server returns, the calls come back by
// themselves, and with them the source.
//
// A read that hangs may write into its buffer much later, so reads go through
// buffers of the guard's. Nor can the kernel be asked to send the bytes of a
// guarded file (sendfile): it would hang the thread that paces the streams.
package guard

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"mustserv/library/source"
)

// Options say how patient a guard is. A zero is the default.
type Options struct {
	What    string        // what is guarded, for its errors: "nfs4 mount at /mnt/nas"
	Timeout time.Duration // for one call; 10 s
	Listing time.Duration // for the listing of one folder; 1 minute
	Calls   int           // under way at a time; 16
}

func (o *Options) complete() {
	def := Options{What: "the share", Timeout: 10 * time.Second, Listing: time.Minute, Calls: 16}
	if o.What == "" {
		o.What = def.What
	}
	if o.Timeout <= 0 {
		o.Timeout = def.Timeout
	}
	if o.Listing <= 0 {
		o.Listing = def.Listing
	}
	if o.Calls <= 0 {
		o.Calls = def.Calls
	}
}

type guard struct {
	inner source.Source
	Options
	free    chan struct{} // holds one for each further call that may be under way
	buffers sync.Pool     // of *[maxRead]byte

	mu      sync.Mutex
	last    time.Time   // when the last call began
	closing []io.Closer // to be closed as soon as a further call may be
}

var (
	_ source.Source    = (*guard)(nil)
	_ source.Describer = (*guard)(nil)
)

// Wrap returns s with deadlines: each call that takes too long answers
// source.ErrUnavailable. It is not a source.Watcher, even where s is one: of
// what others change in a mount the system tells nothing. Close does not wait.
func Wrap(s source.Source, o Options) source.Source {
	o.complete()
	g := &guard{inner: s, Options: o, free: make(chan struct{}, o.Calls)}
	g.buffers.New = func() any { return new([maxRead]byte) }
	for range o.Calls {
		g.free <- struct{}{}
	}
	return g
}

func (g *guard) Describe() string { return g.What }

func (g *guard) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	return call(ctx, g, g.Timeout, func(ctx context.Context) (fs.FileInfo, error) { return g.inner.Stat(ctx, name) }, nil)
}

func (g *guard) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	return call(ctx, g, g.Listing, func(ctx context.Context) ([]fs.FileInfo, error) { return g.inner.List(ctx, name) }, nil)
}

func (g *guard) Open(ctx context.Context, name string) (source.File, error) {
	inner, err := call(ctx, g, g.Timeout,
		func(ctx context.Context) (source.File, error) { return g.inner.Open(ctx, name) },
		func(late source.File) {
			if late != nil {
				g.close(late)
			}
		})
	if err != nil {
		return nil, err
	}
	return newFile(ctx, g, inner), nil
}

func (g *guard) Close() error {
	g.close(g.inner)
	return nil
}

// call does what may hang, and waits for it within a limit. If it comes back
// later, drop gets what it answers, unless that is nil.
func call[T any](ctx context.Context, g *guard, limit time.Duration, do func(context.Context) (T, error), drop func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := g.enter(ctx); err != nil {
		return none, err
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan result)
	go func() {
		value, err := do(limited)
		g.leave()
		select {
		case done <- result{value, err}:
		case <-limited.Done():
			if drop != nil {
				drop(value)
			}
		}
	}()
	select {
	case r := <-done:
		if r.err == nil || limited.Err() == nil || ctx.Err() != nil {
			return r.value, r.err
		}
	case <-limited.Done():
		if err := ctx.Err(); err != nil {
			return none, err
		}
	}
	return none, fmt.Errorf("%s has not answered for %v: %w", g.What, limit, source.ErrUnavailable)
}

// enter waits until a further call may be under way, but not longer than
// until even the last one that began must be one that hangs.
func (g *guard) enter(ctx context.Context) error {
	for ctx.Err() == nil {
		if g.tryEnter() {
			return nil
		}
		patience := g.patience()
		if patience <= 0 {
			return fmt.Errorf("%s does not answer, %d calls still wait for it: %w", g.What, g.Calls, source.ErrUnavailable)
		}
		waited, cancel := context.WithTimeout(ctx, patience)
		select {
		case <-g.free:
			cancel()
			g.begin()
			return nil
		case <-waited.Done():
			cancel()
		}
	}
	return ctx.Err()
}

func (g *guard) begin() {
	g.mu.Lock()
	g.last = time.Now()
	g.mu.Unlock()
}

func (g *guard) patience() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.last.Add(g.Timeout))
}

// leave ends a call, and before that closes what is to be closed.
func (g *guard) leave() {
	for {
		for c := g.nextClosing(); c != nil; c = g.nextClosing() {
			c.Close() // what was only read has nothing to lose
		}
		g.free <- struct{}{}
		g.mu.Lock()
		more := len(g.closing) > 0
		g.mu.Unlock()
		if !more || !g.tryEnter() {
			return // or whoever is under way closes it
		}
	}
}

func (g *guard) nextClosing() io.Closer {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.closing) == 0 {
		return nil
	}
	c := g.closing[0]
	g.closing = g.closing[1:]
	return c
}

func (g *guard) tryEnter() bool {
	select {
	case <-g.free:
		g.begin()
		return true
	default:
		return false
	}
}

// close closes c as soon as a further call may be under way, and does not
// wait for it: to close a file may hang too.
func (g *guard) close(c io.Closer) {
	g.mu.Lock()
	g.closing = append(g.closing, c)
	g.mu.Unlock()
	if g.tryEnter() {
		go g.leave()
	}
}
