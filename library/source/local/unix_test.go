//go:build unix

package local

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyRegularFiles(t *testing.T) {
	dir := folderOf(t, map[string]string{"a.mp3": ""})
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe.mp3"), 0o644))
	must(t, os.Symlink("pipe.mp3", filepath.Join(dir, "link.mp3")))
	src := openFolder(t, dir)
	infos, err := src.List(t.Context(), ".")
	must(t, err)
	if got := sortedNames(infos); got != "a.mp3" {
		t.Errorf("listed %q", got)
	}
	for _, name := range []string{"pipe.mp3", "link.mp3"} {
		if _, err := src.Open(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Open(%q) answers %v", name, err)
		}
		if _, err := src.List(t.Context(), name); err == nil {
			t.Errorf("List(%q) lists a pipe", name)
		}
		if _, err := src.Stat(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("Stat(%q) answers %v", name, err)
		}
	}
	if _, err := openFolder(t, filepath.Join(dir, "pipe.mp3")).List(t.Context(), "."); err == nil {
		t.Error("a pipe can be shared")
	}
}

func TestPermission(t *testing.T) {
	if os.Getuid() == 0 { // who may read everything
		runAsNobody(t)
		return
	}
	dir := folderOf(t, map[string]string{"a.mp3": "", "d/b.mp3": ""})
	must(t, os.Chmod(filepath.Join(dir, "a.mp3"), 0))
	must(t, os.Chmod(filepath.Join(dir, "d"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "d"), 0o755) })
	src := openFolder(t, dir)
	if _, err := src.Open(t.Context(), "a.mp3"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open answers %v", err)
	}
	if _, err := src.List(t.Context(), "d"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("List answers %v", err)
	}
}

// runAsNobody runs this test alone, as a user without rights.
func runAsNobody(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	program, err := os.ReadFile(self)
	must(t, err)
	dir, err := os.MkdirTemp("", "nobody")
	must(t, err)
	defer os.RemoveAll(dir)
	const nobody = 65534
	must(t, os.Chown(dir, nobody, nobody))
	copied := filepath.Join(dir, "test")
	must(t, os.WriteFile(copied, program, 0o755))
	cmd := exec.Command(copied, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}
