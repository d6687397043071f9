package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"mustserv/library/index"
	"mustserv/library/source"
)

// maxDepth is how many folders deep a share is looked through.
const maxDepth = 64

// scanAll looks through all folders. An error says that the share does not
// answer, or that ctx has ended.
func (s *share) scanAll(ctx context.Context) error {
	started := time.Now()
	s.startWatch(ctx)
	if err := s.scan(ctx, s.root, true); err != nil {
		return err
	}
	now := time.Now()
	s.mu.Lock()
	level := slog.LevelDebug
	if s.state == Scanning {
		level = slog.LevelInfo
	}
	s.lastScan, s.scanTook = now, now.Sub(started)
	s.poll.all, s.poll.as = now, s.config.Load()
	if s.watch != nil {
		s.setState(Watched, "")
	} else {
		s.setState(Polled, s.noWatch)
	}
	s.mu.Unlock()
	s.prune()
	status := s.status()
	s.log.Log(ctx, level, "a share was scanned", "share", s.Name, "place", s.Place,
		"took", status.ScanTook, "items", status.Items, "unmeasured", status.Unmeasured, "state", status.State)
	return nil
}

// begins reports whether the first scan goes on, or one ended a moment ago, so
// that the tree may not show what it found.
func (s *share) begins() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == Scanning || time.Since(s.lastScan) < 2*publishEvery
}

// scan looks at a folder and the new ones below it, or at all below it.
func (s *share) scan(ctx context.Context, n *node, all bool) error {
	todo := []*node{n}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		next, err := s.look(ctx, n, all)
		if err != nil {
			return err
		}
		slices.Reverse(next) // so that the first one comes out first
		todo = append(todo, next...)
	}
	return nil
}

// look lists one folder and returns the ones in it to be looked at. What is
// wrong with a single folder is dealt with here.
func (s *share) look(ctx context.Context, n *node, all bool) ([]*node, error) {
	s.addWatch(n) // before it is listed, so that no change falls between
	infos, err := s.list(ctx, n)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && (n == s.root || errors.Is(err, source.ErrUnavailable)):
		return nil, err
	case err != nil:
		s.unreadable(n, err)
		return nil, nil
	}
	if n == s.root {
		if err := s.emptied(infos); err != nil {
			return nil, err
		}
		s.found()
		s.findOrigin()
	}
	unchanged, had := n.unchanged(), len(n.subs)+len(n.items)
	next := s.take(n, s.usable(infos), all)
	if unchanged && len(n.subs)+len(n.items) != had && s.poll.as == s.config.Load() {
		s.poll.blurry = true
	}
	n.noteListed(time.Now())
	s.measureQueue(ctx)
	s.changed()
	return next, nil
}

func (s *share) list(ctx context.Context, n *node) ([]fs.FileInfo, error) {
	if n.depth() > maxDepth {
		return nil, fmt.Errorf("it is more than %d folders deep", maxDepth)
	}
	limited, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	infos, err := s.source().List(limited, n.below())
	if err != nil && limited.Err() != nil {
		return nil, fmt.Errorf("folder %q was not listed within %v: %w", n.below(), listTimeout, source.ErrUnavailable)
	}
	return infos, err
}

// unreadable deals with a folder that was not listed: one that is gone is
// dropped, one that may not be read is empty, any other stays as it was.
func (s *share) unreadable(n *node, err error) {
	s.mu.Lock()
	first := !n.unread
	n.unread, s.gone = true, true
	switch {
	case errors.Is(err, fs.ErrNotExist):
		n.drop()
		first = false
	case errors.Is(err, fs.ErrPermission):
		n.subs, n.items, n.lent = nil, nil, false
		n.touch()
	}
	s.mu.Unlock()
	if first {
		s.log.Warn("a folder can't be read; it is left out", "share", s.Name, "folder", n.path, "err", err)
	}
	s.changed()
}

// usable returns the entries that may become items or folders, in natural order.
func (s *share) usable(infos []fs.FileInfo) []fs.FileInfo {
	config := s.config.Load()
	infos = slices.DeleteFunc(infos, func(i fs.FileInfo) bool {
		return !validElement(i.Name()) || config.skips(i.Name()) || (!i.IsDir() && !i.Mode().IsRegular())
	})
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return CompareNames(a.Name(), b.Name()) })
	return slices.CompactFunc(infos, func(a, b fs.FileInfo) bool { return a.Name() == b.Name() })
}

// take makes a folder hold what was listed. It returns the folders in it to
// be looked at: all, or those that are new or could not be read before.
func (s *share) take(n *node, infos []fs.FileInfo, all bool) (next []*node) {
	fresh := s.freshItems(n, infos)
	s.mu.Lock()
	defer s.mu.Unlock()
	var subs []*node
	var items []*Item
	oldSubs, oldItems := n.subs, n.items
	for i, info := range infos {
		if info.IsDir() {
			sub, known := pop(&oldSubs, info.Name())
			if !known {
				sub = &node{up: n, name: info.Name(), path: n.path + "/" + info.Name()}
			}
			sub.setOrigin(n.originOf(info))
			subs = append(subs, sub)
			if all || !known || sub.unread {
				sub.seen = nanos(info.ModTime())
				next = append(next, sub)
			}
			continue
		}
		it := fresh[i]
		if old, ok := pop(&oldItems, info.Name()); ok && old.is(info) && old.Origin == n.originOf(info) {
			it = old // perhaps measured meanwhile
		}
		if it != nil {
			items = append(items, it)
			s.want(it)
		}
	}
	n.unread = false
	if !slices.Equal(subs, n.subs) || !slices.Equal(items, n.items) {
		n.subs, n.items, n.lent = subs, items, false
		n.touch()
		s.noteManifests(items)
		s.poll.news, s.gone = true, true
	}
	return next
}

// freshItems returns for each entry the item of a new or changed file, or nil.
// It asks the index, which takes its time, so it does not hold the lock.
func (s *share) freshItems(n *node, infos []fs.FileInfo) []*Item {
	s.mu.Lock()
	old := slices.Clone(n.items)
	s.mu.Unlock()
	fresh := make([]*Item, len(infos))
	for i, info := range infos {
		if info.IsDir() {
			continue
		}
		if it, ok := pop(&old, info.Name()); !ok || !it.is(info) || it.Origin != n.originOf(info) {
			fresh[i] = s.item(n, info)
		}
	}
	return fresh
}

// pop takes the elements up to name off a list in natural order, and returns
// the one that has it.
func pop[T labelled](list *[]T, name string) (found T, ok bool) {
	for len(*list) > 0 {
		first := (*list)[0]
		c := CompareNames(first.label(), name)
		if c > 0 {
			break
		}
		*list = (*list)[1:]
		if c == 0 {
			return first, true
		}
	}
	return found, false
}

// item makes the item of a file, nil if it is no media file.
func (s *share) item(n *node, info fs.FileInfo) *Item {
	it := s.bareItem(n, info.Name(), info.Size(), info.ModTime())
	it.Origin = n.originOf(info)
	examine := examinable(it.Kind, it.Name)
	switch {
	case it.Kind == "" && (!examine || it.Size == 0):
		return nil
	case !examine && it.Playable():
		return it.with(index.Entry{Problem: notMeasurable})
	case !examine:
		return it.with(index.Entry{})
	case it.Size == 0:
		return it.with(index.Entry{Problem: "not measured: the file is empty"})
	}
	if entry, ok := s.index.Get(it.key()); ok {
		return it.with(entry)
	}
	return it
}

// bareItem makes an item of what a listing says of a file.
func (s *share) bareItem(n *node, name string, size int64, modified time.Time) *Item {
	kind, mime := byExtension(extension(name))
	path := n.path + "/" + name
	return &Item{
		Path: path, Name: path[len(n.path)+1:],
		Kind: kind, MIME: mime,
		Size: size, Modified: modified, Available: true,
		folded: foldKey(name), from: s,
	}
}

// prune drops what the index knows of files that are gone. The index may have
// to be read first, so the lock is held for each entry only.
func (s *share) prune() {
	if !s.mayLack() {
		return
	}
	s.index.Prune(func(k index.Key) bool {
		if k.Share != s.Place {
			return true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		folder, name := splitPath(k.Path)
		n, ok := s.root.find(folder)
		if !ok {
			return false
		}
		_, ok = byName(n.items, name)
		return ok
	})
}

// mayLack reports whether files may have gone since it was last asked.
func (s *share) mayLack() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := s.gone
	s.gone = false
	return gone
}

// splitPath parts a name within a share.
func splitPath(below string) (folder, name string) {
	for i := len(below) - 1; i >= 0; i-- {
		if below[i] == '/' {
			return below[:i], below[i+1:]
		}
	}
	return ".", below
}

// scanSome looks at folders that are said to have changed, and at what is new
// in them.
func (s *share) scanSome(ctx context.Context, names []string) error {
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // parents first
	for _, name := range names {
		s.mu.Lock()
		n, ok := s.root.find(name)
		s.mu.Unlock()
		if !ok {
			continue // it is gone, or left out
		}
		if err := s.scan(ctx, n, false); err != nil {
			return err
		}
	}
	return nil
}
