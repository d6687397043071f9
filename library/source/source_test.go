package source

import (
	"io/fs"
	"testing"
	"unicode/utf8"
)

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		".":              true,
		"a":              true,
		"a/b c/d.mp4":    true,
		"new\nline":      true,
		"bad\xff":        true,
		"...":            true,
		"back\\slash":    true,
		"":               false,
		"..":             false,
		"/a":             false,
		"a/":             false,
		"a//b":           false,
		"a/./b":          false,
		"a/../b":         false,
		"../a":           false,
		"nul\x00":        false,
		"a/b\x00/../../": false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v, want %v", name, got, want)
		}
	}
}

func FuzzValidName(f *testing.F) {
	for _, name := range []string{".", "a/b", "../a", "a\x00", "\xff/\xfe"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) {
			return
		}
		hasNUL := false
		for i := range len(name) {
			hasNUL = hasNUL || name[i] == 0
		}
		if want := fs.ValidPath(name) && !hasNUL; ValidName(name) != want {
			t.Errorf("ValidName(%q) = %v, fs.ValidPath says otherwise", name, !want)
		}
	})
}
