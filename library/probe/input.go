package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// Limits of what one probe reads.
const (
	maxIndex  = 64 << 20          // bytes of an index that is held in memory
	maxRead   = maxIndex + 32<<20 // bytes in all
	headBytes = 8 << 10           // at the begin of each file
	window    = 4 << 10           // least bytes of a read that is likely followed by a near one
	errPastIt = "is past the end of the file"
)

// input is a file as the readers see it: every read is inside the file, counts
// against a budget and is refused once the context has ended.
type input struct {
	ctx  context.Context
	r    io.ReaderAt
	size int64
	left int64 // bytes that may still be read

	first  []byte // the begin of the file
	kept   []byte // what keep has read
	keptAt int64
	buf    []byte // what was read last
	at     int64  // where buf begins in the file
}

// newInput returns the input of a file of size bytes.
func newInput(ctx context.Context, r io.ReaderAt, size int64) *input {
	return &input{ctx: ctx, r: r, size: size, left: maxRead}
}

// fill reads len(b) bytes at off.
func (in *input) fill(b []byte, off int64) error {
	if err := in.ctx.Err(); err != nil {
		return err
	}
	n := int64(len(b))
	switch {
	case off < 0 || n > in.size || off > in.size-n:
		return fmt.Errorf("byte %d to %d %s (%d bytes): %w", off, off+n, errPastIt, in.size, io.ErrUnexpectedEOF)
	case n > in.left:
		return fmt.Errorf("byte %d: the index is larger than %d bytes in all", off, int64(maxRead))
	}
	in.left -= n
	got, err := in.r.ReadAt(b, off)
	if int64(got) == n {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %d bytes at byte %d: %w", n, off, err)
}

// steady returns n bytes at off that stay valid, if they are held, else nil.
func (in *input) steady(off, n int64) []byte {
	if b := partOf(in.first, 0, off, n); b != nil {
		return b
	}
	return partOf(in.kept, in.keptAt, off, n)
}

// held returns n bytes at off if they were read already, else nil.
func (in *input) held(off int64, n int) []byte {
	if b := in.steady(off, int64(n)); b != nil {
		return b
	}
	return partOf(in.buf, in.at, off, int64(n))
}

// partOf returns n bytes at off of b, which begins at a byte of the file.
func partOf(b []byte, at, off, n int64) []byte {
	if i := off - at; i >= 0 && i <= int64(len(b))-n {
		return b[i : i+n : i+n]
	}
	return nil
}

// peek returns n bytes at off. They are valid until the next call. Where they
// have to be read, at least ahead bytes are, if the file has them: a near peek
// then costs nothing.
func (in *input) peek(off int64, n, ahead int) ([]byte, error) {
	if b := in.held(off, n); b != nil {
		return b, nil
	}
	if err := in.refill(off, max(n, ahead), n); err != nil {
		return nil, err
	}
	return in.buf[:n:n], nil
}

// read fills b with the bytes at off, and leaves what peek returned as it is.
func (in *input) read(b []byte, off int64) error {
	if held := in.held(off, len(b)); held != nil {
		copy(b, held)
		return nil
	}
	return in.fill(b, off)
}

// refill reads want bytes at off into the buffer, or what the file has of them
// but not less than least.
func (in *input) refill(off int64, want, least int) error {
	if off >= 0 && int64(want) > in.size-off {
		want = int(max(int64(least), in.size-off))
	}
	if cap(in.buf) < want {
		in.buf = make([]byte, 1<<bits.Len(uint(want-1)))
	}
	in.buf, in.at = in.buf[:want], off
	err := in.fill(in.buf, off)
	if err != nil {
		in.buf = in.buf[:0]
	}
	return err
}

// head returns the first n bytes, or all if there are fewer.
func (in *input) head(n int) ([]byte, error) {
	if in.first == nil {
		first := make([]byte, min(headBytes, in.size))
		if err := in.fill(first, 0); err != nil {
			return nil, err
		}
		in.first = first
	}
	return in.first[:min(n, len(in.first))], nil
}

// keep reads n bytes at off that are held from then on, in place of those of
// the last call.
func (in *input) keep(off, n int64) error {
	if in.steady(off, n) != nil {
		return nil
	}
	b, err := in.load(off, n)
	in.kept, in.keptAt = b, off
	return err
}

// load returns a copy of n bytes at off that stays valid.
func (in *input) load(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > in.size || off > in.size-n {
		return nil, fmt.Errorf("byte %d: %d bytes: end %s (%d bytes)", off, n, errPastIt, in.size)
	}
	if n > maxIndex {
		return nil, fmt.Errorf("byte %d: %d bytes are too many to hold, the limit is %d", off, n, int64(maxIndex))
	}
	b := make([]byte, n)
	if err := in.fill(b, off); err != nil {
		return nil, err
	}
	return b, nil
}
