package guard

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"mustserv/library/source"
)

// maxRead is how many bytes one call reads at most.
const maxRead = 128 << 10

// file is an open file. Its place in the file is its own: what hangs must not
// move it when it comes back.
type file struct {
	g     *guard
	inner source.File
	open  context.Context // ends with Close, and with it the calls under way
	end   context.CancelFunc

	closed atomic.Bool
	cursor source.Cursor
}

var _ source.File = (*file)(nil)

func newFile(ctx context.Context, g *guard, inner source.File) *file {
	f := &file{g: g, inner: inner}
	f.open, f.end = context.WithCancel(context.WithoutCancel(ctx)) // a file outlives the call that opens it
	return f
}

func (f *file) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("read at %d: %w", off, fs.ErrInvalid)
	}
	for err == nil && n < len(b) {
		var m int
		m, err = f.readOnce(b[n:], off+int64(n))
		n += m
	}
	return n, err
}

// readOnce reads what one call reads. io.EOF may come with the last bytes.
func (f *file) readOnce(b []byte, off int64) (int, error) {
	n := min(len(b), maxRead)
	read, err := callFile(f, func() (piece, error) {
		buf := f.g.buffers.Get().(*[maxRead]byte)
		n, err := f.inner.ReadAt(buf[:n], off)
		return piece{buf, n}, err
	}, f.g.reuse)
	copy(b, read.bytes())
	f.g.reuse(read)
	return read.n, err
}

// piece is what one call has read. Its buffer belongs to who holds the piece:
// a call that hangs keeps it until it comes back.
type piece struct {
	buf *[maxRead]byte
	n   int
}

func (p piece) bytes() []byte {
	if p.buf == nil {
		return nil
	}
	return p.buf[:p.n]
}

func (g *guard) reuse(p piece) {
	if p.buf != nil {
		g.buffers.Put(p.buf)
	}
}

// callFile is call for what is done with an open file.
func callFile[T any](f *file, do func() (T, error), drop func(T)) (T, error) {
	value, err := call(f.open, f.g, f.g.Timeout, func(context.Context) (T, error) { return do() }, drop)
	if err != nil && f.open.Err() != nil {
		err = fs.ErrClosed
	}
	return value, err
}

func (f *file) Read(b []byte) (int, error) { return f.cursor.Read(f, b) }

func (f *file) Seek(off int64, whence int) (int64, error) {
	var size int64
	if whence == io.SeekEnd {
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		size = info.Size()
	}
	return f.cursor.Move(off, whence, size)
}

func (f *file) Stat() (fs.FileInfo, error) { return callFile(f, f.inner.Stat, nil) }

// Close does not wait for anything. Calls under way end with fs.ErrClosed.
func (f *file) Close() error {
	if f.closed.Swap(true) {
		return fs.ErrClosed
	}
	f.end()
	f.g.close(f.inner)
	return nil
}
