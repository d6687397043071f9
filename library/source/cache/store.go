package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	offFor = 5 * time.Minute // after a disk was full or broke
	// touchEvery is how exactly the time of a segment's last use is known: it
	// is the time of its file, set anew when it is older.
	touchEvery = 5 * time.Minute
)

// Store is the folder of a cache. All sources share one; so may instances.
type Store struct {
	folder  string
	size    int64
	segment int64
	log     *slog.Logger
	// movesOpen says that this system renames files that are open.
	movesOpen bool

	others Others // nil for none

	mu      sync.Mutex
	open    map[key]*segment   // those that somebody reads now
	sources map[string]*cached // by place
	visits  map[identity]*visit
	once    once
	off     time.Time // nothing is kept until then
	tasks   sync.WaitGroup

	ended    chan struct{} // closed by Close
	buffers  sync.Pool     // of *[pieceBytes]byte
	written  atomic.Int64  // bytes since the last sweep
	full     atomic.Bool   // the disk was, lately
	sweeping atomic.Bool
}

// NewStore returns the cache in a folder, which is made where it is missing.
// A nil log is none.
func NewStore(c Config, log *slog.Logger) (*Store, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	if err := os.MkdirAll(c.Folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the cache: %w; set folder in [cache] to one that can be written", err)
	}
	s := &Store{
		folder: c.Folder, size: int64(c.Size), segment: int64(c.Segment),
		log:  cmp.Or(log, slog.New(slog.DiscardHandler)),
		open: make(map[key]*segment), sources: make(map[string]*cached), visits: make(map[identity]*visit),
		ended: make(chan struct{}), movesOpen: runtime.GOOS != "windows",
	}
	s.sweepLater()
	return s, nil
}

// Close ends what the store does by itself and waits until that has ended, or
// ctx, whose error it returns then. What is being fetched ends with the piece
// on its way, and leaves no lock behind. Open files can be read on: from their
// servers, where it is not here. It may be called again.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.isEnded() {
		close(s.ended)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the cache: %w", ctx.Err())
	}
}

func (s *Store) isEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// start does what Close waits for, in the background. It reports whether it
// has been started: nothing is once the store is closed.
func (s *Store) start(task func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isEnded() {
		return false
	}
	s.tasks.Go(task)
	return true
}

// name is where a segment lies, without the ending.
func (s *Store) name(k key) string {
	text := hex.EncodeToString(k[:16])
	return filepath.Join(s.folder, text[:2], text[2:])
}

// Endings of the files in the folder.
const (
	whole   = ".seg"
	partial = ".part"
	locked  = ".lock"
)

// create makes the file that a segment is written to, under a name of its own.
func (s *Store) create(name string) (*os.File, error) {
	path := name + "." + rand.Text()[:8] + partial
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	}
	return f, err
}

// acquire returns a segment for whoever reads it; release gives it back.
func (s *Store) acquire(id identity, k int64) *segment {
	name := id.key(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	seg := s.open[name]
	if seg == nil {
		seg = &segment{store: s, key: name, begin: k * id.segment, length: id.length(k), changed: make(chan struct{})}
		s.open[name] = seg
	}
	seg.refs++
	return seg
}

func (s *Store) retain(seg *segment) *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	seg.refs++
	return seg
}

func (s *Store) release(seg *segment) {
	s.mu.Lock()
	seg.refs--
	last := seg.refs == 0
	if last {
		delete(s.open, seg.key)
	}
	s.mu.Unlock()
	if last {
		seg.close()
	}
}

func (s *Store) buffer() *[pieceBytes]byte {
	if b, ok := s.buffers.Get().(*[pieceBytes]byte); ok {
		return b
	}
	return new([pieceBytes]byte)
}

func (s *Store) reuse(b *[pieceBytes]byte) { s.buffers.Put(b) }

// isOff reports whether nothing can be kept now.
func (s *Store) isOff() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isEnded() || time.Now().Before(s.off)
}

// failed turns the cache off for a while: its disk is full, or broken. Some of
// what it holds is given back, so that others can write there.
func (s *Store) failed(err error) {
	s.mu.Lock()
	off := time.Now().Before(s.off)
	s.off = time.Now().Add(offFor)
	s.mu.Unlock()
	if !off {
		s.log.Warn("the cache is off: its disk is full or can't be written", "folder", s.folder, "again in", offFor, "error", err)
		s.full.Store(true)
		s.sweepLater()
	}
}

// touch says that a segment is used.
func (s *Store) touch(path string, info fs.FileInfo) {
	if now := time.Now(); now.Sub(info.ModTime()) > touchEvery {
		os.Chtimes(path, now, now) // a folder that can only be read has no order of use
	}
}

// wrote counts what was kept, so that the folder is looked through in time.
func (s *Store) wrote(n int64) {
	if s.written.Add(n) >= s.size/sweepShare {
		s.sweepLater()
	}
}
