package smb

import (
	"io/fs"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudsoda/go-smb2"

	"mustserv/library/source"
)

// valid reports whether name can name something over SMB: names are UTF-16
// there, and some characters have a meaning of their own, as the colon that
// parts a file from its other streams (MS-FSCC 2.1.5).
func valid(name string) bool {
	return source.ValidName(name) && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`\:*?"<>|`, r) })
}

// remote is the name as the server has it, below the root folder.
func remote(root, name string) string {
	if full := path.Join(root, name); full != "." {
		return strings.ReplaceAll(full, "/", `\`)
	}
	return ""
}

// info describes a file or folder, in less memory than the library's own.
type info struct {
	name string
	size int64
	time time.Time
	dir  bool
}

func describe(got fs.FileInfo) fs.FileInfo {
	size := got.Size()
	if got.IsDir() {
		size = 0
	}
	return info{name: got.Name(), size: size, time: got.ModTime(), dir: isDir(got)}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// Attributes of a file (MS-FSCC 2.6) and the bit of a reparse tag that says
// that it names another file (MS-FSCC 2.1.2.1).
const (
	attributeFolder  = 0x10
	attributeReparse = 0x400
	tagSurrogate     = 0x20000000
)

func stat(got fs.FileInfo) *smb2.FileStat {
	if s, ok := got.Sys().(*smb2.FileStat); ok {
		return s
	}
	return &smb2.FileStat{}
}

func isDir(got fs.FileInfo) bool     { return stat(got).FileAttributes&attributeFolder != 0 }
func isReparse(got fs.FileInfo) bool { return stat(got).FileAttributes&attributeReparse != 0 }
func isLink(entry fs.FileInfo) bool {
	return isReparse(entry) && stat(entry).ReparsePointTag&tagSurrogate != 0
}
