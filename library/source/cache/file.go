package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"mustserv/library/source"
)

const (
	// sequence is how many bytes have to be read without a gap for the next
	// ones to be kept.
	sequence = 64 << 10
	// beginning is how far into a segment a reader may be for it to be
	// fetched from its begin.
	beginning = 256 << 10
)

// file is an open file of which segments are kept. It holds the segment that
// is read and the next one.
type file struct {
	source *cached
	store  *Store
	inner  source.File // for what is not kept; nil where it is for others
	id     identity
	ctx    context.Context // for what goes on when the call that opens the file has returned
	closed chan struct{}
	// forOthers says that other instances read it: it is had from none of them.
	forOthers bool

	cursor source.Cursor

	mu        sync.Mutex
	current   *held
	next      *held
	preparing bool
	fetcher   *fetcher // nil until it has fetched something
	at        int64    // where reading goes on if it is sequential
	run       int64    // bytes read in sequence up to there
}

// held is a segment that a file holds.
type held struct {
	*segment
	k   int64
	hit bool // it was not fetched for this file
}

var (
	_ source.File    = (*file)(nil)
	_ source.Locator = (*file)(nil)
)

func newFile(ctx context.Context, c *cached, inner source.File, id identity) *file {
	return &file{source: c, store: c.store, inner: inner, id: id, ctx: context.WithoutCancel(ctx), closed: make(chan struct{})}
}

func (f *file) Stat() (fs.FileInfo, error) { return f.inner.Stat() }

func (f *file) Close() error {
	if err := f.end(); err != nil {
		return err
	}
	return f.inner.Close()
}

// end lets go of all but the open file.
func (f *file) end() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isClosed() {
		return fs.ErrClosed
	}
	close(f.closed)
	f.drop(&f.current)
	f.drop(&f.next)
	if f.fetcher != nil {
		f.fetcher.leave()
	}
	return nil
}

func (f *file) isClosed() bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

func (f *file) drop(h **held) {
	if *h != nil {
		f.store.release((*h).segment)
		*h = nil
	}
}

// fetches returns the file as it is open at the server for all its readers,
// and keeps it open from now on.
func (f *file) fetches() *fetcher {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fetcher == nil && !f.isClosed() {
		f.fetcher = f.source.fetcher(f.id)
	}
	return f.source.fetcher(f.id)
}

func (f *file) Read(b []byte) (int, error) { return f.cursor.Read(f, b) }

func (f *file) Seek(off int64, whence int) (int64, error) {
	at, err := f.cursor.Move(off, whence, f.id.size)
	if err != nil {
		err = fmt.Errorf("%q: %w", f.id.path, err)
	}
	return at, err
}

func (f *file) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("read %q at %d: %w", f.id.path, off, fs.ErrInvalid)
	}
	if f.isClosed() {
		return 0, fs.ErrClosed
	}
	if left := f.id.size - off; int64(len(b)) > left {
		b, err = b[:max(left, 0)], io.EOF
	}
	keep := f.follow(off, len(b))
	for n < len(b) {
		part := b[n:]
		if left := f.id.segment - (off+int64(n))%f.id.segment; int64(len(part)) > left {
			part = part[:left]
		}
		m, partErr := f.readPart(part, off+int64(n), keep)
		if n += m; partErr != nil && n < len(b) {
			return n, partErr
		}
	}
	return n, err
}

// follow notes where reading is, and reports whether it is sequential.
func (f *file) follow(off int64, n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off != f.at {
		f.run = 0
	}
	sequential := f.run >= sequence
	f.at, f.run = off+int64(n), f.run+int64(n)
	return sequential
}

// readPart reads within one segment.
func (f *file) readPart(b []byte, off int64, keep bool) (int, error) {
	k := off / f.id.segment
	off -= k * f.id.segment
	seg := f.use(k, off, keep)
	if seg == nil {
		return f.pass(b, k, off)
	}
	defer f.store.release(seg)
	err := seg.await(f, off+int64(len(b)), f.closed)
	if err == nil {
		var n int
		if n, err = seg.readAt(b, off); n == len(b) {
			return n, nil
		}
	}
	if errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrUnavailable) || f.isClosed() {
		return 0, err
	}
	return f.pass(b, k, off)
}

// pass reads from the file's server.
func (f *file) pass(b []byte, k, off int64) (int, error) {
	n, err := f.inner.ReadAt(b, k*f.id.segment+off)
	if n < len(b) && err == nil {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// use returns segment k if it is there or is to be kept, else nil. Its caller
// releases it.
func (f *file) use(k, off int64, keep bool) *segment {
	f.mu.Lock()
	seg := f.holds(k, off, keep)
	if seg != nil {
		f.store.retain(seg)
	}
	f.mu.Unlock()
	if seg != nil {
		return seg
	}
	seg = f.store.acquire(f.id, k)
	seg.load()
	have, filling := seg.state()
	if have == 0 && !filling && !(keep && off <= beginning && !f.store.isOff()) {
		f.store.release(seg)
		return nil
	}
	if keep || have == seg.length {
		f.hold(held{seg, k, seg.isHit(f)})
	}
	return seg
}

// holds returns segment k if the file has it, and has the one after it made
// ready once the reader of a sequence is through half of it. It is called with
// the lock.
func (f *file) holds(k, off int64, ahead bool) *segment {
	if f.next != nil && f.next.k == k {
		f.source.count(f.next)
		f.drop(&f.current)
		f.current, f.next = f.next, nil
	}
	if ahead && off >= f.id.segment/2 {
		f.prepare(k + 1)
	}
	if f.current != nil && f.current.k == k {
		return f.current.segment
	}
	return nil
}

// hold keeps a segment as the one that is read.
func (f *file) hold(h held) {
	f.source.count(&h)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isClosed() {
		return
	}
	f.drop(&f.current)
	f.store.retain(h.segment)
	f.current = &h
	if f.next != nil && f.next.k == h.k { // it was made ready just now
		f.drop(&f.next)
	}
}

// prepare has the next segment opened, or fetched. It is called with the lock.
func (f *file) prepare(k int64) {
	if f.preparing || k >= f.id.segments() || (f.next != nil && f.next.k == k) || f.isClosed() {
		return
	}
	f.preparing = f.store.start(func() {
		seg := f.store.acquire(f.id, k)
		seg.load()
		hit := seg.isHit(f)
		f.mu.Lock()
		f.preparing = false
		f.drop(&f.next)
		if !f.isClosed() && (f.current == nil || f.current.k != k) { // the reader was not faster
			f.next = &held{f.store.retain(seg), k, hit}
		}
		f.mu.Unlock()
		if !f.store.isOff() {
			seg.await(f, 1, f.closed)
		}
		f.store.release(seg)
	})
}

// count counts what a reader finds of a segment that he comes to.
func (c *cached) count(h *held) {
	if !h.hit {
		c.misses.Add(1)
		return
	}
	c.hits.Add(1)
	c.saved.Add(h.length)
}

// Locate never waits. Who asks for a place is about to read there in sequence,
// and what is not there yet is kept as it is read.
func (f *file) Locate(off int64) (local *os.File, at, n int64, ok bool) {
	if off < 0 || off >= f.id.size || f.isClosed() {
		return nil, 0, 0, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.run = off, max(f.run, sequence)
	k := off / f.id.segment
	off -= k * f.id.segment
	seg := f.holds(k, off, true)
	if seg == nil {
		return nil, 0, 0, false
	}
	local, have := seg.local()
	if local == nil || have <= off {
		return nil, 0, 0, false
	}
	if half := f.id.segment / 2; off < half { // there it is time to make the next one ready: be asked again
		have = min(have, half)
	}
	return local, contentBegin + off, have - off, true
}
