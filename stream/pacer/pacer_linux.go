package pacer

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// perLoop is how many connections one core serves before the others help:
// together they wake it less often than apart.
const perLoop = 512

// Pacer owns connections while ranges go out over them and until the next
// request comes. Its methods may be called concurrently; those that only end
// something also of a nil Pacer.
type Pacer struct {
	options Options
	filler  filler

	mu      sync.Mutex
	loops   []*loop // at most one per core, begun when needed
	left    int     // connections owned
	fewer   *sync.Cond
	drained bool
	ended   bool
}

// New returns a pacer without streams. It begins to work, and to need an
// epoll instance, with the first.
func New(o Options) *Pacer {
	p := &Pacer{options: o}
	p.fewer = sync.NewCond(&p.mu)
	return p
}

// Send takes over conn, on which nothing else may be written any more, and
// sends the stream. On an error nothing has happened; else conn is not the
// caller's any more.
func (p *Pacer) Send(conn *net.TCPConn, s *Stream) error {
	l, err := p.choose()
	if err != nil {
		return err
	}
	fd, err := duplicate(conn)
	if err != nil {
		p.gone(l)
		return err
	}
	conn.Close() // Go's own poller would only wake for what happens to it
	s.machine = machine{level: -1, socket: int32(fd)}
	l.push(s)
	return nil
}

// Cut ends a stream that was sent before its time, and its connection; one
// that has ended already stays as it is. It may be called from any goroutine.
func (p *Pacer) Cut(s *Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.loops { // one of them has it
		l.cut(s)
	}
}

// choose returns the loop for one more connection, and counts it.
func (p *Pacer) choose() (*loop, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil, net.ErrClosed
	}
	if n := len(p.loops); n < runtime.GOMAXPROCS(0) && p.left >= n*perLoop {
		l, err := newLoop(p)
		if err != nil {
			return nil, err
		}
		p.loops = append(p.loops, l)
		go l.run()
	}
	best := p.loops[0]
	for _, l := range p.loops[1:] {
		if best.owned >= perLoop && l.owned < best.owned {
			best = l
		}
	}
	best.owned++
	p.left++
	return best, nil
}

// gone says that a connection of a loop is no longer the pacer's.
func (p *Pacer) gone(l *loop) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.owned--
	p.left--
	p.fewer.Broadcast()
}

// Drain closes the connections on which nothing is sent, and each other one
// when its stream has ended.
func (p *Pacer) Drain() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drained = true
	p.tell(drain)
}

// Shutdown drains and returns when the last stream has ended, or when ctx
// ends, after closing them. The pacer is of no use then.
func (p *Pacer) Shutdown(ctx context.Context) error {
	if p == nil {
		return nil
	}
	p.Drain()
	patient := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tell(stop)
	})
	p.mu.Lock()
	for p.left > 0 {
		p.fewer.Wait()
	}
	p.ended = true
	p.tell(quit)
	p.mu.Unlock()
	for _, l := range p.loops {
		<-l.done
	}
	if !patient() {
		return ctx.Err()
	}
	return nil
}

// tell wakes every loop with an order.
func (p *Pacer) tell(o order) {
	for _, l := range p.loops {
		l.tell(o)
	}
}

// duplicate returns a descriptor of conn's socket that Go's poller does not
// know.
func duplicate(conn *net.TCPConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := raw.Control(func(open uintptr) {
		fd, err = unix.FcntlInt(open, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err == nil {
		err = failed
	}
	return fd, err
}

// restore makes a connection of a descriptor, with the bytes that had been
// read from it before. The descriptor is used up.
func restore(fd int, ahead string) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "")
	conn, err := net.FileConn(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if len(ahead) == 0 {
		return conn, nil
	}
	return &Conn{TCPConn: conn.(*net.TCPConn), ahead: []byte(ahead)}, nil
}
