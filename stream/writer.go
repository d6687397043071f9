package stream

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"mustserv/library/source"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
)

const (
	sendBufferMin  = 64 << 10               // bytes that a stream may have in the kernel,
	sendBufferMax  = 1 << 20                // growing with its rate,
	sendBufferTime = 100 * time.Millisecond // by so much of it
	copyBuffer     = 32 << 10               // where bytes can't go from file to socket
)

// pacedWriter is the one place where pacing happens: each write waits for
// its grant, has a deadline of its own and is booked. A throttled reader
// could not do it: sendfile goes past its Read. File bytes still leave by
// sendfile: net/http gets a LimitedReader right on the file, once per step.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	ctx     context.Context
	grant   *ratelimit.Grant
	stall   time.Duration // deadline of each step
	begin   func(status int, offset int64) *accounting.Transfer

	status   int
	transfer *accounting.Transfer // nil until bytes of the item go out
}

var _ io.ReaderFrom = (*pacedWriter)(nil)

// Unwrap gives http.ResponseController the writer below.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status: only what succeeds is paced and booked.
func (w *pacedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// start is called with the first bytes of the item.
func (w *pacedWriter) start(offset int64) {
	if w.transfer != nil {
		return
	}
	w.transfer = w.begin(w.status, offset)
	w.grant.Start(offset)
	if conn, ok := w.ctx.Value(connKey{}).(net.Conn); ok {
		bound(conn, w.grant.Need().Rate)
	}
}

// bound keeps the kernel from queueing much of a stream, so that a paused
// player pins little memory and gets no long burst when it goes on.
func bound(conn net.Conn, r ratelimit.Rate) {
	if tcp, ok := conn.(interface{ SetWriteBuffer(int) error }); ok && r > 0 {
		size := int(r.BytesPerSecond() * sendBufferTime.Seconds())
		tcp.SetWriteBuffer(min(max(size, sendBufferMin), sendBufferMax)) // a larger one works as well
	}
}

func (w *pacedWriter) end() {
	if w.transfer != nil {
		w.transfer.End()
	}
}

// Write sends p in paced steps. It is the way of multipart answers and of
// sources that are no local files.
func (w *pacedWriter) Write(p []byte) (int, error) {
	if w.status >= http.StatusBadRequest { // a text about what is wrong
		return w.ResponseWriter.Write(p)
	}
	w.start(-1)
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

// ReadFrom sends what src holds in paced steps.
func (w *pacedWriter) ReadFrom(src io.Reader) (int64, error) {
	part, file := filePart(src)
	if file == nil {
		return io.CopyBuffer(writerOnly{w}, src, make([]byte, copyBuffer))
	}
	offset, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	w.start(offset)
	from, _ := w.ResponseWriter.(io.ReaderFrom)
	chunk := io.LimitedReader{R: file}
	if local, at, _, ok := source.Locate(file, offset); ok {
		if _, err := local.Seek(at, io.SeekStart); err != nil {
			return 0, err
		}
		chunk.R = local
	}
	var sent int64
	for part.N > 0 {
		var short bool
		n, err := w.step(part.N, func(n int64) (int64, error) {
			chunk.N = n
			sent, err := copyChunk(from, w.ResponseWriter, &chunk)
			short = sent < n
			return sent, err
		})
		sent += n
		part.N -= n
		if err != nil || short { // short: the file has shrunk; net/http ends the connection
			return sent, err
		}
	}
	return sent, nil
}

// step sends one chunk of at most limit bytes.
func (w *pacedWriter) step(limit int64, send func(n int64) (int64, error)) (int64, error) {
	n, err := w.grant.Take(w.ctx, limit)
	if err != nil {
		return 0, err
	}
	before := time.Now()
	w.control.SetWriteDeadline(before.Add(w.stall))
	sent, err := send(n)
	w.transfer.Add(sent)
	if err == nil {
		err = w.control.Flush() // what did not go by sendfile lies in net/http's buffer
		w.grant.Sent(time.Since(before))
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
