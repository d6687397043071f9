package dns

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	ttlMin = time.Second
	ttlMax = time.Hour

	nameMost  = 253 // letters of a name (RFC 1035, 2.3.4, without the last dot)
	labelMost = 63  // and of what stands between two dots of it

	// serversMost bounds an answer to who serves the name.
	serversMost = 8
)

// Config is the [routing.dns] table.
type Config struct {
	Name    string        `toml:"name"`    // the one name that is answered for; empty for none
	Listen  string        `toml:"listen"`  // address:port, UDP and TCP; an empty address is every one
	TTL     time.Duration `toml:"ttl"`     // for so long others may remember an answer
	Servers []string      `toml:"servers"` // names of those who answer for Name, as the zone above says; empty is Name itself
}

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	return Config{Listen: ":5300", TTL: 5 * time.Second, Servers: []string{}}
}

// Validate returns all that is wrong, joined; each error begins with the key.
func (c Config) Validate() error {
	var wrong []error
	if c.Name != "" && !isName(c.Name) {
		wrong = append(wrong, fmt.Errorf(`name = %q: must be a whole name of DNS, as "media.home.arpa"`, c.Name))
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		wrong = append(wrong, fmt.Errorf(`listen = %q: must be "address:port", or ":port" for every address`, c.Listen))
	} else if _, err := net.LookupPort("udp", port); err != nil {
		wrong = append(wrong, fmt.Errorf("listen = %q: %q is no port; use a number from 0 to 65535", c.Listen, port))
	}
	if c.TTL < ttlMin || c.TTL > ttlMax || c.TTL%time.Second != 0 {
		wrong = append(wrong, fmt.Errorf("ttl = %v: must be %v to %v, in whole seconds", c.TTL, ttlMin, ttlMax))
	}
	return errors.Join(append(wrong, c.validateServers()...)...)
}

func (c Config) validateServers() (wrong []error) {
	if len(c.Servers) > serversMost {
		wrong = append(wrong, fmt.Errorf("servers are %d: at most %d", len(c.Servers), serversMost))
	}
	for _, name := range c.Servers {
		switch {
		case !isName(name):
			wrong = append(wrong, fmt.Errorf(`servers = %q: must be whole names of DNS, as "attic.home.arpa"`, name))
		case c.Name != "" && strings.HasSuffix(canonical(name), "."+canonical(c.Name)):
			wrong = append(wrong, fmt.Errorf("servers = %q: must not lie below %s, of which nobody but this server knows", name, c.Name))
		}
	}
	return wrong
}

// isName reports whether text is a name of a host in full (RFC 1123, 2.1),
// with underscores, which Windows and containers use; with or without a dot at
// its end.
func isName(text string) bool {
	text = strings.TrimSuffix(text, ".")
	if len(text) > nameMost || !strings.Contains(text, ".") {
		return false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > labelMost || strings.Trim(label, "-") != label || strings.ContainsFunc(label, notInLabel) {
			return false
		}
	}
	return true
}

func notInLabel(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}

// canonical returns a name as DNS compares it, with a dot at its end.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }
