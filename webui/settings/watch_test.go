package settings

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "one.toml")
	write := func(name, text string) func() {
		return func() {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("one.toml", "")()
	w := NewWatch(func() string { return file })
	for _, step := range []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing", func() {}, false},
		{"written in part", write("one.toml", "a"), false},
		{"written on", write("one.toml", "a = 1"), false},
		{"as it was", func() {}, true},
		{"seen", func() {}, false},
		{"written, and seen otherwise", func() { write("one.toml", "a = 23")(); w.Seen() }, false},
		{"as it was seen", func() {}, false},
		{"another file", func() { write("two.toml", "")(); file = filepath.Join(dir, "two.toml") }, false},
		{"which stays", func() {}, true},
		{"none", func() { file = "" }, false},
		{"and none again", func() {}, true},
	} {
		step.do()
		if got := w.Saved(); got != step.want {
			t.Errorf("%s: %v", step.name, got)
		}
	}
}
