package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestManualEqualsTheDefaults(t *testing.T) {
	c, mistakes := parseConfig(string(manual))
	if len(mistakes) > 0 {
		t.Fatalf("mistakes: %v", mistakes)
	}
	if want := defaultConfig(); !reflect.DeepEqual(c, want) {
		t.Errorf("mustserv.toml says\n%+v\nthe defaults are\n%+v", c, want)
	}
}

func TestManualNamesEveryKey(t *testing.T) {
	for _, path := range keysOf(reflect.TypeFor[config](), "") {
		if manual.Example(path) == "" {
			t.Errorf("mustserv.toml does not explain %s", path)
		}
	}
}

// keysOf returns the paths of all keys in a table and the tables and blocks
// below it.
func keysOf(table reflect.Type, path string) (keys []string) {
	for _, field := range reflect.VisibleFields(table) {
		if field.Anonymous {
			continue
		}
		name := strings.TrimPrefix(path+"."+field.Tag.Get("toml"), ".")
		switch {
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysOf(field.Type.Elem(), name+"[0]")...)
		case field.Type.Kind() == reflect.Struct:
			keys = append(keys, keysOf(field.Type, name)...)
		default:
			keys = append(keys, name)
		}
	}
	return keys
}

var update = flag.Bool("update", false, "write what is said now as what is to be said")

// TestConfigMistakes reads files that each have a mistake, or many; beside
// each lies what is to be said.
func TestConfigMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.toml")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".toml") + ".txt"
			_, mistakes := parseConfig(string(text))
			var got strings.Builder
			for _, m := range mistakes {
				fmt.Fprintf(&got, "%d:%d: %s\n", m.Line, m.Column, m.Text)
			}
			if strings.Contains(got.String(), "hunter2") {
				t.Errorf("a password is shown: %s", got.String())
			}
			if *update {
				write(t, golden, []byte(got.String()))
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got\n%swant\n%s", got.String(), want)
			}
		})
	}
}

func TestConfigLookup(t *testing.T) {
	home, cwd := t.TempDir(), t.TempDir()
	t.Chdir(cwd)
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("AppData", home)
	t.Setenv("MUSTSERV_CONFIG", "")
	userDir, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	user := filepath.Join(userDir, "mustserv", "mustserv.toml")
	write(t, user, nil)
	if got := (origin{}).found(); got != user {
		t.Errorf("found %q, want the user's %q", got, user)
	}
	write(t, "mustserv.toml", nil)
	if got := (origin{}).found(); got != "mustserv.toml" {
		t.Errorf("found %q, want the one in the current folder", got)
	}
	t.Setenv("MUSTSERV_CONFIG", "env.toml")
	if got := (origin{}).found(); got != "env.toml" {
		t.Errorf("found %q, want the one of the environment", got)
	}
	if got := (origin{file: "flag.toml"}).found(); got != "flag.toml" {
		t.Errorf("found %q, want the one of -config", got)
	}
}

func TestDefaultShares(t *testing.T) {
	home, cwd := t.TempDir(), t.TempDir()
	t.Chdir(cwd)
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	t.Setenv("AppData", filepath.Join(home, ".config"))
	if got := defaultShares(); len(got) != 1 || filepath.Base(got[0].Path) != filepath.Base(cwd) {
		t.Errorf("without the user's folders: %v, want the current folder", got)
	}
	write(t, filepath.Join(home, "Videos", "x"), nil)
	write(t, filepath.Join(home, "Musik", "x"), nil)
	dir, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "user-dirs.dirs"), []byte("# made by the desktop\nXDG_MUSIC_DIR=\"$HOME/Musik\"\n"))
	got := defaultShares()
	if len(got) != 2 || got[0].Name != "Musik" || got[1].Name != "Videos" {
		t.Errorf("shares %v, want Musik and Videos", got)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(string(manual))
	files, _ := filepath.Glob("testdata/config/*.toml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("share = 1")
	f.Add("share.name = 1\n[stream]\nlisten.x = [[]]")
	f.Add("\"stream\".\"listen\" = '''\n'''")
	f.Fuzz(func(t *testing.T, text string) {
		c, mistakes := parseConfig(text)
		for _, m := range mistakes {
			if m.Line < 1 || m.Column < 1 || m.Line > strings.Count(text, "\n")+1 || strings.ContainsAny(m.Text, "\n\x00") {
				t.Errorf("mistake %+v in %q", m, text)
			}
		}
		if len(mistakes) == 0 && len(c.validate()) > 0 {
			t.Errorf("%q passed with %v", text, c.validate())
		}
	})
}
