package routing

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
)

// OpenID returns the id that a node keeps in a file, by which the others know
// it; a first start makes one.
func OpenID(file string) (string, error) {
	text, err := os.ReadFile(file)
	if id := strings.TrimSpace(string(text)); err == nil && id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' }) {
		return id, nil
	}
	id := rand.Text()
	if err := os.WriteFile(file, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the id of this node: %w; set STATE_DIRECTORY to a folder that can be written", err)
	}
	return id, nil
}
