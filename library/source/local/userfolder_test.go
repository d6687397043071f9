package local

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUserFolder(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"HOME", "USERPROFILE", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, home)
	}
	dir, err := os.UserConfigDir()
	must(t, err)
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "user-dirs.dirs"), []byte(`# made by the desktop
XDG_MUSIC_DIR="$HOME/Musik"
XDG_VIDEOS_DIR="/srv/Filme"
  XDG_MOVIES_DIR="$HOME/"
garbage
`), 0o600))
	for _, row := range []struct{ name, want string }{
		{"Music", home + "/Musik"},
		{"Videos", "/srv/Filme"},
		{"Movies", filepath.Join(home, "Movies")},     // the home says that there is none
		{"Pictures", filepath.Join(home, "Pictures")}, // not mentioned
	} {
		if got := UserFolder(home, row.name); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}
