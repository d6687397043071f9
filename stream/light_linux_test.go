package stream

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mustserv/ratelimit"
)

const (
	lightViewers = 1000
	lightBytes   = 1550 // of the heap for each
)

// A viewer whose film the pacer sends costs so much memory, all told: of the
// pacer, the grant, the session and whatever net/http has not let go.
func TestViewersAreLight(t *testing.T) {
	dir := t.TempDir()
	film := filepath.Join(dir, "a.mkv")
	if err := os.WriteFile(film, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(film, 256<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(film, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, catalogueOf(t, dir, 1), l, ratelimit.DefaultConfig(), slow(2*ratelimit.MbitPerSecond))
	port := l.Addr().(*net.TCPAddr).Port
	fds := make([]int, 0, 2*lightViewers)
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	watch(t, s, port, 16, &fds) // what is made once
	files, before := descriptors(t), liveHeap()
	watch(t, s, port, lightViewers, &fds)
	each := (liveHeap() - before) / lightViewers
	t.Logf("%d bytes of the heap and %.2f descriptors for each viewer", each, float64(descriptors(t)-files)/lightViewers-1)
	if each > lightBytes {
		t.Errorf("a viewer costs %d bytes of the heap, want %d", each, lightBytes)
	}
	if more := descriptors(t) - files - 2*lightViewers; more > lightViewers/100 {
		t.Errorf("%d descriptors beside a connection's for each viewer: the film is open more than once", more)
	}
}

// watch has so many viewers more, each at an address of its own, begin to
// watch, and returns when the pacer has them all.
func watch(t *testing.T, s *Server, port, viewers int, fds *[]int) {
	t.Helper()
	idle := runtime.NumGoroutine()
	for n := range viewers {
		i := len(*fds)
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0) // a net.Conn would count
		if err != nil {
			t.Fatal(err)
		}
		*fds = append(*fds, fd)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096)
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 1, byte(i >> 8), byte(i)}})
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		}
		if err == nil {
			_, err = unix.Write(fd, fmt.Appendf(nil, "GET /media/s/a.mkv HTTP/1.1\r\nHost: x\r\nUser-Agent: VLC/3.0.18 LibVLC/3.0.18\r\nRange: bytes=0-\r\n\r\n"))
		}
		if err != nil {
			t.Fatal(err)
		}
		if n%10 == 9 || n == viewers-1 { // each goroutine leaves 400 bytes behind, of which the next ones live
			until(t, "the pacer has all viewers", func() bool {
				return s.control.Stats().Streams == len(*fds) && runtime.NumGoroutine() <= idle+4
			})
		}
	}
}

// liveHeap is how many bytes of the heap are in use.
func liveHeap() int64 {
	for range 3 { // pools let go of what was not used over two collections
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
