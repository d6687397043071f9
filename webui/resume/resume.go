// Package resume keeps where each user stopped in films and songs, so that
// every browser of his goes on there.
//
// What a user has is one small file, replaced as a whole: after a crash it is
// as it was a minute before, never half. A damaged file counts as none.
package resume

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"
)

// Limits of what is kept.
const (
	Most        = 200       // places of one user; the oldest go first
	mostPath    = 4096      // bytes
	mostSeconds = 1_000_000 // 11 days
)

// saveEvery is how long a place may be in memory only: a disk that has gone to
// sleep is not to be woken for each, nor a flash card worn.
const saveEvery = time.Minute

// ErrPlace says that a place is none: no path, or times that can't be.
var ErrPlace = errors.New("no place in a film")

// Place is where somebody stopped.
type Place struct {
	Path     string    // in the library; any bytes
	At       float64   // seconds from the start
	Duration float64   // of the whole, in seconds; 0 if it is not known
	When     time.Time // he stopped
}

// over reports whether little is left, so that one begins anew.
func (p Place) over() bool { return p.Duration > 0 && p.At > p.Duration*0.97 }

func (p Place) valid() bool {
	seconds := func(v float64) bool { return v >= 0 && v <= mostSeconds && !math.IsNaN(v) }
	return p.Path != "" && len(p.Path) <= mostPath && seconds(p.At) && seconds(p.Duration)
}

// Store keeps the places of all users in the files of one folder. All its
// methods may be called concurrently.
type Store struct {
	dir string
	log *slog.Logger

	mu    sync.Mutex
	users map[string]*user
}

// user is what one has.
type user struct {
	places  []Place // newest first
	changed bool    // since it was saved
}

// Open returns the store of a folder, which is made when there is something to
// keep. What can't be read or saved is logged.
func Open(dir string, log *slog.Logger) *Store {
	return &Store{dir: dir, log: log, users: make(map[string]*user)}
}

// Run saves what has changed now and then, and once more when ctx ends.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.save()
		case <-ctx.Done():
			s.save()
			return
		}
	}
}

// Places returns where a user stopped, what he saw last first.
func (s *Store) Places(name string) []Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.user(name).places)
}

// Place returns where a user stopped in an item; ok tells whether he has.
func (s *Store) Place(name, path string) (p Place, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(name)
	if i := u.find(path); i >= 0 {
		return u.places[i], true
	}
	return Place{}, false
}

// Put keeps where a user stopped. At the very start and near the end there is
// nothing to go on with: the place is forgotten. It returns ErrPlace for what
// is no place.
func (s *Store) Put(name string, p Place) error {
	if !p.valid() {
		return ErrPlace
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(name)
	if i := u.find(p.Path); i >= 0 {
		u.places, u.changed = slices.Delete(u.places, i, i+1), true
	}
	if p.At == 0 || p.over() {
		return nil
	}
	at, _ := slices.BinarySearchFunc(u.places, p, func(a, b Place) int { return b.When.Compare(a.When) })
	u.places = slices.Insert(u.places, at, p)
	u.places, u.changed = u.places[:min(len(u.places), Most)], true
	return nil
}

// Forget removes the place in an item, if there is one.
func (s *Store) Forget(name, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(name)
	if i := u.find(path); i >= 0 {
		u.places, u.changed = slices.Delete(u.places, i, i+1), true
	}
}

func (u *user) find(path string) int {
	return slices.IndexFunc(u.places, func(p Place) bool { return p.Path == path })
}

// user returns what one has, from his file the first time. Called under the
// lock: the files are small.
func (s *Store) user(name string) *user {
	if u := s.users[name]; u != nil {
		return u
	}
	places, err := read(s.file(name), name)
	if err != nil {
		s.log.Warn("places to go on from are lost", "user", name, "error", err)
	}
	places = slices.DeleteFunc(places, func(p Place) bool { return !p.valid() })
	slices.SortStableFunc(places, func(a, b Place) int { return cmp.Compare(b.When.UnixNano(), a.When.UnixNano()) })
	u := &user{places: places[:min(len(places), Most)]}
	s.users[name] = u
	return u
}

// save writes the files of those who have something new.
func (s *Store) save() {
	s.mu.Lock()
	changed := make(map[string][]Place)
	for name, u := range s.users {
		if u.changed {
			changed[name], u.changed = slices.Clone(u.places), false
		}
	}
	s.mu.Unlock()
	for name, places := range changed {
		if err := write(s.file(name), name, places); err != nil {
			s.log.Error("places to go on from are not saved", "user", name, "error", err)
			s.again(name)
		}
	}
}

// again has a user's file written the next time.
func (s *Store) again(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name].changed = true
}
