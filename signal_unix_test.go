//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mustserv/library/probe/probetest"
)

// SIGHUP reads the config again and opens the access log anew, so that a
// program which rotates logs can take the old one away.
func TestHangupReloads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := filepath.Join(dir, "access.log")
	write(t, filepath.Join(dir, "s", "a.wav"), probetest.WAV(1, 8000, 1))
	config := filepath.Join(dir, "m.toml")
	text := "[stream]\naccess_log = '" + log + "'\n[[share]]\nname = \"s\"\npath = '" + filepath.Join(dir, "s") + "'\n"
	write(t, config, []byte(text))
	p := start(t, "-config", config, "-listen", "127.0.0.1:0")
	eventually(t, "the first log", func() bool { _, err := os.Stat(log); return err == nil })
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	p.cmd.Process.Signal(syscall.SIGHUP)
	p.stderr.wait(t, "config reloaded")
	eventually(t, "found", func() bool { status, _ := get(t, p.url+"/media/s/a.wav"); return status == 200 })
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-p.ended; err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	p.ended <- nil
	before, err1 := os.ReadFile(log + ".1")
	after, err2 := os.ReadFile(log)
	if err1 != nil || err2 != nil || len(before) > 0 || !strings.Contains(string(after), "/media/s/a.wav") {
		t.Errorf("the log before: %q, %v; after: %q, %v", before, err1, after, err2)
	}
}
