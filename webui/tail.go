package webui

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// Tail keeps the last lines that are written to it, for the admin page. The
// zero value is ready; it may be used concurrently.
type Tail struct {
	mu    sync.Mutex
	lines []string
}

const (
	tailLines = 200
	tailWidth = 2000 // bytes of a line
)

// Write takes whole lines, as package slog writes them. It never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range bytes.Lines(p) {
		line = bytes.TrimRight(line, "\n")
		t.lines = append(t.lines, strings.Clone(string(line[:min(len(line), tailWidth)])))
	}
	if over := len(t.lines) - tailLines; over > 0 {
		t.lines = slices.Delete(t.lines, 0, over)
	}
	return len(p), nil
}

// Lines returns what is kept, oldest first.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lines)
}
