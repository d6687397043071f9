package library

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mustserv/library/source"
)

// Pauses between two tries to read what can't be read, twice as long each
// time. A share that comes back ends them at once.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// patience is how long there was no byte to be had.
type patience struct {
	since time.Time // zero at first
	pause time.Duration
}

// Open opens the item's file; the caller closes it. The file may have changed
// since the item was made: its Stat says what is really there, with the time
// cut to steps of two seconds, so that it is the same whichever copy is read.
//
// Where the item's share does not answer, nor any other that has the same
// file, Open waits for them, and so does a read of the file: up to
// Config.Outage, and no longer than ctx lasts or until Close. Reads go on at
// the same byte, and only in the same content: else they end with
// source.ErrChanged. Other errors are those of source.Source. The file is a
// source.Keeper.
func (it *Item) Open(ctx context.Context) (source.File, error) {
	f, err := it.open(ctx, func(ctx context.Context) (opened, error) {
		return it.await(ctx, new(patience), func() (opened, bool, error) {
			first, err := it.openFirst(ctx)
			return first, errors.Is(err, source.ErrUnavailable), err
		})
	})
	if err != nil { // not a nil *file
		return nil, err
	}
	return f, nil
}

// OpenNow is Open for what is not worth to wait for: neither it nor a read
// waits.
func (it *Item) OpenNow(ctx context.Context) (source.File, error) {
	f, err := it.open(ctx, it.openFirst)
	if err != nil {
		return nil, err
	}
	f.hasty = true
	return f, nil
}

func (it *Item) open(ctx context.Context, first func(context.Context) (opened, error)) (*file, error) {
	if it.from == nil {
		return nil, fmt.Errorf("open %q: it belongs to no share: %w", it.Path, source.ErrUnavailable)
	}
	inner, err := first(ctx)
	if err != nil {
		return nil, err
	}
	info, err := inner.Stat()
	if err != nil {
		inner.Close()
		return nil, fmt.Errorf("open %q: %w", it.Path, err)
	}
	f := &file{it: it, ctx: ctx, state: stateOf(info), inner: inner}
	if f.state.is(it.state()) {
		f.state = it.state()
	}
	return f, nil
}

// openFirst opens the file as the tree has it, or else, where it has changed
// since, as it is now.
func (it *Item) openFirst(ctx context.Context) (opened, error) {
	file, err := it.openCopy(ctx, it.state().is, nil)
	if errors.Is(err, source.ErrChanged) {
		return it.openCopy(ctx, func(state) bool { return true }, nil)
	}
	return file, err
}

// openCopy opens the file in the first share that answers and has it in the
// right state, the one to be avoided at last. Its error has those of all.
func (it *Item) openCopy(ctx context.Context, right func(state) bool, avoid *share) (opened, error) {
	var errs []error
	for _, c := range it.eachCopy(avoid) {
		if !c.from.answers() {
			errs = append(errs, fmt.Errorf("open %q: %w", it.Path, source.ErrUnavailable))
			continue
		}
		file, err := c.from.open(ctx, c.below())
		if err == nil {
			info, failed := file.Stat()
			if failed == nil && right(stateOf(info)) {
				return opened{file, c.from}, nil
			}
			file.Close()
			if err = failed; err == nil {
				c.from.lookAt(c.below())
				err = fmt.Errorf("open %q: %w", it.Path, source.ErrChanged)
			}
		}
		errs = append(errs, err)
	}
	return opened{}, errors.Join(errs...)
}

// eachCopy returns the item as each share has it, in the order to be tried.
func (it *Item) eachCopy(avoid *share) []*Item {
	if it.also == nil {
		return []*Item{it}
	}
	list := slices.Clone(it.also.items)
	slices.SortStableFunc(list, func(a, b *Item) int {
		switch avoid {
		case a.from:
			return 1
		case b.from:
			return -1
		}
		return 0
	})
	return list
}

// await tries until it works, as long as it may be worth it.
func (it *Item) await(ctx context.Context, p *patience, try func() (_ opened, worth bool, _ error)) (opened, error) {
	if p.since.IsZero() {
		p.since = time.Now()
	}
	err := fmt.Errorf("open %q: %w", it.Path, source.ErrUnavailable)
	held := false
	back := it.from.back.wait()
	for {
		if p.pause > 0 {
			if it.ended() || time.Since(p.since) >= it.from.config.Load().Outage {
				return opened{}, err
			}
			it.wait(ctx, back, p.pause)
		}
		p.pause = min(max(firstPause, 2*p.pause), lastPause)
		back = it.from.back.wait() // from before the try, to miss nothing
		file, worth, failed := try()
		switch {
		case failed == nil:
			return file, nil
		case ctx.Err() != nil:
			return opened{}, ctx.Err()
		case !worth:
			return opened{}, failed
		}
		if err = failed; !held {
			held = true
			it.hold(1)
			defer it.hold(-1)
		}
		it.wake()
	}
}

// hold counts one that waits, at each share that could end it.
func (it *Item) hold(n int32) {
	for _, c := range it.eachCopy(nil) {
		c.from.held.Add(n)
	}
}

// wait lets time pass until a share is back.
func (it *Item) wait(ctx context.Context, back <-chan struct{}, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-back:
	case <-timer.C:
	}
}

// wake has the shares that did not answer tried again, now.
func (it *Item) wake() {
	for _, c := range it.eachCopy(nil) {
		if !c.from.answers() {
			c.from.lookAgain()
		}
	}
}

// ended reports whether there is no share left that may come back.
func (it *Item) ended() bool {
	return !slices.ContainsFunc(it.eachCopy(nil), func(c *Item) bool { return !c.from.ended.Load() })
}

// bell tells all who wait that a share is back.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // nil if nobody waits
}

// wait returns what the next ring closes.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
