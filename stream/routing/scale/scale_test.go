package scale

import (
	"os"
	"strings"
	"testing"
	"time"

	"mustserv/stream/routing"
)

// variants are the ways to run nodes that are compared.
var variants = []struct {
	routing.Policy
	routing.Redirect
}{
	{routing.RoundRobin, routing.WhenFull},
	{routing.Weighted, routing.WhenFull},
	{routing.LeastLoad, routing.WhenFull},
	{routing.LeastLoad, routing.Always},
	{routing.Content, routing.Always},
}

// TestScale compares the policies, and prints the table of docs/scale.md: a
// small house by default, with MUSTSERV_LONG=1 10 000 nodes for 10 million
// viewers, in a quarter of an hour and half a gigabyte.
func TestScale(t *testing.T) {
	c := DefaultConfig()
	switch {
	case os.Getenv("MUSTSERV_LONG") != "":
		c.Nodes, c.Group, c.Viewers, c.Items, c.Resolvers, c.Cache = 10_000, 50, 10_000_000, 100_000, 4_000, 200
	case testing.Short():
		c.Viewers = 4_000
	}
	of := make(map[routing.Policy]Result) // the last variant of each
	var all []Result
	for _, v := range variants {
		c.Policy, c.Redirect = v.Policy, v.Redirect
		r, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		all, of[v.Policy] = append(all, r), r
	}
	var table strings.Builder
	if err := Print(&table, all); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d nodes in groups of %d, %d viewers\n%s", c.Nodes, c.Group, c.Viewers, &table)
	turns, weighted, least, content := of[routing.RoundRobin], of[routing.Weighted], of[routing.LeastLoad], of[routing.Content]
	for what, ok := range map[string]bool{
		"by turns, more have to be sent on than by weight": turns.Redirected > weighted.Redirected,
		"least load spreads best":                          least.Spread < weighted.Spread && least.Spread < turns.Spread && least.Spread < content.Spread,
		"least load keeps all nodes within 1.2":            least.Above < 1.2,
		"by content, caches add up":                        content.Hits > 2*least.Hits,
		// Of many groups, resolvers that keep an answer fill one and another.
		"where there is room, least load finds it":  c.Nodes > c.Group || float64(least.Refused) < 0.001*float64(least.Starts),
		"the mean load is what was asked for":       least.Mean > c.Load-0.05 && least.Mean < c.Load+0.05,
		"resolvers remember: most do not ask again": least.Asked < least.Starts/2,
	} {
		if !ok {
			t.Errorf("not so: %s", what)
		}
	}
}

func TestSameSeedSameResult(t *testing.T) {
	c := DefaultConfig()
	c.Viewers, c.For = 2000, 30*time.Minute
	run := func(seed uint64) Result {
		c.Seed = seed
		r, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		r.Took, r.loads = 0, nil
		return r
	}
	first, again, other := run(1), run(1), run(2)
	if first.Starts != again.Starts || first.Spread != again.Spread || first.Hits != again.Hits || first.Asked != again.Asked {
		t.Errorf("%+v and %+v", first, again)
	}
	if first.Spread == other.Spread {
		t.Error("another seed makes no difference")
	}
}

func TestValidate(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"too many nodes", func(c *Config) { c.Nodes, c.Group = 70_000, 70_000 }, "70000 nodes"},
		{"uneven groups", func(c *Config) { c.Group = 7 }, "groups of 7"},
		{"no groups", func(c *Config) { c.Group = 0 }, "groups of 0"},
		{"no viewers", func(c *Config) { c.Viewers = 0 }, "0 viewers"},
		{"no items", func(c *Config) { c.Items = 0 }, "too few"},
		{"no load", func(c *Config) { c.Load = 0 }, "load"},
		{"too fine a time", func(c *Config) { c.Stale = time.Millisecond }, "seconds"},
		{"too short", func(c *Config) { c.For = c.Ramp }, "longer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := DefaultConfig()
			row.change(&c)
			if _, err := Run(c); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestKeeping(t *testing.T) {
	k := newKeeping(2, 2*ways)
	for range 2 {
		for item := range uint32(ways) {
			k.play(0, 2*item) // one row
		}
	}
	for _, row := range []struct {
		name string
		node uint16
		item uint32
		had  bool
	}{
		{"played", 0, 0, true},
		{"another node's", 1, 0, false},
		{"one more than there is room for", 0, 2 * ways, false},
		{"pushed out the one not played for longest", 0, 2, false},
		{"not one played since", 0, 0, true},
		{"another row", 0, 1, false},
	} {
		if had := k.play(row.node, row.item); had != row.had {
			t.Errorf("%s: %v, want %v", row.name, had, row.had)
		}
	}
}

func TestPopularity(t *testing.T) {
	p := newPopularity(3, 1) // 6/11, 3/11, 2/11
	for _, row := range []struct {
		part float64
		rank int
	}{{0, 0}, {0.54, 0}, {0.55, 1}, {0.81, 1}, {0.82, 2}, {0.999999, 2}, {1, 2}} {
		if got := p.at(row.part); got != row.rank {
			t.Errorf("at %v rank %d, want %d", row.part, got, row.rank)
		}
	}
}
