package httpdir

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"sync"
	"time"

	"mustserv/library/source"
)

// file is an open file. What is read is read on from the answer of one
// request as long as reads follow each other; a jump takes a new one.
type file struct {
	*io.SectionReader // of content: offsets, ends and Seek
	content           *content
}

var _ source.File = (*file)(nil)

func newFile(ctx context.Context, c *client, name string, found *info) *file {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	all := &content{
		client: c, url: c.file(name), ctx: ctx, cancel: cancel, info: found,
		version: version{size: found.size, modified: found.modified},
	}
	if found.blurred || found.modified.Unix() == 0 {
		all.version.modified = time.Time{}
	}
	all.version.learn(version{tag: found.tag})
	return &file{io.NewSectionReader(all, 0, found.size), all}
}

// Stat says what was opened: bytes of anything else are never read.
func (f *file) Stat() (fs.FileInfo, error) { return f.content.info, nil }

func (f *file) Close() error { return f.content.close() }

// content reads one version of a file.
type content struct {
	*client
	url    *url.URL
	info   *info
	ctx    context.Context // ends when the file is closed
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	version version
	kept    *stream // parked; or gone meanwhile
	next    int64   // where the last request ended
	window  int64   // how much it asked for
}

// ReadAt reads what lies within the file, all of b unless there is an error.
func (c *content) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		s, fresh, err := c.stream(off+int64(n), int64(len(b)-n))
		if err != nil {
			return n, c.failed(err)
		}
		m, err := s.read(b[n:])
		n += m
		if err == nil && !s.done() {
			c.park(s)
			continue
		}
		s.close()
		if err != nil && fresh { // else the server may have given up waiting for us
			return n, c.failed(err)
		}
	}
	return n, nil
}

func (c *content) failed(err error) error {
	if context.Cause(c.ctx) != nil {
		return fmt.Errorf("read %q at %s: %w", c.info.name, c.base, fs.ErrClosed)
	}
	return fmt.Errorf("read %q at %s: %w", c.info.name, c.base, err)
}

func (c *content) close() error {
	if context.Cause(c.ctx) != nil {
		return fmt.Errorf("close %q at %s: %w", c.info.name, c.base, fs.ErrClosed)
	}
	if s := c.unpark(); s != nil {
		s.close()
	}
	c.cancel(fs.ErrClosed)
	return nil
}

// stream returns a stream that goes on at off: the one that is kept if it is
// there or shortly before, else a fresh one for want bytes or more.
func (c *content) stream(off, want int64) (s *stream, fresh bool, err error) {
	if err := context.Cause(c.ctx); err != nil {
		return nil, false, err
	}
	if s := c.unpark(); s != nil {
		if s.reaches(off) && s.skip(off) == nil {
			return s, false, nil
		}
		s.close()
	}
	s, err = c.request(off, c.ask(off, want))
	if err != nil {
		return nil, false, err
	}
	if err := s.skip(off); err != nil {
		s.close()
		return nil, false, err
	}
	return s, true, nil
}

// ask returns how many bytes to ask for: the more the longer reads have
// followed each other. What is asked for in vain costs a connection.
func (c *content) ask(off, want int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if off == c.next && off > 0 {
		c.window *= 2
	} else {
		c.window = firstWindow
	}
	if c.window = max(c.window, want); c.window > lastWindow || c.window > c.version.size-off {
		c.window = c.version.size - off
	}
	c.next = off + c.window
	return c.window
}

// park keeps a stream for the next read, and lets go of the one before.
func (c *content) park(s *stream) {
	c.mu.Lock()
	before := c.kept
	c.kept = s
	parked := c.lines.park(s)
	c.mu.Unlock()
	if before != nil && c.lines.claim(before) {
		before.close()
	}
	closed := context.Cause(c.ctx) != nil
	if !parked || (closed && c.lines.claim(s)) {
		s.close()
	}
}

// unpark returns the stream that is kept, nil for none.
func (c *content) unpark() *stream {
	c.mu.Lock()
	s := c.kept
	c.kept = nil
	c.mu.Unlock()
	if s == nil || !c.lines.claim(s) {
		return nil
	}
	return s
}

// current checks that an answer, of a file of total bytes (-1 if it does not
// say), is of the version that was opened.
func (c *content) current(v version) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.version.agrees(v) {
		return source.ErrChanged
	}
	c.version.learn(v)
	return nil
}
