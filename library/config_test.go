package library

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultConfigIsValid(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigValidate(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"rescan short":  {func(c *Config) { c.Rescan = time.Second }, `rescan = "1s": must be`},
		"rescan long":   {func(c *Config) { c.Rescan = 1e6 * time.Hour }, `rescan = "1000000h0m0s": must be`},
		"quiet":         {func(c *Config) { c.Quiet = -1 }, `quiet = "-1ns": must be`},
		"probes none":   {func(c *Config) { c.Probes = 0 }, "probes = 0: must be 1 to 64"},
		"probes many":   {func(c *Config) { c.Probes = 65 }, "probes = 65: must be 1 to 64"},
		"skip pattern":  {func(c *Config) { c.Skip = []string{"*.part", "[a"} }, `skip = ["[a"]: not a pattern`},
		"skip nothing":  {func(c *Config) { c.Skip = []string{""} }, `skip = [""]: not a pattern`},
		"several wrong": {func(c *Config) { *c = Config{Skip: []string{"["}} }, "probes = 0"},
	} {
		c := DefaultConfig()
		row.change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
	if err := (Config{Skip: []string{"["}}).Validate(); strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not one line for each mistake: %v", err)
	}
}

func TestShareValidate(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a\x00", "bad\xff", strings.Repeat("x", 256)} {
		if (Share{Name: name, Place: "/x"}).Validate() == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
	if err := (Share{Name: "Films & Été", Place: "/x"}).Validate(); err != nil {
		t.Error(err)
	}
	if (Share{Name: "x"}).Validate() == nil {
		t.Error("a share without place is taken")
	}
}

func TestSkips(t *testing.T) {
	c := DefaultConfig()
	for name, want := range map[string]bool{
		".DS_Store": true, "@eaDir": true, "$Recycle.Bin": true, "thumbs.db": true, "lost+found": true, ".": true,
		"Films": false, "a.mp4": false, "bad\xff": false, "[x].mp3": false, " .x": false,
	} {
		if got := c.skips(name); got != want {
			t.Errorf("skips(%q) = %v", name, got)
		}
	}
}
