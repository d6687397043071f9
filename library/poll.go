package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"mustserv/library/source"
)

// A share that can't be watched is looked through every so often. Most of its
// folders have not changed then, as their modification times tell, and are not
// listed: the disks of its server may sleep on. Some servers don't keep these
// times, and no folder's time tells that a file in it was overwritten, so once
// in a long while all folders are listed.
const (
	listAllEvery = 24 * time.Hour
	lastingCalm  = 2              // times in a row without a change; each doubles the pause
	longAgo      = 24 * time.Hour // a folder is surely not being changed, even where clocks differ
)

// polling is what looking through a share again and again remembers.
type polling struct {
	all    time.Time // when all folders were last listed; zero for never
	as     *Config   // the config then
	news   bool      // something was found to have changed
	calm   int       // times in a row that nothing was
	blurry bool      // a folder has changed and kept its time, so these tell nothing
}

// pause is how long to wait until the share is looked through again.
func (s *share) pause() time.Duration {
	every := s.config.Load().Rescan
	if s.watch != nil {
		return every
	}
	return every << min(s.poll.calm, lastingCalm)
}

// lookOver looks through the share: at all folders if it is watched, or they
// were not listed for long, else at those that have changed.
func (s *share) lookOver(ctx context.Context) error {
	s.poll.news = false
	s.startWatch(ctx)
	var err error
	if s.watch != nil || s.poll.blurry || time.Since(s.poll.all) >= listAllEvery {
		err = s.scanAll(ctx)
	} else {
		err = s.lookAtChanged(ctx)
	}
	if s.poll.calm++; s.poll.news {
		s.poll.calm = 0
	}
	return err
}

// lookAtChanged lists the folders whose modification time is another than when
// they were listed, those that changed last before first: new episodes come
// where the last ones came.
func (s *share) lookAtChanged(ctx context.Context) error {
	started := time.Now()
	for _, n := range s.folders() {
		if err := s.glance(ctx, n); err != nil {
			return err
		}
		if n == s.root {
			s.found()
		}
	}
	s.measureQueue(ctx)
	now := time.Now()
	s.mu.Lock()
	s.lastScan, s.scanTook = now, now.Sub(started)
	s.setState(Polled, s.noWatch)
	s.mu.Unlock()
	if s.poll.news {
		s.prune()
	}
	return nil
}

// folders returns all known folders: the root, then those that changed last.
// Items in them that are still to be measured are wanted again.
func (s *share) folders() []*node {
	s.mu.Lock()
	all := s.root.appendAll(nil)
	for _, n := range all {
		for _, it := range n.items {
			s.want(it) // what could not be measured the last time
		}
	}
	s.mu.Unlock()
	slices.SortStableFunc(all[1:], func(a, b *node) int { return cmp.Compare(b.listed, a.listed) })
	return all
}

func (n *node) appendAll(list []*node) []*node {
	list = append(list, n)
	for _, sub := range n.subs {
		list = sub.appendAll(list)
	}
	return list
}

// glance looks at a folder's modification time and, where that does not say
// that all is as it was, at the folder.
func (s *share) glance(ctx context.Context, n *node) error {
	limited, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	info, err := s.source().Stat(limited, n.below())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && limited.Err() != nil:
		return fmt.Errorf("folder %q was not looked at within %v: %w", n.below(), listTimeout, source.ErrUnavailable)
	case errors.Is(err, source.ErrUnavailable):
		return err
	case errors.Is(err, fs.ErrNotExist) && n != s.root:
		s.unreadable(n, err)
		s.poll.news = true
		return nil
	case err != nil:
		n.seen = 0 // to list it tells what is wrong
	default:
		n.seen = nanos(info.ModTime())
	}
	if n.unchanged() {
		return nil
	}
	return s.scan(ctx, n, false)
}

// unchanged reports whether the folder's time says that all in it is as it was
// listed.
func (n *node) unchanged() bool {
	return n.seen != 0 && n.seen == n.listed && !n.hot && !n.unread
}

// noteListed remembers which state of the folder was listed. Times have steps
// of up to two seconds, so what changes in the moment after may not show in
// them: a folder counts as being changed until it was listed twice in one
// state, or has been in it for long.
func (n *node) noteListed(now time.Time) {
	n.hot = n.seen != n.listed && now.UnixNano()-n.seen < int64(longAgo)
	n.listed = n.seen
}

// nanos is a time as nodes keep it.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// emptied says that the top of a share is empty although there were films and
// music in it: then the disk behind it is missing more likely than all of them
// were deleted, and nothing is dropped. Only where the system tells of each
// change, and has told of all since the last scan, that is known better.
func (s *share) emptied(infos []fs.FileInfo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(infos) > 0 || len(s.root.subs)+len(s.root.items) == 0 || (s.watch != nil && !s.lastScan.IsZero() && s.state != Unavailable) {
		return nil
	}
	return fmt.Errorf("%s is empty, though there was something in it; most likely what belongs there is not mounted. "+
		"If you have emptied it, put any file into it: %w", s.Place, source.ErrUnavailable)
}
