package local

import (
	"io/fs"
	"strings"
	"syscall"
	"unsafe"
)

const fstab = "the system"

// wantedMounts is empty: Windows keeps the letters of network drives, and
// looking at one that is away fails.
func wantedMounts() []Mount { return nil }

// mountTable returns the network drives.
func mountTable() (mounts []Mount) {
	const remote = 4 // DRIVE_REMOTE
	driveType := syscall.NewLazyDLL("kernel32.dll").NewProc("GetDriveTypeW")
	mounts = append(mounts, Mount{Point: `\\`, Type: networkDrive, From: `\\`})
	for letter := 'A'; letter <= 'Z'; letter++ {
		root := string(letter) + `:\`
		name, err := syscall.UTF16PtrFromString(root)
		if err != nil || driveType.Find() != nil {
			continue
		}
		if kind, _, _ := driveType.Call(uintptr(unsafe.Pointer(name))); kind == remote {
			mounts = append(mounts, Mount{Point: root, Type: networkDrive, From: strings.TrimSuffix(root, `\`)})
		}
	}
	return mounts
}

// device is 0: a drive is told apart by its letter.
func device(fs.FileInfo) uint64 { return 0 }
