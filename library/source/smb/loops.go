package smb

import (
	"io/fs"
	"path"
	"sync"

	"github.com/cloudsoda/go-smb2"
)

// maxFolderIDs bounds what is remembered of folders; beyond, it is asked for again.
const maxFolderIDs = 8192

// folderID tells a folder from all others of a server: two names of one ID
// are one folder. The number is that of a file system, of which a share may
// hold several; so the time of the last change to the folder belongs to it.
type folderID struct {
	number  uint64
	written int64
}

func idOf(got fs.FileInfo) folderID {
	s := stat(got)
	return folderID{s.FileId, s.LastWriteTime.UnixNano()}
}

// folderIDs remembers the IDs of folders by their names, so that a link that
// Samba follows to a folder above it is noticed, and no walk is endless.
type folderIDs struct {
	mu sync.Mutex
	of map[string]folderID
}

// note remembers a folder that was seen.
func (f *folderIDs) note(name string, got fs.FileInfo) {
	if !isDir(got) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil || len(f.of) >= maxFolderIDs {
		f.of = make(map[string]folderID)
	}
	f.of[name] = idOf(got)
}

// trail returns the IDs of a folder and those above it. Who walks from the
// root down has seen them all, and pays nothing.
func (f *folderIDs) trail(on *smb2.Share, root, name string) (map[folderID]bool, error) {
	all := make(map[folderID]bool)
	for ; ; name = path.Dir(name) {
		id, err := f.get(on, root, name)
		if err != nil {
			return nil, err
		}
		if id.number != 0 { // which is what servers say that have none
			all[id] = true
		}
		if name == "." {
			return all, nil
		}
	}
}

func (f *folderIDs) get(on *smb2.Share, root, name string) (folderID, error) {
	f.mu.Lock()
	id, ok := f.of[name]
	f.mu.Unlock()
	if ok {
		return id, nil
	}
	dir, err := openHere(on, remote(root, name))
	if err != nil {
		return folderID{}, err
	}
	defer dir.Close()
	got, err := dir.Stat()
	if err != nil {
		return folderID{}, err
	}
	f.note(name, got)
	return idOf(got), nil
}
