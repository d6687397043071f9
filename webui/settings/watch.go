package settings

import (
	"os"
	"time"
)

// Watch tells when a config file is saved. It is for one goroutine.
type Watch struct {
	find       func() string
	seen, last stamp
}

// stamp is what changes when a file is saved.
type stamp struct {
	file string
	size int64
	time time.Time
}

// NewWatch watches the file that find names, which may be another one at each
// call, or empty for none. The file as it is now counts as seen.
func NewWatch(find func() string) *Watch {
	w := &Watch{find: find}
	w.Seen()
	return w
}

// Seen says that the file is known as it is now.
func (w *Watch) Seen() {
	w.seen = w.stamp()
	w.last = w.seen
}

// Saved reports whether the file is another one than the one that was seen,
// which it is then. It asks for two calls in a row to find the same, so that
// a file counts when it has been written.
func (w *Watch) Saved() bool {
	now := w.stamp()
	saved := now != w.seen && now == w.last
	if saved {
		w.seen = now
	}
	w.last = now
	return saved
}

func (w *Watch) stamp() stamp {
	found := stamp{file: w.find()}
	if info, err := os.Stat(found.file); err == nil {
		found.size, found.time = info.Size(), info.ModTime()
	}
	return found
}
