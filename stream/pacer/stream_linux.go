package pacer

import (
	"time"

	"golang.org/x/sys/unix"

	"mustserv/library/source"
)

const (
	lookSteps = 8         // of a stream ahead, two seconds, that are in memory or not,
	lookBytes = 1 << 20   // but at most so many bytes
	pathEvery = 32        // sends between two looks at the network's state
	unsentMin = 16 << 10  // bytes that the kernel may hold unsent of a stream: a step,
	unsentMax = 128 << 10 // within these bounds; a paused player pins so much. Less costs more wake-ups
	smoothOff = -1        // as SO_MAX_PACING_RATE
	edge      = unix.EPOLLET & 0xffffffff
)

// state is what a connection waits for.
type state uint8

const (
	fresh   state = iota // to be taken in
	waiting              // for its time, or in the queue of those that may send
	blocked              // for the peer to take bytes
	filling              // for bytes of the file
	idle                 // for a request
	closing              // for the peer to see the end
)

// machine is what the pacer knows of a stream.
type machine struct {
	next, prev *Stream // in a slot of the wheel, or in a list
	due        int64   // tick
	level      int8    // of the slot; -1 is none
	index      uint8
	state      state
	ended      bool  // the owner has been told
	slow       bool  // the kernel can't send this file to a socket
	steady     bool  // the burst is out
	writable   bool  // the peer took more while the filler was at work
	sends      uint8 // until pathEvery

	socket    int32
	pending   int32  // bytes that were granted and not sent
	blockedAt uint32 // tick at which the peer took no more, of those that fit

	shift  int64  // the next byte of the file is this much further on
	here   int64  // up to this offset
	local  int32  // in the file with this descriptor;
	before uint32 // segments sent again on this connection before
	sure   int32  // so many bytes of it were in memory just now,
	asked  int32  // or have been asked for in vain
	read   *fetched
}

// fd is the socket's descriptor.
func (s *Stream) fd() int { return int(s.socket) }

// adopt takes a stream in.
func (l *loop) adopt(s *Stream) {
	for s.fd() >= len(l.streams) {
		l.streams = append(l.streams, make([]*Stream, 64)...)
	}
	l.streams[s.fd()] = s
	if l.obeyed >= stop || l.watch(s.fd(), unix.EPOLL_CTL_ADD, unix.EPOLLOUT) != nil {
		l.end(s)
		return
	}
	unsent := int64(0) // no bound: it goes as fast as it can
	if s.Grant.Need().Rate > 0 {
		unsent = min(max(s.Grant.Step(), unsentMin), unsentMax)
	}
	unix.SetsockoptInt(s.fd(), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, int(unsent)) // an old kernel holds more
	l.cork(s, 1)
	if info := l.path(s.fd()); info != nil {
		s.before = info.Total_retrans
	}
	l.goOn(s)
}

// cork has the kernel keep what does not fill a packet for the next step, for
// 200 ms at most.
func (l *loop) cork(s *Stream, on int) {
	unix.SetsockoptInt(s.fd(), unix.IPPROTO_TCP, unix.TCP_CORK, on) // without, a step costs a packet more
}

// goOn lets a stream send as soon as the loop comes round.
func (l *loop) goOn(s *Stream) {
	l.wheel.remove(s)
	s.state = waiting
	l.ready.push(s)
}

// due is the wheel's call.
func (l *loop) due(s *Stream, now time.Time) {
	switch s.state {
	case waiting:
		l.ready.push(s)
	default: // a deadline
		l.end(s)
	}
}

// send sends what has been granted and asks for the next step.
func (l *loop) send(s *Stream, now time.Time) {
	if s.state != waiting { // ended since it was queued
		return
	}
	if s.pending > 0 && !l.sendPending(s, now) {
		return
	}
	if s.Left == 0 {
		l.complete(s)
		return
	}
	n, at := s.Grant.Reserve(now, s.Left)
	s.pending = int32(n)
	if !at.After(now) {
		l.ready.push(s)
		return
	}
	if !s.steady {
		l.settle(s)
	}
	l.later(s, at)
}

// settle is called when the burst is out: the kernel knows now how large packets
// may be, and spreads the steps from here on.
func (l *loop) settle(s *Stream) {
	s.steady = true
	if info := l.path(s.fd()); info != nil {
		s.Grant.Packets(int64(info.Snd_mss))
	}
	if s.Smooth > 0 {
		smooth(s.fd(), int(s.Smooth))
	}
}

// sendPending reports whether all that was granted has gone; else the stream
// waits for something.
func (l *loop) sendPending(s *Stream, now time.Time) bool {
	for s.pending > 0 {
		n, err := l.transmit(s)
		l.sent(s, n)
		switch {
		case err == nil && n > 0, err == unix.EINTR:
		case err == unix.EAGAIN:
			l.block(s, now)
			return false
		case err == unix.EPIPE, err == unix.ECONNRESET, err == unix.ETIMEDOUT:
			l.end(s)
			return false
		default: // the file's fault: a read that may wait knows more
			s.slow = s.slow || err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP
			l.fill(s)
			return false
		}
	}
	return true
}

// transmit lets the kernel send from the file; no error and no bytes mean
// that it can't now.
func (l *loop) transmit(s *Stream) (int, error) {
	if s.slow || !s.locate() {
		return 0, nil
	}
	at, n := s.Offset+s.shift, min(int64(s.pending), s.here-s.Offset)
	if !l.cached(s, at, n) {
		return 0, nil
	}
	return sendfile(s.fd(), int(s.local), at, int(n))
}

// locate finds the next byte on this computer.
func (s *Stream) locate() bool {
	if s.Offset < s.here {
		return true // as before; nothing has been asked of the file since
	}
	file, at, n, ok := source.Locate(s.File, s.Offset)
	if ok {
		s.local, s.shift, s.here = int32(file.Fd()), at-s.Offset, s.Offset+n
	}
	return ok
}

// cached reports whether bytes can be sent without waiting for a disk. It
// asks for two seconds at once, and step by step where these are not there.
func (l *loop) cached(s *Stream, at, n int64) bool {
	if n <= int64(s.sure) {
		return true
	}
	if n > int64(s.asked) {
		ahead := min(n+min(lookSteps*s.Grant.Step(), lookBytes), s.here-s.Offset, s.Left)
		s.asked = int32(ahead)
		if l.inMemory(int(s.local), at+ahead-1) {
			s.sure = s.asked
			return true
		}
	}
	if !l.inMemory(int(s.local), at+n-1) {
		return false
	}
	s.sure = int32(n)
	return true
}

// sent books n bytes.
func (l *loop) sent(s *Stream, n int) {
	if n <= 0 {
		return
	}
	s.Offset, s.Left, s.pending = s.Offset+int64(n), s.Left-int64(n), s.pending-int32(n)
	s.sure, s.asked = s.sure-int32(n), s.asked-int32(n)
	s.Owner.Sent(int64(n))
	if s.sends++; s.sends == pathEvery {
		s.sends = 0
		l.tellPath(s)
	}
}

// block waits until the peer takes more.
func (l *loop) block(s *Stream, now time.Time) {
	s.state, s.blockedAt = blocked, uint32(l.ticks(now))
	s.Owner.Sent(0)
	l.later(s, now.Add(l.pacer.options.Stall()))
}

// fill has a goroutine fetch bytes that may have to be waited for.
func (l *loop) fill(s *Stream) {
	s.state, s.writable = filling, false
	s.here, s.sure, s.asked = 0, 0, 0 // who reads may get another file
	l.pacer.filler.fetch(l, s)
}

// filled goes on after the filler has sent what it could.
func (l *loop) filled(s *Stream) {
	got := s.read
	s.read, s.state = nil, waiting
	if s.ended { // while it was away
		l.hangUp(s)
		return
	}
	l.sent(s, got.n)
	switch {
	case got.err == nil:
		l.goOn(s)
	case got.err == unix.EAGAIN && !s.writable:
		l.block(s, time.Now())
	case got.err == unix.EAGAIN:
		l.goOn(s)
	default:
		l.end(s)
	}
}

// complete ends the stream whose last byte went out.
func (l *loop) complete(s *Stream) {
	l.tellPath(s)
	if s.steady && s.Smooth > 0 {
		smooth(s.fd(), smoothOff)
	}
	l.cork(s, 0)
	l.endOwner(s)
	if !s.Keep || l.obeyed != work {
		unix.Shutdown(s.fd(), unix.SHUT_WR)
		l.park(s, closing, unix.EPOLLRDHUP, lingering)
		return
	}
	if len(s.Ahead) > 0 {
		l.giveBack(s)
		return
	}
	l.park(s, idle, unix.EPOLLIN|unix.EPOLLRDHUP, l.pacer.options.Idle)
}

// park keeps a connection on which nothing is sent, and nothing else of its
// stream.
func (l *loop) park(s *Stream, as state, events uint32, patience time.Duration) {
	s = &Stream{machine: machine{level: -1, socket: s.socket, state: as, ended: true}}
	l.streams[s.fd()] = s
	if l.watch(s.fd(), unix.EPOLL_CTL_MOD, events) != nil {
		l.end(s)
		return
	}
	l.later(s, time.Now().Add(patience))
}

// giveBack lets somebody else answer the next request.
func (l *loop) giveBack(s *Stream) {
	l.watch(s.fd(), unix.EPOLL_CTL_DEL, 0)
	l.forget(s)
	defer l.pacer.gone(l)
	if conn, err := restore(s.fd(), s.Ahead); err == nil { // else the peer has gone
		l.pacer.options.Ready(conn)
	}
}

// end ends a stream at once, however far it is.
func (l *loop) end(s *Stream) {
	if !s.ended && s.state != idle && s.state != closing {
		l.tellPath(s)
	}
	l.endOwner(s)
	if s.state != filling { // else once the filler is through with it
		l.hangUp(s)
	}
}

func (l *loop) endOwner(s *Stream) {
	if s.ended {
		return
	}
	s.ended = true
	if s.pending > 0 {
		s.Grant.Return(int64(s.pending))
	}
	s.Owner.End()
}

func (l *loop) hangUp(s *Stream) {
	l.forget(s)
	unix.Close(s.fd())
	l.pacer.gone(l)
}

// forget takes a stream out of everything; the state keeps a queue from
// sending it.
func (l *loop) forget(s *Stream) {
	l.wheel.remove(s)
	s.state = closing
	l.streams[s.fd()] = nil
}

// smooth has the kernel send no faster than so many bytes a second. An old one
// sends steps as they are.
func smooth(fd, rate int) { unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, rate) }

// tellPath says how the network does.
func (l *loop) tellPath(s *Stream) {
	if info := l.path(s.fd()); info != nil {
		s.Owner.Path(Path{
			RTT:           time.Duration(info.Rtt) * time.Microsecond,
			Retransmitted: int64(info.Total_retrans - s.before),
		})
	}
}
