package stream

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// These tests run the whole delivery over pipes in a bubble where time is
// virtual: minutes pass at once and to the nanosecond, on any machine.

// pipeListener accepts the server's ends of pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return pipeAddr("pipe") }

type pipeAddr string

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return string(a) }

// pipeConn is an end of a pipe with the address of a client.
type pipeConn struct {
	net.Conn
	client pipeAddr
}

func (c pipeConn) RemoteAddr() net.Addr { return c.client }

// reader is a client that reads as fast as it can and notes what came when.
type reader struct {
	conn    net.Conn
	body    *bufio.Reader
	started time.Time
	arrived []arrival
	total   int64
}

type arrival struct {
	at    time.Duration
	total int64
}

// open sends a request and reads the head of the answer.
func (l *pipeListener) open(t *testing.T, client, path, headers string) *reader {
	t.Helper()
	ours, theirs := net.Pipe()
	l.conns <- pipeConn{theirs, pipeAddr(client)}
	go fmt.Fprintf(ours, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers)
	body := bufio.NewReaderSize(ours, 256<<10)
	response, err := http.ReadResponse(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode >= 300 {
		t.Fatalf("%s: %s", path, response.Status)
	}
	return &reader{conn: ours, body: body, started: time.Now()}
}

// read reads for so long and returns how many bytes came.
func (r *reader) read(d time.Duration) int64 {
	before := r.total
	r.conn.SetReadDeadline(time.Now().Add(d))
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.body.Read(buffer)
		r.total += int64(n)
		r.arrived = append(r.arrived, arrival{time.Since(r.started), r.total})
		if err != nil {
			return r.total - before
		}
	}
}

// between returns the bytes that came in a span of time.
func (r *reader) between(from, to time.Duration) int64 {
	upTo := func(t time.Duration) (total int64) {
		for _, a := range r.arrived {
			if a.at > t {
				break
			}
			total = a.total
		}
		return total
	}
	return upTo(to) - upTo(from)
}

// vbrFilm is a film of two minutes with quiet and busy scenes.
func vbrFilm() []byte {
	return probetest.MP4(probetest.MP4Options{Seconds: 120, FPS: 25, Audio: true, FrameSize: func(i int) int {
		if i/250%3 == 1 {
			return 9000
		}
		return 3000 + i%7*200
	}})
}

// inBubble serves files on pipes in virtual time.
func inBubble(t *testing.T, files map[string][]byte, test func(*testing.T, *Server, *pipeListener)) {
	lib := catalogue(t, files)
	synctest.Test(t, func(t *testing.T) {
		l := newPipeListener()
		test(t, serve(t, lib, l, ratelimit.DefaultConfig()), l)
	})
}

func TestPaceOverAnyFiveSeconds(t *testing.T) {
	files := map[string][]byte{"film.mp4": vbrFilm(), "song.mp3": probetest.MP3(300, 128), "talk.mp3": probetest.MP3(900, 32), "song.wav": probetest.WAV(60, 44100, 2)}
	for name := range files {
		t.Run(name, func(t *testing.T) {
			inBubble(t, files, func(t *testing.T, s *Server, l *pipeListener) {
				item, _, err := s.library.Tree().Lookup("s/" + name)
				if err != nil {
					t.Fatal(err)
				}
				need := s.Need(item)
				r := l.open(t, "10.0.0.1:1", "/media/s/"+name, "")
				defer r.conn.Close()
				burst := r.read(time.Millisecond)
				if limit := int64(need.Burst) + item.Info().Curve.Header + 80<<10; burst > limit {
					t.Errorf("%d bytes at once, want at most %d", burst, limit)
				}
				r.read(30 * time.Second)
				want := need.Rate.BytesPerSecond() * 5
				worst := 0.0
				for from := time.Second; from < 24*time.Second; from += 100 * time.Millisecond {
					worst = max(worst, math.Abs(float64(r.between(from, from+5*time.Second))/want-1))
				}
				t.Logf("rate %v, burst %v: worst error over any 5 s %.2f %%", need.Rate, need.Burst, worst*100)
				if worst > 0.03 {
					t.Errorf("over some 5 s the pace is %.1f %% off", worst*100)
				}
			})
		})
	}
}

func TestOneClientOneBucketTwoClientsTwo(t *testing.T) {
	files := map[string][]byte{"film.mp4": vbrFilm()}
	inBubble(t, files, func(t *testing.T, s *Server, l *pipeListener) {
		item, _, err := s.library.Tree().Lookup("s/film.mp4")
		if err != nil {
			t.Fatal(err)
		}
		rate := s.Need(item).Rate.BytesPerSecond()
		a := l.open(t, "10.0.0.1:1", "/media/s/film.mp4", "")
		b := l.open(t, "10.0.0.1:2", "/media/s/film.mp4", "")
		c := l.open(t, "10.0.0.2:1", "/media/s/film.mp4", "")
		done := make(chan bool)
		for _, r := range []*reader{a, b, c} {
			defer r.conn.Close()
			go func() { r.read(20 * time.Second); done <- true }()
		}
		for range 3 {
			<-done
		}
		after := func(r *reader) float64 { return float64(r.between(5*time.Second, 20*time.Second)) / 15 }
		if got := after(a) + after(b); math.Abs(got/rate-1) > 0.03 {
			t.Errorf("two connections of one client got %.0f bytes/s, want %.0f", got, rate)
		}
		if got := after(c); math.Abs(got/rate-1) > 0.03 {
			t.Errorf("another client got %.0f bytes/s, want %.0f", got, rate)
		}
		if n := len(s.ledger.Sessions()); n != 2 {
			t.Errorf("%d sessions, want 2", n)
		}
	})
}

func TestNoLongBurstAfterAPause(t *testing.T) {
	files := map[string][]byte{"film.mp4": vbrFilm(), "song.mp3": probetest.MP3(300, 128)}
	for name := range files {
		t.Run(name, func(t *testing.T) {
			inBubble(t, files, func(t *testing.T, s *Server, l *pipeListener) {
				item, _, err := s.library.Tree().Lookup("s/" + name)
				if err != nil {
					t.Fatal(err)
				}
				r := l.open(t, "10.0.0.1:1", "/media/s/"+name, "")
				defer r.conn.Close()
				r.read(10 * time.Second)
				time.Sleep(time.Minute)
				got := r.read(time.Millisecond)
				t.Logf("burst %v, at once after the pause %d bytes", s.Need(item).Burst, got)
				if got > int64(s.Need(item).Burst) {
					t.Errorf("%d bytes at once after a pause of a minute, the burst is %d", got, s.Need(item).Burst)
				}
			})
		})
	}
}

func TestStalledClientIsLetGo(t *testing.T) {
	inBubble(t, map[string][]byte{"film.mp4": vbrFilm()}, func(t *testing.T, s *Server, l *pipeListener) {
		r := l.open(t, "10.0.0.1:1", "/media/s/film.mp4", "")
		defer r.conn.Close()
		r.read(2 * time.Second)
		time.Sleep(5 * time.Hour)
		if got := s.control.Stats().Streams; got != 1 {
			t.Errorf("%d streams while paused for 5 h, want 1", got)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if got := s.control.Stats().Streams; got != 0 {
			t.Errorf("%d streams after 7 h without a byte taken, want 0", got)
		}
	})
}

// TestSimulatedPlayersNeverStarve lets players play by the film's own clock:
// they begin one second after the first byte, hold no more than the burst,
// and must have each frame when it is due.
func TestSimulatedPlayersNeverStarve(t *testing.T) {
	film := probetest.MP4Options{Seconds: 60, FPS: 25, FrameSize: func(i int) int {
		if i/100%4 == 2 {
			return 20000
		}
		return 2000
	}}
	data := probetest.MP4(film)
	inBubble(t, map[string][]byte{"film.mp4": data}, func(t *testing.T, s *Server, l *pipeListener) {
		item, _, err := s.library.Tree().Lookup("s/film.mp4")
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range []int{0, 300, 700, 1100} { // frames
			offset := item.Info().Curve.Header
			for i := range start {
				offset += int64(film.FrameSize(i))
			}
			r := l.open(t, fmt.Sprintf("10.0.1.%d:1", start/100), "/media/s/film.mp4", fmt.Sprintf("Range: bytes=%d-\r\n", offset))
			late, played := play(r, film, start)
			r.conn.Close()
			if late > 0 || played != 1500-start {
				t.Errorf("from frame %d: %d frames played, %d came too late", start, played, late)
			}
		}
	})
}

// play takes frame after frame when it is due, a second after the request;
// it returns how many came too late. Reading waits for nothing but the server.
func play(r *reader, film probetest.MP4Options, start int) (late, played int) {
	frames := int(film.Seconds * float64(film.FPS))
	for i := start; i < frames; i++ {
		due := r.started.Add(time.Second + time.Duration(i-start)*time.Second/time.Duration(film.FPS))
		if wait := time.Until(due.Add(-bufferTime)); wait > 0 {
			time.Sleep(wait) // the buffer is full: read no further
		}
		r.conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := io.CopyN(io.Discard, r.body, int64(film.FrameSize(i))); err != nil {
			return late + 1, played
		}
		played++
		if time.Now().After(due) {
			late++
		}
	}
	return late, played
}

// bufferTime is how far ahead a simulated player reads: less than any real
// one does.
const bufferTime = 2 * time.Second

func TestGoneClientFreesItsStream(t *testing.T) {
	inBubble(t, map[string][]byte{"film.mp4": vbrFilm()}, func(t *testing.T, s *Server, l *pipeListener) {
		r := l.open(t, "10.0.0.1:1", "/media/s/film.mp4", "")
		r.read(time.Second)
		r.conn.Close()
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.control.Stats().Streams; got != 0 {
			t.Errorf("%d streams after the client has gone", got)
		}
		time.Sleep(time.Minute)
		if got := s.ledger.Sessions(); len(got) != 0 {
			t.Errorf("sessions after the client has gone: %+v", got)
		}
	})
}

func TestSegmentsOfOneFolderShareABucket(t *testing.T) {
	segment := make([]byte, 20<<20)
	files := map[string][]byte{
		"hls/master.m3u8": []byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=3000000\nv.m3u8\n"),
		"hls/v.m3u8":      []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n"),
		"hls/1.ts":        segment, "hls/2.ts": segment,
	}
	inBubble(t, files, func(t *testing.T, s *Server, l *pipeListener) {
		item, _, err := s.library.Tree().Lookup("s/hls/1.ts")
		if err != nil {
			t.Fatal(err)
		}
		need := s.Need(item)
		if item.Stream == nil || need.Rate < 6*ratelimit.MbitPerSecond || need.Rate > 7*ratelimit.MbitPerSecond {
			t.Fatalf("%+v gets %v, want twice the declared 3 Mbit/s and the headroom", item, need)
		}
		done := make(chan *reader)
		for i := range 2 {
			r := l.open(t, "10.0.0.1:1", fmt.Sprintf("/media/s/hls/%d.ts", i+1), "")
			defer r.conn.Close()
			go func() { r.read(20 * time.Second); done <- r }()
		}
		sum := (<-done).between(5*time.Second, 20*time.Second) + (<-done).between(5*time.Second, 20*time.Second)
		if want := need.Rate.BytesPerSecond() * 15; math.Abs(float64(sum)/want-1) > 0.03 {
			t.Errorf("two segments at once got %d bytes in 15 s, want %.0f", sum, want)
		}
		if list := s.ledger.Sessions(); len(list) != 1 || list[0].Path != "s/hls/master.m3u8" {
			t.Errorf("sessions %+v, want one, of the stream", list)
		}
	})
}
