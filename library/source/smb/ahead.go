package smb

import (
	"io"
	"io/fs"
	"sync"
)

// Reading goes in pieces, several under way at a time: what one round trip
// brings is then the window, not what the reader happened to ask for. With
// these sizes a stream gets half a MiB for each round trip, 26 MB/s where
// that takes 20 ms: four times what a film of 50 Mbit/s needs.
const (
	pieceBytes  = 128 << 10
	windowBytes = 4 * pieceBytes // read ahead of one reader
	maxAhead    = 64             // pieces read ahead for all readers of a share: 8 MiB
	batchBytes  = 1 << 20        // of one ReadAt that are under way at a time
)

// piece is a part of a file that is being read, or has been once done is closed.
type piece struct {
	off   int64
	data  []byte
	n     int // less than len(data) where the file ends
	err   error
	ahead bool // it counts as one of maxAhead
	done  chan struct{}
}

func (p *piece) end() int64 { return p.off + int64(len(p.data)) }

// hasFailed reports whether the piece could not be read, without waiting for it.
func (p *piece) hasFailed() bool {
	select {
	case <-p.done:
		return p.err != nil
	default:
		return false
	}
}

// window is what a reader wanted last and may want next, without gaps.
type window struct {
	mu     sync.Mutex
	pieces []*piece
	next   int64 // where reading goes on if it is sequential
	run    int64 // bytes read in sequence: no more than that is read ahead
}

// drop forgets all pieces.
func (w *window) drop(l *link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut(l, 0, len(w.pieces))
}

// cut forgets the pieces from i up to j.
func (w *window) cut(l *link, i, j int) {
	for _, p := range w.pieces[i:j] {
		if p.ahead {
			<-l.ahead
		}
	}
	w.pieces = append(w.pieces[:i:i], w.pieces[j:]...)
}

// ReadAt reads ahead of who reads in sequence.
func (f *file) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, f.wrong("read", fs.ErrInvalid)
	}
	if f.ctx.Err() != nil {
		return 0, f.wrong("read", fs.ErrClosed)
	}
	for n < len(b) && err == nil {
		var m int
		m, err = f.readBatch(b[n:min(n+batchBytes, len(b))], off+int64(n))
		n += m
	}
	if err != nil {
		f.ahead.drop(f.link) // what was read beyond may be better later
	}
	if err != nil && err != io.EOF {
		err = f.wrong("read", err)
	}
	return n, err
}

func (f *file) readBatch(b []byte, off int64) (n int, err error) {
	for _, p := range f.plan(len(b), off) {
		select {
		case <-p.done:
		case <-f.ctx.Done():
			return n, fs.ErrClosed
		}
		if p.err != nil {
			return n, p.err
		}
		if from := int(off + int64(n) - p.off); from < p.n {
			n += copy(b[n:], p.data[from:p.n])
		}
		if n < len(b) && p.n < len(p.data) {
			return n, io.EOF
		}
	}
	return n, nil
}

// plan returns the pieces with n bytes at off, and starts to read those that
// are not being read yet and some beyond.
func (f *file) plan(n int, off int64) (wanted []*piece) {
	w := &f.ahead
	w.mu.Lock()
	defer w.mu.Unlock()
	end := w.keep(f.link, off)
	ahead := min(w.run, windowBytes)
	w.next = off + int64(n)
	w.run += int64(n)
	for end < w.next {
		size := min(w.next-end, pieceBytes)
		if ahead > 0 {
			size = max(size, min(pieceBytes, f.first.size-end))
		}
		end = f.begin(end, size, false)
	}
	for end < min(w.next+ahead, f.first.size) && f.mayReadAhead() {
		end = f.begin(end, min(pieceBytes, f.first.size-end), true)
	}
	for _, p := range w.pieces {
		if p.off < w.next {
			wanted = append(wanted, p)
		}
	}
	return wanted
}

// keep forgets the pieces before off, from a failed one on, and all if off is
// not among them; it returns where those that are left end.
func (w *window) keep(l *link, off int64) int64 {
	for i, p := range w.pieces {
		if p.hasFailed() {
			w.cut(l, i, len(w.pieces))
			break
		}
	}
	first := 0
	for first < len(w.pieces) && w.pieces[first].end() <= off {
		first++
	}
	w.cut(l, 0, first)
	if len(w.pieces) > 0 && w.pieces[0].off > off {
		w.cut(l, 0, len(w.pieces))
	}
	if len(w.pieces) > 0 {
		return w.pieces[len(w.pieces)-1].end()
	}
	if off != w.next {
		w.run = 0
	}
	return off
}

// mayReadAhead takes one of maxAhead; none for a closed file, which gives none back.
func (f *file) mayReadAhead() bool {
	if f.ctx.Err() != nil {
		return false
	}
	select {
	case f.link.ahead <- struct{}{}:
		return true
	default:
		return false
	}
}

// begin starts to read a piece, and returns where it ends.
func (f *file) begin(off, size int64, ahead bool) int64 {
	p := &piece{off: off, data: make([]byte, size), ahead: ahead, done: make(chan struct{})}
	f.ahead.pieces = append(f.ahead.pieces, p)
	go func() {
		defer close(p.done)
		p.n, p.err = atServer(f, func(h *handle) (int, error) { return h.read(p.data, p.off) })
	}()
	return p.end()
}
