package routing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// CachedPath is where a node reads what another one keeps of a file server.
const CachedPath = "/api/v1/cached"

const (
	cachedMost   = 4 << 20          // bytes of one answer; a segment has no more
	cachedAtOnce = 16               // answers; who asks for more waits
	cachedRest   = 10 * time.Second // of a node that did not send what it was asked for
)

// ErrOther says that a file is there, but not that version.
var ErrOther = errors.New("it is another version of the file")

// Cached names a version of a file that nodes keep in their caches.
type Cached struct {
	Path     string // in the library
	Place    string // where it is read from, the same on all nodes: a Fingerprint, for it is told
	Size     int64  // bytes
	Modified int64  // nanoseconds since 1970
}

// etag is a strong one.
func (f Cached) etag() string {
	return `"` + Fingerprint(f.Path, f.Place, strconv.FormatInt(f.Size, 10), strconv.FormatInt(f.Modified, 10)) + `"`
}

func (f Cached) query() string {
	return url.Values{
		"path": {f.Path}, "place": {f.Place},
		"size": {strconv.FormatInt(f.Size, 10)}, "modified": {strconv.FormatInt(f.Modified, 10)},
	}.Encode()
}

// contentRange is what an answer says of its bytes.
func (f Cached) contentRange(off, end int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", off, end-1, f.Size)
}

// parseCached reads what another node asks for.
func parseCached(query url.Values, ranges string) (f Cached, off, end int64, err error) {
	f = Cached{Path: query.Get("path"), Place: query.Get("place")}
	f.Size, err = strconv.ParseInt(query.Get("size"), 10, 64)
	modified, err2 := strconv.ParseInt(query.Get("modified"), 10, 64)
	span, isBytes := strings.CutPrefix(ranges, "bytes=")
	first, last, _ := strings.Cut(span, "-")
	off, err3 := strconv.ParseInt(first, 10, 64)
	final, err4 := strconv.ParseInt(last, 10, 64)
	f.Modified = modified
	switch {
	case errors.Join(err, err2, err3, err4) != nil, !isBytes, f.Path == "", f.Place == "":
		return f, 0, 0, errors.New("not understood")
	case off < 0 || final < off || final >= f.Size || final-off >= cachedMost:
		return f, 0, 0, fmt.Errorf("no range, or one of more than %d bytes", cachedMost)
	}
	return f, off, final + 1, nil
}

// CachedElsewhere reports whether another node keeps a file for all and is to
// be asked for it: it is up, and did not fail just now.
func (c *Cluster) CachedElsewhere(f Cached) bool { return c.keeper(f) != nil }

// Cached reads the bytes from off to end of a file, at most those of a
// segment, from the node that keeps it for all. It fails where that is this
// one, where the nodes have no secret, and where the node does not answer, or
// something else. A read of what it returns fails where the bytes end early. A
// node that failed is not asked for anything of that place for a while.
func (c *Cluster) Cached(ctx context.Context, f Cached, off, end int64) (io.ReadCloser, error) {
	p := c.keeper(f)
	if p == nil {
		return nil, errNotThere
	}
	answer, err := c.askCached(ctx, p, f, off, end)
	if err == nil {
		return &cachedBody{answer.Body, func(err error) { c.restCached(p, f, err) }}, nil
	}
	if !errors.Is(err, ErrOther) {
		c.restCached(p, f, err)
	}
	return nil, fmt.Errorf("ask %s for what it keeps: %w", p.URL, err)
}

// keeper returns the other node that keeps a file for all; nil is this one, or
// none. It is the one that the policy Content sends viewers of the file to. Who
// is about to end keeps nothing.
func (c *Cluster) keeper(f Cached) *peer {
	draining := c.Self().Told.Draining
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.signer) == 0 {
		return nil
	}
	var list []Candidate
	if !draining {
		list = append(list, Candidate{ID: c.ID, Weight: c.config.Weight})
	}
	for _, p := range c.peers {
		if p.Up && !p.Self && !p.Draining && p.ID != c.ID {
			list = append(list, candidateOf(p))
		}
	}
	if len(list) == 0 {
		return nil
	}
	first := owner(list, f.Path).peer
	if first == nil || time.Now().Before(first.uncached[f.Place]) {
		return nil
	}
	return first
}

// askCached asks a node for bytes of a file, and checks that it sends these.
func (c *Cluster) askCached(ctx context.Context, p *peer, f Cached, off, end int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base.String()+CachedPath+"?"+f.query(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, end-1))
	request.Header.Set("Accept-Encoding", "identity")
	answer, err := c.carry(p, request)
	if err != nil {
		return nil, err
	}
	h := answer.Header
	switch {
	case answer.StatusCode == http.StatusPreconditionFailed:
		err = ErrOther
	case answer.StatusCode != http.StatusPartialContent:
		err = refusal(answer)
		if err == nil {
			err = fmt.Errorf("it answers %q", answer.Status)
		}
	case h.Get("ETag") != f.etag() || h.Get("Content-Range") != f.contentRange(off, end) || answer.ContentLength != end-off || h.Get("Content-Encoding") != "":
		err = errors.New("it answers with something else than it was asked for")
	}
	if err != nil {
		answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// restCached notes that a node has not sent what it was asked for.
func (c *Cluster) restCached(p *peer, f Cached, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, context.Canceled) {
		err = errors.New("it is too slow")
	}
	now := time.Now()
	if now.Before(p.uncached[f.Place]) {
		return
	}
	if p.uncached == nil {
		p.uncached = make(map[string]time.Time) // of no more places than this node has shares
	}
	p.uncached[f.Place] = now.Add(cachedRest)
	share, _, _ := strings.Cut(f.Path, "/")
	c.Log.Info("another node's cache is not read for a while, but the file server itself", "node", p.URL, "share", share, "error", err)
}

// cachedBody tells when it fails.
type cachedBody struct {
	io.ReadCloser
	failed func(error)
}

func (b *cachedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.failed(plain(err))
	}
	return n, err
}

// ServeCached answers what Cached of another node asks, by what open opens: it
// fails with fs.ErrNotExist where nothing is kept of that place, and with
// ErrOther. The bytes go out unpaced, for the node that asks paces its viewers;
// so a few are sent at a time. Only who knows the secret gets any.
func (c *Cluster) ServeCached(w http.ResponseWriter, r *http.Request, open func(ctx context.Context, f Cached, off, end int64) (io.ReadCloser, error)) {
	if r.Method != http.MethodGet || !c.Trusts(r) {
		http.Error(w, "Only another node may read this.", http.StatusForbidden)
		return
	}
	f, off, end, err := parseCached(r.URL.Query(), r.Header.Get("Range"))
	if err != nil {
		http.Error(w, "This can't be read: "+err.Error()+".", http.StatusBadRequest)
		return
	}
	select {
	case c.answering <- struct{}{}:
		defer func() { <-c.answering }()
	case <-r.Context().Done():
		return
	}
	from, err := open(r.Context(), f, off, end)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "Nothing is kept of that.", http.StatusNotFound)
	case errors.Is(err, ErrOther):
		http.Error(w, "This is another version of the file.", http.StatusPreconditionFailed)
	case err != nil:
		http.Error(w, "This can't be read now.", http.StatusServiceUnavailable)
	default:
		defer from.Close()
		f.send(w, from, off, end)
	}
}

// send sends what was asked for. Where that ends early, so does the answer.
func (f Cached) send(w http.ResponseWriter, from io.Reader, off, end int64) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(end-off, 10))
	h.Set("Content-Range", f.contentRange(off, end))
	h.Set("ETag", f.etag())
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusPartialContent)
	io.Copy(w, from)
}
