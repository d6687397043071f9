package pacer

import (
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	fillersMax = 64          // goroutines that wait for bytes of files, at a time,
	fillLong   = time.Second // and further ones for those that have waited longer: a share may be away
	fillBytes  = 128 << 10   // that one fetches and sends
)

// fetched is what came of one fetch.
type fetched struct {
	loop *loop
	n    int // bytes sent
	err  error
}

// filler reads what may have to be waited for, in a bounded number of
// goroutines: bytes of files that are not on this computer or that its disk
// has to look for. It sends what it has read without waiting for the peer.
// Who waits for a share that is away does not count, so that no other share's
// streams wait with it.
type filler struct {
	mu      sync.Mutex
	queue   queue
	running int
	buffers sync.Pool
}

// fetch has the next bytes of s sent; the loop gets s back.
func (f *filler) fetch(l *loop, s *Stream) {
	s.read = &fetched{loop: l}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue.push(s)
	f.more()
}

// more starts a goroutine if there may be one. Called under the lock.
func (f *filler) more() {
	if f.running < fillersMax && f.queue.first != nil {
		f.running++
		go f.run()
	}
}

// count adds to the goroutines that run.
func (f *filler) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running += n
	f.more()
}

func (f *filler) run() {
	buffer, ok := f.buffers.Get().(*[fillBytes]byte)
	if !ok {
		buffer = new([fillBytes]byte)
	}
	defer f.buffers.Put(buffer)
	long := time.AfterFunc(fillLong, func() { f.count(-1) })
	defer long.Stop()
	for s := f.pop(); s != nil; s = f.pop() {
		long.Reset(fillLong)
		s.read.n, s.read.err = carry(s, buffer[:])
		if !long.Stop() {
			f.count(1)
		}
		s.read.loop.push(s)
	}
}

// pop returns nil where nothing is to be done; then one goroutine less runs.
func (f *filler) pop() *Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.queue.pop()
	if s == nil {
		f.running--
	}
	return s
}

// carry reads bytes and sends as many as the socket takes.
func carry(s *Stream, buffer []byte) (sent int, err error) {
	buffer = buffer[:min(len(buffer), int(s.pending))]
	n, err := s.File.ReadAt(buffer, s.Offset)
	if n == 0 {
		return 0, errors.Join(io.ErrUnexpectedEOF, err)
	}
	for buffer = buffer[:n]; sent < n; {
		more, err := unix.Write(s.fd(), buffer[sent:])
		sent += max(more, 0)
		if err != nil && err != unix.EINTR {
			return sent, err
		}
	}
	return sent, nil
}
