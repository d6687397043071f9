package cache

import (
	"cmp"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// sweepShare is the part of the size that an instance writes between two
	// looks through the folder, and that a sweep makes room for. So several
	// instances, that don't know of each other, exceed the size by this part
	// each, and no more.
	sweepShare = 20
	// leftover is the age of what a crash has left behind: nobody takes so
	// long to write a segment.
	leftover = time.Hour
)

// kept is a segment in the folder, in as little memory as it takes.
type kept struct {
	used int64
	size int64
	key  [16]byte
}

// sweepLater looks through the folder in the background, unless that is done already.
func (s *Store) sweepLater() {
	if !s.sweeping.CompareAndSwap(false, true) {
		return
	}
	s.start(func() {
		defer s.sweeping.Store(false)
		s.written.Store(0)
		s.sweep()
	})
}

// sweep deletes the segments that were not used for longest, if there are too
// many, and what crashes have left.
func (s *Store) sweep() {
	var all []kept
	var total int64
	s.walk(func(path string, info fs.FileInfo) {
		old := time.Since(info.ModTime()) > leftover
		key, ok := keyOf(path)
		switch {
		case ok:
			all = append(all, kept{info.ModTime().UnixNano(), info.Size(), key})
			total += info.Size()
		case old && (strings.HasSuffix(path, partial) || strings.HasSuffix(path, locked)):
			os.Remove(path)
		}
	})
	most, target := s.size-s.size/sweepShare, s.size-2*s.size/sweepShare
	if s.full.Swap(false) {
		most, target = 0, min(target, total-2*total/sweepShare)
	}
	if total <= most {
		return
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.used, b.used) })
	for _, seg := range all {
		if total <= target {
			return
		}
		path := s.name(key(append(seg.key[:], make([]byte, 16)...))) + whole
		if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) { // or another instance was faster
			total -= seg.size
		}
	}
}

// walk calls found with every file of the cache.
func (s *Store) walk(found func(path string, info fs.FileInfo)) {
	folders, _ := os.ReadDir(s.folder)
	for _, folder := range folders {
		if len(folder.Name()) != 2 || !folder.IsDir() {
			continue
		}
		entries, _ := os.ReadDir(filepath.Join(s.folder, folder.Name()))
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
				found(filepath.Join(s.folder, folder.Name(), entry.Name()), info)
			}
		}
	}
}

// keyOf is the reverse of Store.name, for whole segments only.
func keyOf(path string) (k [16]byte, ok bool) {
	name, ok := strings.CutSuffix(filepath.Base(path), whole)
	text := filepath.Base(filepath.Dir(path)) + name
	if !ok || len(text) != 2*len(k) {
		return k, false
	}
	_, err := hex.Decode(k[:], []byte(text))
	return k, err == nil
}
