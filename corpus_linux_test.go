package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mustserv/library"
)

// corpus returns the folder of the test corpus: some 310 generated films, songs,
// odd names and broken files.
func corpus(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("MUSTSERV_CORPUS")
	switch {
	case dir != "":
	case os.Getenv("MUSTSERV_NO_SKIP") != "":
		t.Fatal("MUSTSERV_CORPUS names no folder, and MUSTSERV_NO_SKIP is set")
	default:
		t.Skip("MUSTSERV_CORPUS names no folder with the test corpus")
	}
	return dir
}

// TestCorpus serves the whole corpus: each file is there, byte for byte, and
// nothing in it stops the server, makes it wait or grow.
func TestCorpus(t *testing.T) {
	dir := corpus(t)
	server := start(t, "-listen", "127.0.0.1:0", dir)
	before := rssAnon(t, server.cmd.Process.Pid)
	eventually(t, "all is measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"unmeasured":0`) && strings.Contains(body, `"scanning":false`)
	})
	share := library.EscapePath(filepath.Base(dir))
	var left []string // out of the library
	files := 0
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		asked := time.Now()
		if err := sameBytes(server.url+"/media/"+share+"/"+library.EscapePath(name), file); err != nil {
			left = append(left, name)
			t.Logf("%q: %v", name, err)
		}
		if took := time.Since(asked); took > time.Second && !testing.Short() {
			t.Errorf("%q: took %v", name, took)
		}
		for _, page := range []string{"/watch/", "/api/v1/items/"} {
			status, _ := get(t, server.url+page+share+"/"+library.EscapePath(name))
			if out := slices.Contains(left, name); (status == 200) == out {
				t.Errorf("%s of %q: status %d, media left out: %v", page, name, status, out)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	if want := []string{"names/.hidden.mp3"}; !slices.Equal(left, want) {
		t.Errorf("left out are %q, want %q", left, want)
	}
	after := rssAnon(t, server.cmd.Process.Pid)
	t.Logf("%d files, memory %.1f MB, then %.1f MB", files, float64(before)/1e6, float64(after)/1e6)
	if files < 300 {
		t.Errorf("only %d files", files)
	}
	if after-before > 32<<20 && !testing.Short() { // with the race detector, which -short goes with, all is larger
		t.Errorf("memory grew by %d bytes", after-before)
	}
	for _, list := range []string{"m3u", "m3u8", "pls", "xspf", "asx", "rss"} {
		if status, body := get(t, server.url+"/playlist."+list); status != 200 || !strings.Contains(body, "deep.mp3") {
			t.Errorf("playlist.%s: %d", list, status)
		}
	}
}

// sameBytes asks for the first and last bytes of a file and compares.
func sameBytes(url, file string) error {
	want, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, part := range [][2]int{{0, min(999, len(want)-1)}, {max(0, len(want)-100), len(want) - 1}} {
		request, err := http.NewRequest("GET", url, nil)
		if err != nil {
			return err
		}
		if len(want) > 0 {
			request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", part[0], part[1]))
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode >= 300 || !bytes.Equal(got, want[part[0]:part[1]+1]) {
			return fmt.Errorf("%s, %d bytes, %v", response.Status, len(got), err)
		}
	}
	return nil
}

// rssAnon is the memory that a process has for itself, in bytes.
func rssAnon(t testing.TB, pid int) int64 { return memory(t, pid, "RssAnon") }

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
