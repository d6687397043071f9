package stream

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"mustserv/library/source"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
)

const (
	sendBufferMin = 64 << 10 // bytes that a stream may have in the kernel: a step,
	sendBufferMax = 1 << 20  // within these bounds
	copyBuffer    = 32 << 10 // where bytes can't go from file to socket
)

// pacedWriter is the one place where pacing happens but for the pacer, to
// which it leaves what that can do: each write waits for its grant, has a
// deadline of its own and is booked. A throttled reader could not do it:
// sendfile goes past its Read. File bytes still leave by sendfile: net/http
// gets a LimitedReader right on the file, once per step.
type pacedWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	conn     net.Conn        // nil where it is not known
	ctx      context.Context // of the file as well
	cancel   func()          // ends it
	delivery *delivery
	stall    time.Duration // deadline of each step
	begin    func(status int, asked rest) *accounting.Transfer
	leaves   int64 // bytes from which on a range is left to the pacer
	buffers  *buffers

	status int
	left   rest // what it has been left
}

// buffers are those of copies that are over.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() *[copyBuffer]byte {
	if buffer, ok := b.pool.Get().(*[copyBuffer]byte); ok {
		return buffer
	}
	return new([copyBuffer]byte)
}

func (b *buffers) put(buffer *[copyBuffer]byte) { b.pool.Put(buffer) }

// rest is the part of an item that is still to be sent; none if size is 0.
type rest struct{ offset, size int64 }

var (
	_ io.ReaderFrom     = (*pacedWriter)(nil)
	_ accounting.Cutter = (*pacedWriter)(nil)
)

// Unwrap gives http.ResponseController the writer below.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status: only what succeeds is paced and booked.
func (w *pacedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// start is called with the first bytes of the item.
func (w *pacedWriter) start(asked rest) {
	if w.delivery.transfer == nil {
		w.delivery.transfer = w.begin(w.status, asked)
		w.delivery.transfer.OnCut(w)
		w.delivery.Grant.Start(asked.offset)
	}
}

// Cut ends the answer where it is, also a write that waits for the player.
func (w *pacedWriter) Cut() {
	w.cancel()
	w.control.SetWriteDeadline(time.Unix(1, 0))
	w.delivery.Grant.Forfeit()
}

// bound keeps the kernel from queueing much of a stream, so that a paused
// player pins little memory and gets no long burst when it goes on.
func bound(conn net.Conn, g *ratelimit.Grant) {
	if tcp, ok := conn.(interface{ SetWriteBuffer(int) error }); ok && g.Need().Rate > 0 {
		tcp.SetWriteBuffer(int(min(max(g.Step(), sendBufferMin), sendBufferMax))) // a larger one works as well
	}
}

// Write sends p in paced steps. It is the way of multipart answers and of
// sources that are no local files.
func (w *pacedWriter) Write(p []byte) (int, error) {
	if w.status >= http.StatusBadRequest { // a text about what is wrong
		return w.ResponseWriter.Write(p)
	}
	w.start(rest{offset: -1})
	written := 0
	for written < len(p) {
		n, err := w.step(int64(len(p)-written), func(n int64) (int64, error) {
			n32, err := w.ResponseWriter.Write(p[written : written+int(n)])
			return int64(n32), err
		})
		written += int(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// ReadFrom sends what src holds in paced steps, or leaves it to the pacer.
func (w *pacedWriter) ReadFrom(src io.Reader) (int64, error) {
	part, file := filePart(src)
	if file == nil {
		buffer := w.buffers.get()
		defer w.buffers.put(buffer)
		return io.CopyBuffer(writerOnly{w}, src, buffer[:])
	}
	offset, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	left := rest{offset, part.N}
	w.start(left)
	if left.size >= w.leaves && here(file, offset) {
		w.left = left
	} else {
		left, err = w.sendFile(left)
	}
	return part.N - left.size, err
}

// here reports whether a file's bytes at offset lie on this computer. A cache
// looks for them, or begins to fetch them, when it is asked to read.
func here(file source.File, offset int64) bool {
	if _, _, _, ok := source.Locate(file, offset); ok {
		return true
	}
	var first [1]byte
	if n, _ := file.ReadAt(first[:], offset); n == 0 {
		return false
	}
	_, _, _, ok := source.Locate(file, offset)
	return ok
}

// sendFile sends a range of the item, and returns what of it is left where
// that fails or the file has shrunk; net/http ends the connection then. Where
// the file on this computer can't be sent or is too short, the item's own
// reads know more: of another copy, or how to wait for its share.
func (w *pacedWriter) sendFile(left rest) (rest, error) {
	bound(w.conn, w.delivery.Grant)
	from, _ := w.ResponseWriter.(io.ReaderFrom)
	local := whole(w.delivery.File, left)
	chunk := io.LimitedReader{R: w.delivery.File}
	if local != nil {
		chunk.R = local
	}
	for left.size > 0 {
		before := left
		_, err := w.step(left.size, func(n int64) (int64, error) {
			chunk.N = n
			sent, err := copyChunk(from, w.ResponseWriter, &chunk)
			left = rest{left.offset + sent, left.size - sent}
			return sent, err
		})
		switch {
		case err == nil && chunk.N == 0 && left != before:
		case local == nil:
			return left, err
		default:
			if _, err := w.delivery.File.Seek(left.offset, io.SeekStart); err != nil {
				return left, err
			}
			local, chunk.R = nil, w.delivery.File
		}
	}
	return left, nil
}

// whole returns the local file that is the item's, at the first byte of a
// range; nil where there is none, and where it is a part of some other file:
// of a cache, which others read, too.
func whole(file source.File, of rest) *os.File {
	local, at, n, ok := source.Locate(file, of.offset)
	if !ok || n < of.size || at != of.offset {
		return nil
	}
	if _, err := local.Seek(at, io.SeekStart); err != nil {
		return nil
	}
	return local
}

// step sends one chunk of at most limit bytes.
func (w *pacedWriter) step(limit int64, send func(n int64) (int64, error)) (int64, error) {
	n, err := w.delivery.Grant.Take(w.ctx, limit)
	if err != nil {
		return 0, err
	}
	before := time.Now()
	w.control.SetWriteDeadline(before.Add(w.stall))
	if err := w.ctx.Err(); err != nil { // it was cut, and that deadline is gone
		return 0, err
	}
	sent, err := send(n)
	w.delivery.transfer.Add(sent)
	if err == nil {
		err = w.control.Flush() // what did not go by sendfile lies in net/http's buffer
		w.delivery.waited(time.Since(before))
	}
	return sent, err
}

// filePart returns the limited reader and the file below it, if src is what
// http.ServeContent makes of a file.
func filePart(src io.Reader) (*io.LimitedReader, source.File) {
	part, ok := src.(*io.LimitedReader)
	if !ok {
		return nil, nil
	}
	file, ok := part.R.(source.File)
	if !ok {
		return nil, nil
	}
	return part, file
}

func copyChunk(from io.ReaderFrom, w io.Writer, chunk *io.LimitedReader) (int64, error) {
	if from != nil {
		return from.ReadFrom(chunk)
	}
	return io.Copy(w, chunk)
}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }
