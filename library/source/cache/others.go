package cache

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"mustserv/library/source"
)

const (
	// openFor is how long a file stays open at its server that another
	// instance has read from, which comes for the next segment soon.
	openFor = 10 * time.Second
	// onceMost is how many segments that were read once are remembered: two
	// times 2 GiB of the usual size.
	onceMost = 1024
)

// Version names one version of a file, the same for all instances.
type Version struct {
	Place, Path string // as Wrap has the place; below it
	Size, Time  int64  // bytes; nanoseconds since 1970
}

// Others are further instances, each with a cache of its own. Each file
// belongs to one of all, which reads it from the file's server for all.
type Others interface {
	// Have reports whether a file belongs to another instance, which is to be
	// asked for it. It asks nobody.
	Have(v Version) bool
	// Read reads the bytes from off to end from the instance that the file
	// belongs to. Where it fails the file's server is read, as it is from
	// where the bytes end too early. The caller closes what it gets.
	Read(ctx context.Context, v Version, off, end int64) (io.ReadCloser, error)
}

// Join has what belongs to others read from them. It is called before
// anything is read.
func (s *Store) Join(o Others) { s.others = o }

// ask has as much of the segment as is to be had from the instance that the
// file belongs to. It reports whether that is all. An error is the disk's.
//
// What another one has is kept here only when it is read a second time: so the
// caches of all add up, and what many watch here is not asked for again and
// again.
func (s *segment) ask(f *file) (all bool, err error) {
	if s.store.others == nil || f.forOthers || !s.store.others.Have(f.id.version()) {
		return false, nil
	}
	s.update(func() { s.asking = true })
	defer s.update(func() { s.asking = false })
	ctx, cancel := context.WithCancel(f.ctx)
	defer cancel()
	patience := time.AfterFunc(elsewhere, cancel)
	defer patience.Stop()
	have, _ := s.state()
	from, err := s.store.others.Read(ctx, f.id.version(), s.begin+have, s.begin+s.length)
	if err != nil {
		return false, nil
	}
	defer from.Close()
	if all, err = s.drink(from, patience); !all {
		return false, err
	}
	f.source.fromOthers.Add(1)
	if s.store.again(s.key) {
		return true, s.publish()
	}
	return true, nil
}

// drink writes what another instance sends. Each piece has to come in time.
func (s *segment) drink(from io.Reader, patience *time.Timer) (all bool, err error) {
	b := s.store.buffer()
	defer s.store.reuse(b)
	for have, _ := s.state(); have < s.length; have, _ = s.state() {
		if s.store.isEnded() {
			return false, errPass
		}
		n, failed := io.ReadFull(from, b[:min(pieceBytes, s.length-have)])
		patience.Reset(elsewhere)
		if n > 0 {
			err = s.begun()
		}
		if err == nil && n > 0 {
			err = s.write(have, b[:n])
		}
		if err != nil || failed != nil {
			return false, err
		}
	}
	return true, nil
}

// once remembers segments that were read once, those of late.
type once struct{ now, before map[key]struct{} }

// again reports whether a segment was had from another instance before, of
// late.
func (s *Store) again(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, now := s.once.now[k]
	if _, before := s.once.before[k]; now || before {
		return true
	}
	if s.once.now == nil || len(s.once.now) >= onceMost {
		s.once.now, s.once.before = make(map[key]struct{}), s.once.now
	}
	s.once.now[k] = struct{}{}
	return false
}

// Open opens the bytes from off to end of a version of a file for another
// instance. What is not here is fetched from the file's server and kept, and
// is had from no other instance, so that none of them asks in a circle. It
// returns when the first bytes are there. It fails with fs.ErrNotExist where
// nothing is read from that place, and with source.ErrChanged where the server
// has another version. Reads end with ctx.
func (s *Store) Open(ctx context.Context, v Version, off, end int64) (io.ReadCloser, error) {
	if off < 0 || end <= off || end > v.Size || !source.ValidName(v.Path) {
		return nil, fmt.Errorf("open bytes %d to %d of %q for another instance: %w", off, end, v.Path, fs.ErrInvalid)
	}
	s.mu.Lock()
	c := s.sources[v.Place]
	s.mu.Unlock()
	if c == nil {
		return nil, fmt.Errorf("open %q for another instance: nothing is read from that place: %w", v.Path, fs.ErrNotExist)
	}
	id := identity{place: v.Place, path: v.Path, size: v.Size, time: v.Time, segment: s.segment}
	r := &reader{ctx: ctx, visit: s.visit(ctx, c, id), at: off, end: end}
	if _, err := r.ready(); err != nil {
		r.Close()
		return nil, fmt.Errorf("open %q for another instance: %w", v.Path, err)
	}
	c.forOthers.Add(1)
	return r, nil
}

// reader reads for another instance.
type reader struct {
	ctx     context.Context
	visit   *visit
	at, end int64 // in the file
	segment *segment
	k       int64 // of segment
}

func (r *reader) Read(b []byte) (int, error) {
	if r.at >= r.end {
		return 0, io.EOF
	}
	have, err := r.ready()
	if err != nil {
		return 0, err
	}
	n, err := r.segment.readAt(b[:min(int64(len(b)), have, r.end-r.at)], r.at-r.segment.begin)
	r.at += int64(n)
	return n, err
}

// ready waits for the next byte, and returns how many of its segment are there.
// The last one is not there before all are known to be of one version.
func (r *reader) ready() (int64, error) {
	f := r.visit.file
	if k := r.at / f.id.segment; r.segment == nil || k != r.k {
		r.leave()
		r.segment, r.k = f.store.acquire(f.id, k), k
		r.segment.load()
	}
	if err := r.segment.await(f, r.at-r.segment.begin+1, r.ctx.Done()); err != nil {
		return 0, err
	}
	have, filling := r.segment.state()
	left := have - (r.at - r.segment.begin)
	switch {
	case have < r.segment.length:
		return left, nil
	case filling && left > 1:
		return left - 1, nil
	}
	return left, r.segment.settle(r.ctx.Done())
}

func (r *reader) leave() {
	if r.segment != nil {
		r.visit.file.store.release(r.segment)
		r.segment = nil
	}
}

// Close must be called once.
func (r *reader) Close() error {
	r.leave()
	r.visit.end()
	return nil
}

// visit is a file that other instances read from. It stays open for a while,
// so that segment after segment is one sequence at its server.
type visit struct {
	file  *file
	users int // under the store's lock
	timer *time.Timer
}

// visit returns the one of a file; end gives it back.
func (s *Store) visit(ctx context.Context, c *cached, id identity) *visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.visits[id]
	if v == nil || v.file.source != c {
		v = &visit{file: newFile(ctx, c, nil, id)}
		v.file.forOthers = true
		s.visits[id] = v
	}
	v.users++
	if v.timer != nil {
		v.timer.Stop()
	}
	return v
}

func (v *visit) end() {
	s := v.file.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.users--; v.users > 0 {
		return
	}
	v.timer = time.AfterFunc(openFor, func() {
		if s.forget(v) {
			v.file.end()
		}
	})
}

// forget reports whether nobody came back meanwhile.
func (s *Store) forget(v *visit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.users > 0 {
		return false
	}
	if s.visits[v.file.id] == v {
		delete(s.visits, v.file.id)
	}
	return true
}
