package dns

import (
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   []string // what each error begins with
	}{
		{"defaults", func(*Config) {}, nil},
		{"all good", func(c *Config) { *c = testConfig() }, nil},
		{"a dot at the end", func(c *Config) { c.Name = "media_1.home.arpa." }, nil},
		{"one address", func(c *Config) { c.Listen = "[fd00::1]:53" }, nil},
		{"the longest name", func(c *Config) { c.Name = long }, nil},
		{"a name too long", func(c *Config) { c.Name = "x" + long }, []string{"name = "}},
		{"a top-level name", func(c *Config) { c.Name = "media" }, []string{"name = "}},
		{"an address for a name", func(c *Config) { c.Name = "http://media.lan/" }, []string{"name = "}},
		{"an empty label", func(c *Config) { c.Name = "media..lan" }, []string{"name = "}},
		{"a hyphen at an end", func(c *Config) { c.Name = "-media.lan" }, []string{"name = "}},
		{"letters of others", func(c *Config) { c.Name = "média.lan" }, []string{"name = "}},
		{"no port", func(c *Config) { c.Listen = "10.0.0.1" }, []string{"listen = "}},
		{"a port that is none", func(c *Config) { c.Listen = ":dnsx" }, []string{"listen = "}},
		{"too short a time", func(c *Config) { c.TTL = time.Millisecond }, []string{"ttl = "}},
		{"too long a time", func(c *Config) { c.TTL = 24 * time.Hour }, []string{"ttl = "}},
		{"half seconds", func(c *Config) { c.TTL = 1500 * time.Millisecond }, []string{"ttl = "}},
		{"a server below the name", func(c *Config) { c.Name, c.Servers = "media.lan", []string{"a.lan", "ns.MEDIA.lan"} }, []string{"servers = "}},
		{"a server that is none", func(c *Config) { c.Servers = []string{"10.0.0.1:53"} }, []string{"servers = "}},
		{"too many servers", func(c *Config) { c.Servers = strings.Split(strings.Repeat("a.lan ", 8)+"a.lan", " ") }, []string{"servers are 9"}},
		{"all wrong", func(c *Config) { *c = Config{Name: "x", Listen: "x", Servers: []string{"x"}} }, []string{"name = ", "listen = ", "ttl = ", "servers = "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := DefaultConfig()
			row.change(&c)
			var got []string
			if err := c.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(row.want) {
				t.Fatalf("got %q, want %q", got, row.want)
			}
			for i, want := range row.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}
