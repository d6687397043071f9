// Package local reads a share from a folder of this computer, also one where
// a disk or a network share is mounted.
//
// Every call goes through an os.Root that is opened for it alone. So nothing
// outside the folder is ever read, whatever a name or a link says; the folder
// may vanish, come back or be mounted over at any time; and no open handle
// keeps an idle disk from being unmounted. An absolute link counts as one
// that leaves the folder.
//
// The system's own file calls can't be interrupted: on a mount that hangs, a
// call lasts until the system gives up. The context is looked at before and
// between them. Folder.Mount says whether that can happen, so that package
// guard is asked for help.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"mustserv/library/source"
)

// listStep is how many entries are read between two looks at the context.
const listStep = 256

// Folder is the source of a folder of this computer.
type Folder struct {
	path string // absolute

	mu     sync.Mutex
	mount  Mount  // that the folder lies on
	device uint64 // the same, as the files tell; 0 before they were asked
}

var (
	_ source.Source  = (*Folder)(nil)
	_ source.Watcher = (*Folder)(nil)
)

// Open returns the source of the folder at place. The folder need not be
// there (yet): as long as it is not, all calls return source.ErrUnavailable.
// So they do as long as what was mounted there, or what the system is told to
// mount there, is not. Where something else is mounted meanwhile, that is also
// source.ErrReopen. The files it opens are *os.File, so that the kernel can
// send them.
func Open(place string) (*Folder, error) {
	if place == "" || strings.IndexByte(place, 0) >= 0 {
		return nil, fmt.Errorf("open folder %q: %w: not the path of a folder", place, fs.ErrInvalid)
	}
	abs, err := filepath.Abs(place)
	if err != nil {
		return nil, fmt.Errorf("open folder %q: %w", place, err)
	}
	mount, _ := mountOf(mountTable(), abs)
	return &Folder{path: abs, mount: mount}, nil
}

// Mount returns what the folder lies on, as far as that is known; the zero
// Mount if it is not. It looks at nothing that may hang.
func (f *Folder) Mount() Mount {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mount
}

// Stat is source.Source's.
func (f *Folder) Stat(ctx context.Context, name string) (info fs.FileInfo, err error) {
	err = f.in(ctx, "stat", name, func(root *os.Root) error {
		if info, err = root.Stat(name); err != nil {
			return err
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return fmt.Errorf("%w: neither file nor folder", fs.ErrInvalid)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return info, nil
}

// List is source.Source's.
func (f *Folder) List(ctx context.Context, name string) (infos []fs.FileInfo, err error) {
	err = f.in(ctx, "list", name, func(root *os.Root) error {
		infos, err = list(ctx, root, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return infos, nil
}

// Open is source.Source's.
func (f *Folder) Open(ctx context.Context, name string) (source.File, error) {
	var file *os.File
	err := f.in(ctx, "open", name, func(root *os.Root) (err error) {
		file, err = open(root, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Close is source.Source's; there is nothing to be closed.
func (f *Folder) Close() error { return nil }

// in calls do with the folder's root, and says in its error what was tried.
func (f *Folder) in(ctx context.Context, op, name string, do func(*os.Root) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !valid(name) {
		return fmt.Errorf("%s %q: %w", op, name, fs.ErrInvalid)
	}
	root, err := f.root()
	if err != nil {
		return err
	}
	defer root.Close()
	if err := do(root); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s %q in %s: %w", op, name, f.path, classify(root, err))
	}
	return nil
}

// root opens the folder itself; every failure means that it is unavailable.
// The look before keeps a pipe in the folder's place from hanging the open.
func (f *Folder) root() (*os.Root, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("folder %s does not exist: %w", f.path, source.ErrUnavailable)
	case err != nil:
		return nil, fmt.Errorf("folder %s can't be opened (%w): %w", f.path, cause(err), source.ErrUnavailable)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder: %w", f.path, source.ErrUnavailable)
	}
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return nil, fmt.Errorf("folder %s can't be opened (%w): %w", f.path, cause(err), source.ErrUnavailable)
	}
	if err := f.checkMount(root); err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// checkMount looks, where the files are on another device than before, at
// what is mounted there. The folder is open by then: that mounts what mounts
// itself when it is needed (autofs), where a look at the folder alone does not.
func (f *Folder) checkMount(root *os.Root) error {
	info, err := root.Stat(".")
	if err != nil {
		return fmt.Errorf("folder %s can't be looked at (%w): %w", f.path, cause(err), source.ErrUnavailable)
	}
	now := device(info)
	f.mu.Lock()
	defer f.mu.Unlock()
	if now == f.device {
		return nil
	}
	mounts := mountTable()
	mount, resolved := mountOf(mounts, f.path)
	if err := remounted(mounts, f.mount, mount, holding(wantedMounts(), resolved)); err != nil {
		return err
	}
	f.mount, f.device = mount, now
	return nil
}

// valid reports whether this system takes name as one path below the root.
func valid(name string) bool {
	return source.ValidName(name) &&
		(runtime.GOOS != "windows" || !strings.ContainsAny(name, `\:`))
}

func list(ctx context.Context, root *os.Root, name string) ([]fs.FileInfo, error) {
	dir, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if info, err := dir.Stat(); err != nil || !info.IsDir() {
		return nil, cmp.Or(err, fmt.Errorf("%w: not a folder", fs.ErrInvalid))
	}
	var infos []fs.FileInfo
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(listStep)
		for _, entry := range entries {
			if info, ok := look(root, name, entry); ok {
				infos = append(infos, info)
			}
		}
		if err == io.EOF {
			return infos, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, ctx.Err()
}

// look describes one entry of the folder called dir, and whether it is listed.
func look(root *os.Root, dir string, entry fs.DirEntry) (fs.FileInfo, bool) {
	if entry.Type()&fs.ModeSymlink != 0 {
		info, err := root.Stat(path.Join(dir, entry.Name()))
		return info, err == nil && info.Mode().IsRegular()
	}
	if !entry.IsDir() && !entry.Type().IsRegular() {
		return nil, false
	}
	info, err := entry.Info()
	return info, err == nil
}

// open refuses what is not a regular file before it opens it, since to open a
// device may do something; and after it, in case it was swapped meanwhile.
func open(root *os.Root, name string) (*os.File, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	irregular := fmt.Errorf("%w: not a regular file", fs.ErrInvalid)
	if !info.Mode().IsRegular() {
		return nil, irregular
	}
	file, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, cmp.Or(err, irregular)
	}
	keepAccessTime(file)
	return file, nil
}

// classify turns what the system says into the errors of a source.
func classify(root *os.Root, err error) error {
	switch {
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%w (%w)", fs.ErrNotExist, cause(err))
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EILSEQ):
		return fmt.Errorf("%w (%w)", fs.ErrInvalid, cause(err))
	case errors.Is(err, syscall.ENOTCONN), errors.Is(err, syscall.EHOSTDOWN),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.ESTALE):
		return fmt.Errorf("%w (%w)", source.ErrUnavailable, cause(err))
	case escapes(root, err):
		return fmt.Errorf("%w: a link leads out of the share", fs.ErrNotExist)
	}
	return cause(err)
}

// escapes reports whether err is what os.Root answers to a path that leaves
// it. The error has no name in package os, so it is asked for.
func escapes(root *os.Root, err error) bool {
	_, out := root.Lstat("..")
	return out != nil && errors.Is(err, cause(out))
}

// cause takes the path off an error: it is said once, and quoted.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
