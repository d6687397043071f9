package library

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"mustserv/library/source"
)

// memory is a source in memory that can be made to fail.
type memory struct {
	mu      sync.Mutex
	files   map[string]memoryFile // by name
	folders map[string]time.Time  // when they were changed, by name
	noTimes bool                  // folders have no times
	noNews  bool                  // folders keep their times whatever happens
	empty   bool                  // as if the disk behind it were missing
	down    bool                  // answers nothing
	broken  error                 // what reads end with, after some bytes
	refused map[string]error      // by name of folder or file
	limit   int                   // watches allowed, -1 for no watching at all
	watch   *memoryWatch
	lists   int
	stats   int      // of folders
	listed  []string // in order
	opens   map[string]int
	closed  bool
}

type memoryFile struct {
	name     string
	content  string
	modified time.Time
}

func newMemory(limit int) *memory {
	return &memory{files: map[string]memoryFile{}, folders: map[string]time.Time{".": time.Now()}, refused: map[string]error{}, opens: map[string]int{}, limit: limit}
}

func (m *memory) opener() Opener {
	return func(string, source.Access) (source.Source, error) { return m, nil }
}

// put writes a file, and tells the watch if there is one.
func (m *memory) put(name, content string, modified time.Time) {
	m.mu.Lock()
	if _, ok := m.files[name]; !ok {
		m.touch(path.Dir(name))
	}
	m.files[name] = memoryFile{path.Base(name), content, modified}
	m.mu.Unlock()
	m.tell(path.Dir(name))
}

func (m *memory) remove(name string) {
	m.mu.Lock()
	delete(m.files, name)
	m.touch(path.Dir(name))
	m.mu.Unlock()
	m.tell(path.Dir(name))
}

// touch notes that something was made or removed in a folder. Folders come
// with their first file, and stay.
func (m *memory) touch(folder string) {
	_, known := m.folders[folder]
	if !known || !m.noNews {
		m.folders[folder] = time.Now()
	}
	if !known {
		m.touch(path.Dir(folder))
	}
}

// folder describes a folder.
func (m *memory) folder(name string) (fs.FileInfo, bool) {
	at, ok := m.folders[name]
	if m.noTimes {
		at = time.Time{}
	}
	return memoryInfo{memoryFile{path.Base(name), "", at}, true}, ok
}

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *memory) tell(folder string) {
	m.mu.Lock()
	w := m.watch
	m.mu.Unlock()
	if w != nil && (folder == "" || w.has(folder)) {
		w.changes <- folder
	}
}

// counts returns how often anything was listed, and opened.
func (m *memory) counts() (lists, opens int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.opens {
		opens += n
	}
	return m.lists, opens
}

func (m *memory) check(ctx context.Context, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if m.down {
		return fmt.Errorf("the cable is out: %w", source.ErrUnavailable)
	}
	return m.refused[name]
}

func (m *memory) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, name); err != nil {
		return nil, err
	}
	if info, ok := m.folder(name); ok {
		m.stats++
		return info, nil
	}
	f, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return memoryInfo{f, false}, nil
}

func (m *memory) List(ctx context.Context, name string) (infos []fs.FileInfo, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists++
	m.listed = append(m.listed, name)
	if err := m.check(ctx, name); err != nil {
		return nil, err
	}
	if m.empty {
		return nil, nil
	}
	seen := map[string]bool{}
	for file, f := range m.files {
		rest := file
		if name != "." {
			var ok bool
			if rest, ok = strings.CutPrefix(file, name+"/"); !ok {
				continue
			}
		}
		first, _, deeper := strings.Cut(rest, "/")
		if !seen[first] {
			seen[first] = true
			info := fs.FileInfo(memoryInfo{memoryFile{first, f.content, f.modified}, false})
			if deeper {
				info, _ = m.folder(path.Join(name, first))
			}
			infos = append(infos, info)
		}
	}
	if infos == nil && name != "." {
		return nil, fs.ErrNotExist
	}
	return infos, nil
}

func (m *memory) Open(ctx context.Context, name string) (source.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opens[name]++
	if err := m.check(ctx, name); err != nil {
		return nil, err
	}
	f, ok := m.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &memoryOpen{bytes.NewReader([]byte(f.content)), f, m}, nil
}

func (m *memory) Close() error {
	m.set(func() { m.closed = true })
	return nil
}

func (m *memory) Watch(context.Context) (source.Watch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limit < 0 {
		return nil, fmt.Errorf("too many: %w", source.ErrWatchLimit)
	}
	m.watch = &memoryWatch{limit: m.limit, changes: make(chan string, 1000)}
	return m.watch, nil
}

type memoryWatch struct {
	mu      sync.Mutex
	names   []string
	limit   int
	closed  bool
	changes chan string
}

func (w *memoryWatch) has(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.closed && slices.Contains(w.names, name)
}

func (w *memoryWatch) Add(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.names, name) {
		return nil
	}
	if len(w.names) == w.limit {
		return source.ErrWatchLimit
	}
	w.names = append(w.names, name)
	return nil
}

func (w *memoryWatch) Changes() <-chan string { return w.changes }

func (w *memoryWatch) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.changes)
	}
	return nil
}

type memoryOpen struct {
	*bytes.Reader
	f memoryFile
	m *memory
}

// ReadAt ends at any byte where the source is down or about to be.
func (o *memoryOpen) ReadAt(p []byte, off int64) (int, error) {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if o.m.broken != nil && !o.m.down {
		n, _ := o.Reader.ReadAt(p[:rand.N(len(p)+1)], off)
		return n, o.m.broken
	}
	if err := o.m.check(context.Background(), ""); err != nil {
		return 0, err
	}
	return o.Reader.ReadAt(p, off)
}

func (o *memoryOpen) Stat() (fs.FileInfo, error) { return memoryInfo{o.f, false}, nil }
func (o *memoryOpen) Close() error               { return nil }

var _ io.ReaderAt = (*memoryOpen)(nil)

type memoryInfo struct {
	f   memoryFile
	dir bool
}

func (i memoryInfo) Name() string       { return i.f.name }
func (i memoryInfo) Size() int64        { return int64(len(i.f.content)) }
func (i memoryInfo) ModTime() time.Time { return i.f.modified }
func (i memoryInfo) IsDir() bool        { return i.dir }
func (i memoryInfo) Sys() any           { return nil }
func (i memoryInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
