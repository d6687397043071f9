package local

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mustserv/library/source"
)

// Mount is what the system has mounted at a folder.
type Mount struct {
	Point string // the folder
	Type  string // the file system, as the system calls it: "ext4", "nfs4", "fuse.sshfs"
	From  string // what is mounted: a device, or "nas:/films"
}

// Network reports whether another computer, or a program, answers for what is
// mounted: then it may hang, and what others change in it is not told.
func (m Mount) Network() bool {
	switch m.Type {
	case "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "9p", "virtiofs", "vboxsf", "prl_fs",
		"glusterfs", "ceph", "afs", "coda", "lustre", "ncpfs",
		"fuse", "macfuse", "osxfuse", "fusefs", // but a fuseblk is a disk
		"autofs", // mounts something else by being looked at
		networkDrive:
		return true
	}
	return strings.HasPrefix(m.Type, "fuse.")
}

// Host reports whether it is a folder of the computer that this one, a virtual
// machine, runs on. It is a network mount, but its files lie as near as what is
// kept on a disk of this one.
func (m Mount) Host() bool {
	return slices.Contains([]string{"9p", "virtiofs", "vboxsf", "prl_fs", "fuse.vmhgfs-fuse"}, m.Type)
}

// String says what it is, for a person: "nfs4 mount at /mnt/nas".
func (m Mount) String() string { return fmt.Sprintf("%s mount at %s", m.Type, m.Point) }

// networkDrive is the type of all that Windows has from elsewhere.
const networkDrive = "network drive"

// mountOf returns which of the mounts holds the file at an absolute path, and
// the path behind all links; the zero Mount if that is not known. It looks at
// nothing that lies on a network mount, which might hang.
func mountOf(mounts []Mount, file string) (Mount, string) {
	const maxLinks = 40
	for range maxLinks {
		m, next := follow(mounts, file)
		if next == "" {
			return m, file
		}
		file = next
	}
	return Mount{}, file
}

// follow returns the mount that holds file, or where its first link leads.
func follow(mounts []Mount, file string) (m Mount, next string) {
	for end := 1; end <= len(file); end++ {
		if end < len(file) && !os.IsPathSeparator(file[end]) {
			continue
		}
		at := file[:end]
		if m = holding(mounts, at); m.Network() {
			return holding(mounts, file), ""
		}
		if target, err := os.Readlink(at); err == nil {
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			return m, filepath.Join(target, file[end:])
		}
	}
	return m, ""
}

// holding returns the mount that holds file by its name: the one with the
// longest path, and of those at one path the last, which covers the others.
func holding(mounts []Mount, file string) (best Mount) {
	for _, m := range mounts {
		if len(m.Point) >= len(best.Point) && within(file, m.Point) {
			best = m
		}
	}
	return best
}

// within reports whether file is folder or lies in it.
func within(file, folder string) bool {
	rest, ok := strings.CutPrefix(file, folder)
	return ok && (rest == "" || os.IsPathSeparator(rest[0]) || folder != "" && os.IsPathSeparator(folder[len(folder)-1]))
}

// remounted says what it means for a share that another device is at its
// place: nil if it is as good as what was there before.
//
//   - mounts: all that is mounted, nothing if that is not known
//   - was: the mount that held the place when the share was opened
//   - now: the mount that holds it now
//   - wanted: what the system is told to mount there, a zero Mount for nothing
func remounted(mounts []Mount, was, now, wanted Mount) error {
	there := func(point string) bool {
		return point == "" || len(mounts) == 0 || slices.ContainsFunc(mounts, func(m Mount) bool { return m.Point == point })
	}
	switch {
	case !there(was.Point):
		return fmt.Errorf("nothing is mounted at %s any more, where %s (%s) was; its files are back as soon as it is: %w",
			was.Point, was.From, was.Type, source.ErrUnavailable)
	case !there(wanted.Point):
		return fmt.Errorf("nothing is mounted at %s, where %s belongs according to %s; switch it on or mount it, and its files are back: %w",
			wanted.Point, wanted.From, fstab, source.ErrUnavailable)
	case was.Network() && now.Network():
		return nil
	case was != now:
		return fmt.Errorf("%s (%s) is mounted at %s: %w: %w", now.From, now.Type, now.Point, source.ErrReopen, source.ErrUnavailable)
	}
	return nil
}
