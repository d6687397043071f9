package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"mustserv/library/index"
	"mustserv/library/source"
)

// Version is a number that is another one when anything in the folder or
// below it is, and the same on each start.
func (f *Folder) Version() uint64 {
	if v := f.version.Load(); v != 0 {
		return v
	}
	d := digest(offset64)
	d.text(string(f.Origin))
	for _, sub := range f.Folders {
		d.text(sub.Name)
		d.number(sub.Version())
	}
	for _, it := range f.Items {
		d.item(it)
	}
	v := max(1, uint64(d))
	f.version.Store(v)
	return v
}

// digest is the hash FNV-1a, which is the same in every process.
type digest uint64

const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

func (d *digest) text(s string) {
	for i := range len(s) {
		*d = (*d ^ digest(s[i])) * prime64
	}
	d.number(uint64(len(s)))
}

func (d *digest) number(n uint64) {
	for range 8 {
		*d = (*d ^ digest(n&0xff)) * prime64
		n >>= 8
	}
}

func (d *digest) item(it *Item) {
	for _, s := range []string{it.Name, string(it.Kind), it.MIME, it.Problem, string(it.Origin)} {
		d.text(s)
	}
	d.number(uint64(it.Size))
	d.number(uint64(it.told().Unix()))
	if it.Available {
		d.number(1)
	}
	if info := it.Info(); info != nil {
		d.number(math.Float64bits(info.Duration))
		d.number(uint64(info.Curve.Average))
	}
}

// Measured returns what was found out about the item for another node, as
// package index encodes it; nil if that is still to be done.
func (it *Item) Measured() []byte {
	if it.from == nil {
		return nil
	}
	entry := index.Entry{Info: it.Info()}
	if ok := entry.Info != nil; !ok {
		if entry, ok = it.from.index.Get(it.key()); !ok {
			return nil
		}
	}
	text, err := index.Encode(entry)
	if err != nil { // numbers that JSON can't write: the other node measures itself
		return nil
	}
	return text
}

// originOf returns the node that an entry of the folder is of.
func (n *node) originOf(info fs.FileInfo) source.Origin {
	if origin, ok := info.Sys().(source.Origin); ok {
		return origin
	}
	return n.origin
}

// setOrigin is called under the lock.
func (n *node) setOrigin(origin source.Origin) {
	if n.origin != origin {
		n.origin = origin
		n.touch()
	}
}

// findOrigin is called when the share's root was listed.
func (s *share) findOrigin() {
	peer, ok := source.Ability[source.Peer](s.source())
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.root.setOrigin(peer.Origin())
}

// Others are nodes with the same shares. Each file belongs to one of all,
// which measures it for them. Methods may be called concurrently.
type Others interface {
	// Owns reports whether a library path belongs to this node.
	Owns(path string) bool
	// Measured returns what another node has found out about the file of that
	// size and time at a library path, as package index encodes it. It waits
	// for the node that the file belongs to. Errors are source.ErrNotMeasured,
	// where it is to be asked again later, and errors.ErrUnsupported, where the
	// file is to be measured here.
	Measured(ctx context.Context, path string, size int64, modified time.Time) ([]byte, error)
}

// alone is a node without others.
type alone struct{}

func (alone) Owns(string) bool { return true }
func (alone) Measured(context.Context, string, int64, time.Time) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// takeOver asks the node that a file is of, or belongs to, what it has found
// out about it. It is not ok where the file is to be measured here.
func (s *share) takeOver(ctx context.Context, it *Item) (entry index.Entry, ok bool, err error) {
	text, err := []byte(nil), errors.ErrUnsupported
	if peer, ok := source.Ability[source.Peer](s.source()); ok {
		text, err = peer.Measured(ctx, it.below(), it.Size, it.Modified.Unix())
	}
	if errors.Is(err, errors.ErrUnsupported) {
		text, err = s.others.Measured(ctx, it.Path, it.Size, it.ModTime())
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return entry, false, nil
	case err != nil:
		return entry, false, fmt.Errorf("take over what was measured: %w", err)
	}
	entry, err = index.Decode(text)
	return entry, err == nil, nil // else it is of another version
}
