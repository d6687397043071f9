package smb

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mustserv/library/source"
)

func openIn(t testing.TB, src source.Source, name string) source.File {
	t.Helper()
	file, err := src.Open(t.Context(), name)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func read(t testing.TB, src source.Source, name string) (string, error) {
	file, err := src.Open(t.Context(), name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

// noise is content of which no part is like another.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// times is how often a test tries what depends on chance.
func times(short, long int) int {
	if os.Getenv("MUSTSERV_LONG") != "" {
		return long
	}
	return short
}

// smbd is killed and started again while a file is read: every byte arrives.
func TestServerRestartsInMidRead(t *testing.T) {
	server := startSamba(t)
	content := noise(8 << 20)
	server.write("a.mp4", string(content))
	src := openShare(t, server.place("open", ""), source.Access{})
	for range times(3, 100) {
		file := openIn(t, src, "a.mp4")
		hash, buf := sha256.New(), make([]byte, 100_000)
		killAt := rand.Int64N(int64(len(content)))
		for off := int64(0); off < int64(len(content)); {
			if killAt >= 0 && off >= killAt {
				killAt = -1
				server.kill()
				if _, err := file.ReadAt(buf, off+8<<20); !errors.Is(err, source.ErrUnavailable) {
					t.Fatalf("while there is no server, ReadAt answers %v", err)
				}
				server.start()
			}
			eventually(t, func() error {
				n, err := file.ReadAt(buf, off)
				hash.Write(buf[:n])
				off += int64(n)
				if err == io.EOF {
					return nil
				}
				return err
			})
		}
		if [32]byte(hash.Sum(nil)) != sha256.Sum256(content) {
			t.Fatalf("other bytes arrived, killed at byte %d", killAt)
		}
		must(t, file.Close())
	}
}

func TestFileChangesWhileServerIsAway(t *testing.T) {
	server := startSamba(t)
	content := string(noise(2 << 20))
	src := openShare(t, server.place("open", ""), source.Access{})
	for name, change := range map[string]func(path string) error{
		"size": func(path string) error { return os.WriteFile(path, []byte(content[1:]), 0o644) },
		"time": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			server.write(name, content)
			file := openIn(t, src, name)
			buf := make([]byte, 1000)
			_, err := file.ReadAt(buf, 0)
			must(t, err)
			server.kill()
			must(t, change(filepath.Join(server.folder, name)))
			server.start()
			for err = source.ErrUnavailable; errors.Is(err, source.ErrUnavailable); time.Sleep(20 * time.Millisecond) {
				_, err = file.ReadAt(buf, 1000)
			}
			if !errors.Is(err, source.ErrChanged) {
				t.Errorf("ReadAt answers %v, want source.ErrChanged", err)
			}
		})
	}
}

// lockstep is a connection to a server through which answers come all at once
// when the client has nothing more to ask: a round trip of a long line. Rounds
// times the line's round-trip time is how long reading takes there.
type lockstep struct {
	net.Conn
	mu     sync.Mutex
	moved  time.Time // when bytes last went either way
	rounds int
}

// quiet is how long nothing may move before a round is taken for complete.
const quiet = 15 * time.Millisecond

func (l *lockstep) note() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved = time.Now()
}

func (l *lockstep) Write(b []byte) (int, error) {
	l.note()
	return l.Conn.Write(b)
}

// run hands the server's bytes on in rounds, until the connection ends.
func (l *lockstep) run(to io.WriteCloser) {
	defer to.Close()
	var held []byte
	arrived := make(chan []byte)
	go func() {
		defer close(arrived)
		for {
			b := make([]byte, 64<<10)
			n, err := l.Conn.Read(b)
			if err != nil {
				return
			}
			l.note()
			arrived <- b[:n]
		}
	}()
	for tick := time.NewTicker(quiet / 3); ; {
		select {
		case b, ok := <-arrived:
			if !ok {
				return
			}
			held = append(held, b...)
		case <-tick.C:
			l.mu.Lock()
			done := len(held) > 0 && time.Since(l.moved) > quiet
			if done {
				l.rounds++
			}
			l.mu.Unlock()
			if done {
				to.Write(held)
				held = nil
			}
		}
	}
}

// TestRoundTrips counts what a long line costs who reads a film in sequence.
func TestRoundTrips(t *testing.T) {
	server := startSamba(t)
	const size = 8 << 20
	server.write("a.mp4", string(noise(size)))
	for name, step := range map[string]int{"small reads": 32 << 10, "middle reads": 256 << 10, "large reads": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			src := openShare(t, server.place("open", ""), source.Access{})
			line := slowLine(src.(*share).link)
			file := openIn(t, src, "a.mp4")
			before := line().rounds
			buf := make([]byte, step)
			for off := int64(0); off < size; off += int64(step) {
				if n, err := file.ReadAt(buf, off); n != step || (err != nil && err != io.EOF) {
					t.Fatalf("ReadAt answers %d, %v", n, err)
				}
			}
			rounds := line().rounds - before
			for _, rtt := range []float64{0.002, 0.020} {
				mbit := size * 8 / (float64(rounds) * rtt) / 1e6
				t.Logf("%d round trips for %d MiB: with %v ms, %.0f Mbit/s", rounds, size>>20, rtt*1e3, mbit)
				if mbit < 2*50 {
					t.Errorf("with a round trip of %v ms, %.0f Mbit/s: too little for a film of 50 Mbit/s", rtt*1e3, mbit)
				}
			}
		})
	}
}

// slowLine has a link go over a lockstep connection, which it returns later.
func slowLine(l *link) func() *lockstep {
	var line *lockstep
	dial := l.connect
	l.connect = func(ctx context.Context, network, address string) (net.Conn, error) {
		tcp, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, far := net.Pipe()
		line = &lockstep{Conn: tcp}
		go line.run(far)
		go func() {
			io.Copy(line, far)
			tcp.Close()
		}()
		return near, nil
	}
	return func() *lockstep { return line }
}
