package auth

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Config is the [auth] table.
type Config struct {
	User    []User        `toml:"user"`    // [[auth.user]] blocks; without any, everybody may see and play everything
	Key     Key           `toml:"key"`     // signs sessions and URLs, the same on all nodes; empty: one of the instance's own
	Session time.Duration `toml:"session"` // a browser stays logged in for so long after its last visit
	URL     time.Duration `toml:"url"`     // a signed URL in a playlist is good for at least so long
}

// Key signs sessions and URLs. Who has it can make them, so it is shown
// nowhere.
type Key string

// Format hides the key from package fmt.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, strings.Repeat("*", min(3, len(k)))) }

// User is one [[auth.user]] block.
type User struct {
	Name     string `toml:"name"`
	Password string `toml:"password"` // as Hash makes it
	Role     Role   `toml:"role"`
}

const keyMin = 32 // bytes of a key in the config

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	return Config{Session: 30 * 24 * time.Hour, URL: 7 * 24 * time.Hour}
}

// Validate returns all that is wrong, joined; each error begins with the key.
func (c Config) Validate() error {
	var wrong []error
	if c.Key != "" && len(c.Key) < keyMin {
		wrong = append(wrong, fmt.Errorf("key is too short: at least %d characters at random, the same on all nodes", keyMin))
	}
	if c.Session < time.Minute {
		wrong = append(wrong, fmt.Errorf("session = %v: must be at least 1m", c.Session))
	}
	seen := make(map[string]bool)
	for _, u := range c.User {
		if seen[u.Name] {
			wrong = append(wrong, fmt.Errorf("user %q stands twice: each name once", u.Name))
		}
		seen[u.Name] = true
	}
	if c.URL < time.Minute {
		wrong = append(wrong, fmt.Errorf("url = %v: must be at least 1m", c.URL))
	}
	return errors.Join(wrong...)
}

// Validate returns all that is wrong with one user, joined; each error begins
// with the key.
func (u User) Validate() error {
	var wrong []error
	if u.Name == "" || len(u.Name) > 64 || !utf8.ValidString(u.Name) || strings.ContainsFunc(u.Name, notInName) {
		wrong = append(wrong, fmt.Errorf("name = %q: must be 1 to 64 letters without colon", u.Name))
	}
	if _, err := parseHash(u.Password); err != nil {
		wrong = append(wrong, errors.New(`password must be as "mustserv passwd" prints it, not the password itself`))
	}
	if u.Role != Viewer && u.Role != Admin {
		wrong = append(wrong, fmt.Errorf("role = %q: must be %q or %q", u.Role, Viewer, Admin))
	}
	return errors.Join(wrong...)
}

// notInName reports whether no user name holds a rune; HTTP Basic parts name
// and password at the colon (RFC 7617).
func notInName(r rune) bool { return r == ':' || !unicode.IsGraphic(r) }
