package stream

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

func TestRanges(t *testing.T) { bothWays(t, testRanges) }

func testRanges(t *testing.T, by way) {
	data := probetest.WAV(2, 8000, 1)
	size := len(data)
	_, base := start(t, map[string][]byte{"a.wav": data}, by)
	url := base + "/media/s/a.wav"
	full, _ := ask(t, "HEAD", url)
	tag, modified := full.Header.Get("ETag"), full.Header.Get("Last-Modified")
	total := fmt.Sprint(size)
	for _, row := range []struct {
		name    string
		method  string
		headers []string
		status  int
		content string // Content-Range
		body    string // "-" is anything
	}{
		{"whole", "GET", nil, 200, "", string(data)},
		{"head", "HEAD", nil, 200, "", ""},
		{"head with a range", "HEAD", []string{"Range", "bytes=0-9"}, 200, "", ""},
		{"first bytes", "GET", []string{"Range", "bytes=0-9"}, 206, "bytes 0-9/" + total, string(data[:10])},
		{"from zero on", "GET", []string{"Range", "bytes=0-"}, 206, fmt.Sprintf("bytes 0-%d/%d", size-1, size), string(data)},
		{"middle on", "GET", []string{"Range", "bytes=5000-"}, 206, fmt.Sprintf("bytes 5000-%d/%d", size-1, size), string(data[5000:])},
		{"last bytes", "GET", []string{"Range", "bytes=-128"}, 206, fmt.Sprintf("bytes %d-%d/%d", size-128, size-1, size), string(data[size-128:])},
		{"over the end", "GET", []string{"Range", "bytes=16000-99999999"}, 206, fmt.Sprintf("bytes 16000-%d/%d", size-1, size), string(data[16000:])},
		{"at the end, as VLC asks", "GET", []string{"Range", "bytes=" + total + "-"}, 416, "bytes */" + total, "-"},
		{"beyond the end", "GET", []string{"Range", "bytes=99999999-"}, 416, "bytes */" + total, "-"},
		{"malformed: reversed", "GET", []string{"Range", "bytes=9-0"}, 416, "", "-"},
		{"malformed: letters", "GET", []string{"Range", "bytes=a-b"}, 416, "", "-"},
		{"malformed: nothing", "GET", []string{"Range", "bytes="}, 200, "", string(data)},
		{"malformed: huge", "GET", []string{"Range", "bytes=99999999999999999999-"}, 416, "", "-"},
		{"another unit", "GET", []string{"Range", "seconds=1-2"}, 200, "", string(data)},
		{"no unit", "GET", []string{"Range", "0-9"}, 200, "", string(data)},
		{"many", "GET", []string{"Range", "bytes=" + strings.Repeat("0-0,", 1000) + "1-1"}, 416, "bytes */" + total, "-"},
		{"more than the file", "GET", []string{"Range", "bytes=0-,0-,0-"}, 200, "", string(data)},
		{"If-Match", "GET", []string{"Range", "bytes=5-9", "If-Match", tag}, 206, "bytes 5-9/" + total, string(data[5:10])},
		{"If-Match any", "GET", []string{"If-Match", "*"}, 200, "", string(data)},
		{"If-Match another", "GET", []string{"Range", "bytes=5-9", "If-Match", `"x"`}, 412, "", "-"},
		{"If-Unmodified-Since, as VLC asks", "GET", []string{"Range", "bytes=5-9", "If-Unmodified-Since", modified}, 206, "bytes 5-9/" + total, string(data[5:10])},
		{"If-Unmodified-Since, older", "GET", []string{"If-Unmodified-Since", "Mon, 02 Jan 2000 00:00:00 GMT"}, 412, "", "-"},
		{"If-Range", "GET", []string{"Range", "bytes=5-9", "If-Range", tag}, 206, "bytes 5-9/" + total, string(data[5:10])},
		{"If-Range by date, as Chromium asks", "GET", []string{"Range", "bytes=5-9", "If-Range", modified}, 206, "bytes 5-9/" + total, string(data[5:10])},
		{"If-Range another", "GET", []string{"Range", "bytes=5-9", "If-Range", `"x"`}, 200, "", string(data)},
		{"If-None-Match", "GET", []string{"If-None-Match", tag}, 304, "", ""},
		{"If-Modified-Since", "GET", []string{"If-Modified-Since", modified}, 304, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, body := ask(t, row.method, url, row.headers...)
			if got.StatusCode != row.status {
				t.Fatalf("status %d, want %d: %.200s", got.StatusCode, row.status, body)
			}
			if row.content != got.Header.Get("Content-Range") && (row.content != "" || row.status < 400) {
				t.Errorf("Content-Range %q, want %q", got.Header.Get("Content-Range"), row.content)
			}
			if row.body != "-" && body != row.body {
				t.Errorf("body of %d bytes, want %d", len(body), len(row.body))
			}
			if row.status == 200 && got.ContentLength != int64(size) {
				t.Errorf("Content-Length %d, want %d", got.ContentLength, size)
			}
		})
	}
}

func TestMultipartRanges(t *testing.T) { bothWays(t, testMultipartRanges) }

func testMultipartRanges(t *testing.T, by way) {
	data := probetest.WAV(2, 8000, 1)
	_, base := start(t, map[string][]byte{"a.wav": data}, by)
	got, body := ask(t, "GET", base+"/media/s/a.wav", "Range", "bytes=0-9,100-199,-5")
	kind, params, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if got.StatusCode != 206 || kind != "multipart/byteranges" || err != nil {
		t.Fatalf("%d %s %v", got.StatusCode, kind, err)
	}
	parts := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for _, want := range [][]byte{data[:10], data[100:200], data[len(data)-5:]} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, want) {
			t.Errorf("part %q, want %q, %v", got, want, err)
		}
	}
}

func TestItemHeaders(t *testing.T) {
	_, base := start(t, map[string][]byte{
		"film.mp4": probetest.MP4(probetest.MP4Options{Seconds: 4, FPS: 25, Audio: true}),
		"film.mkv": []byte("no media"), "a \"b\"\n;ü.mp3": probetest.MP3(2, 128),
	})
	for _, row := range []struct{ name, path, header, want string }{
		{"type", "film.mp4", "Content-Type", "video/mp4"},
		{"type of what is not measured", "film.mkv", "Content-Type", "video/x-matroska"},
		{"music", "a%20%22b%22%0A;%C3%BC.mp3", "Content-Type", "audio/mpeg"},
		{"date", "film.mp4", "Last-Modified", "Mon, 02 Jan 2006 03:04:04 GMT"},
		{"strong tag of size and time", "film.mkv", "ETag", fmt.Sprintf(`"8-%x"`, time.Date(2006, 1, 2, 3, 4, 4, 0, time.UTC).Unix())},
		{"ranges", "film.mp4", "Accept-Ranges", "bytes"},
		{"inline", "film.mp4", "Content-Disposition", "inline"},
		{"download", "film.mp4?download", "Content-Disposition", "attachment; filename*=UTF-8''film.mp4"},
		{"download of an odd name", "a%20%22b%22%0A;%C3%BC.mp3?download", "Content-Disposition", "attachment; filename*=UTF-8''a%20%22b%22%0A%3B%C3%BC.mp3"},
		{"no sniffing", "film.mp4", "X-Content-Type-Options", "nosniff"},
		{"pace of what is not measured", "film.mkv", "CMSD-Dynamic", `"MuStServ";etp=40000`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, _ := ask(t, "HEAD", base+"/media/s/"+row.path)
			if got.StatusCode != 200 || got.Header.Get(row.header) != row.want {
				t.Errorf("%d, %s: %q, want %q", got.StatusCode, row.header, got.Header.Get(row.header), row.want)
			}
		})
	}
	got, _ := ask(t, "GET", base+"/media/s/film.mp4", "Icy-MetaData", "1")
	for name := range got.Header {
		if strings.HasPrefix(strings.ToLower(name), "icy-") {
			t.Errorf("a file is answered with %s, which makes Kodi take it for a radio", name)
		}
	}
	if cmsd := got.Header.Get("CMSD-Static"); !strings.Contains(cmsd, ",ot=av") || !strings.HasPrefix(cmsd, "br=") || !strings.Contains(cmsd, ",d=40") {
		t.Errorf("CMSD-Static %q", cmsd)
	}
}

// secret lies beside the share and must never be seen.
const secret = "top secret"

func TestBadRequests(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour) // nothing that is still being copied in
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	write("outside.mp3", []byte(secret))
	write("share/sub/a.mp3", probetest.MP3(1, 128))
	if runtime.GOOS != "windows" {
		for link, target := range map[string]string{
			"out.mp3": "../outside.mp3", "absolute.mp3": filepath.Join(dir, "outside.mp3"), "up": "..",
		} {
			if err := os.Symlink(target, filepath.Join(dir, "share", link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limits := ratelimit.DefaultConfig()
	serve(t, catalogueOf(t, filepath.Join(dir, "share"), 1), l, limits)
	addr := l.Addr().String()
	for _, row := range []struct {
		name, request string // the line and headers but Host
		status        int
	}{
		{"good", "GET /media/s/sub/a.mp3 HTTP/1.1", 200},
		{"good, HTTP/1.0 as Winamp sends it", "GET /media/s/sub/a.mp3 HTTP/1.0\r\nIcy-MetaData:1", 200},
		{"missing", "GET /media/s/none.mp3 HTTP/1.1", 404},
		{"folder without a slash", "GET /media/s/sub HTTP/1.1", 301},
		{"item with a slash", "GET /media/s/sub/a.mp3/ HTTP/1.1", 404},
		{"below an item", "GET /media/s/sub/a.mp3/x HTTP/1.1", 404},
		{"up", "GET /media/s/../outside.mp3 HTTP/1.1", 400},
		{"up and up", "GET /media/../../../../etc/passwd HTTP/1.1", 400},
		{"up, encoded", "GET /media/s/%2e%2e/outside.mp3 HTTP/1.1", 400},
		{"encoded slashes", "GET /media/s/..%2foutside.mp3 HTTP/1.1", 400},
		{"encoded slash in a name", "GET /media/s/sub%2Fa.mp3 HTTP/1.1", 400},
		{"backslashes", "GET /media/s/..%5coutside.mp3 HTTP/1.1", 404},
		{"NUL", "GET /media/s/sub/a.mp3%00.txt HTTP/1.1", 400},
		{"absolute path", "GET /media//etc/passwd HTTP/1.1", 400},
		{"absolute path in an item", "GET /media/s//etc/passwd HTTP/1.1", 400},
		{"broken escape", "GET /media/s/%zz HTTP/1.1", 400},
		{"link out", "GET /media/s/out.mp3 HTTP/1.1", 404},
		{"absolute link out", "GET /media/s/absolute.mp3 HTTP/1.1", 404},
		{"link up", "GET /media/s/up/outside.mp3 HTTP/1.1", 404},
		{"folder link up", "GET /media/s/up/ HTTP/1.1", 404},
		{"POST", "POST /media/s/sub/a.mp3 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405},
		{"PROPFIND", "PROPFIND /media/s/ HTTP/1.1", 405},
		{"DELETE", "DELETE /media/s/sub/a.mp3 HTTP/1.1", 405},
		{"unknown method", "BREW /media/s/sub/a.mp3 HTTP/1.1", 405},
		{"unknown method on a playlist", "BREW /playlist/s.m3u HTTP/1.1", 405},
		{"no method", "/media/s HTTP/1.1", 400},
		{"huge header", "GET /media/s/sub/a.mp3 HTTP/1.1\r\nX: " + strings.Repeat("x", 1<<20), 431},
		{"very long name", "GET /media/s/" + strings.Repeat("x", 10000) + " HTTP/1.1", 404},
		{"playlist of what is missing", "GET /playlist/s/none.m3u HTTP/1.1", 404},
		{"playlist of another dialect", "GET /playlist/s.doc HTTP/1.1", 404},
		{"playlist without dialect", "GET /playlist/s HTTP/1.1", 404},
		{"playlist up", "GET /playlist/../s.m3u HTTP/1.1", 400},
		{"elsewhere", "GET /etc/passwd HTTP/1.1", 404},
		{"a body on GET that never comes", "GET /media/s/sub/a.mp3 HTTP/1.1\r\nContent-Length: 1000000", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(20 * time.Second))
			request := row.request
			if !strings.Contains(request, "\r\n\r\n") {
				request += "\r\n\r\n"
			}
			line, rest, _ := strings.Cut(request, "\r\n")
			go fmt.Fprintf(conn, "%s\r\nHost: test\r\n%s", line, rest)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
			if answer.StatusCode != row.status {
				t.Errorf("status %d, want %d: %s", answer.StatusCode, row.status, body)
			}
			if err == nil && answer.StatusCode >= 400 && len(bytes.TrimSpace(body)) == 0 {
				t.Error("no word about what is wrong")
			}
			if strings.Contains(string(body), secret) || strings.Contains(string(body), "root:") {
				t.Error("what is outside the share was sent")
			}
			if answer.StatusCode == 405 && answer.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow: %q", answer.Header.Get("Allow"))
			}
		})
	}
}

// A client that sends its request byte by byte, one a second, is cut off by
// the deadline of the head; here in virtual time.
func TestSlowRequestIsCutOff(t *testing.T) {
	inBubble(t, map[string][]byte{"a.wav": probetest.WAV(1, 8000, 1)}, func(t *testing.T, s *Server, l *pipeListener) {
		ours, theirs := net.Pipe()
		l.conns <- pipeConn{theirs, "10.0.0.1:1"}
		go io.Copy(io.Discard, ours)
		started := time.Now()
		for _, c := range []byte("GET /media/s/a.wav HTTP/1.1\r\nHost: x\r\n\r\n") {
			if _, err := ours.Write([]byte{c}); err != nil {
				if took := time.Since(started); took > headerTimeout+time.Second {
					t.Errorf("cut off after %v", took)
				}
				return
			}
			time.Sleep(time.Second)
		}
		t.Error("the request was read to its end")
	})
}

// A client that takes one byte a second holds a stream, but only so many.
func TestSlowReadersAreBounded(t *testing.T) { bothWays(t, testSlowReadersAreBounded) }

func testSlowReadersAreBounded(t *testing.T, by way) {
	s, base := start(t, map[string][]byte{"a.wav": probetest.WAV(300, 44100, 2)}, by)
	limits := ratelimit.DefaultConfig()
	limits.StreamsPerClient = 3
	s.control.SetConfig(limits)
	for range 3 {
		response, err := http.Get(base + "/media/s/a.wav")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
	}
	answer, body := ask(t, "GET", base+"/media/s/a.wav")
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(body, "Too many streams") {
		t.Errorf("fourth stream: %d %s", answer.StatusCode, body)
	}
	if status, _ := ask(t, "GET", base+"/media/s/"); status.StatusCode != 200 {
		t.Errorf("listing meanwhile: %d", status.StatusCode)
	}
}

func TestListing(t *testing.T) {
	files := map[string][]byte{"b:c.mp3": nil, "a <b>&\"'.mp3": nil, "d/e.mp3": nil, "x%20#?.mp3": nil, "e\u0301.mp3": nil, "\u00e9.mp3": nil}
	if runtime.GOOS == "windows" {
		t.Skip("these names are not possible on Windows")
	}
	for name := range files {
		files[name] = probetest.MP3(1, 64)
	}
	_, base := start(t, files)
	answer, page := ask(t, "GET", base+"/media/s/")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatal(answer.Status, answer.Header)
	}
	for _, line := range []string{
		`<a href="../">../</a>`, `<a href="d/">d/</a>`,
		`<a href="b%3Ac.mp3">b:c.mp3</a>`,
		`<a href="a%20%3Cb%3E%26%22%27.mp3">a &lt;b&gt;&amp;&#34;&#39;.mp3</a>`,
		`<a href="x%2520%23%3F.mp3">x%20#?.mp3</a>`,
		`<a href="e%CC%81.mp3">e` + "\u0301" + `.mp3</a>`, `<a href="%C3%A9.mp3">` + "\u00e9" + `.mp3</a>`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no line %s in\n%s", line, page)
		}
	}
	if _, page := ask(t, "GET", base+"/media/"); !strings.Contains(page, `<a href="s/">s/</a>`) || strings.Contains(page, "../") {
		t.Errorf("the root: %s", page)
	}
	if answer, page := ask(t, "HEAD", base+"/media/s/"); answer.StatusCode != 200 || page != "" {
		t.Errorf("HEAD: %d %q", answer.StatusCode, page)
	}
}

func TestPlaylists(t *testing.T) {
	_, base := start(t, map[string][]byte{
		"Film 2.mp4": probetest.MP4(probetest.MP4Options{Seconds: 4, FPS: 25}), "Film 10.mkv": []byte("x"),
		"Music/a.mp3": probetest.MP3(10, 128), "Music/cover.jpg": []byte("x"), "Film 2.srt": []byte("x"),
	})
	music := base + "/media/s/Music/a.mp3"
	for _, row := range []struct {
		path, kind string
		has        []string
		entries    int
	}{
		{"/playlist.m3u", "audio/x-mpegurl", []string{"#EXTM3U", "#EXTINF:4,Film 2\n" + base + "/media/s/Film%202.mp4", music}, 3},
		{"/playlist/.m3u8", "audio/x-mpegurl", []string{music}, 3},
		{"/playlist/s.pls", "audio/x-scpls", []string{"[playlist]", "NumberOfEntries=3", "=" + music, "Length"}, 3},
		{"/playlist/s/Music.xspf", "application/xspf+xml", []string{"<location>" + music}, 1},
		{"/playlist/s/Music/.XSPF", "application/xspf+xml", []string{"<location>" + music}, 1},
		{"/playlist/s/Music/a.mp3.asx", "video/x-ms-asf", []string{music}, 1},
		{"/playlist/s/Film%202.mp4.rss", "application/rss+xml", []string{`url="` + base + `/media/s/Film%202.mp4"`, `type="video/mp4"`}, 1},
	} {
		t.Run(row.path, func(t *testing.T) {
			answer, body := ask(t, "GET", base+row.path)
			if answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), row.kind) {
				t.Fatalf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
			}
			for _, part := range row.has {
				if !strings.Contains(body, part) {
					t.Errorf("no %q in\n%s", part, body)
				}
			}
			if strings.Contains(body, ".jpg") || strings.Contains(body, ".srt") {
				t.Errorf("a playlist of more than films and music:\n%s", body)
			}
		})
	}
	answer, body := ask(t, "GET", base+"/playlist.m3u", "Host", "x")
	if answer.StatusCode != 200 || strings.Index(body, "Film%202") > strings.Index(body, "Film%2010") {
		t.Errorf("not in natural order:\n%s", body)
	}
}

// countingConn sees through which method of the connection bytes leave.
type countingConn struct {
	*net.TCPConn
	bySendfile, written *int64
}

func (c countingConn) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*io.LimitedReader)
	if ok {
		_, ok = part.R.(*os.File)
	}
	n, err := c.TCPConn.ReadFrom(r)
	if ok {
		*c.bySendfile += n
	}
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	*c.written += int64(n)
	return n, err
}

type countingListener struct {
	net.Listener
	bySendfile, written int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{c.(*net.TCPConn), &l.bySendfile, &l.written}, nil
}

// The kernel sends a file only where net gets a LimitedReader right on an
// *os.File. Whoever wraps either loses that; this test is here to say so.
func TestFilesGoToTheConnectionUnwrapped(t *testing.T) {
	data := probetest.MP4(probetest.MP4Options{Seconds: 10, FPS: 25})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &countingListener{Listener: tcp}
	s := serve(t, catalogue(t, map[string][]byte{"a.mp4": data}), l, ratelimit.DefaultConfig())
	limits := ratelimit.DefaultConfig()
	limits.Floor = ratelimit.GbitPerSecond // no need to wait for a film's end
	s.control.SetConfig(limits)
	if _, body := ask(t, "GET", "http://"+tcp.Addr().String()+"/media/s/a.mp4"); body != string(data) {
		t.Fatalf("%d bytes, want %d", len(body), len(data))
	}
	s.Shutdown(t.Context()) // nothing is counted any more
	const head = 512        // bytes that net/http sends with the head of the answer
	if l.bySendfile < int64(len(data))-head || l.written > 4096 {
		t.Errorf("%d of %d bytes on the way of sendfile, %d written", l.bySendfile, len(data), l.written)
	}
}

func TestShutdownDrains(t *testing.T) {
	s, base := start(t, map[string][]byte{"a.wav": probetest.WAV(1, 8000, 1)})
	if answer, _ := ask(t, "GET", base+"/readyz"); answer.StatusCode != 200 {
		t.Fatal(answer.Status)
	}
	s.draining.Store(true)
	if answer, _ := ask(t, "GET", base+"/readyz"); answer.StatusCode != 503 {
		t.Errorf("readyz while draining: %s", answer.Status)
	}
	if answer, _ := ask(t, "GET", base+"/healthz"); answer.StatusCode != 200 {
		t.Errorf("healthz while draining: %s", answer.Status)
	}
}

// FuzzRange sends any Range to the handler: it must answer with what RFC 9110
// allows, and with the right bytes.
func FuzzRange(f *testing.F) {
	data := probetest.WAV(0.5, 8000, 1)
	for _, s := range []string{"bytes=0-", "bytes=-1", "bytes=1-2,3-4", "bytes=5-4", "bytes=0-0,-1", "bytes= 1 - 2", "bytes=--1", "x=1", "", "bytes=9223372036854775807-9223372036854775808"} {
		f.Add(s)
	}
	l := newPipeListener()
	limits := ratelimit.DefaultConfig()
	limits.Floor = 100 * ratelimit.GbitPerSecond
	s := serve(f, catalogue(f, map[string][]byte{"a.wav": data}), l, limits)
	f.Fuzz(func(t *testing.T, ranges string) {
		r := httptest.NewRequest("GET", "/media/s/a.wav", nil)
		r.Header["Range"] = []string{ranges}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		switch w.Code {
		case 200:
			if w.Body.String() != string(data) {
				t.Errorf("%q: 200 with %d bytes", ranges, w.Body.Len())
			}
		case 206:
			var from, to, size int
			if n, _ := fmt.Sscanf(w.Header().Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size); n == 3 {
				if size != len(data) || w.Body.String() != string(data[from:to+1]) {
					t.Errorf("%q: wrong bytes for %d-%d", ranges, from, to)
				}
			} else if !strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/byteranges; boundary=") {
				t.Errorf("%q: 206 without Content-Range", ranges)
			}
		case 416:
		default:
			t.Errorf("%q: status %d", ranges, w.Code)
		}
	})
}

// FuzzPath asks for any path: the answer is the item, or nothing of the kind.
func FuzzPath(f *testing.F) {
	data := probetest.WAV(0.5, 8000, 1)
	for _, s := range []string{"/media/s/a.wav", "/media/s/", "/media/../x", "/media/%2e%2e/", "/media/s/%00", "/playlist/s.m3u", "/playlist/%2f.pls", "/media", "/playlist.", "//", "/media/s/a.wav/"} {
		f.Add(s)
	}
	s := serve(f, catalogue(f, map[string][]byte{"a.wav": data}), newPipeListener(), ratelimit.DefaultConfig())
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		u, err := r.URL.Parse("http://x" + path)
		if err != nil {
			return
		}
		r.URL = u
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 301 && w.Code != 400 && w.Code != 404 {
			t.Errorf("%q: status %d", path, w.Code)
		}
	})
}
