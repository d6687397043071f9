package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"mustserv/webui"
	"mustserv/webui/settings"
)

// TestAdminChangesTheConfig saves a config through the running program's
// page: applied, kept beside, and refused as a whole when it can't be applied.
func TestAdminChangesTheConfig(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "real.toml")
	link := filepath.Join(dir, "mustserv.toml")
	text := "# mine\n[[share]]\nname = \"Here\"\npath = " + strconv.Quote(dir) + "\n[stream]\nlisten = \"127.0.0.1:0\"\n"
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	in := origin{file: link}
	c, err := in.load()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	a, err := build(in, c, slog.New(slog.DiscardHandler), new(webui.Tail))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() { done <- a.run(ctx, nil) }()
	t.Cleanup(func() { cancel(); <-done })
	desk := desk{a}
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	before, err := desk.ReadConfig()
	if err != nil || before.Text != text {
		t.Fatal(before, err)
	}
	next := text + "[webui]\ntitle = \"Ours\"\n"
	if err := desk.SaveConfig(next, before.Hash); err != nil {
		t.Fatal(err)
	}
	if read(file) != next || read(file+"~") != text || a.config.Load().WebUI.Title != "Ours" {
		t.Errorf("the file is %q, the one before %q, the title %q", read(file), read(file+"~"), a.config.Load().WebUI.Title)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has been replaced: %v", err)
	}
	if err := desk.SaveConfig(text, before.Hash); !errors.Is(err, settings.ErrOvertaken) {
		t.Errorf("with the hash of the file before: %v", err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	now, _ := desk.ReadConfig()
	for name, bad := range map[string]string{
		"a mistake": "lisen = 1\n", "an address that is taken": strings.Replace(next, "127.0.0.1:0", taken.Addr().String(), 1),
		"a log that can't be written": strings.Replace(next, "[stream]\n", "[stream]\naccess_log = \"/nowhere/log\"\n", 1),
	} {
		if err := desk.SaveConfig(bad, now.Hash); err == nil {
			t.Errorf("%s is saved", name)
		}
		if read(file) != next || a.config.Load().WebUI.Title != "Ours" {
			t.Errorf("%s: the file is %q", name, read(file))
		}
	}
	if left, _ := filepath.Glob(file + ".new"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	found, err := desk.TryShare(t.Context(), webui.NewShare{Name: "x", Place: dir})
	if err != nil || !strings.Contains(found, "2 entries") {
		t.Errorf("trying a folder: %q, %v", found, err)
	}
	if _, err := desk.TryShare(t.Context(), webui.NewShare{Name: "x", Place: filepath.Join(dir, "none")}); err == nil {
		t.Error("a folder that is not there can be read")
	}
}
