package library

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"mustserv/library/probe"
)

// Measure measures a file of this computer, and returns the item that it makes
// which is in no share: its path is its name, and it can't be opened.
func Measure(ctx context.Context, name string) (*Item, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("probe %s: not a regular file", name)
	}
	info, err := probe.Probe(ctx, file, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", name, err)
	}
	return describe(stat, info), nil
}

func describe(file fs.FileInfo, info *probe.Info) *Item {
	kind, mime := byContent(file.Name(), info)
	it := &Item{
		Path: file.Name(), Name: file.Name(), Kind: kind, MIME: mime,
		Size: file.Size(), Modified: file.ModTime(), Available: true,
	}
	return it.WithInfo(info)
}
