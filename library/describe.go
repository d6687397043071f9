package library

import (
	"io/fs"

	"mustserv/library/probe"
)

// Describe returns the item that a measured file makes which is in no share:
// its path is its name, and it can't be opened.
func Describe(file fs.FileInfo, info *probe.Info) *Item {
	kind, mime := byContent(file.Name(), info)
	it := &Item{
		Path: file.Name(), Name: file.Name(), Kind: kind, MIME: mime,
		Size: file.Size(), Modified: file.ModTime(), Available: true,
	}
	return it.WithInfo(info)
}
