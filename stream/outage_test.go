package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mustserv/library/source"
	"mustserv/ratelimit"
)

// Players don't ask again after a 503: a request for a file whose disk is
// away is held open until it is back.
func TestRequestWaitsForItsShare(t *testing.T) {
	for _, method := range []string{"GET", "HEAD"} {
		t.Run(method, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "disk")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "a.mkv"), []byte("film"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, "a.mkv"), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			lib := catalogueOf(t, dir, 1)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			serve(t, lib, l, ratelimit.DefaultConfig())
			if err := os.Rename(dir, dir+" unplugged"); err != nil {
				t.Fatal(err)
			}
			answers := make(chan *http.Response, 1)
			go func() {
				request, _ := http.NewRequest(method, "http://"+l.Addr().String()+"/media/s/a.mkv", nil)
				answer, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Error(err)
				}
				answers <- answer
			}()
			for deadline := time.Now().Add(20 * time.Second); lib.Shares()[0].Waiting == 0; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("nobody waits")
				}
			}
			if err := os.Rename(dir+" unplugged", dir); err != nil {
				t.Fatal(err)
			}
			answer := <-answers
			if answer == nil {
				return
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode != 200 || answer.ContentLength != 4 || method == "GET" && string(body) != "film" || err != nil {
				t.Errorf("%s, %q, %v", answer.Status, body, err)
			}
		})
	}
}

// lame is a source whose files say that they lie on this computer, in one
// that can't be read or is too short.
type lame struct {
	source.Source
	local *os.File
}

func (s lame) Open(ctx context.Context, name string) (source.File, error) {
	file, err := s.Source.Open(ctx, name)
	return lameFile{file, s.local}, err
}

type lameFile struct {
	source.File
	local *os.File
}

func (f lameFile) Locate(off int64) (*os.File, int64, int64, bool) {
	info, err := f.Stat()
	return f.local, off, info.Size() - off, err == nil
}

// What this computer can't send from its own copy of a file is read as from
// elsewhere.
func TestLocalFileFails(t *testing.T) { bothWays(t, testLocalFileFails) }

func testLocalFileFails(t *testing.T, by way) {
	film := noise(1 << 20)
	for _, row := range []struct {
		name string
		size int64 // of the local file
		open bool
	}{
		{"closed", 1 << 20, false},
		{"too short", 1<<19 + 1, true},
		{"empty", 0, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			old(t, filepath.Join(dir, "a.mkv"), film)
			copied := filepath.Join(t.TempDir(), "copy")
			old(t, copied, film[:row.size])
			local, err := os.Open(copied)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { local.Close() }) // after the server's end
			if !row.open {
				local.Close()
			}
			lib := catalogueOf(t, dir, 1, func(s source.Source) source.Source { return lame{s, local} })
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			serve(t, lib, l, ratelimit.DefaultConfig(), by)
			answer, body := ask(t, "GET", "http://"+l.Addr().String()+"/media/s/a.mkv", "Range", "bytes=1000-")
			if answer.StatusCode != http.StatusPartialContent || body != string(film[1000:]) {
				t.Errorf("%s, %d bytes, want the film's", answer.Status, len(body))
			}
		})
	}
}

// old writes a file that has been there for long.
func old(t *testing.T, name string, data []byte) {
	t.Helper()
	hourAgo := time.Now().Add(-time.Hour)
	if err := errors.Join(os.WriteFile(name, data, 0o644), os.Chtimes(name, hourAgo, hourAgo)); err != nil {
		t.Fatal(err)
	}
}
