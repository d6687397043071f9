// Package sourcetest is the contract of source.Source as tests. Every kind of
// source and every decorator runs it, and then tests only what is its own.
package sourcetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mustserv/library/source"
)

// Setup says how the suite meets a kind of source. Only Open is needed; what
// a kind can't do it leaves out, and is not asked for.
type Setup struct {
	// Open makes a source of what lies in dir, a folder of this computer,
	// now and later. It cleans up after the test.
	Open func(t *testing.T, dir string) source.Source
	// Hang stops what is behind a source of Open from answering, until the
	// returned function is called.
	Hang func(t *testing.T, src source.Source) (resume func())
	// Away makes a source of a place that can't be reached.
	Away func(t *testing.T) source.Source
	// Hides reports that the kind does not show a file of this name.
	Hides func(name string) bool
	// Many is how many files the largest folder has; 0 is 100 000.
	Many int
	// FromStart says that a file is sent from its beginning only, so that the
	// kind reads no file that is very large at any place.
	FromStart bool
}

// Run runs the whole suite.
func Run(t *testing.T, s Setup) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, Setup)
	}{
		{"stat", testStat},
		{"list", testList},
		{"read", testRead},
		{"read concurrently", testConcurrent},
		{"invalid names", testInvalid},
		{"missing", testMissing},
		{"wrong type", testWrongType},
		{"odd names", testOddNames},
		{"context has ended", testEnded},
		{"close", testClose},
		{"many files", testMany},
		{"over 4 GiB", testLarge},
		{"shrinks", testShrinks},
		{"grows", testGrows},
		{"away", testAway},
		{"hangs", testHangs},
		{"closed while it hangs", testCloseWhileHung},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, s) })
	}
}

// with makes a source of these files: slash-separated name, contents.
func (s Setup) with(t *testing.T, files map[string]string) source.Source {
	t.Helper()
	return s.Open(t, folderOf(t, files))
}

// folderOf writes the files into a new folder, and the folders in their names.
// A name that the file system refuses skips the test: there is nothing to be
// served then.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Skipf("this file system refuses the name %q: %v", name, err)
		}
	}
	return dir
}

// InvalidNames returns names that no source may look up.
func InvalidNames() []string {
	return []string{
		"", "..", "../x", "/", "/abs", "a//b", "a/", "a/.", "./a", "a/./b", "a/..", "a/../b",
		"a/../../x", "nul\x00", "a\x00/../..",
	}
}

// OddNames returns file names that a file system may well hold, but that are
// easily got wrong: each has at most 250 bytes.
func OddNames() []string {
	return []string{
		" leading space.mp3", "-dash.mp3", "trailing dot..mp3", "two  spaces.mp3", "no-extension", "...",
		"percent%20+plus#hash?q=1&x.mp3", `quote'"s.mp3`, "semi;colon.mp3", "<script>.mp3", "new\nline.mp3", "tab\there.mp3",
		`back\slash.mp3`, "C:.mp3", "CON.mp3", "café-nfc.mp3", "cafe\u0301-nfd.mp3", "日本 語.mp3", "emoji 🎬.mp4",
		"\u202egnp.mp3", "zero\u200bwidth.mp3", "latin1-\xe9t\xe9.mp3", "bad-\xff\xfe.mp3",
		strings.Repeat("x", 246) + ".mp3",
	}
}

// pattern returns bytes of which no long run occurs twice.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
