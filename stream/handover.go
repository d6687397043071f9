package stream

import (
	"math"
	"net"
	"net/http"
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

// bookSteps is after how many steps the ledger hears of what a stream has
// sent: after a second, of most.
const bookSteps = 4

// leaves is from how many bytes on a range is left to the pacer: it takes
// what goes over a TCP connection by HTTP/1 as it is, at whatever rate.
func (s *Server) leaves(r *http.Request) int64 {
	_, _, plain := pacer.Plain(connOf(r))
	if s.pacer == nil || !plain || r.ProtoMajor != 1 || r.ContentLength != 0 || s.router.Trusts(r) {
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
	d.Offset, d.Left, d.Owner, d.to = w.left.offset, w.left.size, d, s.pacer
	d.Smooth, d.Stream.Keep, d.Ahead = s.smoothing(conn, d.Grant.Need().Rate), keep, string(ahead)+string(unread)
	if file, ok := d.File.(source.Keeper); ok {
		file.Keep()
	}
	if err = s.pacer.Send(tcp, &d.Stream); err != nil { // no descriptor is left, or the server is at its end
		conn.Close()
		return false
	}
	d.transfer.OnCut(d)
	return true
}

// smoothing is the rate above which the kernel holds a stream's packets back,
// after its burst, in bytes a second: none on this computer, where no queue
// could overflow.
func (s *Server) smoothing(conn net.Conn, need ratelimit.Rate) int32 {
	if peer, ok := conn.RemoteAddr().(*net.TCPAddr); ok && peer.IP.IsLoopback() {
		return 0
	}
	return int32(min(need.BytesPerSecond()*s.config.Load().Smooth, math.MaxInt32))
}

// delivery is what a range on its way holds, in one piece: there may be
// thousands.
type delivery struct {
	pacer.Stream                      // its File is nil until it is open
	to           *pacer.Pacer         // that sends it; nil until then
	transfer     *accounting.Transfer // nil until bytes of the item go out
	sent         int64                // bytes not yet booked
}

var (
	_ pacer.Owner       = (*delivery)(nil)
	_ accounting.Cutter = (*delivery)(nil)
)

// Cut ends the stream and its connection.
func (d *delivery) Cut() {
	d.Grant.Forfeit()
	d.to.Cut(&d.Stream)
}

// Sent books bytes, those of some steps at a time, and all before a pause.
func (d *delivery) Sent(n int64) {
	if d.sent += n; n == 0 || d.sent >= bookSteps*d.Grant.Step() {
		d.transfer.Add(d.sent)
		d.sent = 0
	}
}

// Paused makes up for what was not sent meanwhile.
func (d *delivery) Paused(took time.Duration) { d.waited(took) }

// Path books how the network does.
func (d *delivery) Path(p pacer.Path) { d.transfer.Network(p.RTT, p.Retransmitted) }

// waited says how long bytes took to leave: long where the player paused.
func (d *delivery) waited(took time.Duration) {
	d.Grant.Sent(took)
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
	if d.File != nil {
		d.File.Close()
	}
	d.Grant.Release()
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
