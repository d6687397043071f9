package local

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"mustserv/library/source"
)

// maxDirty is how many changed folders are kept for a slow reader; with more,
// it is told to look everywhere.
const maxDirty = 4096

// watch turns the system's events into names of changed folders. Two
// goroutines of it never wait for the reader of Changes, nor for each other:
// fsnotify may report an error while it holds the lock that Remove wants.
type watch struct {
	root    string
	system  *fsnotify.Watcher
	changes chan string
	done    sync.WaitGroup
	lost    chan struct{} // events were lost; holds one

	mu      sync.Mutex
	watched map[string]struct{} // names of the folders added
}

// Watch watches with the system's own means (inotify, kqueue …). A folder on
// a network mount does not report what others change.
func (f *Folder) Watch(context.Context) (source.Watch, error) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", f.path, limit(err))
	}
	w := &watch{
		root:    f.path,
		system:  system,
		changes: make(chan string),
		lost:    make(chan struct{}, 1),
		watched: make(map[string]struct{}),
	}
	w.done.Go(w.readErrors)
	w.done.Go(w.readEvents)
	return w, nil
}

func (w *watch) Add(name string) error {
	if !valid(name) {
		return fmt.Errorf("watch %q: not a folder's name", name)
	}
	w.mu.Lock()
	w.watched[name] = struct{}{}
	w.mu.Unlock()
	if err := w.system.Add(w.file(name)); err != nil {
		w.mu.Lock()
		delete(w.watched, name)
		w.mu.Unlock()
		return fmt.Errorf("watch %q in %s: %w", name, w.root, limit(err))
	}
	return nil
}

func (w *watch) Changes() <-chan string { return w.changes }

func (w *watch) Close() error {
	err := w.system.Close()
	w.done.Wait()
	return err
}

// readErrors ends when the watcher is closed.
func (w *watch) readErrors() {
	for range w.system.Errors {
		// Whatever went wrong, events may be missing.
		select {
		case w.lost <- struct{}{}:
		default:
		}
	}
}

// readEvents collects changed folders and hands them on one by one.
func (w *watch) readEvents() {
	defer close(w.changes)
	dirty := dirtySet{}
	for {
		out, next := chan string(nil), ""
		if len(dirty) > 0 {
			out, next = w.changes, dirty.any()
		}
		select {
		case event, ok := <-w.system.Events:
			if !ok {
				return
			}
			w.note(dirty, event)
		case <-w.lost:
			dirty.everything()
		case out <- next:
			delete(dirty, next)
		}
	}
}

// note marks the folders that an event touches. The system keeps watching a
// folder that was moved, under its old name, and those below it too; so these
// watches are ended, and whoever finds the folder again adds new ones.
func (w *watch) note(dirty dirtySet, event fsnotify.Event) {
	name, ok := w.name(event.Name)
	if !ok {
		return
	}
	dirty.add(path.Dir(name))
	w.mu.Lock()
	_, folder := w.watched[name]
	w.mu.Unlock()
	if !folder {
		return
	}
	dirty.add(name)
	if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
		for _, gone := range w.forget(name) {
			w.system.Remove(w.file(gone)) // most are gone already
			dirty.add(gone)
		}
	}
}

// forget takes a folder and those below it out of the watched, and returns them.
func (w *watch) forget(name string) (gone []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for other := range w.watched {
		if name == "." || other == name || strings.HasPrefix(other, name+"/") {
			gone = append(gone, other)
			delete(w.watched, other)
		}
	}
	return gone
}

func (w *watch) file(name string) string {
	return filepath.Join(w.root, filepath.FromSlash(name))
}

// name is the reverse of file.
func (w *watch) name(file string) (string, bool) {
	if file == w.root {
		return ".", true
	}
	prefix := strings.TrimSuffix(w.root, string(filepath.Separator)) + string(filepath.Separator)
	rest, ok := strings.CutPrefix(filepath.FromSlash(file), prefix)
	return filepath.ToSlash(rest), ok && rest != ""
}

// limit recognises that the system's number of watches, or on systems that
// open a file for each of files, is used up.
func limit(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return fmt.Errorf("%w: %w", source.ErrWatchLimit, err)
	}
	return err
}

// dirtySet holds the names of changed folders, or only "" for all of them.
type dirtySet map[string]struct{}

func (d dirtySet) add(name string) {
	if _, all := d[""]; all {
		return
	}
	if d[name] = struct{}{}; len(d) > maxDirty {
		d.everything()
	}
}

func (d dirtySet) everything() {
	clear(d)
	d[""] = struct{}{}
}

func (d dirtySet) any() string {
	for name := range d {
		return name
	}
	return ""
}
