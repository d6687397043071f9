package httpdir

import (
	"io/fs"
	"time"

	"mustserv/library/source"
)

// info describes a file or folder.
type info struct {
	name     string
	size     int64
	modified time.Time // to the second; 1970 where the server tells none
	folder   bool
	blurred  bool          // the server says another time, not far off, when it sends the file
	tag      string        // ETag of a file, as HEAD answered it
	origin   source.Origin // the MuStServ that it is of
}

var _ fs.FileInfo = (*info)(nil)

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.size }
func (i *info) ModTime() time.Time { return i.modified }
func (i *info) IsDir() bool        { return i.folder }

// Sys returns a source.Origin.
func (i *info) Sys() any {
	if i.origin == "" {
		return nil
	}
	return i.origin
}

func (i *info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// toSecond returns t as HTTP can say it.
func toSecond(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0)
	}
	return t.Truncate(time.Second)
}
