package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
)

// BenchmarkViewers plays a film to many simulated players at once, each from
// an address of its own, and reports what a stream costs the server: memory
// of its own (RssAnon), CPU seconds per GB, and how far the pace over the last
// five seconds was from the film's rate. A stall is a frame that came later
// than a player needs it that starts one second after its request.
func BenchmarkViewers(b *testing.B) {
	film := probetest.MP4Options{Seconds: 60, FPS: 25, FrameSize: func(i int) int { return 6000 + i%100/50*8000 }}
	dir := filepath.Join(b.TempDir(), "s")
	write(b, filepath.Join(dir, "film.mp4"), probetest.MP4(film))
	for _, viewers := range []int{10, 200} {
		b.Run(strconv.Itoa(viewers), func(b *testing.B) {
			server := start(b, "-listen", "127.0.0.1:0", dir)
			eventually(b, "measured", func() bool {
				_, body := get(b, server.url+"/api/v1/status")
				return strings.Contains(body, `"items":1,`) && strings.Contains(body, `"unmeasured":0`)
			})
			for b.Loop() {
				viewersOnce(b, server, film, viewers)
			}
		})
	}
}

func viewersOnce(b *testing.B, server *program, film probetest.MP4Options, viewers int) {
	pid := server.cmd.Process.Pid
	idle, cpu := rssAnon(b, pid), cpuSeconds(b, pid)
	ctx, cancel := context.WithTimeout(b.Context(), 12*time.Second)
	defer cancel()
	all := make([]simulated, viewers)
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(viewers)) // people do not start in one instant
			all[i].watch(ctx, server.url+"/media/s/film.mp4", i, film)
		})
	}
	time.Sleep(8 * time.Second)
	busy := rssAnon(b, pid)
	wait.Wait()
	var bytes, stalls int64
	var off []float64
	for _, v := range all {
		if v.err != nil {
			b.Fatal(v.err)
		}
		bytes, stalls = bytes+v.bytes, stalls+v.stalls
		off = append(off, v.off)
	}
	slices.Sort(off)
	b.ReportMetric(float64(stalls), "stalls")
	b.ReportMetric(float64(busy-idle)/float64(viewers)/1000, "kB/stream")
	b.ReportMetric((cpuSeconds(b, pid)-cpu)/float64(bytes)*1e9, "cpu-s/GB")
	b.ReportMetric(float64(idle)/1e6, "idle-MB")
	b.ReportMetric(100*off[len(off)/2], "%off-median")
	b.ReportMetric(100*off[len(off)*99/100], "%off-p99")
}

// simulated is a player that reads as fast as it can and plays frame by frame.
type simulated struct {
	bytes, stalls int64
	off           float64 // of the rate over five seconds, as a share
	err           error
}

// watch plays until ctx ends.
func (v *simulated) watch(ctx context.Context, url string, n int, film probetest.MP4Options) {
	from := &net.TCPAddr{IP: net.IPv4(127, 1, byte(n/250), byte(1+n%250))}
	client := http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: from}).DialContext}}
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		v.err = err
		return
	}
	asked := time.Now()
	response, err := client.Do(request)
	if err != nil {
		v.err = err
		return
	}
	defer response.Body.Close()
	paced, err := rateOf(response)
	if err != nil {
		v.err = err
		return
	}
	in := bufio.NewReaderSize(response.Body, 16<<10)
	var at5, at10 int64
	for i := 0; ; i++ {
		size := int64(film.FrameSize(i % (int(film.Seconds) * film.FPS)))
		got, err := io.CopyN(io.Discard, in, size)
		v.bytes += got
		if err != nil {
			break // the time is up
		}
		since := time.Since(asked)
		if since > time.Second+time.Duration(i)*time.Second/time.Duration(film.FPS) {
			v.stalls++
		}
		if since < 5*time.Second {
			at5 = v.bytes
		}
		if since < 10*time.Second {
			at10 = v.bytes
		}
	}
	v.off = max(float64(at10-at5)*8/5/paced-1, 1-float64(at10-at5)*8/5/paced)
}

// rateOf is the rate at which the server says that it sends, in bit/s.
func rateOf(r *http.Response) (float64, error) {
	var kbits float64
	_, err := fmt.Sscanf(r.Header.Get("CMSD-Dynamic"), `"MuStServ";etp=%f`, &kbits)
	return kbits * 1000, err
}

// rssAnon is the memory that a process has for itself, in bytes.
func rssAnon(b testing.TB, pid int) int64 { return memory(b, pid, "RssAnon") }

// memory is what the kernel says of a process's memory, in bytes.
func memory(t testing.TB, pid int, what string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kB int64
		if n, _ := fmt.Sscanf(line, what+": %d kB", &kB); n == 1 {
			return kB * 1024
		}
	}
	t.Fatalf("the kernel does not say %s", what)
	return 0
}

// cpuSeconds is the time that a process has run, in all.
func cpuSeconds(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("stat: %q", text)
	}
	const ticks = 100 // per second, on every Linux
	return (user + system) / ticks
}
