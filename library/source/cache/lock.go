package cache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	lockPoll   = 50 * time.Millisecond
	lockBeat   = 2 * time.Second  // how often its owner says that it lives
	lockExpiry = 10 * time.Second // of a lock whose owner has not said so, by our own clock
	lockStale  = time.Minute      // of one that nobody has watched
)

// lock keeps two instances from fetching the same segment: a file that only
// one can make. It saves work and is not needed for more: a segment that two
// have fetched is written twice, each time whole. So it may be taken from an
// owner that does not show that it lives.
type lock struct {
	path   string
	beaten time.Time
	seen   time.Time // when the owner's last sign of life was first seen
	sign   time.Time // that sign: the file's time, by whichever clock
}

func (s *Store) lockOf(k key) *lock { return &lock{path: s.name(k) + locked} }

// take tries to get the lock; it is not waited for. An error is the disk's.
func (l *lock) take() (bool, error) {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(l.path), 0o755); err == nil {
			f, err = os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		}
	}
	if err == nil {
		l.beaten = time.Now()
		return true, f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	if l.isDead() {
		os.Remove(l.path) // and try again
	}
	return false, nil
}

// isDead reports whether the lock's owner has shown no life for too long.
func (l *lock) isDead() bool {
	info, err := os.Stat(l.path)
	if err != nil {
		return false // given back, most likely
	}
	now := time.Now()
	if sign := info.ModTime(); !sign.Equal(l.sign) {
		l.sign, l.seen = sign, now
	}
	return now.Sub(l.seen) > lockExpiry || now.Sub(l.sign).Abs() > lockStale
}

// beat shows that the owner lives.
func (l *lock) beat() {
	if now := time.Now(); now.Sub(l.beaten) > lockBeat {
		l.beaten = now
		os.Chtimes(l.path, now, now)
	}
}

func (l *lock) release() { os.Remove(l.path) }
