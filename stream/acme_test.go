//go:build acme

package stream

import (
	"strings"
	"testing"
)

func TestACMEConfig(t *testing.T) {
	for _, row := range []struct {
		name, wrong string // empty for nothing
		change      func(*Config)
	}{
		{"a name", "", func(c *Config) {}},
		{"an address", "the internet knows", func(c *Config) { c.ACME = []string{"192.0.2.1"} }},
		{"a name of this network", "the internet knows", func(c *Config) { c.ACME = []string{"media.example.org", "box"} }},
		{"a URL", "the internet knows", func(c *Config) { c.ACME = []string{"https://media.example.org/"} }},
		{"all names", "the internet knows", func(c *Config) { c.ACME = []string{"*.example.org"} }},
		{"with files", "exclude each other", func(c *Config) { c.Certificate, c.Key = "a.pem", "b.pem" }},
	} {
		c := DefaultConfig()
		c.ACME = []string{"media.example.org"}
		row.change(&c)
		err := c.Validate()
		if (err == nil) != (row.wrong == "") || err != nil && !strings.Contains(err.Error(), row.wrong) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}
