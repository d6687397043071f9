// Package index keeps on disk what was measured, so that a second start over
// the same files measures nothing. It may be deleted at any time: what it
// lacks is measured again.
//
// It is one flat text file, written anew and put in place by a rename: a
// first line with the name and version of the format and the version of the
// prober, then a line for each file, with a checksum. A line that is damaged
// is dropped, and so are all if the first one is damaged or of another
// version; see file.go.
package index

import (
	"io/fs"
	"strings"
	"sync"

	"mustserv/library/probe"
)

// proberVersion is raised whenever package probe measures something in
// another way: all files are then measured anew.
const proberVersion = 5

// Key identifies one state of one file.
type Key struct {
	Share    string // what the share reads from
	Path     string // slash-separated below the share, any bytes
	Size     int64  // bytes
	Modified int64  // modification time, nanoseconds since 1970
}

// Entry is what was found out about a file.
type Entry struct {
	Info    *probe.Info // what was measured; nil if it can't be
	Problem string      // why not, in words for a person
	Kind    string      // what the content says the file is for, where that can't be told from Info or the name
}

// Index is the set of entries. It may be used concurrently. It is in memory
// while it is used, and at rest only on disk; see Rest.
type Index struct {
	file string // empty: in memory only

	saving sync.Mutex // one Save at a time

	mu      sync.Mutex
	records map[id]record // nil at rest
	damage  error         // what was wrong with the file when it was read again, until it is told
	changed int           // counts changes
	saved   int           // the count that is on disk
}

// id says which file it is; its record, which state of it.
type id struct{ share, path string }

type record struct {
	size, modified int64
	// value is a probe.Packed where there is nothing else to know, a *Entry, or
	// the text it was read from: that takes a tenth of the time to load.
	value any
}

// valueOf is an entry as records keep it.
func valueOf(e Entry) any {
	if e.Info != nil && e.Problem == "" && e.Kind == "" {
		return e.Info.Pack()
	}
	return &e
}

// New returns an empty index that is never written to disk.
func New() *Index { return &Index{records: make(map[id]record)} }

// Get returns the entry of a file, if it was put for that very size and
// modification time.
func (x *Index) Get(k Key) (Entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wake()
	at := id{k.Share, k.Path}
	r, ok := x.records[at]
	if !ok || r.size != k.Size || r.modified != k.Modified {
		return Entry{}, false
	}
	entry, err := x.decoded(at, r)
	if err != nil { // the checksum was right, so another program wrote this
		delete(x.records, at)
		x.changed++
		return Entry{}, false
	}
	return entry, true
}

// decoded returns the entry of a record, and keeps it as such. Called under
// the lock.
func (x *Index) decoded(at id, r record) (Entry, error) {
	text, ok := r.value.(string)
	if !ok {
		return r.entry(), nil
	}
	e, err := decode(text)
	if err != nil {
		return e, err
	}
	r.value = valueOf(e)
	x.records[at] = r
	return e, nil
}

// Put keeps an entry in place of any other of the same share and path.
func (x *Index) Put(k Key, e Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wake()
	x.records[id{k.Share, k.Path}] = record{size: k.Size, modified: k.Modified, value: valueOf(e)}
	x.changed++
}

// Each calls yield for each entry of a share that can be the entry of a file,
// in no order. It must not call the index.
func (x *Index) Each(share string, yield func(Key, Entry)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wake()
	for at, r := range x.records {
		if at.share != share || at.path == "." || !fs.ValidPath(strings.ToValidUTF8(at.path, "?")) {
			continue
		}
		entry, err := x.decoded(at, r)
		if err != nil {
			continue // Get drops it
		}
		yield(Key{Share: at.share, Path: at.path, Size: r.size, Modified: r.modified}, entry)
	}
}

// Prune drops the entries that keep refuses. It must not call the index.
func (x *Index) Prune(keep func(Key) bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wake()
	for at, r := range x.records {
		if !keep(Key{Share: at.share, Path: at.path, Size: r.size, Modified: r.modified}) {
			delete(x.records, at)
			x.changed++
		}
	}
}

// Len returns the number of entries.
func (x *Index) Len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wake()
	return len(x.records)
}
