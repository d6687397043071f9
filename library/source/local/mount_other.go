//go:build !linux && !darwin && !freebsd && !windows

package local

// mountTable returns nothing: what is mounted is not known here.
func mountTable() []Mount { return nil }
