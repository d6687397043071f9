package pacer

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tick      = 5 * time.Second / 90 // grain of the wheel; steps of 5 s / 18 fall on it
	batch     = 256                  // events taken from the kernel at a time
	atOnce    = 64                   // sends between two looks around
	lingering = time.Second          // for a peer to see the end before the connection closes
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
	clock int // a timer of the kernel's in it: one of Go's would wake two threads more
	begin time.Time
	look  func(uintptr) bool // polled
	done  chan struct{}
	owned int // connections; guarded by the pacer's lock

	mu    sync.Mutex
	inbox *Stream   // new ones and those that come back from the filler, linked by next
	cuts  []*Stream // to be ended, if they are still here
	order order

	wheel   wheel
	streams []*Stream // by descriptor
	ready   queue     // streams that may send at once
	obeyed  order
	events  [batch]unix.EpollEvent
	got     int // events of the last poll

	vector  unix.Iovec // for inMemory
	scratch byte
	info    unix.TCPInfo // for path
}

func newLoop(p *Pacer) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	l := &loop{pacer: p, fd: fd, clock: -1, begin: time.Now(), done: make(chan struct{})}
	l.look = l.polled
	if p.drained {
		l.order = drain
	}
	if err := l.open(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// open puts the clock into the epoll instance, and that into Go's poller.
func (l *loop) open() (err error) {
	unix.SetNonblock(l.fd, true) // else Go's poller would not take it
	l.poll = os.NewFile(uintptr(l.fd), "epoll")
	if l.raw, err = l.poll.SyscallConn(); err != nil {
		return err
	}
	if l.clock, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	if err := l.watch(l.clock, unix.EPOLL_CTL_ADD, unix.EPOLLIN); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

func (l *loop) close() {
	unix.Close(l.clock)
	l.poll.Close()
}

// watch has the kernel tell what happens to a descriptor, once for each time.
func (l *loop) watch(fd, op int, events uint32) error {
	return unix.EpollCtl(l.fd, op, fd, &unix.EpollEvent{Events: events | edge, Fd: int32(fd)})
}

// push hands a stream to the loop, from any goroutine.
func (l *loop) push(s *Stream) {
	l.mu.Lock()
	s.next, l.inbox = l.inbox, s
	l.mu.Unlock()
	l.wake()
}

// cut has the loop end a stream, if it is its own and goes on.
func (l *loop) cut(s *Stream) {
	l.mu.Lock()
	l.cuts = append(l.cuts, s)
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
func (l *loop) wake() { l.alarm(0) }

// alarm sets the clock, to the next moment at least: 0 would stop it.
func (l *loop) alarm(d time.Duration) {
	unix.TimerfdSettime(l.clock, 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(d)))}, nil)
}

func (l *loop) run() {
	defer close(l.done)
	defer l.close()
	for {
		l.receive()
		if l.obeyed == quit {
			return
		}
		now := time.Now()
		l.wheel.advance(l.ticks(now), func(s *Stream) { l.due(s, now) })
		l.sendReady(now)
		l.wait()
		now = time.Now()
		for i := range l.got {
			l.event(&l.events[i], now)
		}
	}
}

// sendReady lets streams send a step each, not too many: others have come
// meanwhile.
func (l *loop) sendReady(now time.Time) {
	last := l.ready.last
	for range atOnce {
		s := l.ready.pop()
		if s == nil {
			return
		}
		l.send(s, now)
		if s == last {
			return
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
	if l.ready.first != nil {
		l.got = l.takeSeen()
		return
	}
	if next, ok := l.wheel.next(); ok {
		l.alarm(time.Until(l.begin.Add(time.Duration(next) * tick)))
	}
	if l.hasMail() { // it came before the clock was set, and woke nobody
		l.polled(0)
		return
	}
	l.raw.Read(l.look)
}

// polled takes events from the kernel and reports whether there were any.
func (l *loop) polled(uintptr) bool {
	l.got = l.take()
	return l.got > 0
}

func (l *loop) hasMail() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inbox != nil || l.cuts != nil || l.order != l.obeyed
}

// receive takes what came from other goroutines.
func (l *loop) receive() {
	l.mu.Lock()
	s, cuts, o := l.inbox, l.cuts, l.order
	l.inbox, l.cuts = nil, nil
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
	for _, s := range cuts {
		if s.fd() < len(l.streams) && l.streams[s.fd()] == s {
			l.end(s)
		}
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

// event is a word of the kernel about a connection, or from the clock.
func (l *loop) event(e *unix.EpollEvent, now time.Time) {
	if int(e.Fd) == l.clock {
		return
	}
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
		s.Owner.Paused(time.Duration(uint32(l.ticks(now))-s.blockedAt) * tick)
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

// pop takes out the first stream, nil if there is none.
func (q *queue) pop() *Stream {
	s := q.first
	if s == nil {
		return nil
	}
	q.first, s.next = s.next, nil
	if q.first == nil {
		q.last = nil
	}
	return s
}
