package settings

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	const before, after = "# before\n", "# after\n"
	refused := errors.New("refused")
	for _, row := range []struct {
		name  string
		apply func(file string) error
		undo  bool
		want  string
	}{
		{"applied", func(string) error { return nil }, false, after},
		{"can't be applied", func(string) error { return refused }, false, before},
		{"can't be put in its place", func(file string) error { return os.Remove(file + ".new") }, true, before},
	} {
		t.Run(row.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "mustserv.toml")
			if err := os.WriteFile(name, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			undone := false
			err = file.Replace(after, func() error { return row.apply(name) }, func() error { undone = true; return nil })
			now, readErr := ReadFile(name)
			if (err == nil) != (row.want == after) || readErr != nil || now.Text != row.want || undone != row.undo {
				t.Errorf("%v, %v; it says %q, undone: %v", err, readErr, now.Text, undone)
			}
			if (now.Hash == file.Hash) != (now.Text == before) {
				t.Errorf("the hash was %s and is %s", file.Hash, now.Hash)
			}
			if left, _ := filepath.Glob(name + ".new"); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}
