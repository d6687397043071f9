package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/source"
)

const (
	probeTimeout = 10 * time.Second // for one file
)

// What is said of files that are not measured.
const (
	notMeasurable = "MuStServ can't measure this kind of file yet"
	notAsNamed    = "not measured: the content is not what the name says"
)

// waiting is a file that is to be measured if it has not changed until due.
type waiting struct {
	it  *Item
	due time.Time
}

// want sees to it that an item is examined, if that is still to be done: at
// once in the first scan if the file was not written to lately, else once it
// has been quiet. The clock of the files may be wrong, so a time in the
// future counts as lately, and quiet is what was seen to be. Called under the
// lock.
func (s *share) want(it *Item) {
	if it.wanted || (it.examined && !it.retry) {
		return
	}
	it.wanted = true
	quiet := s.config.Load().Quiet
	if s.lastScan.IsZero() && time.Since(it.Modified) >= quiet {
		s.enqueue(it)
		return
	}
	s.waiting = append(s.waiting, waiting{it, time.Now().Add(quiet)})
}

// enqueue has an item measured, a manifest first: what it is made of need not
// be. Last come those of other nodes. Called under the lock.
func (s *share) enqueue(it *Item) {
	switch {
	case it.mayBeManifest():
		s.queue = slices.Insert(s.queue, 0, it)
	case s.others.Owns(it.Path):
		s.queue = append(s.queue, it)
	default:
		s.foreign = append(s.foreign, it)
	}
}

// quietAt returns when the next waiting file is due, zero for none.
func (s *share) quietAt() (first time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiting {
		if first.IsZero() || w.due.Before(first) {
			first = w.due
		}
	}
	return first
}

// settle queues the waiting files that are due and have not changed, and
// marks the folders of those that have.
func (s *share) settle(ctx context.Context, dirty *changes) error {
	for _, it := range s.takeDue(time.Now()) {
		info, err := s.source().Stat(ctx, it.below())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, source.ErrUnavailable):
			return err
		case errors.Is(err, fs.ErrNotExist), err == nil && !it.is(info):
			s.release(it)
			folder, _ := splitPath(it.below())
			dirty.add(folder)
		default: // another error turns up again when it is opened, and is kept then
			s.mu.Lock()
			s.enqueue(it)
			s.mu.Unlock()
		}
	}
	s.measureQueue(ctx)
	return nil
}

// takeDue takes the files that are due off the waiting ones. Those that were
// seen to change, or are gone, are forgotten: what is in their place waits
// for itself.
func (s *share) takeDue(now time.Time) (due []*Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(w waiting) bool {
		if now.Before(w.due) {
			return false
		}
		if it, _ := s.currentItem(w.it); it != nil && it.same(w.it) {
			due = append(due, it)
		}
		return true
	})
	if len(s.waiting) == 0 {
		s.waiting = nil
	}
	return due
}

// currentItem returns what is now in the place of an item, and its folder.
// Called under the lock.
func (s *share) currentItem(it *Item) (*Item, *node) {
	folder, name := splitPath(it.below())
	n, ok := s.root.find(folder)
	if !ok {
		return nil, nil
	}
	now, ok := byName(n.items, name)
	if !ok {
		return nil, nil
	}
	return now, n
}

// measureQueue starts workers for what is in the queue, as many as the config
// allows. Only the share's own goroutine calls it.
func (s *share) measureQueue(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for missing := min(s.config.Load().Probes, len(s.queue)+len(s.foreign)) - s.active; missing > 0; missing-- {
		s.active++
		s.workers.Go(func() { s.work(ctx) })
	}
}

func (s *share) work(ctx context.Context) {
	for {
		it := s.nextItem(ctx)
		if it == nil {
			return
		}
		s.measure(ctx, it)
	}
}

// working reports whether the share is in its first scan, or measures files.
func (s *share) working() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == Scanning || s.active > 0
}

// nextItem takes an item off the queue; nil says that the worker is to end.
func (s *share) nextItem(ctx context.Context) *Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skipSegments()
	if len(s.queue) == 0 && len(s.foreign) > 0 {
		s.queue, s.foreign = s.foreign, nil
		s.skipSegments()
	}
	if len(s.queue) == 0 || s.active > s.config.Load().Probes || ctx.Err() != nil {
		s.active--
		if len(s.queue) == 0 {
			s.queue = nil
		}
		return nil
	}
	it := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	return it
}

// skipSegments takes what has become part of a stream off the head of the
// queue. Called under the lock.
func (s *share) skipSegments() {
	if s.unlinked {
		s.link()
	}
	for len(s.linked) > 0 && len(s.queue) > 0 {
		now, n := s.currentItem(s.queue[0])
		if now == nil || now.mayBeManifest() || n.asPart(now).Stream == nil {
			return
		}
		now.wanted = false
		s.queue[0] = nil
		s.queue = s.queue[1:]
	}
}

// measure examines one file and keeps what was found.
func (s *share) measure(ctx context.Context, it *Item) {
	limited, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	entry, err := s.examine(limited, it)
	switch {
	case err == nil:
		s.index.Put(it.key(), entry)
		s.keep(it, entry, false)
	case ctx.Err() != nil, errors.Is(err, source.ErrUnavailable):
		s.release(it) // the next scan wants it again
	case errors.Is(err, errChanged), errors.Is(err, fs.ErrNotExist), errors.Is(err, source.ErrNotMeasured):
		s.postpone(it)
	case limited.Err() != nil:
		s.keep(it, index.Entry{Problem: fmt.Sprintf("not measured: it took longer than %v", probeTimeout)}, true)
	default:
		s.keep(it, index.Entry{Problem: "not measured: " + err.Error()}, true)
	}
}

// keep gives the item what was found, if the file is still the same.
func (s *share) keep(it *Item, e index.Entry, retry bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, n := s.currentItem(it)
	if now == nil || !now.same(it) {
		s.gone = true
		return
	}
	found := now.with(e)
	found.retry = retry
	n.replace(found)
	if found.isManifest() || now.isManifest() {
		s.noteManifests([]*Item{found})
	}
	s.changed()
}

func (s *share) release(it *Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, _ := s.currentItem(it); now != nil {
		now.wanted = false
	}
}

// postpone waits for a file that has changed while it was examined.
func (s *share) postpone(it *Item) {
	s.mu.Lock()
	s.waiting = append(s.waiting, waiting{it, time.Now().Add(s.config.Load().Quiet)})
	s.mu.Unlock()
	signal(s.nudge)
}

var errChanged = errors.New("the file has changed meanwhile")

// examine looks at the content of a file. What is wrong with the content is
// an entry; an error says that the file could not be looked at.
func (s *share) examine(ctx context.Context, it *Item) (entry index.Entry, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("a file made the prober fail", "path", it.Path, "panic", p)
			entry, err = index.Entry{Problem: "not measured: the prober failed"}, nil
		}
	}()
	if entry, ok, err := s.takeOver(ctx, it); ok || err != nil {
		return entry, err
	}
	file, err := s.source().Open(ctx, it.below())
	if err != nil {
		return entry, err
	}
	defer file.Close()
	unchanged := func() error {
		info, err := file.Stat()
		if err == nil && !it.is(info) {
			err = errChanged
		}
		return err
	}
	if err := unchanged(); err != nil {
		return entry, err
	}
	r := &remember{r: file}
	entry, err = s.probed(ctx, r, it)
	if r.failed != nil {
		return entry, r.failed
	}
	if err == nil {
		err = unchanged()
	}
	return entry, err
}

// probed measures a file. Unless ctx has ended, what the prober objects to is
// the content.
func (s *share) probed(ctx context.Context, r io.ReaderAt, it *Item) (index.Entry, error) {
	info, err := s.probe(ctx, r, it.Size)
	switch {
	case err == nil:
		kept := *info
		kept.Curve.Shape, kept.Curve.Schedule = nil, probe.Schedule{}
		return index.Entry{Info: &kept}, nil
	case ctx.Err() != nil:
		return index.Entry{}, ctx.Err()
	case it.Kind == Playlist && errors.Is(err, probe.ErrUnsupported):
		return index.Entry{Kind: string(Playlist)}, nil // of songs
	case !errors.Is(err, probe.ErrUnsupported):
		return index.Entry{Problem: "not measured: " + err.Error()}, nil
	case measuredFamily(it.MIME):
		return index.Entry{Problem: notAsNamed}, nil
	}
	return index.Entry{Problem: notMeasurable}, nil
}

// measuredFamily reports whether a type is one that package probe reads, so
// that not to know the content means that it is something else.
func measuredFamily(mime string) bool {
	known := []string{"mp4", "mkv", "avi", "ts", "mpg", "asf", "flv", "ogg", "ogv", "mp3", "flac", "wav", "aiff", "aac", "ac3", "eac3", "mjpeg"}
	return slices.ContainsFunc(known, func(container string) bool { return family(containerMIME(container)) == family(mime) })
}

// remember reads, and remembers that it could not.
type remember struct {
	r      io.ReaderAt
	failed error
}

func (r *remember) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.r.ReadAt(b, off)
	if err != nil && err != io.EOF && off >= 0 {
		r.failed = err
	}
	return n, err
}
