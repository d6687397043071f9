package source

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// Cursor is where in a File the next Read begins: Read and Seek for a File
// that has ReadAt. The zero value is the beginning. Safe for concurrent use.
type Cursor struct {
	mu sync.Mutex
	at int64
}

// Read reads on. What comes before an end or a failure comes without it: the
// next Read meets it again.
func (c *Cursor) Read(f io.ReaderAt, b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := f.ReadAt(b, c.at)
	if c.at += int64(n); n > 0 {
		err = nil
	}
	return n, err
}

// Move seeks, as io.Seeker has it, in a file that ends at size; its error is
// fs.ErrInvalid.
func (c *Cursor) Move(off int64, whence int, size int64) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	to := off
	switch whence {
	case io.SeekCurrent:
		to += c.at
	case io.SeekEnd:
		to += size
	}
	if to < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, fmt.Errorf("seek by %d from %d (0 begin, 1 here, 2 end): %w", off, whence, fs.ErrInvalid)
	}
	c.at = to
	return to, nil
}
