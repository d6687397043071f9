package stream

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

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
