package pacer

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tick      = 25 * time.Millisecond // grain of the wheel; steps of 250 ms fall on it
	batch     = 256                   // events taken from the kernel at a time
	lingering = time.Second           // for a peer to see the end before the connection closes
)

// order is what a loop is told from outside.
type order int8

const (
	work  order = iota
	drain       // no connection is kept
	stop        // and none goes on
	quit        // there are none left
)

// loop is one goroutine with its streams. All below mu is its own.
type loop struct {
	pacer *Pacer
	poll  *os.File // the epoll instance, known to Go's poller, which wakes the loop
	raw   syscall.RawConn
	fd    int
	begin time.Time
	look  func(uintptr) bool // polled
	done  chan struct{}
	owned int // connections; guarded by the pacer's lock

	mu    sync.Mutex
	inbox *Stream // new ones and those that come back from the filler, linked by next
	order order

	wheel   wheel
	streams []*Stream // by descriptor
	ready   queue     // streams that may send at once
	obeyed  order
	events  [batch]unix.EpollEvent
	got     int // events of the last poll

	vector  unix.Iovec // for inMemory
	scratch byte
}

func newLoop(p *Pacer) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else Go's poller would not take it
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	poll := os.NewFile(uintptr(fd), "epoll")
	raw, err := poll.SyscallConn()
	if err == nil {
		err = poll.SetReadDeadline(time.Time{})
	}
	if err != nil {
		poll.Close()
		return nil, err
	}
	l := &loop{pacer: p, poll: poll, raw: raw, fd: fd, begin: time.Now(), done: make(chan struct{})}
	l.look = l.polled
	if p.drained {
		l.order = drain
	}
	return l, nil
}

// push hands a stream to the loop, from any goroutine.
func (l *loop) push(s *Stream) {
	l.mu.Lock()
	s.next, l.inbox = l.inbox, s
	l.mu.Unlock()
	l.wake()
}

func (l *loop) tell(o order) {
	l.mu.Lock()
	l.order = max(l.order, o)
	l.mu.Unlock()
	l.wake()
}

// wake makes the poll that is under way, or comes next, return at once.
func (l *loop) wake() { l.poll.SetReadDeadline(l.begin) }

func (l *loop) run() {
	defer close(l.done)
	defer l.poll.Close()
	for {
		l.receive()
		if l.obeyed == quit {
			return
		}
		now := time.Now()
		l.wheel.advance(l.ticks(now), func(s *Stream) { l.due(s, now) })
		for s := l.ready.all(); s != nil; { // one step each; then look around
			next := s.next
			s.next = nil
			l.send(s, now)
			s = next
		}
		l.wait()
		now = time.Now()
		for i := range l.got {
			l.event(&l.events[i], now)
		}
	}
}

// ticks is a time on the wheel; what is due within a tick is due at its end.
func (l *loop) ticks(t time.Time) int64 { return int64(t.Sub(l.begin) / tick) }

// later puts a stream on the wheel.
func (l *loop) later(s *Stream, at time.Time) {
	l.wheel.remove(s)
	l.wheel.add(s, int64((at.Sub(l.begin)+tick-1)/tick))
}

// wait sleeps until the kernel has events, something is due, or somebody
// has sent word.
func (l *loop) wait() {
	l.got = 0
	var until time.Time
	if l.ready.first != nil {
		until = l.begin
	} else if next, ok := l.wheel.next(); ok {
		until = l.begin.Add(time.Duration(next) * tick)
	}
	l.poll.SetReadDeadline(until)
	if l.hasMail() { // it came before the deadline was set, and woke nobody
		l.poll.SetReadDeadline(l.begin)
	}
	if err := l.raw.Read(l.look); errors.Is(err, os.ErrDeadlineExceeded) {
		l.polled(uintptr(l.fd))
	}
}

// polled takes events from the kernel and reports whether there were any.
func (l *loop) polled(uintptr) bool {
	n, _ := unix.EpollWait(l.fd, l.events[:], 0) // it can fail by a signal only
	l.got = max(n, 0)
	return l.got > 0
}

func (l *loop) hasMail() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inbox != nil || l.order != l.obeyed
}

// receive takes what came from other goroutines.
func (l *loop) receive() {
	l.mu.Lock()
	s, o := l.inbox, l.order
	l.inbox = nil
	l.mu.Unlock()
	if o != l.obeyed {
		l.obeyed = o
		l.obey()
	}
	for s != nil {
		next := s.next
		s.next = nil
		if s.state == fresh {
			l.adopt(s)
		} else {
			l.filled(s)
		}
		s = next
	}
}

// obey ends what an order does not let go on.
func (l *loop) obey() {
	for _, s := range l.streams {
		if s != nil && (l.obeyed >= stop || s.state == idle) {
			l.end(s)
		}
	}
}

// event is a word of the kernel about a connection.
func (l *loop) event(e *unix.EpollEvent, now time.Time) {
	s := l.streams[e.Fd]
	switch {
	case s == nil: // ended by an event before this one
	case e.Events&(unix.EPOLLERR|unix.EPOLLHUP) != 0, s.state == closing:
		l.end(s)
	case s.state == idle && e.Events&unix.EPOLLIN != 0:
		l.giveBack(s)
	case s.state == idle:
		l.end(s)
	case s.state == filling:
		s.writable = s.writable || e.Events&unix.EPOLLOUT != 0
	case s.state == blocked && e.Events&unix.EPOLLOUT != 0:
		s.Owner.Paused(time.Duration(l.ticks(now)-s.blockedAt) * tick)
		l.goOn(s)
	}
}

// queue is a list of streams in their order, linked by next.
type queue struct{ first, last *Stream }

func (q *queue) push(s *Stream) {
	if q.first == nil {
		q.first = s
	} else {
		q.last.next = s
	}
	q.last = s
}

// all empties the queue and returns its first stream.
func (q *queue) all() *Stream {
	s := q.first
	q.first, q.last = nil, nil
	return s
}
