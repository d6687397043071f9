package library

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Who reads the same shares an open file; it is closed with the last of them,
// and nobody joins one that can't be read.
func TestCrowd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, []byte("film"), 0o644); err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	closed := func(f *os.File) bool {
		_, err := f.Stat()
		return errors.Is(err, fs.ErrClosed)
	}
	var c crowd
	film, other := content{path: "s/a"}, content{path: "s/b"}
	first, second := open(), open()
	if c.join(film, first) != first || c.join(film, second) != first || !closed(second) {
		t.Fatal("the second does not share the file of the first")
	}
	third := open()
	if c.join(other, third) != third {
		t.Fatal("what is something else is shared")
	}
	if !c.leave(first) || c.leave(third) {
		t.Fatal("one of two has left, and one of one")
	}
	c.avoid(first)
	fourth := open()
	if c.join(film, fourth) != fourth {
		t.Fatal("a file that can't be read is shared")
	}
	if c.leave(first) || c.leave(fourth) || len(c.files)+len(c.users) > 0 {
		t.Errorf("%d files and %d users are left", len(c.files), len(c.users))
	}
	if c.leave(open()) {
		t.Error("a file that nobody shares is not to be closed")
	}
}
