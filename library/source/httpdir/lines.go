package httpdir

import (
	"container/list"
	"context"
	"sync"
)

// maxLines is how many requests to one server may be under way. An open file
// keeps one between two reads; where there are more files than lines, the one
// that was read longest ago lets go of its own.
const maxLines = 64

// lines are the requests that may be under way at a time.
type lines struct {
	free    chan struct{}
	mu      sync.Mutex
	parked  list.List // *stream, in the order of their last reads
	waiting int       // for a line, while none is free
}

func newLines() *lines {
	l := &lines{free: make(chan struct{}, maxLines)}
	for range maxLines {
		l.free <- struct{}{}
	}
	return l
}

// take waits for a line.
func (l *lines) take(ctx context.Context) error {
	select {
	case <-l.free:
		return nil
	default:
	}
	if s := l.wait(); s != nil {
		s.abort()
	}
	defer l.waited()
	select {
	case <-l.free:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *lines) give() { l.free <- struct{}{} }

// park keeps a stream that nobody reads for its next read, unless somebody
// waits for its line.
func (l *lines) park(s *stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting > 0 {
		return false
	}
	s.parked = l.parked.PushBack(s)
	return true
}

// claim takes a stream back; it is gone if it was the oldest when a line was
// wanted.
func (l *lines) claim(s *stream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.remove(s)
}

// wait says that somebody waits, and returns the stream that is to make room,
// if one is parked.
func (l *lines) wait() *stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting++
	first := l.parked.Front()
	if first == nil {
		return nil
	}
	s := first.Value.(*stream)
	l.remove(s)
	return s
}

func (l *lines) waited() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
}

// remove is called under the lock.
func (l *lines) remove(s *stream) bool {
	if s.parked == nil {
		return false
	}
	l.parked.Remove(s.parked)
	s.parked = nil
	return true
}
