package httpdir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"mustserv/library/source"
)

const (
	heads = 8 // requests for the entries of a listing that are under way at a time
	// coarse is how far apart two times may be that a listing writes alike:
	// most write minutes.
	coarse   = 2 * time.Minute
	maxKnown = 1_000_000 // entries
)

// pages are plain listings of folders, as pages for people or as JSON.
type pages struct {
	*client
	memory memory
}

func newPages(c *client) *pages {
	return &pages{client: c, memory: memory{seed: maphash.MakeSeed(), folders: make(map[string][]seen)}}
}

func (p *pages) stat(ctx context.Context, name string) (*info, error) {
	u := p.file(name)
	if name == "." {
		u = p.folder(name)
	}
	found, _, err := p.head(ctx, u)
	if err != nil {
		return nil, err
	}
	found.name = baseName(name)
	return found, nil
}

func (p *pages) list(ctx context.Context, name string) ([]fs.FileInfo, error) {
	answer, err := p.do(ctx, http.MethodGet, p.folder(name), http.Header{"Accept": {"application/json, text/html;q=0.9, */*;q=0.1"}}, "")
	if err != nil {
		return nil, err
	}
	defer discard(answer)
	base := answer.Request.URL
	if !strings.HasSuffix(base.Path, "/") { // servers redirect the name of a file so
		return nil, fmt.Errorf("%w: not a folder", fs.ErrInvalid)
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")) // no type is no listing
	switch kind {
	case "application/json":
		return readJSON(answer.Body, base)
	case "text/html", "application/xhtml+xml":
		links, err := readPage(answer.Body, base, p.memory.seed)
		if err != nil {
			return nil, err
		}
		return p.describe(ctx, name, links)
	}
	return nil, fmt.Errorf("%w: no listing, but %.40q", errNotSpoken, kind)
}

// head asks what a file is; what is at an address that ends with a slash is a
// folder. settled reports whether it was last written to so long ago that a
// listing would show it if it were written to again.
func (p *pages) head(ctx context.Context, u *url.URL) (found *info, settled bool, err error) {
	answer, err := p.do(ctx, http.MethodHead, u, nil, "")
	if err != nil {
		return nil, false, err
	}
	defer discard(answer)
	modified, unknown := http.ParseTime(answer.Header.Get("Last-Modified"))
	date, undated := http.ParseTime(answer.Header.Get("Date"))
	settled = unknown == nil && undated == nil && date.Sub(modified) > coarse
	found = &info{modified: toSecond(modified)}
	if strings.HasSuffix(answer.Request.URL.Path, "/") {
		found.folder = true
		return found, settled, nil
	}
	found.size, found.tag = answer.ContentLength, answer.Header.Get("ETag")
	if found.size < 0 {
		found.size, err = p.length(ctx, u)
	}
	return found, settled, err
}

// length asks how long a file is of which HEAD did not say: Apache does not
// of empty ones.
func (p *pages) length(ctx context.Context, u *url.URL) (int64, error) {
	answer, err := p.do(ctx, http.MethodGet, u, nil, "")
	if err != nil {
		return 0, err
	}
	defer discard(answer)
	if answer.ContentLength < 0 {
		return 0, fmt.Errorf("the server does not say how long the file is: %w", errors.ErrUnsupported)
	}
	return answer.ContentLength, nil
}

// describe asks for the size and time of each file, unless the listing says
// of it what it said when that was done before: listings round sizes, and
// write times without seconds or their time zone. What can't be looked at is
// left out.
func (p *pages) describe(ctx context.Context, folder string, links []link) ([]fs.FileInfo, error) {
	known := p.memory.of(folder)
	found := make([]*info, len(links))
	now := make([]seen, len(links)) // empty where it is not to be remembered
	look := func(i int) error {
		info, settled, err := p.head(ctx, p.file(strings.TrimPrefix(folder+"/"+links[i].name, "./")))
		if err != nil {
			return err
		}
		info.name = links[i].name
		if found[i] = info; settled && !info.folder {
			now[i] = seen{links[i].text, info.size, info.modified.Unix()}
		}
		return nil
	}
	var todo []int
	for i, l := range links {
		if l.folder {
			found[i] = &info{name: l.name, folder: true, modified: toSecond(time.Time{})}
		} else if old, ok := find(known, l.text); ok {
			found[i], now[i] = &info{name: l.name, size: old.size, modified: time.Unix(old.modified, 0)}, old
		} else {
			todo = append(todo, i)
		}
	}
	if err := each(ctx, todo, look); err != nil {
		return nil, err
	}
	p.memory.keep(folder, now)
	infos := make([]fs.FileInfo, 0, len(found))
	for _, i := range found {
		if i != nil {
			infos = append(infos, i)
		}
	}
	return infos, nil
}

// each calls look for all of todo, several at a time. It stops where the
// server does not answer; other errors are of single entries.
func each(ctx context.Context, todo []int, look func(int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(heads, len(todo)) {
		workers.Go(func() {
			for i := range next {
				if err := look(i); errors.Is(err, source.ErrUnavailable) {
					cancel(err)
				}
			}
		})
	}
	for _, i := range todo {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// seen is what HEAD said of an entry when a listing said text of it.
type seen struct {
	text           uint64
	size, modified int64 // seconds since 1970
}

// memory is what was seen, by folder, so that to look at a folder again takes
// one request.
type memory struct {
	seed    maphash.Seed
	mu      sync.Mutex
	folders map[string][]seen // by text
	count   int
}

func (m *memory) of(folder string) []seen {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.folders[folder]
}

// keep remembers all of now that a listing says something of.
func (m *memory) keep(folder string, now []seen) {
	now = slices.DeleteFunc(now, func(s seen) bool { return s.text == 0 })
	slices.SortFunc(now, func(a, b seen) int { return cmp.Compare(a.text, b.text) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.count += len(now) - len(m.folders[folder]); m.count > maxKnown { // folders that are gone
		clear(m.folders)
		m.count = len(now)
	}
	m.folders[folder] = slices.Clip(now)
}

func find(known []seen, text uint64) (seen, bool) {
	i, ok := slices.BinarySearchFunc(known, text, func(s seen, text uint64) int { return cmp.Compare(s.text, text) })
	if !ok || text == 0 {
		return seen{}, false
	}
	return known[i], true
}
