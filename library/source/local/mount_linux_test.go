package local

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"mustserv/library/source"
)

const mountinfo = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:40 / /mnt/nas rw,relatime shared:20 - nfs4 nas:/films rw,vers=4.2,hard
41 27 0:41 / /mnt/my\040films rw,relatime - cifs //attic/my\040films rw,vers=3.1.1
42 27 0:42 / /mnt/auto rw,relatime shared:21 - autofs systemd-1 rw,fd=54
43 42 0:43 / /mnt/auto rw,relatime - fuse.sshfs me@attic:/ rw
44 27 8:1 / /media/usb rw,relatime - fuseblk /dev/sda1 rw
45 44 0:45 / /media/usb/nas/deep rw - 9p share rw
46 27 0:46 / /mnt/x rw
`

func TestMountOf(t *testing.T) {
	mounts := parseMountinfo(mountinfo)
	for file, want := range map[string]struct {
		mount   Mount
		network bool
	}{
		"/srv/films":               {Mount{"/", "ext4", "/dev/vda"}, false},
		"/mnt/nas":                 {Mount{"/mnt/nas", "nfs4", "nas:/films"}, true},
		"/mnt/nas/a/b":             {Mount{"/mnt/nas", "nfs4", "nas:/films"}, true},
		"/mnt/nas2":                {Mount{"/", "ext4", "/dev/vda"}, false},
		"/mnt/my films/x":          {Mount{"/mnt/my films", "cifs", "//attic/my films"}, true},
		"/mnt/auto/x":              {Mount{"/mnt/auto", "fuse.sshfs", "me@attic:/"}, true},
		"/media/usb/nas":           {Mount{"/media/usb", "fuseblk", "/dev/sda1"}, false},
		"/media/usb/nas/deep/blue": {Mount{"/media/usb/nas/deep", "9p", "share"}, true},
		"/mnt/x":                   {Mount{"/", "ext4", "/dev/vda"}, false},
	} {
		got, _ := mountOf(mounts, file)
		if got != want.mount || got.Network() != want.network {
			t.Errorf("%s lies on %+v (network %v), want %+v", file, got, got.Network(), want.mount)
		}
	}
	for _, m := range mounts {
		if want := m.Type == "9p"; m.Host() != want {
			t.Errorf("%s is the host's: %v", m, m.Host())
		}
	}
	if got := mounts[2].String(); got != "nfs4 mount at /mnt/nas" {
		t.Errorf("it is told as %q", got)
	}
}

func TestMountBehindLinks(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(dir, "mnt", "nas"), 0o755))
	must(t, os.Symlink("mnt", filepath.Join(dir, "link")))
	must(t, os.Symlink(filepath.Join(dir, "link", "nas"), filepath.Join(dir, "films")))
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	nas := Mount{filepath.Join(dir, "mnt", "nas"), "nfs4", "nas:/"}
	mounts := []Mount{{"/", "ext4", "/dev/vda"}, nas}
	if got, path := mountOf(mounts, filepath.Join(dir, "films", "a")); got != nas || path != filepath.Join(nas.Point, "a") {
		t.Errorf("behind two links %+v, %s", got, path)
	}
	if got, _ := mountOf(mounts, filepath.Join(dir, "loop")); got != (Mount{}) {
		t.Errorf("in a loop of links %+v", got)
	}
}

func TestRemounted(t *testing.T) {
	disk, none := Mount{"/", "ext4", "/dev/vda"}, Mount{}
	nas, auto, usb := Mount{"/mnt/nas", "nfs4", "nas:/films"}, Mount{"/mnt/nas", "autofs", "systemd-1"}, Mount{"/mnt/nas", "ext4", "/dev/sda1"}
	for _, row := range []struct {
		name             string
		mounted          []Mount
		was, now, wanted Mount
		is               error
		says             string
	}{
		{"as it was", []Mount{disk}, disk, disk, none, nil, ""},
		{"mounted again", []Mount{disk, nas}, nas, nas, nas, nil, ""},
		{"mounted when it is needed", []Mount{disk, auto, nas}, auto, nas, none, nil, ""},
		{"unmounted", []Mount{disk}, nas, disk, none, source.ErrUnavailable, "nothing is mounted at /mnt/nas any more, where nas:/films (nfs4) was"},
		{"never mounted", []Mount{disk}, disk, disk, nas, source.ErrUnavailable, "nothing is mounted at /mnt/nas, where nas:/films belongs according to /etc/fstab"},
		{"mounted late", []Mount{disk, nas}, disk, nas, nas, source.ErrReopen, "nas:/films (nfs4) is mounted at /mnt/nas"},
		{"a disk instead", []Mount{disk, usb}, nas, usb, none, source.ErrReopen, "/dev/sda1 (ext4) is mounted at /mnt/nas"},
		{"nothing is known", nil, none, none, nas, nil, ""},
	} {
		err := remounted(row.mounted, row.was, row.now, row.wanted)
		if !errors.Is(err, row.is) || (err != nil && (!errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), row.says))) {
			t.Errorf("%s: %v", row.name, err)
		}
		if (row.is == source.ErrReopen) != errors.Is(err, source.ErrReopen) {
			t.Errorf("%s: to be opened again: %v", row.name, err)
		}
	}
}

func TestParseFstab(t *testing.T) {
	got := parseFstab("# a comment\n\nUUID=1 / ext4 defaults 0 1\nnas:/my\\040films\t/mnt/my\\040films/ nfs4 noauto,x-systemd.automount\n" +
		"/dev/sda2 none swap sw 0 0\nshort /x\n")
	want := []Mount{{"/", "ext4", "UUID=1"}, {"/mnt/my films", "nfs4", "nas:/my films"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzMountTables looks for a table that makes the readers fail.
func FuzzMountTables(f *testing.F) {
	f.Add(mountinfo, "/mnt/my films")
	f.Add("nas:/my\\040films /mnt/my\\040films/ nfs4\n", "/mnt/my films/x")
	f.Fuzz(func(t *testing.T, table, file string) {
		if strings.IndexByte(file, 0) >= 0 || !utf8.ValidString(file) {
			return
		}
		for _, mounts := range [][]Mount{parseMountinfo(table), parseFstab(table)} {
			if m := holding(mounts, file); m != (Mount{}) && !strings.HasPrefix(file, m.Point) {
				t.Errorf("%q lies on %+v", file, m)
			}
		}
	})
}

// tmpfs mounts an empty file system at dir for the length of the test.
func tmpfs(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("nas:/films", dir, "tmpfs", 0, "size=1m"); err != nil {
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatal(err)
		}
		t.Skipf("nothing can be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// What lies below a missing mount is not what is shared.
func TestMountGoesAndComes(t *testing.T) {
	dir := folderOf(t, map[string]string{"films/below.mp4": "x"})
	place := filepath.Join(dir, "films")
	list := func(src source.Source) (string, error) {
		infos, err := src.List(t.Context(), ".")
		return sortedNames(infos), err
	}
	before := openFolder(t, place)
	if got, err := list(before); got != "below.mp4" || err != nil {
		t.Fatalf("before it is mounted %q, %v", got, err)
	}
	tmpfs(t, place)
	must(t, os.WriteFile(filepath.Join(place, "a.mp4"), nil, 0o644))
	if got, err := list(before); !errors.Is(err, source.ErrReopen) || !errors.Is(err, source.ErrUnavailable) {
		t.Errorf("mounted over: %q, %v", got, err)
	}
	src := openFolder(t, place)
	if got, err := list(src); got != "a.mp4" || err != nil {
		t.Errorf("mounted: %q, %v", got, err)
	}
	must(t, syscall.Unmount(place, 0))
	for range 2 {
		if got, err := list(src); !errors.Is(err, source.ErrUnavailable) || errors.Is(err, source.ErrReopen) {
			t.Errorf("unmounted: %q, %v", got, err)
		}
	}
	tmpfs(t, place)
	must(t, os.WriteFile(filepath.Join(place, "b.mp4"), nil, 0o644))
	if got, err := list(src); got != "b.mp4" && !errors.Is(err, source.ErrReopen) {
		t.Errorf("mounted again: %q, %v", got, err)
	}
}

func TestReadingLeavesNoTrace(t *testing.T) {
	dir := folderOf(t, map[string]string{"a.mp4": "film"})
	name, old := filepath.Join(dir, "a.mp4"), time.Now().Add(-72*time.Hour).Truncate(time.Second)
	if err := os.Chtimes(name, old, old.Add(time.Hour)); err != nil { // even with relatime the next read would tell
		t.Fatal(err)
	}
	file, err := openFolder(t, dir).Open(t.Context(), "a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.ReadAll(file); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if at := info.Sys().(*syscall.Stat_t).Atim; int64(at.Sec) != old.Unix() {
		t.Errorf("read at %v, want %v as before", time.Unix(int64(at.Sec), 0), old)
	}
}
