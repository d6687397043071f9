package smb

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/cloudsoda/go-smb2"

	"mustserv/library/source"
)

// handle is a file as it is open on one connection.
type handle struct {
	on     *session
	file   *smb2.File
	remote string
	size   int64
	time   time.Time
}

// openFile opens a regular file.
func openFile(on *session, remote string) (*handle, error) {
	if got, err := look(on.share, remote); err != nil || got.IsDir() {
		return nil, cmp.Or(err, fmt.Errorf("%w: not a regular file", fs.ErrInvalid))
	}
	f, err := openHere(on.share, remote)
	if err != nil {
		return nil, err
	}
	got, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &handle{on: on, file: f, remote: remote, size: got.Size(), time: got.ModTime()}, nil
}

// file is open at the server for as long as its connection holds, and then
// opened again on the next one, if it is still the same.
type file struct {
	link    *link
	first   *handle // as it was when it was opened
	ctx     context.Context
	cancel  context.CancelFunc
	handles chan *handle // the one to read from; taken out while it is opened anew
	ahead   window

	cursor source.Cursor

	mu     sync.Mutex
	closed bool
	reads  sync.WaitGroup // under way, at the server
}

var _ source.File = (*file)(nil)

// newFile returns an open file; it keeps the link, and closes the handle.
func newFile(ctx context.Context, l *link, h *handle) *file {
	f := &file{link: l, first: h, handles: make(chan *handle, 1)}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.handles <- h
	l.retain()
	return f
}

func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	f.cancel()
	f.ahead.drop(f.link)
	go f.finish()
	return nil
}

// finish tells the server, once nothing is under way; a server that is away
// does not keep whoever closes a file.
func (f *file) finish() {
	defer f.link.release()
	f.reads.Wait()
	if h := <-f.handles; !h.on.isBroken() {
		guarded(h.on, func(*session) (struct{}, error) { return struct{}{}, h.file.Close() })
	}
}

// start counts a read at the server, unless the file is closed.
func (f *file) start() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.reads.Add(1)
	}
	return !f.closed
}

// handle returns the file as it is open on a session.
func (f *file) handle(on *session) (*handle, error) {
	var h *handle
	select {
	case h = <-f.handles:
	case <-f.ctx.Done():
		return nil, fs.ErrClosed
	}
	if h.on == on {
		f.handles <- h
		return h, nil
	}
	again, err := openFile(on, f.first.remote)
	if err == nil && (again.size != f.first.size || !again.time.Equal(f.first.time)) {
		again.file.Close()
		err = source.ErrChanged
	}
	if err != nil {
		f.handles <- h
		return nil, err
	}
	f.handles <- again
	return again, nil
}

// atServer calls get with the file as it is open at the server.
func atServer[T any](f *file, get func(*handle) (T, error)) (T, error) {
	return call(f.ctx, f.link, func(on *session) (T, error) {
		var none T
		if !f.start() {
			return none, fs.ErrClosed
		}
		defer f.reads.Done()
		h, err := f.handle(on)
		if err != nil {
			return none, err
		}
		return get(h)
	}, nil)
}

// read fills b from off, and returns less only where the file ends.
func (h *handle) read(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		m, err := h.file.ReadAt(b[n:], off+int64(n))
		n += m
		if err == io.EOF || (m == 0 && err == nil) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (f *file) Stat() (fs.FileInfo, error) {
	got, err := atServer(f, func(h *handle) (fs.FileInfo, error) { return h.file.Stat() })
	if err != nil {
		return nil, f.wrong("stat", err)
	}
	return describe(got), nil
}

func (f *file) Read(b []byte) (int, error) { return f.cursor.Read(f, b) }

// Seek counts from the end that the file had when it was opened.
func (f *file) Seek(off int64, whence int) (int64, error) {
	at, err := f.cursor.Move(off, whence, f.first.size)
	if err != nil {
		err = f.wrong("seek", err)
	}
	return at, err
}

func (f *file) wrong(op string, err error) error {
	if f.ctx.Err() != nil {
		err = fs.ErrClosed
	}
	return fmt.Errorf("%s %q on %v: %w", op, f.first.remote, f.link.at, err)
}
