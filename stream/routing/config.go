package routing

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

const (
	nodesMost = 64 // addresses that are asked: each asks each other
	weightMax = 1000
	secretMin = 32 // bytes
)

// Config is the [routing] table.
type Config struct {
	Nodes    []string `toml:"nodes"`     // base URLs of all nodes, also of this one; a name may stand for several
	URL      string   `toml:"url"`       // base URL of this node for players, where that is not the one in nodes
	Policy   Policy   `toml:"policy"`    // who of several nodes gets a viewer
	Redirect Redirect `toml:"redirect"`  // when a new viewer is sent on
	Weight   int      `toml:"weight"`    // of this node beside the others
	DataNode string   `toml:"data_node"` // base URL of the node that sends the bytes in the name of this one; empty: it does so itself
	Secret   Secret   `toml:"secret"`    // signs what nodes ask of each other, the same on all; empty: one made of [auth] key
}

// Policy says which of the nodes with room gets a viewer.
type Policy string

// The policies.
const (
	LeastLoad  Policy = "least_load"  // the one of whose capacity the smallest part is reserved
	RoundRobin Policy = "round_robin" // one after the other
	Weighted   Policy = "weighted"    // one after the other, by weight
	Content    Policy = "content"     // by the item: each has its node, so that the caches add up
)

// Redirect says when a new viewer is sent to another node.
type Redirect string

// The times to redirect.
const (
	WhenFull Redirect = "full"   // where this node has no room for it
	Always   Redirect = "always" // wherever the policy would have another node
)

// Secret is shown nowhere.
type Secret string

// Format hides the secret from package fmt.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, strings.Repeat("*", min(3, len(s)))) }

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	return Config{Nodes: []string{}, Policy: LeastLoad, Redirect: WhenFull, Weight: 1}
}

// Validate returns all that is wrong, joined; each error begins with the key.
func (c Config) Validate() error {
	var wrong []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	need(len(c.Nodes) <= nodesMost, "nodes has %d addresses: at most %d", len(c.Nodes), nodesMost)
	for _, node := range c.Nodes {
		if u, err := parseBase(node); err != nil || u.Path != "" {
			wrong = append(wrong, fmt.Errorf("nodes has %q: %w", node, errBase))
		}
	}
	if c.URL != "" {
		if _, err := parseBase(c.URL); err != nil {
			wrong = append(wrong, fmt.Errorf("url = %q: %w", c.URL, err))
		}
	}
	if c.DataNode != "" {
		if u, err := parseBase(c.DataNode); err != nil || u.Path != "" {
			wrong = append(wrong, fmt.Errorf("data_node = %q: %w", c.DataNode, errBase))
		}
	}
	switch c.Policy {
	case LeastLoad, RoundRobin, Weighted, Content:
	default:
		need(false, "policy = %q: must be %q, %q, %q or %q", c.Policy, LeastLoad, RoundRobin, Weighted, Content)
	}
	need(c.Redirect == WhenFull || c.Redirect == Always, "redirect = %q: must be %q or %q", c.Redirect, WhenFull, Always)
	need(c.Weight >= 1 && c.Weight <= weightMax, "weight = %d: must be 1 to %d", c.Weight, weightMax)
	need(c.Secret == "" || len(c.Secret) >= secretMin, "secret is too short: at least %d characters at random, the same on all nodes", secretMin)
	return errors.Join(wrong...)
}

// errBase says what a base URL is. It repeats nothing of a wrong one: there
// may be a password in it.
var errBase = errors.New(`must be the address of a MuStServ, as "http://10.0.0.2:8000"`)

// parseBase reads the address of a node, and takes the slash off its end.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errBase
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}
