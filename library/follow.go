package library

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"mustserv/library/source"
)

// maxChanges is how many changed folders are kept apart; with more, the whole
// share is looked through.
const maxChanges = 4096

// How soon a change is looked at: not before these, so that a burst of
// changes is looked at once; longer where looking takes long.
const (
	leastDelay = 200 * time.Millisecond
	mostDelay  = time.Second
	lostDelay  = 30 * time.Second // at most, where the whole share has to be looked through
)

// changes are the folders that have changed and when that was first seen.
type changes struct {
	names map[string]struct{} // "" for all
	since time.Time
	took  time.Duration // how long it took to look the last time
}

func (c *changes) add(name string) {
	if len(c.names) == 0 {
		c.names, c.since = make(map[string]struct{}), time.Now()
	}
	if c.names[name] = struct{}{}; len(c.names) > maxChanges {
		c.names = map[string]struct{}{"": {}}
	}
}

func (c *changes) all() bool {
	_, all := c.names[""]
	return all
}

// due returns when they are to be looked at, zero for never.
func (c *changes) due() time.Time {
	if len(c.names) == 0 {
		return time.Time{}
	}
	most := mostDelay
	if c.all() {
		most = lostDelay
	}
	return c.since.Add(min(max(leastDelay, 10*c.took), most))
}

// follow keeps the share up to date after a scan: by its watch, by looking
// through it at times, and by files that have become quiet. It returns when
// the share does not answer, or ctx has ended.
func (s *share) follow(ctx context.Context) error {
	dirty := changes{took: s.status().ScanTook}
	scanned := time.Now()
	for {
		all, err := s.await(ctx, scanned, &dirty)
		if err != nil {
			return err
		}
		now := time.Now()
		if due := dirty.due(); !due.IsZero() && !now.Before(due) {
			if dirty.all() {
				all = true
			} else if err := s.scanSome(ctx, slices.Collect(maps.Keys(dirty.names))); err != nil {
				return err
			}
			dirty = changes{took: time.Since(now)}
		}
		due := now.Sub(scanned) >= s.pause()
		if all {
			err = s.scanAll(ctx)
		} else if due {
			err = s.lookOver(ctx)
		}
		if err != nil {
			return err
		}
		if all || due {
			scanned = time.Now()
			dirty = changes{took: scanned.Sub(now)}
		}
		if err := s.settle(ctx, &dirty); err != nil {
			return err
		}
	}
}

// await waits until there is something to do. It reports whether everything
// is to be looked at.
func (s *share) await(ctx context.Context, scanned time.Time, dirty *changes) (all bool, err error) {
	wake := scanned.Add(s.pause())
	for _, t := range []time.Time{dirty.due(), s.quietAt()} {
		if !t.IsZero() && t.Before(wake) {
			wake = t
		}
	}
	timer := time.NewTimer(time.Until(wake))
	defer timer.Stop()
	var told <-chan string
	if s.watch != nil {
		told = s.watch.Changes()
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-timer.C:
	case <-s.nudge:
	case <-s.again:
		s.noWatch = "" // the admin may have raised the limit
		return true, nil
	case name := <-s.stale:
		dirty.add(name)
	case name, ok := <-told:
		if !ok {
			s.blind("the system has stopped to tell of changes")
			return false, nil
		}
		dirty.add(name)
	}
	return false, nil
}

// startWatch watches the share if it can be and is not yet.
func (s *share) startWatch(ctx context.Context) {
	if s.watch != nil || s.noWatch != "" {
		return
	}
	watch, err := s.newWatch(ctx)
	switch {
	case err == nil:
		s.watch = watch
	case errors.Is(err, errors.ErrUnsupported):
		s.mu.Lock()
		s.noWatch = s.kind(s.src) + " can't tell of changes"
		s.mu.Unlock()
	case errors.Is(err, source.ErrUnavailable), ctx.Err() != nil: // to look through it says so, too
	default:
		s.unwatchable(err)
	}
}

func (s *share) newWatch(ctx context.Context) (source.Watch, error) {
	watcher, ok := source.Ability[source.Watcher](s.source())
	if !ok {
		return nil, errors.ErrUnsupported
	}
	limited, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	return watcher.Watch(limited)
}

func (s *share) addWatch(n *node) {
	if s.watch == nil {
		return
	}
	err := s.watch.Add(n.below())
	if errors.Is(err, source.ErrWatchLimit) {
		s.unwatchable(err)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		s.log.Debug("a folder is not watched", "share", s.Name, "folder", n.path, "err", err)
	}
}

// unwatchable gives up watching, and with it the watches that there are: what
// is left of them is of more use to others.
func (s *share) unwatchable(err error) {
	if errors.Is(err, source.ErrWatchLimit) {
		s.blind("the system allows no more folder watches")
		s.log.Warn("folders are looked through every so often instead of watched: the system allows no more watches; "+
			"on Linux raise fs.inotify.max_user_watches (and max_user_instances), elsewhere the number of open files, then rescan",
			"share", s.Name, "place", s.Place, "every", s.config.Load().Rescan, "err", err)
		return
	}
	s.blind("it can't be watched: " + err.Error())
	s.log.Warn("folders are looked through every so often instead of watched",
		"share", s.Name, "place", s.Place, "every", s.config.Load().Rescan, "err", err)
}

// blind goes on without a watch.
func (s *share) blind(reason string) {
	s.endWatch()
	s.noWatch = reason
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == Watched {
		s.setState(Polled, reason)
	}
}

func (s *share) endWatch() {
	if s.watch != nil {
		s.watch.Close()
		s.watch = nil
	}
}
