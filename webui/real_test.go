package webui

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mustserv/library"
	"mustserv/library/source"
	"mustserv/library/source/local"
)

// TestRealLibrary puts files of odd names on a disk and finds each of them
// through the pages and the API.
func TestRealLibrary(t *testing.T) {
	dir := t.TempDir()
	names := writeOddFiles(t, dir)
	lib := library.New(library.Options{
		Config: library.DefaultConfig(), Shares: []library.Share{{Name: "Odd & <b>", Place: dir}},
		Openers: map[string]library.Opener{"": func(place string, _ source.Access) (source.Source, error) { return local.Open(place) }},
	})
	run(t, lib, len(names))
	o := testOptions(nil)
	o.Library = lib
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}

	var got struct{ Items []itemJSON }
	answer := get(h, "GET", "/api/v1/items/"+library.EscapePath("Odd & <b>/sub")).Body.Bytes()
	if err := json.Unmarshal(answer, &got); err != nil || len(got.Items) != len(names) {
		t.Fatalf("%d items of %d, %v", len(got.Items), len(names), err)
	}
	for _, it := range got.Items {
		target := strings.TrimPrefix(it.URLs.Page, "http://box:8080")
		w := get(h, "GET", target)
		if w.Code != 200 || !strings.Contains(w.Body.String(), strings.TrimPrefix(it.URLs.Media, "http://box:8080")) {
			t.Errorf("%s is %d", target, w.Code)
		}
		checkPage(t, target, w.Body.String())
	}
	for _, target := range []string{"/", "/browse/" + library.EscapePath("Odd & <b>") + "/", "/browse/" + library.EscapePath("Odd & <b>/sub") + "/", "/search?q=mp4", "/status"} {
		w := get(h, "GET", target)
		if w.Code != 200 {
			t.Errorf("%s is %d", target, w.Code)
		}
		checkPage(t, target, w.Body.String())
	}
	if page := get(h, "GET", "/").Body.String(); !strings.Contains(page, english().count(len(names), "file", "files")) {
		t.Errorf("the root does not count %d files:\n%s", len(names), page)
	}
}

// writeOddFiles returns the odd names that the file system takes.
func writeOddFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range oddNames() {
		if !strings.HasSuffix(name, ".mp4") {
			continue
		}
		err := os.WriteFile(filepath.Join(dir, "sub", name), []byte("no film"), 0o644)
		var refused *os.PathError
		if errors.As(err, &refused) && refused.Err != syscall.ENOSPC {
			continue // another system's rules for names
		} else if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if len(names) < 5 {
		t.Fatalf("only %q could be made", names)
	}
	return names
}

// run runs the library until the test ends, and waits until it has found so
// many items.
func run(t *testing.T, lib *library.Library, items int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { lib.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	found := func() bool {
		tree := lib.Tree()
		return tree != nil && tree.Root.Totals().Items == items && lib.Shares()[0].State != library.Scanning
	}
	for end := time.Now().Add(20 * time.Second); !found(); {
		if time.Now().After(end) {
			t.Fatalf("%d items are not found: %+v", items, lib.Shares())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
