package cache

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"mustserv/library/source"
)

// fetcher is a file that is open at its server for all who read it here: what
// they have fetched in turn is one sequence there.
type fetcher struct {
	source *cached
	id     identity
	users  int // under the source's lock

	mu    sync.Mutex
	inner source.File             // nil until it is needed
	under map[int64]chan struct{} // segments being fetched, by their begin; closed at the end
}

// fetcher returns the one of a file; leave gives it back.
func (c *cached) fetcher(id identity) *fetcher {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.fetchers[id]
	if t == nil {
		t = &fetcher{source: c, id: id, under: make(map[int64]chan struct{})}
		c.fetchers[id] = t
	}
	t.users++
	return t
}

func (t *fetcher) leave() {
	t.source.mu.Lock()
	t.users--
	last := t.users == 0
	if last {
		delete(t.source.fetchers, t.id)
	}
	t.source.mu.Unlock()
	if last && t.inner != nil {
		t.inner.Close()
	}
}

// file opens the file, unless it is open, and checks that it is the same still.
func (t *fetcher) file(ctx context.Context) (source.File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inner == nil {
		inner, err := t.source.Source.Open(ctx, t.id.path)
		if err != nil {
			return nil, err
		}
		t.inner = inner
	}
	return t.inner, t.same(t.inner)
}

// enter waits until nobody fetches the segment before, so that the server is
// asked for one byte after the other, and says that this one is being fetched,
// until end is called.
func (t *fetcher) enter(s *segment, closed <-chan struct{}) (end func(), err error) {
	t.mu.Lock()
	before := t.under[s.begin-t.id.segment]
	mine := make(chan struct{})
	t.under[s.begin] = mine
	t.mu.Unlock()
	end = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.under, s.begin)
		close(mine)
	}
	if before == nil {
		return end, nil
	}
	select {
	case <-before:
		return end, nil
	case <-closed:
		end()
		return nil, fs.ErrClosed
	}
}

// same reports that a file is another one now.
func (t *fetcher) same(f source.File) error {
	info, err := f.Stat()
	if err == nil && (info.Size() != t.id.size || info.ModTime().UnixNano() != t.id.time) {
		err = fmt.Errorf("%q: %w", t.id.path, source.ErrChanged)
	}
	return err
}
