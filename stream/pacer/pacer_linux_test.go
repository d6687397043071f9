package pacer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mustserv/ratelimit"

	"golang.org/x/sys/unix"
)

// owner counts what its stream tells.
type owner struct {
	sent  atomic.Int64
	ended chan struct{}
	grant *ratelimit.Grant
}

func (o *owner) Sent(n int64)              { o.sent.Add(n) }
func (o *owner) Paused(took time.Duration) { o.grant.Sent(took) }
func (o *owner) Path(Path)                 {}
func (o *owner) End()                      { o.grant.Release(); close(o.ended) }

// pair returns both ends of a connection.
func pair(t testing.TB) (ours, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { there.Close(); here.Close() })
	return here.(*net.TCPConn), there.(*net.TCPConn)
}

func newPacer(t testing.TB) *Pacer {
	t.Helper()
	p := New(Options{
		Idle: time.Minute, Stall: func() time.Duration { return time.Hour },
		Ready: func(c net.Conn) { c.Close() },
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		p.Shutdown(ctx)
	})
	return p
}

// send lets a pacer send a whole file to a new connection.
func send(t testing.TB, p *Pacer, c *ratelimit.Controller, client string, need ratelimit.TSpec, f interface {
	io.ReaderAt
	io.ReadSeekCloser
	Stat() (os.FileInfo, error)
}, size int64) (*owner, *net.TCPConn) {
	t.Helper()
	grant, err := c.Admit(t.Context(), ratelimit.Request{Client: client, Item: "a", Need: need, Size: size})
	if err != nil {
		t.Fatal(err)
	}
	grant.Start(0)
	here, there := pair(t)
	o := &owner{grant: grant, ended: make(chan struct{})}
	if err := p.Send(here, &Stream{File: f, Left: size, Grant: grant, Owner: o}); err != nil {
		t.Fatal(err)
	}
	return o, there
}

func content(t testing.TB, size int) (*os.File, []byte) {
	t.Helper()
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * 40503 >> 13)
	}
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, data
}

// patchy is a file of which every other block is on this computer.
type patchy struct {
	*os.File
	reads, located atomic.Int64
}

const block = 100 << 10

func (f *patchy) Locate(off int64) (*os.File, int64, int64, bool) {
	if off/block%2 == 1 {
		return nil, 0, 0, false
	}
	f.located.Add(1)
	return f.File, off, block - off%block, true
}

func (f *patchy) ReadAt(p []byte, off int64) (int, error) {
	f.reads.Add(1)
	return f.File.ReadAt(p[:min(len(p), 7000)], off) // as from a server that answers in small pieces
}

// remote is a file of which nothing is on this computer, and that is slow.
type remote struct{ *os.File }

func (f remote) Locate(int64) (*os.File, int64, int64, bool) { return nil, 0, 0, false }

func (f remote) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(time.Millisecond)
	return f.File.ReadAt(p, off)
}

// stuck is a file whose reads end only when it is closed.
type stuck struct {
	*os.File
	closed chan struct{}
}

func (f stuck) Locate(int64) (*os.File, int64, int64, bool) { return nil, 0, 0, false }

func (f stuck) ReadAt([]byte, int64) (int, error) {
	<-f.closed
	return 0, os.ErrClosed
}

var unlimited = ratelimit.TSpec{Rate: 10 * ratelimit.GbitPerSecond, Burst: 16 * ratelimit.MiB}

func TestBytesFromElsewhere(t *testing.T) {
	file, data := content(t, 5<<20+12345)
	part := &patchy{File: file}
	for _, row := range []struct {
		name string
		file interface {
			io.ReaderAt
			io.ReadSeekCloser
			Stat() (os.FileInfo, error)
		}
	}{{"local", file}, {"local in part", part}, {"remote", remote{file}}} {
		t.Run(row.name, func(t *testing.T) {
			p, c := newPacer(t), ratelimit.NewController(ratelimit.DefaultConfig())
			o, peer := send(t, p, c, "x", unlimited, row.file, int64(len(data)))
			got, err := io.ReadAll(peer)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			<-o.ended
			if o.sent.Load() != int64(len(data)) {
				t.Errorf("%d bytes are counted", o.sent.Load())
			}
		})
	}
	if part.reads.Load() == 0 || part.located.Load() == 0 {
		t.Errorf("%d reads and %d looks, want both", part.reads.Load(), part.located.Load())
	}
}

// A stream whose file does not answer holds up no other; when its peer goes,
// its owner knows at once.
func TestStuckFileHoldsUpNobody(t *testing.T) {
	file, data := content(t, 1<<20)
	p, c := newPacer(t), ratelimit.NewController(ratelimit.DefaultConfig())
	hung := stuck{file, make(chan struct{})}
	o, peer := send(t, p, c, "stuck", unlimited, hung, int64(len(data)))
	_, other := send(t, p, c, "x", unlimited, file, int64(len(data)))
	if got, err := io.ReadAll(other); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	peer.SetLinger(0)
	peer.Close()
	<-o.ended
	close(hung.closed)
}

// A player that pauses pins little of the kernel's memory, and the less the
// slower its film is.
func TestPausedPlayerPinsLittle(t *testing.T) {
	file, data := content(t, 32<<20)
	for _, row := range []struct {
		rate ratelimit.Rate
		most int64
	}{
		{128 * ratelimit.KbitPerSecond, 96 << 10},
		{5 * ratelimit.MbitPerSecond, 256 << 10},
		{40 * ratelimit.MbitPerSecond, 256 << 10},
	} {
		t.Run(row.rate.String(), func(t *testing.T) {
			p, c := newPacer(t), ratelimit.NewController(ratelimit.DefaultConfig())
			need := ratelimit.TSpec{Rate: row.rate, Burst: 16 * ratelimit.MiB} // its player gets all it takes at once
			o, peer := send(t, p, c, "x", need, file, int64(len(data)))
			held := settled(o) - unread(t, peer)
			t.Logf("%d bytes are held for a paused player", held)
			if held > row.most {
				t.Errorf("want at most %d", row.most)
			}
		})
	}
}

// settled returns how much is sent to a peer that reads nothing.
func settled(o *owner) (sent int64) {
	for before := int64(-1); sent == 0 || sent != before; time.Sleep(100 * time.Millisecond) {
		before, sent = sent, o.sent.Load()
	}
	return sent
}

// unread returns how many bytes wait to be read.
func unread(t *testing.T, conn *net.TCPConn) int64 {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	n, failed := 0, error(nil)
	err = raw.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	if err := cmp.Or(err, failed); err != nil {
		t.Fatal(err)
	}
	return int64(n)
}

// TestPace has many players and measures their pace over five seconds.
func TestPace(t *testing.T) {
	streams, length := 100, 8*time.Second
	if os.Getenv("MUSTSERV_LONG") != "" {
		streams, length = 500, 22*time.Second
	}
	if testing.Short() {
		t.Skip("-short: takes its time")
	}
	need := ratelimit.TSpec{Rate: 2 * ratelimit.MbitPerSecond, Burst: 512 * ratelimit.KiB}
	file, data := content(t, 16<<20)
	p, c := newPacer(t), ratelimit.NewController(ratelimit.DefaultConfig())
	var wait sync.WaitGroup
	var mu sync.Mutex
	var off []float64
	for i := range streams {
		_, peer := send(t, p, c, fmt.Sprint(i), need, file, int64(len(data)))
		wait.Go(func() {
			windows := measure(peer, length, need)
			mu.Lock()
			defer mu.Unlock()
			off = append(off, windows...)
		})
	}
	wait.Wait()
	if len(off) < streams {
		t.Fatalf("%d times of five seconds from %d streams", len(off), streams)
	}
	slices.Sort(off)
	median, p99 := off[len(off)/2], off[len(off)*99/100]
	t.Logf("%d streams: the pace over 5 s is %.2f %% off (median), %.2f %% (99th percentile), %.2f %% at worst", streams, 100*median, 100*p99, 100*off[len(off)-1])
	if median > 0.01 || p99 > 0.03 {
		t.Errorf("want 1 %% and 3 %% at most")
	}
}

// measure reads for so long and returns how far off the pace is over each time
// of five seconds, from the third second on. It begins and ends where a step
// does: a part of one would be an error.
func measure(peer net.Conn, length time.Duration, need ratelimit.TSpec) (off []float64) {
	type step struct {
		at     time.Duration // when its first bytes came
		before int64         // bytes that came before it
	}
	var steps []step
	var total int64
	began, last := time.Now(), time.Duration(0)
	buffer := make([]byte, 32<<10)
	for peer.SetReadDeadline(began.Add(length)); ; {
		n, err := peer.Read(buffer)
		if err != nil {
			break
		}
		now := time.Since(began)
		if now-last >= 20*time.Millisecond && now >= 2*time.Second {
			steps = append(steps, step{now, total})
		}
		total, last = total+int64(n), now
	}
	for i, from := range steps {
		for _, to := range steps[i:] {
			if took := to.at - from.at; took >= 5*time.Second {
				off = append(off, math.Abs(float64(to.before-from.before)/took.Seconds()/need.Rate.BytesPerSecond()-1))
				break
			}
		}
	}
	return off
}
