package httpdir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"mustserv/library/source"
)

// errNotSpoken says that a server does not speak a dialect (any more).
var errNotSpoken = errors.New("the server does not answer as a file server")

// speak calls do with the server's dialect. A server that no longer speaks
// the one it spoke is asked once more in the one it speaks now.
func (s *site) speak(ctx context.Context, do func(dialect) error) error {
	d, fresh, err := s.dialect(ctx, nil)
	if err != nil {
		return err
	}
	err = do(d)
	if fresh || !errors.Is(err, errNotSpoken) {
		return err
	}
	if d, _, err = s.dialect(ctx, d); err != nil {
		return err
	}
	return do(d)
}

// dialect returns the dialect that the server speaks; fresh reports whether
// it was found out just now, as it is when it was none or wrong before.
func (s *site) dialect(ctx context.Context, wrong dialect) (d dialect, fresh bool, err error) {
	select {
	case d = <-s.spoken:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	before := d
	if d == nil || d == wrong {
		fresh = true
		d, err = s.detect(ctx)
	}
	if err != nil {
		s.spoken <- before
		return nil, false, err
	}
	s.spoken <- d
	return d, fresh, nil
}

// detect asks the server in one dialect after the other.
func (s *site) detect(ctx context.Context) (dialect, error) {
	for _, d := range []dialect{s.node, &webdav{s.client}} {
		_, err := d.stat(ctx, ".")
		switch {
		case err == nil:
			return d, nil
		case ctx.Err() != nil, errors.Is(err, source.ErrUnavailable), errors.Is(err, errLogin):
			return nil, err
		}
	}
	plain := newPages(s.client)
	if _, err := plain.stat(ctx, "."); errors.Is(err, fs.ErrNotExist) {
		return nil, err // once it is there it may be one of WebDAV
	}
	return plain, nil
}

// reader reads the answer for a folder entry by entry. Whatever the server
// sends, little of it is held at a time.
type reader struct {
	body interface{ Read([]byte) (int, error) }
	left int // bytes that the current entry may still take
	seen int // entries
}

// Limits of the answer for one folder.
const (
	maxEntries = 200_000
	maxEntry   = 64 << 10 // bytes
)

var errTooLong = fmt.Errorf("the server's answer is longer than %d kB for one entry", maxEntry>>10)

func (r *reader) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, errTooLong
	}
	n, err := r.body.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}

// next allows for one more entry.
func (r *reader) next() error {
	if r.seen++; r.seen > maxEntries {
		return fmt.Errorf("the folder holds more than %d entries", maxEntries)
	}
	r.left = maxEntry
	return nil
}
