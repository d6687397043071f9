package httpdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/source"
)

// fake serves one file, /a.mp4, and can be made to do it wrong.
type fake struct {
	mu       sync.Mutex
	content  []byte
	tag      string
	modified time.Time
	requests []string                                          // method and range of each for the file
	instead  func(w http.ResponseWriter, r *http.Request) bool // answers, or reports that it did not
}

func newFake(content []byte) *fake {
	return &fake{content: content, tag: `"1"`, modified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	content, tag, modified, instead := f.content, f.tag, f.modified, f.instead
	if r.URL.Path == "/a.mp4" {
		f.requests = append(f.requests, strings.TrimSpace(r.Method+" "+r.Header.Get("Range")))
	}
	f.mu.Unlock()
	switch {
	case r.Method == "PROPFIND":
		w.WriteHeader(http.StatusMethodNotAllowed)
	case instead != nil && r.Method == http.MethodGet && instead(w, r):
	case r.URL.Path == "/":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<title>Index of /</title><a href="a.mp4">a.mp4</a> 1M`)
	case r.URL.Path == "/a.mp4":
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		http.ServeContent(w, r, "", modified, bytes.NewReader(content))
	default:
		http.NotFound(w, r)
	}
}

// set changes the fake while it serves.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// log returns the requests for the file since it was last called.
func (f *fake) log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.requests, ", ")
	f.requests = nil
	return all
}

// open starts a server for the handler and opens a.mp4.
func openFake(t *testing.T, h http.Handler) source.File {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return openFile(t, openSource(t, server.URL, source.Access{}))
}

func openFile(t *testing.T, src source.Source) source.File {
	t.Helper()
	file, err := src.Open(t.Context(), "a.mp4")
	must(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func TestReadsFollowEachOtherInFewRequests(t *testing.T) {
	f := newFake(pattern(30 << 20))
	file := openFake(t, f)
	f.log()
	for n := 0; n < len(f.content); {
		buf := make([]byte, 100_000)
		m, err := io.ReadFull(file, buf)
		if (err != nil && err != io.ErrUnexpectedEOF) || !bytes.Equal(buf[:m], f.content[n:n+m]) {
			t.Fatalf("at %d: %v, or other bytes", n, err)
		}
		n += m
	}
	if log := f.log(); strings.Count(log, "GET") > 10 {
		t.Errorf("30 MB took the requests %s", log)
	}
}

func TestJumps(t *testing.T) {
	f := newFake(pattern(2 << 20))
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(f)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	src := openSource(t, server.URL, source.Access{})
	for range 10 {
		file, err := src.Open(t.Context(), "a.mp4")
		must(t, err)
		for i := range 20 {
			off := int64(i*7919*101) % int64(len(f.content)-100)
			buf := make([]byte, 100)
			if n, err := file.ReadAt(buf, off); n != 100 || err != nil || !bytes.Equal(buf, f.content[off:off+100]) {
				t.Fatalf("ReadAt(%d) answers %d, %v", off, n, err)
			}
		}
		must(t, file.Close())
	}
	if n := conns.Load(); n > 3 {
		t.Errorf("200 jumps took %d connections", n)
	}
}

func TestSmallSkipTakesNoRequest(t *testing.T) {
	f := newFake(pattern(1 << 20))
	file := openFake(t, f)
	buf := make([]byte, 10)
	for _, off := range []int64{0, 1000, 20_000} {
		if _, err := file.ReadAt(buf, off); err != nil || !bytes.Equal(buf, f.content[off:off+10]) {
			t.Fatal(off, err)
		}
	}
	if log := f.log(); log != "HEAD, GET bytes=0-65535" {
		t.Error(log)
	}
}

// A time is a validator only of a file that has rested: Apache sends all of a
// file that was written to within the last minute.
func TestTimeAsValidator(t *testing.T) {
	for _, row := range []struct {
		name string
		age  time.Duration
		tag  string
		want string
	}{
		{"young", 30 * time.Second, "", ""},
		{"young, with a weak tag", 30 * time.Second, `W/"1"`, ""},
		{"young, with a strong tag", 30 * time.Second, `"1"`, `"1"`},
		{"old", 2 * time.Minute, "", "time"},
		{"old, with a weak tag", 2 * time.Minute, `W/"1"`, "time"},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(pattern(1 << 20))
			f.tag, f.modified = row.tag, time.Now().Add(-row.age).UTC()
			var validator atomic.Value
			f.instead = func(_ http.ResponseWriter, r *http.Request) bool {
				validator.Store(r.Header.Get("If-Range"))
				return false
			}
			file := openFake(t, f)
			for _, off := range []int64{0, 500_000} {
				got := make([]byte, 10)
				if _, err := file.ReadAt(got, off); err != nil || !bytes.Equal(got, f.content[off:off+10]) {
					t.Fatalf("ReadAt(%d): %v, or other bytes", off, err)
				}
			}
			want := row.want
			if want == "time" {
				want = f.modified.Format(http.TimeFormat)
			}
			if got := validator.Load(); got != want {
				t.Errorf("the jump asks if the file is still %q, want %q", got, want)
			}
		})
	}
}

// What the server may do to the file while it is open.
func TestChangesOnTheServer(t *testing.T) {
	for _, row := range []struct {
		name   string
		before func(f *fake)
		change func(f *fake)
		want   error
	}{
		{"nothing", nil, func(*fake) {}, nil},
		{"other content and tag", nil, func(f *fake) { f.content, f.tag = pattern(1 << 20)[1:], `"2"` }, source.ErrChanged},
		{"other tag", nil, func(f *fake) { f.tag = `"2"` }, source.ErrChanged},
		{"other time, same tag", nil, func(f *fake) { f.modified = f.modified.Add(time.Second) }, source.ErrChanged},
		{"no tags, other time", func(f *fake) { f.tag = "" }, func(f *fake) { f.modified = f.modified.Add(time.Second) }, source.ErrChanged},
		{"no tags, other size", func(f *fake) { f.tag = "" }, func(f *fake) { f.content = f.content[:700_000] }, source.ErrChanged},
		{"no tags, nothing", func(f *fake) { f.tag = "" }, func(*fake) {}, nil},
		{"weak tags, other", func(f *fake) { f.tag = `W/"1"` }, func(f *fake) { f.tag = `W/"2"` }, source.ErrChanged},
		{"weak tags, nothing", func(f *fake) { f.tag = `W/"1"` }, func(*fake) {}, nil},
		{"weak tag becomes strong", func(f *fake) { f.tag = `W/"1"` }, func(f *fake) { f.tag = `"1"` }, nil},
		{"shorter than where it is read", nil, func(f *fake) { f.content, f.tag = f.content[:100], `"2"` }, source.ErrChanged},
		{"deleted", nil, func(f *fake) {
			f.instead = func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }
		}, fs.ErrNotExist},
	} {
		for _, ranges := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, ranges %v", row.name, ranges), func(t *testing.T) {
				f := newFake(pattern(1 << 20))
				if row.before != nil {
					row.before(f)
				}
				var h http.Handler = f
				if !ranges {
					h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						r.Header.Del("Range")
						f.ServeHTTP(w, r)
					})
				}
				file := openFake(t, h)
				buf := make([]byte, 1000)
				for _, off := range []int64{0, 1000, 300_000, 900_000} {
					_, err := file.ReadAt(buf, off)
					must(t, err)
				}
				f.set(func() { row.change(f) })
				_, err := file.ReadAt(buf, 500_000)
				if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
					t.Errorf("ReadAt answers %v, want %v", err, row.want)
				}
				if info, err := file.Stat(); err != nil || info.Size() != 1<<20 {
					t.Errorf("Stat answers %v, %v", info, err)
				}
			})
		}
	}
}

// Answers that no byte may be taken of.
func TestWrongAnswers(t *testing.T) {
	content := pattern(100_000)
	answer := func(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			w.Write(content[:1000])
			return true
		}
	}
	for name, instead := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"another part":       answer(206, "Content-Range", "bytes 7-1006/100000"),
		"no range":           answer(206),
		"no number":          answer(206, "Content-Range", "bytes x-y/z"),
		"negative":           answer(206, "Content-Range", "bytes 50000--1/100000"),
		"behind its end":     answer(206, "Content-Range", "bytes 50000-100000/100000"),
		"several parts":      answer(206, "Content-Range", "bytes 50000-50999/100000", "Content-Type", "multipart/byteranges; boundary=x"),
		"compressed":         answer(206, "Content-Range", "bytes 50000-50999/100000", "Content-Encoding", "gzip"),
		"other size":         answer(206, "Content-Range", "bytes 50000-50999/100001"),
		"multistatus":        answer(207),
		"no content":         answer(204),
		"moved elsewhere":    answer(302, "Location", "http://elsewhere.invalid/"),
		"moved to nowhere":   answer(302),
		"teapot":             answer(418),
		"permission":         answer(403),
		"precondition":       answer(412),
		"unsatisfiable":      answer(416),
		"internal":           answer(500),
		"gateway":            answer(502),
		"page instead of it": answer(200, "Content-Type", "text/html"),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(content)
			file := openFake(t, f)
			f.set(func() { f.instead = instead })
			if n, err := file.ReadAt(make([]byte, 100), 50_000); n != 0 || err == nil || err == io.EOF {
				t.Errorf("ReadAt answers %d, %v", n, err)
			}
			f.set(func() { f.instead = nil })
			buf := make([]byte, 100)
			if n, err := file.ReadAt(buf, 50_000); n != 100 || err != nil || !bytes.Equal(buf, content[50_000:50_100]) {
				t.Errorf("then a right answer is read as %d, %v", n, err)
			}
		})
	}
}

// A server that cuts off its answers is asked again, and believed in the end.
func TestCutOff(t *testing.T) {
	f := newFake(pattern(1 << 20))
	file := openFake(t, f)
	f.set(func() {
		f.instead = func(w http.ResponseWriter, r *http.Request) bool {
			var off int
			fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &off)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, len(f.content)-1, len(f.content)))
			w.Header().Set("Content-Length", strconv.Itoa(len(f.content)-off))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(f.content[off:min(off+10_000, len(f.content))])
			return true
		}
	})
	buf := make([]byte, 25_000)
	n, err := file.ReadAt(buf, 0)
	if n != 10_000 || !errors.Is(err, source.ErrUnavailable) || !bytes.Equal(buf[:n], f.content[:n]) {
		t.Errorf("ReadAt answers %d, %v", n, err)
	}
	small := make([]byte, 5000)
	for off := int64(0); off < 1<<20-5000; off += 5000 { // each second one finds its answer cut off
		if n, err := file.ReadAt(small, off); n != 5000 || err != nil || !bytes.Equal(small, f.content[off:off+5000]) {
			t.Fatalf("ReadAt(%d) answers %d, %v", off, n, err)
		}
	}
}

func TestManyFilesShareTheLines(t *testing.T) {
	f := newFake(pattern(1 << 20))
	server := httptest.NewServer(f)
	defer server.Close()
	src := openSource(t, server.URL, source.Access{})
	before := runtime.NumGoroutine()
	var files []source.File
	for range 3 * maxLines {
		files = append(files, openFile(t, src))
	}
	var all sync.WaitGroup
	for i, file := range files {
		all.Go(func() {
			buf := make([]byte, 20_000)
			for off := int64(i); off < 100_000; off += 20_000 {
				if _, err := file.ReadAt(buf, off); err != nil || !bytes.Equal(buf, f.content[off:off+20_000]) {
					t.Errorf("file %d at %d: %v, or other bytes", i, off, err)
				}
			}
		})
	}
	all.Wait()
	for _, file := range files {
		must(t, file.Close())
	}
	must(t, src.Close())
	server.CloseClientConnections()
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before+5; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines after, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// pipes is a network in memory, so that a test has its own time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble runs a test of a source whose server is h, in virtual time.
func inBubble(t *testing.T, h http.Handler, test func(t *testing.T, src source.Source)) {
	t.Helper()
	inBubbleAs(t, h, Us{}, "", test)
}

func inBubbleAs(t *testing.T, h http.Handler, us Us, path string, test func(t *testing.T, src source.Source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := make(pipes)
		server := &http.Server{Handler: h}
		go server.Serve(network)
		src, err := As(us, "http://nas/"+path, source.Access{})
		must(t, err)
		src.(*site).transport.DialContext = network.dial
		test(t, src)
		src.Close()
		server.Close()
		synctest.Wait()
	})
}

func TestSilence(t *testing.T) {
	content := pattern(100_000)
	f := newFake(content)
	hang := func(w http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	inBubble(t, f, func(t *testing.T, src source.Source) {
		file, err := src.Open(t.Context(), "a.mp4")
		must(t, err)
		f.set(func() { f.instead = hang })
		buf := make([]byte, 100)
		silent := func(what string, call func() error) {
			t.Helper()
			begun := time.Now()
			if err := call(); !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "10s") {
				t.Errorf("%s of a silent server answers %v", what, err)
			}
			if took := time.Since(begun); took < silence || took > 2*silence {
				t.Errorf("%s of a silent server takes %v", what, took)
			}
		}
		silent("ReadAt", func() error { _, err := file.ReadAt(buf, 0); return err })
		silent("List", func() error { _, err := src.List(t.Context(), "."); return err })
		f.set(func() {
			f.instead = func(w http.ResponseWriter, r *http.Request) bool { // half of what it promises
				w.Header().Set("Content-Range", "bytes 0-65535/100000")
				w.Header().Set("Content-Length", "65536")
				w.WriteHeader(http.StatusPartialContent)
				w.Write(content[:50])
				w.(http.Flusher).Flush()
				return hang(w, r)
			}
		})
		silent("ReadAt in mid-answer", func() error {
			n, err := file.ReadAt(buf, 0)
			if n != 50 {
				t.Errorf("%d bytes before it falls silent", n)
			}
			return err
		})
		go func() {
			time.Sleep(time.Second)
			file.Close()
		}()
		begun := time.Now()
		if _, err := file.ReadAt(buf, 0); !errors.Is(err, fs.ErrClosed) || time.Since(begun) != time.Second {
			t.Errorf("a read that is under way when the file is closed answers %v after %v", err, time.Since(begun))
		}
		if _, err := file.ReadAt(buf, 0); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("a read of a closed file answers %v", err)
		}
		if err := file.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("to close a file again answers %v", err)
		}
	})
}

// A player may pause for hours: the server hangs up meanwhile.
func TestPause(t *testing.T) {
	f := newFake(pattern(1 << 20))
	inBubble(t, f, func(t *testing.T, src source.Source) {
		file, err := src.Open(t.Context(), "a.mp4")
		must(t, err)
		defer file.Close()
		for n := 0; n < 20; n++ {
			buf := make([]byte, 10_000)
			if _, err := io.ReadFull(file, buf); err != nil || !bytes.Equal(buf, f.content[n*10_000:(n+1)*10_000]) {
				t.Fatalf("after %v: %v, or other bytes", time.Duration(n)*time.Hour, err)
			}
			time.Sleep(time.Hour)
		}
	})
}
