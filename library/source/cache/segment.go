package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"mustserv/library/source"
)

const (
	pieceBytes = 128 << 10 // fetched at a time
	// farAhead is how far before what a reader wants a fetch may still be
	// that it waits for; from further it reads by itself.
	farAhead = 4 * pieceBytes
	// elsewhere is how long a reader waits for a segment that another
	// instance fetches.
	elsewhere = 3 * time.Second
)

// errPass says that a reader has to read by itself: the segment is not to be
// had here, now.
var errPass = errors.New("not in the cache")

// segment is a part of a file that somebody reads. It is read while it is
// still being fetched, from the same file.
type segment struct {
	store  *Store
	key    key
	begin  int64 // in the file
	length int64
	refs   int // under the store's lock

	loading sync.Once

	moving sync.RWMutex // held to read file; locked where it has to be closed to be renamed
	file   *os.File     // set under both locks

	mu      sync.Mutex
	have    int64 // bytes that can be read
	sum     uint32
	path    string // of file
	filling bool
	asking  bool          // and another instance is asked for it
	away    time.Time     // since when another instance is fetching it; zero if none is
	reader  *file         // that it was fetched for last
	err     error         // why the last fetch ended early
	changed chan struct{} // closed when any of these changes
}

// update changes the segment's state, and tells who waits for it.
func (s *segment) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// load looks once whether the segment is in the folder. It takes as long as
// reading it all: what was not checked is not served.
func (s *segment) load() {
	s.loading.Do(func() { s.find() })
}

// find opens the segment's file, and reports whether it was there and good.
func (s *segment) find() bool {
	path := s.store.name(s.key) + whole
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	if err == nil {
		err = s.check(f, info.Size())
	}
	if err != nil {
		f.Close()
		if errors.Is(err, errDamaged) {
			s.store.log.Info("a damaged segment of the cache is dropped", "file", path)
			os.Remove(path)
		}
		return false
	}
	s.store.touch(path, info)
	s.moving.Lock()
	s.file = f
	s.moving.Unlock()
	s.update(func() { s.path, s.have = path, s.length })
	return true
}

// check reads all of a segment's file.
func (s *segment) check(f *os.File, size int64) error {
	buffer := s.store.buffer()
	defer s.store.reuse(buffer)
	b := buffer[:]
	if _, err := io.ReadFull(f, b[:headerBytes]); err != nil {
		return cutShort(err)
	}
	h, err := parseHeader(b)
	if err != nil {
		return err
	}
	if h.key != s.key || int64(h.length) != s.length || size != contentBegin+s.length {
		return errDamaged
	}
	sum := crc32.New(castagnoli())
	if _, err := io.CopyBuffer(sum, onlyReader{io.NewSectionReader(f, contentBegin, s.length)}, b); err != nil {
		return err
	}
	if sum.Sum32() != h.sum {
		return errDamaged
	}
	return nil
}

// onlyReader hides what would make io.CopyBuffer take a buffer of its own.
type onlyReader struct{ io.Reader }

func cutShort(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errDamaged
	}
	return err
}

// state says how much can be read, and whether more is coming.
func (s *segment) state() (have int64, filling bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.have, s.filling
}

// isHit reports whether a reader who comes to the segment finds anything that
// was not fetched for him.
func (s *segment) isHit(f *file) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return (s.have > 0 || s.filling) && s.reader != f
}

// await returns once the bytes before end can be read; it has f fetch them if
// nobody else does. It fails with fs.ErrClosed when closed is.
func (s *segment) await(f *file, end int64, closed <-chan struct{}) error {
	tried := false
	var patience <-chan time.Time
	for {
		s.mu.Lock()
		if s.have >= end {
			s.mu.Unlock()
			return nil
		}
		switch {
		case !s.filling && tried:
			defer s.mu.Unlock()
			return s.err
		case !s.filling && (s.store.isOff() || !s.store.start(func() { s.fill(f) })):
			s.mu.Unlock()
			return errPass
		case !s.filling: // until fill, which has been started, says otherwise
			s.filling, s.reader, tried = true, f, true
			f.store.retain(s)
		case s.asking && f.forOthers: // each would wait for the other
			s.mu.Unlock()
			return errPass
		case !s.away.IsZero():
			patience = time.After(elsewhere - time.Since(s.away))
		case end > s.have+farAhead && !f.forOthers:
			s.mu.Unlock()
			return errPass
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-patience:
			return errPass
		case <-closed:
			return fs.ErrClosed
		}
	}
}

// settle waits until nobody fetches the segment any more, and says how that
// has ended. It fails with fs.ErrClosed when closed is.
func (s *segment) settle(closed <-chan struct{}) error {
	for {
		s.mu.Lock()
		changed, filling, err := s.changed, s.filling, s.err
		s.mu.Unlock()
		if !filling {
			return err
		}
		select {
		case <-changed:
		case <-closed:
			return fs.ErrClosed
		}
	}
}

// fill fetches the rest of the segment. It goes on where another reader's fetch
// has ended. It is started with the segment's lock held.
func (s *segment) fill(f *file) {
	defer s.store.release(s)
	err := s.fetch(f)
	s.update(func() { s.filling, s.away, s.err = false, time.Time{}, err })
}

func (s *segment) fetch(f *file) error {
	t := f.fetches()
	defer t.leave()
	end, err := t.enter(s, f.closed)
	if err != nil {
		return err
	}
	defer end()
	if all, err := s.ask(f); all || err != nil {
		return err
	}
	select {
	case f.source.fills <- struct{}{}:
		defer func() { <-f.source.fills }()
	case <-f.closed:
		return fs.ErrClosed
	case <-s.store.ended:
		return errPass
	}
	l := s.store.lockOf(s.key)
	if there, err := s.take(l, f); there || err != nil {
		return err
	}
	defer l.release()
	return s.copy(f.ctx, t, l)
}

// copy writes what is missing of the segment, unless the store is closed
// meanwhile. That the file is unchanged is checked before the first byte and
// after the last.
func (s *segment) copy(ctx context.Context, t *fetcher, l *lock) error {
	from, err := t.file(ctx)
	if err == nil {
		err = s.begun()
	}
	if err != nil {
		return err
	}
	b := s.store.buffer()
	defer s.store.reuse(b)
	for have, _ := s.state(); have < s.length; have, _ = s.state() {
		if s.store.isEnded() {
			return errPass
		}
		if err := s.piece(from, have, b[:min(pieceBytes, s.length-have)]); err != nil {
			return err
		}
		l.beat()
	}
	if err := t.same(from); err != nil {
		return err
	}
	return s.publish()
}

// take gets the lock for the segment, or finds it whole: then another instance
// has fetched it meanwhile.
func (s *segment) take(l *lock, f *file) (there bool, err error) {
	for {
		switch held, err := l.take(); {
		case err != nil:
			s.store.failed(err)
			return false, errPass
		case held && s.foundMeanwhile():
			l.release()
			return true, nil
		case held:
			return false, nil
		}
		s.wait()
		select {
		case <-time.After(lockPoll):
		case <-f.closed:
			return false, fs.ErrClosed
		case <-s.store.ended:
			return false, errPass
		}
		if s.foundMeanwhile() {
			return true, nil
		}
	}
}

// wait notes since when another instance is fetching the segment.
func (s *segment) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away.IsZero() {
		s.away = time.Now()
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// foundMeanwhile reports whether another instance has written the segment.
func (s *segment) foundMeanwhile() bool {
	have, _ := s.state()
	return have == 0 && s.file == nil && s.find()
}

// begun makes the segment's file, unless an earlier fetch has.
func (s *segment) begun() error {
	s.update(func() { s.away = time.Time{} })
	if s.file != nil {
		return nil
	}
	f, err := s.store.create(s.store.name(s.key))
	if err != nil {
		s.store.failed(err)
		return errPass
	}
	s.moving.Lock()
	s.file = f
	s.moving.Unlock()
	s.update(func() { s.path = f.Name() })
	return nil
}

// piece fetches len(b) bytes after the first have.
func (s *segment) piece(f source.File, have int64, b []byte) error {
	n, err := f.ReadAt(b, s.begin+have)
	if n < len(b) {
		if err == nil || err == io.EOF { // the file is shorter than it was
			err = source.ErrChanged
		}
		return err
	}
	return s.write(have, b)
}

// write adds bytes to the first have, which are in the segment's file.
func (s *segment) write(have int64, b []byte) error {
	if _, err := s.file.WriteAt(b, contentBegin+have); err != nil {
		s.store.failed(err)
		return errPass
	}
	s.update(func() {
		s.have += int64(len(b))
		s.sum = crc32.Update(s.sum, castagnoli(), b)
	})
	return nil
}

// publish lets everybody have the segment that was written.
func (s *segment) publish() error {
	h := header{key: s.key, length: uint32(s.length), sum: s.sum}
	if _, err := s.file.WriteAt(h.bytes(), 0); err != nil {
		s.store.failed(err)
		return nil // it is good for who reads it now
	}
	if err := s.rename(s.store.name(s.key) + whole); err != nil {
		s.store.failed(err)
		return nil
	}
	s.store.wrote(contentBegin + s.length)
	return nil
}

// rename gives the segment's file its name. Where files that are open can't be
// renamed, nobody reads it meanwhile.
func (s *segment) rename(to string) error {
	if s.store.movesOpen {
		err := os.Rename(s.path, to)
		if err == nil {
			s.update(func() { s.path = to })
		}
		return err
	}
	s.moving.Lock()
	defer s.moving.Unlock()
	s.file.Close()
	err := os.Rename(s.path, to)
	if err == nil {
		s.update(func() { s.path = to })
	}
	f, openErr := os.Open(s.path)
	if openErr != nil {
		s.update(func() { s.have = 0 }) // whoever reads it reads by himself
		return fmt.Errorf("%w: %w", err, openErr)
	}
	s.file = f
	return err
}

// readAt reads bytes that are there.
func (s *segment) readAt(b []byte, off int64) (int, error) {
	s.moving.RLock()
	defer s.moving.RUnlock()
	if s.file == nil {
		return 0, errPass
	}
	return s.file.ReadAt(b, contentBegin+off)
}

// local returns the file with the segment's content as far as it is there, for
// as long as somebody holds the segment.
func (s *segment) local() (f *os.File, have int64) {
	s.mu.Lock()
	have, moves := s.have, s.path != s.store.name(s.key)+whole
	s.mu.Unlock()
	if have == 0 || (moves && !s.store.movesOpen) {
		return nil, 0
	}
	s.moving.RLock()
	defer s.moving.RUnlock()
	return s.file, have
}

// close is called when nobody has the segment any more.
func (s *segment) close() {
	if s.file == nil {
		return
	}
	s.file.Close()
	if s.path != s.store.name(s.key)+whole {
		os.Remove(s.path)
	}
}
