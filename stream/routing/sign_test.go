package routing

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSignatures(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ours, theirs := signer(Derive("one key")), signer(Derive("another key"))
	ask := func(method, target string) *http.Request {
		r := httptest.NewRequest(method, target, nil)
		ours.sign(r, now)
		return r
	}
	same := ask("GET", "/api/v1/status?self")
	moved := ask("GET", "/api/v1/status?self")
	moved.URL.Path = "/api/v1/sessions"
	other := ask("GET", "/api/v1/status?self")
	other.Method = "POST"
	part := ask("GET", "/media/a")
	part.Header.Set("Range", "bytes=0-")
	broken := ask("GET", "/")
	broken.Header.Set(signatureHeader, "zz.zz")
	later := ask("GET", "/")
	later.Header.Set(signatureHeader, "1"+later.Header.Get(signatureHeader))
	for _, row := range []struct {
		name string
		key  signer
		r    *http.Request
		at   time.Time
		want bool
	}{
		{"as signed", ours, same, now, true},
		{"a clock a minute ahead", ours, same, now.Add(time.Minute), true},
		{"a clock a minute behind", ours, same, now.Add(-time.Minute), true},
		{"kept for an hour", ours, same, now.Add(time.Hour), false},
		{"another key", theirs, same, now, false},
		{"no key", nil, same, now, false},
		{"another path", ours, moved, now, false},
		{"another method", ours, other, now, false},
		{"another part", ours, part, now, false},
		{"not signed", ours, httptest.NewRequest("GET", "/", nil), now, false},
		{"nonsense", ours, broken, now, false},
		{"another time", ours, later, now, false},
	} {
		if got := row.key.signed(row.r, row.at); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	if Derive("") != "" {
		t.Error("a secret is made of nothing")
	}
	if text := fmt.Sprintf("%v %+v %q", Derive("x"), Config{Secret: "hunter2"}, Secret("hunter2")); strings.Contains(text, "hunter2") || strings.Contains(text, string(Derive("x"))) {
		t.Errorf("a secret is shown: %s", text)
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for _, row := range []struct {
		name   string
		change func(*Config)
		key    string
	}{
		{"no scheme", func(c *Config) { c.Nodes = []string{"10.0.0.2:8000"} }, "nodes"},
		{"with a path", func(c *Config) { c.Nodes = []string{"http://10.0.0.2:8000/media"} }, "nodes"},
		{"with a password", func(c *Config) { c.Nodes = []string{"http://ann:hunter2@10.0.0.2:8000"} }, "nodes"},
		{"too many", func(c *Config) { c.Nodes = make([]string, nodesMost+1) }, "nodes"},
		{"url", func(c *Config) { c.URL = "attic" }, "url"},
		{"policy", func(c *Config) { c.Policy = "fair" }, "policy"},
		{"redirect", func(c *Config) { c.Redirect = "never" }, "redirect"},
		{"weight", func(c *Config) { c.Weight = 0 }, "weight"},
		{"secret", func(c *Config) { c.Secret = "hunter2" }, "secret"},
	} {
		c := DefaultConfig()
		row.change(&c)
		err := c.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), row.key+" ") || strings.Contains(err.Error(), "secret\"hunter2") {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	good := DefaultConfig()
	good.Nodes, good.URL = []string{"http://10.0.0.2:8000/", "https://[2001:db8::1]", "http://media.lab:8000"}, "https://media.example.org/attic/"
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
}

// FuzzReport reads what a node, or who stands in its place, may answer. What
// passes is within bounds.
func FuzzReport(f *testing.F) {
	f.Add(`{"viewers":1,"capacity":100000000,"reserved":1000000,"free":89000000,"routing":{"weight":1,"shares":"x","now":1}}`)
	f.Add(`{"free":-1,"routing":{"weight":1}}`)
	f.Add(`{"routing":{"weight":1,"url":"http://a b/"}}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readReport(strings.NewReader(text))
		if err != nil {
			return
		}
		if r.Free < 0 || r.Reserved < 0 || r.Capacity < 0 || r.Free > rateMost || r.Told.Weight < 1 || strings.Contains(r.Told.URL, "\n") {
			t.Errorf("%+v", r)
		}
		r.Fits(1, 0)
		r.skew(time.Unix(0, 0), time.Unix(1, 0))
	})
}

// Only other nodes get a signature.
func TestOnlyNodesGetSignatures(t *testing.T) {
	inStreet(t, 3, withSecret, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		s.change(3, func(f *fake) { f.dead = errors.New("refused") })
		time.Sleep(5 * time.Second)
		for _, row := range []struct {
			name, url string
			want      bool
		}{
			{"another node", "http://10.0.0.2:8000/media/a", true},
			{"its address as IPv6 has it", "http://[::ffff:10.0.0.2]:8000/media/a", true},
			{"this node", "http://10.0.0.1:8000/media/a", false},
			{"one that is down", "http://10.0.0.3:8000/media/a", false},
			{"another port", "http://10.0.0.2/media/a", false},
			{"by TLS", "https://10.0.0.2:8000/media/a", false},
			{"a stranger", "http://10.0.0.9:8000/media/a", false},
			{"a name", "http://nas:8000/media/a", false},
		} {
			r := httptest.NewRequest("GET", row.url, nil)
			c.Sign(r)
			if got := c.Trusts(r); got != row.want {
				t.Errorf("%s: %v", row.name, got)
			}
		}
	})
}
