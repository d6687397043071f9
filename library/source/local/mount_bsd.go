//go:build darwin || freebsd

package local

import "syscall"

// mountTable returns all that is mounted, in the order in which it was.
func mountTable() []Mount {
	const noWait = 2 // MNT_NOWAIT: what is known, without asking what may hang
	n, err := syscall.Getfsstat(nil, noWait)
	if err != nil || n == 0 {
		return nil
	}
	stats := make([]syscall.Statfs_t, n)
	if n, err = syscall.Getfsstat(stats, noWait); err != nil {
		return nil
	}
	var mounts []Mount
	for _, s := range stats[:min(n, len(stats))] {
		mounts = append(mounts, Mount{Point: text(s.Mntonname[:]), Type: text(s.Fstypename[:]), From: text(s.Mntfromname[:])})
	}
	return mounts
}

// text returns a C string.
func text(c []int8) string {
	var b []byte
	for _, char := range c {
		if char == 0 {
			break
		}
		b = append(b, byte(char))
	}
	return string(b)
}
