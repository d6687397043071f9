package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"mustserv/library/source"
)

// timeStep is how exactly times count. FAT keeps them in steps of two
// seconds, HTTP of one; other file systems are finer. So copies of a file
// whose times are no further apart are the same, and what the library tells
// of a file's time is cut to whole steps: every instance tells the same,
// whichever of the copies it sees, and so makes the same ETag of it.
const timeStep = 2 * time.Second

// file is an open item. It reads from the share that answers, and goes on at
// the same byte when that one fails: from another share that has the same
// content, else when one of them is back. There may be thousands.
type file struct {
	it     *Item
	state  state // of the file, that every copy read from must be in
	cursor source.Cursor

	hasty  bool // it does not wait
	closed atomic.Bool
	stop   atomic.Pointer[context.CancelFunc] // of the last look for another copy

	mu    sync.Mutex      // held while another copy is looked for
	ctx   context.Context // ends all waits, as Close does
	inner opened
}

// opened is a copy of the item's file in one share.
type opened struct {
	source.File
	from *share
}

func (o opened) close() error {
	if o.from.crowd.leave(o.File) {
		return nil
	}
	return o.File.Close()
}

var (
	_ source.File    = (*file)(nil)
	_ source.Locator = (*file)(nil)
	_ source.Keeper  = (*file)(nil)
)

// state says which content of a path a file is.
type state struct {
	size     int64
	modified int64 // microseconds since 1970
}

func stateAt(size int64, modified time.Time) state { return state{size, modified.UnixMicro()} }

func stateOf(info fs.FileInfo) state { return stateAt(info.Size(), info.ModTime()) }

// is reports whether two files have the same content, as far as can be told.
func (s state) is(other state) bool {
	apart := s.modified - other.modified
	return s.size == other.size && max(apart, -apart) <= timeStep.Microseconds()
}

// fileInfo describes an item's file, the same on all instances.
type fileInfo struct {
	fs.FileInfo
	size     int64
	modified time.Time
}

func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) ModTime() time.Time { return i.modified }

// Stat describes the file as it was when it was opened, which is what Read
// keeps to.
func (f *file) Stat() (fs.FileInfo, error) {
	inner, err := f.current()
	if err != nil {
		return nil, err
	}
	info, err := inner.Stat()
	if err != nil {
		return nil, err
	}
	told := time.UnixMicro(f.state.modified)
	if f.state == f.it.state() {
		told = f.it.told()
	}
	return fileInfo{info, f.state.size, evenSecond(told)}, nil
}

// ReadAt waits where no share can be read from.
func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("read %q at %d: %w", f.it.Path, off, fs.ErrInvalid)
	}
	if left := f.state.size - off; int64(len(p)) > left {
		p, err = p[:max(0, left)], io.EOF
	}
	var waited patience
	for n < len(p) {
		inner, failed := f.current()
		if failed == nil {
			var m int
			m, failed = inner.ReadAt(p[n:], off+int64(n))
			if n += m; m > 0 {
				waited = patience{}
			}
		}
		switch {
		case n == len(p):
		case failed == io.EOF: // it has shrunk
			return n, io.EOF
		default:
			if failed := f.replace(inner, failed, &waited); failed != nil {
				return n, failed
			}
		}
	}
	return n, err
}

// Read reads on from where the last Read or Seek ended.
func (f *file) Read(p []byte) (int, error) { return f.cursor.Read(f, p) }

// Seek moves to where the next Read begins.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	at, err := f.cursor.Move(offset, whence, f.state.size)
	if err != nil {
		err = fmt.Errorf("%q: %w", f.it.Path, err)
	}
	return at, err
}

// Locate is the one of the copy that is read from now.
func (f *file) Locate(off int64) (local *os.File, at, n int64, ok bool) {
	inner, err := f.current()
	if err != nil || off >= f.state.size {
		return nil, 0, 0, false
	}
	local, at, n, ok = source.Locate(inner.File, off)
	return local, at, min(n, f.state.size-off), ok
}

// Close ends waits and reads.
func (f *file) Close() error {
	f.closed.Store(true)
	if stop := f.stop.Load(); stop != nil {
		(*stop)()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	inner := f.inner
	if f.inner = (opened{}); inner.File == nil {
		return nil
	}
	return inner.close()
}

// Keep has the file outlast the context of Open, and read from the open file
// of others that have the same content.
func (f *file) Keep() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ctx = context.Background()
	if local, ok := f.inner.File.(*os.File); ok {
		f.inner.File = f.inner.from.crowd.join(content{f.it.Path, f.state}, local)
	}
}

var errNoCopy = errors.New("no share to read from")

// current returns the copy that is read from.
func (f *file) current() (opened, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.inner.File == nil {
		return opened{}, errNoCopy
	}
	return f.inner, nil
}

// replace puts another copy in the place of one that failed, or the same one
// anew.
func (f *file) replace(failed opened, cause error, p *patience) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	if f.stop.Store(&cancel); f.closed.Load() {
		cancel()
	}
	if f.inner != failed || ctx.Err() != nil { // another read was faster, or it is closed
		return ctx.Err()
	}
	if failed.File != nil {
		failed.from.crowd.avoid(failed.File)
		failed.close()
		f.inner = opened{}
	}
	if f.hasty && p.pause > 0 { // another copy was tried
		return cause
	}
	next, err := f.it.await(ctx, p, func() (opened, bool, error) {
		next, err := f.it.openCopy(ctx, f.state.is, failed.from)
		worth := !errors.Is(err, source.ErrChanged) || errors.Is(err, source.ErrUnavailable)
		return next, worth && !f.hasty, err
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, source.ErrChanged):
		return err
	case err != nil:
		return fmt.Errorf("read %q: %w: %w", f.it.Path, source.ErrUnavailable, cause)
	}
	f.inner = next
	return nil
}
