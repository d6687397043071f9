// Package cache keeps what is read in sequence from a file server in files of
// this computer, so that a film is fetched once for all who watch it, and goes
// out by sendfile.
//
// A file is kept in segments of some MiB, each a file of its own with a
// checksum, that is written under another name and then renamed. A segment's
// name is made of all that makes its content: the share's place, the file's
// path, size and time. So several instances may share one folder, on a disk of
// their host for virtual machines: what one has fetched, all have; a changed
// file is another file; and whatever a crash leaves behind is no segment.
// Instances with folders of their own can read from each other, see Others.
//
// Who reads here and there, as one who measures a film, is passed through, and
// nothing is fetched that was not asked for.
package cache

import (
	"context"
	"sync"
	"sync/atomic"

	"mustserv/library/source"
)

// maxFills is how many segments of one source are being fetched at a time; a
// source that hangs costs no other.
const maxFills = 16

type cached struct {
	source.Source
	place string
	store *Store
	fills chan struct{} // one of maxFills

	mu       sync.Mutex
	fetchers map[identity]*fetcher // those in use

	hits, misses, saved   atomic.Int64
	fromOthers, forOthers atomic.Int64
}

// described is one of a source that says what it is.
type described struct {
	*cached
	source.Describer
}

var (
	_ source.Source    = (*cached)(nil)
	_ source.Cacher    = (*cached)(nil)
	_ source.Describer = described{}
	_ source.Decorator = (*cached)(nil)
)

// Wrap returns s with its files kept in store. The place is where s reads
// from, the same for all instances that see the same files there. The files
// are source.Locators.
func Wrap(s source.Source, place string, store *Store) source.Source {
	c := &cached{Source: s, place: place, store: store, fills: make(chan struct{}, maxFills), fetchers: make(map[identity]*fetcher)}
	store.mu.Lock()
	store.sources[place] = c
	store.mu.Unlock()
	if d, ok := s.(source.Describer); ok {
		return described{c, d}
	}
	return c
}

// Unwrap lets a watch, and what another node knows, through: nothing of these
// is in the files' bytes.
func (c *cached) Unwrap() source.Source { return c.Source }

// CacheStats counts a segment each time that a reader comes to it.
func (c *cached) CacheStats() source.CacheStats {
	return source.CacheStats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Saved: c.saved.Load(),
		FromOthers: c.fromOthers.Load(), ForOthers: c.forOthers.Load(),
	}
}

// Close ends the source, for other instances too.
func (c *cached) Close() error {
	c.store.mu.Lock()
	if c.store.sources[c.place] == c {
		delete(c.store.sources, c.place)
	}
	c.store.mu.Unlock()
	return c.Source.Close()
}

func (c *cached) Open(ctx context.Context, name string) (source.File, error) {
	inner, err := c.Source.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	info, err := inner.Stat()
	if err != nil {
		inner.Close()
		return nil, err
	}
	id := identity{place: c.place, path: name, size: info.Size(), time: info.ModTime().UnixNano(), segment: c.store.segment}
	return newFile(ctx, c, inner, id), nil
}
