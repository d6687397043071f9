// Package source says what a share reads its files from: the Source
// interface, its errors, and the optional abilities of a source. Each kind of
// source is a package of its own below this one and passes the contract suite
// in sourcetest.
package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
)

// ErrUnavailable says that a source does not answer: its disk, mount or
// server is away. What it holds is unknown, not deleted; it may come back.
var ErrUnavailable = errors.New("source is unavailable")

// ErrReopen says, beside ErrUnavailable, that something else is in the place
// of a source now, and that it is to be opened anew.
var ErrReopen = errors.New("something else is there now")

// ErrWatchLimit says that the system allows no further watched folder.
var ErrWatchLimit = errors.New("no folder watches left")

// ErrChanged says that an open file of a file server is another one now. Its
// bytes are never mixed with those before.
var ErrChanged = errors.New("file has changed on its server")

// Source is a tree of folders and files.
//
// Names are slash-separated paths below the root, as ValidName has them; "."
// is the root. No name leads out of the tree, nor does a symbolic link:
// links that leave it answer an error and are not listed.
//
// Errors are those of io/fs (fs.ErrNotExist, fs.ErrPermission, fs.ErrInvalid
// for a name that no file can have) or ErrUnavailable, to be told apart with
// errors.Is. All methods may be called concurrently and return soon after ctx
// ends, with its error.
type Source interface {
	// Stat describes a file or folder, behind a symbolic link the one it leads to.
	Stat(ctx context.Context, name string) (fs.FileInfo, error)
	// List returns the folders and regular files in a folder, in no order;
	// what is neither, or can't be looked at, is left out. A link to a file
	// is listed as that file. A link to a folder is left out: the folder is
	// in the tree anyway, and a loop of links would never end.
	List(ctx context.Context, name string) ([]fs.FileInfo, error)
	// Open opens a regular file; the caller closes it. What is not a regular
	// file is refused with fs.ErrInvalid.
	Open(ctx context.Context, name string) (File, error)
	// Close ends the source. Files opened from it stay open.
	Close() error
}

// File is an open file of a source. ReadAt may be called concurrently. A file
// that has shrunk answers io.EOF where it ends now. A read of a source that
// does not answer ends by itself, with ErrUnavailable; the file may be read
// again once the source is back. Close ends reads that are under way.
type File interface {
	io.ReaderAt
	io.ReadSeeker
	io.Closer
	// Stat says what the file is now: the size and time that the source's
	// Stat and List tell of it too.
	Stat() (fs.FileInfo, error)
}

// Locator is a File of another source than the local one whose bytes lie, all
// or in part, in files of this computer, so that the kernel can send them.
type Locator interface {
	// Locate returns the local file with the byte at off, where in it that
	// byte is, and how many bytes from there on are there, more than 0; or
	// ok is false where the byte is not on this computer now. The local file
	// is good until the next call or Close, whoever makes them; it is not to
	// be closed or sought in. Not for concurrent use.
	Locate(off int64) (local *os.File, at, n int64, ok bool)
}

// Locate is Locator.Locate for every file: one of the local source lies on
// this computer as it is, to wherever it ends, and most others do not.
func Locate(f File, off int64) (local *os.File, at, n int64, ok bool) {
	switch f := f.(type) {
	case *os.File:
		return f, off, math.MaxInt64 - off, true
	case Locator:
		return f.Locate(off)
	}
	return nil, 0, 0, false
}

// Keeper is a File that need not end with the context of its Open.
type Keeper interface {
	// Keep has the file end with Close only. From then on several may share
	// the local file that Locate returns.
	Keep()
}

// Describer is a source that can say what it is, for a person: "nfs4
// mount at /mnt/nas".
type Describer interface{ Describe() string }

// CacheStats says what a cache of a source has done since it was opened.
type CacheStats struct {
	Hits, Misses int64 // reads of a segment that was there, and that was not
	Saved        int64 // bytes that needed no fetching
	FromOthers   int64 // segments that were not there, and that another instance had
	ForOthers    int64 // times that another instance has read from it
}

// Cacher is a source that keeps what was read from it.
type Cacher interface {
	CacheStats() CacheStats
}

// CacheOf returns what the cache of a source has done, zeros if it has none.
func CacheOf(s Source) CacheStats {
	if c, ok := s.(Cacher); ok {
		return c.CacheStats()
	}
	return CacheStats{}
}

// Watcher is a source that can tell when something in it changes.
type Watcher interface {
	// Watch starts watching; no folder is watched before Add. It returns
	// ErrWatchLimit when the system allows no further watch, and
	// errors.ErrUnsupported where it turns out that this source can't tell.
	// The watch goes on when ctx ends.
	Watch(ctx context.Context) (Watch, error)
}

// Watch reports changes of the folders added to it until it is closed. Its
// methods may be called concurrently.
type Watch interface {
	// Add watches one folder, not those below it; one that is watched
	// already stays so. It returns ErrWatchLimit when the system allows no
	// further one. A folder that is removed or moved away is no longer
	// watched, nor are those below it; each is reported as changed, and has
	// to be added again where it turns up.
	Add(name string) error
	// Changes yields the name of a folder in which something was made,
	// written, renamed or removed. An empty string says that changes were
	// lost and anything may have changed. It is closed by Close.
	Changes() <-chan string
	// Close ends the watch.
	Close() error
}

// ValidName reports whether name can name something in a source: "." or
// elements parted by single slashes, none of them empty, "." or "..", of any
// bytes but NUL. It is fs.ValidPath for names that need not be UTF-8.
func ValidName(name string) bool {
	if name == "." {
		return true
	}
	if strings.IndexByte(name, 0) >= 0 {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." {
			return false
		}
	}
	return true
}
