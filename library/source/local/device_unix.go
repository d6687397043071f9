//go:build unix

package local

import (
	"io/fs"
	"syscall"
)

// device says which file system a file lies on, 0 if that is not known.
func device(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Dev)
	}
	return 0
}
