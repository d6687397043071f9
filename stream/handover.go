package stream

import (
	"context"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"mustserv/library/source"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
	"mustserv/stream/pacer"
)

// handOverFrom is the least that is worth a change of hands: shorter answers
// are the gift that goes out at once, and soon gone.
const handOverFrom = 64 << 10

// pause is how long a player takes no bytes at least when it has paused, and
// not only full buffers.
const pause = time.Second

// bookEvery is how often the ledger hears of what a stream has sent.
const bookEvery = time.Second

// outliving returns a context that ends with that of a request unless kept.
// What the pacer sends goes on when the request is long done.
func outliving(r *http.Request) (ctx context.Context, cancel func(), keep func() bool) {
	ctx, cancel = context.WithCancel(context.Background())
	return ctx, cancel, context.AfterFunc(r.Context(), cancel)
}

// leaves is from how many bytes on a range is left to the pacer: it takes
// what is paced and goes over a TCP connection by HTTP/1 as it is.
func (s *Server) leaves(r *http.Request, need ratelimit.TSpec) int64 {
	_, _, plain := pacer.Plain(connOf(r))
	if s.pacer == nil || !plain || r.ProtoMajor != 1 || r.ContentLength != 0 || need.Rate <= 0 {
		return math.MaxInt64
	}
	return s.handOverFrom
}

// handOver gives the connection of an answer whose head is written to the
// pacer, with what the writer has left. It reports whether the delivery has
// gone there too; else it has ended here.
func (s *Server) handOver(w *pacedWriter, r *http.Request) bool {
	keep := !r.Close && !s.draining.Load() // as net/http has said in the head
	conn, buffered, err := w.control.Hijack()
	if err != nil { // a wrapped writer: it goes the other way
		w.sendFile(w.left)
		return false
	}
	tcp, unread, _ := pacer.Plain(conn)
	ahead, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	d := w.delivery
	sending := &pacer.Stream{
		File: d.file, Offset: w.left.offset, Left: w.left.size, Grant: d.grant, Owner: d,
		Smooth: s.smoothing(conn, d.grant.Need().Rate), Keep: keep, Ahead: slices.Concat(ahead, unread),
	}
	if err = s.pacer.Send(tcp, sending); err != nil { // no descriptor is left, or the server is at its end
		conn.Close()
		return false
	}
	d.transfer.OnCut(handed{s.pacer, sending, d.grant})
	return true
}

// handed is a stream that the pacer sends.
type handed struct {
	to     *pacer.Pacer
	stream *pacer.Stream
	grant  *ratelimit.Grant
}

var _ accounting.Cutter = handed{}

// Cut ends the stream and its connection.
func (h handed) Cut() {
	h.grant.Forfeit()
	h.to.Cut(h.stream)
}

// smoothing is the rate above which the kernel holds a stream's packets back,
// after its burst: none on this computer, where no queue could overflow.
func (s *Server) smoothing(conn net.Conn, need ratelimit.Rate) ratelimit.Rate {
	if peer, ok := conn.RemoteAddr().(*net.TCPAddr); ok && peer.IP.IsLoopback() {
		return 0
	}
	return ratelimit.Rate(float64(need) * s.config.Load().Smooth)
}

// delivery is what a range on its way holds.
type delivery struct {
	grant    *ratelimit.Grant
	file     source.File          // nil until it is open
	transfer *accounting.Transfer // nil until bytes of the item go out
	sent     int64                // bytes not yet booked
	booked   time.Time
}

var _ pacer.Owner = (*delivery)(nil)

// Sent books bytes, those of a second at a time, and all before a pause.
func (d *delivery) Sent(n int64, now time.Time) {
	d.sent += n
	if n == 0 || now.Sub(d.booked) >= bookEvery {
		d.book(now)
	}
}

func (d *delivery) book(now time.Time) {
	d.transfer.Add(d.sent)
	d.sent, d.booked = 0, now
}

// Paused makes up for what was not sent meanwhile.
func (d *delivery) Paused(took time.Duration) { d.waited(took) }

// Path books how the network does.
func (d *delivery) Path(p pacer.Path) { d.transfer.Network(p.RTT, p.Retransmitted) }

// waited says how long bytes took to leave: long where the player paused.
func (d *delivery) waited(took time.Duration) {
	d.grant.Sent(took)
	if took >= pause {
		d.transfer.Paused(took)
	}
}

// End ends what the stream held.
func (d *delivery) End() {
	if d.transfer != nil {
		d.transfer.Add(d.sent)
		d.transfer.End()
	}
	if d.file != nil {
		d.file.Close()
	}
	d.grant.Release()
}

// returning is a listener of the connections on which the pacer has sent a
// range and the next request has come.
type returning struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newReturning() *returning {
	return &returning{conns: make(chan net.Conn, 64), done: make(chan struct{})}
}

// take takes a connection back, without waiting.
func (l *returning) take(c net.Conn) {
	select {
	case l.conns <- c:
	default:
		go func() {
			select {
			case l.conns <- c:
			case <-l.done:
				c.Close()
			}
		}()
	}
}

// Accept returns the next connection.
func (l *returning) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *returning) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr has nothing to tell.
func (l *returning) Addr() net.Addr { return &net.TCPAddr{} }

var _ net.Listener = (*returning)(nil)
