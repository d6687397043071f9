package routing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenID(t *testing.T) {
	for _, row := range []struct {
		name, kept string
		same       bool
	}{
		{"kept", "a-node\n", true},
		{"nothing kept", "", false},
		{"two lines", "a\nb\n", false},
		{"a comma, which stands between nodes", "a,b\n", false},
		{"no text", "\x00\xff", false},
		{"too long", strings.Repeat("a", 65), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "node")
			if err := os.WriteFile(file, []byte(row.kept), 0o600); err != nil {
				t.Fatal(err)
			}
			id, err := OpenID(file)
			if same := id == strings.TrimSpace(row.kept); err != nil || id == "" || same != row.same {
				t.Errorf("%q is %q, %v", row.kept, id, err)
			}
			if again, err := OpenID(file); again != id || err != nil {
				t.Errorf("it was %q and is %q, %v", id, again, err)
			}
		})
	}
	if _, err := OpenID(filepath.Join(t.TempDir(), "none", "node")); err == nil || !strings.Contains(err.Error(), "STATE_DIRECTORY") {
		t.Errorf("in a folder that is not there: %v", err)
	}
}
