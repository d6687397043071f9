package local

import (
	"os"
	"path/filepath"
	"strings"
)

// UserFolder returns where a user, whose home is given, has the folder that is
// called so in English, as "Music": user-dirs.dirs of the XDG says where, in
// the user's language. Without a word there it is in the home, and need not
// exist.
func UserFolder(home, name string) string {
	dir, _ := os.UserConfigDir() // none: no such file
	text, _ := os.ReadFile(filepath.Join(dir, "user-dirs.dirs"))
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key == "XDG_"+strings.ToUpper(name)+"_DIR" {
			folder := strings.Replace(strings.Trim(value, `"`), "$HOME", home, 1)
			if filepath.Clean(folder) != filepath.Clean(home) { // the XDG's way to say there is none
				return folder
			}
		}
	}
	return filepath.Join(home, name)
}
