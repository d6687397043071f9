package library

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mustserv/library/probe/probetest"
)

func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{"a.wav": probetest.WAV(3, 8000, 1), "text.wav": []byte("no sound")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ name, problem string }{
		{"a.wav", ""}, {"text.wav", "text.wav"}, {"none.wav", "none.wav"}, {".", "not a regular file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			item, err := Measure(t.Context(), filepath.Join(dir, row.name))
			switch {
			case row.problem != "":
				if err == nil || !strings.Contains(err.Error(), row.problem) {
					t.Errorf("%v, want an error that says %q", err, row.problem)
				}
			case err != nil || item.Path != row.name || item.Info().Container != "wav":
				t.Errorf("%+v, %v", item, err)
			}
		})
	}
}
