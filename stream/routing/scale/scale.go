// Package scale simulates many nodes and viewers, to compare the policies of
// routing where no laboratory is large enough. Time, viewers, caches and DNS
// are simulated; what decides is the code that the nodes run.
package scale

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"mustserv/stream/routing"
)

// Config says what is simulated.
type Config struct {
	Seed uint64 // the same gives the same result

	Policy   routing.Policy
	Redirect routing.Redirect

	Nodes int // half of them have double the capacity
	Group int // so many know each other, and choose among themselves

	Viewers int
	Items   int
	Zipf    float64       // popularity of the item of rank k is 1/k to the power of this
	Watch   time.Duration // that a viewer stays with an item, in the mean; then comes the next

	Load  float64       // part of the capacity that all viewers take, were all let in
	Cache int           // items that a node keeps
	Stale time.Duration // what nodes know of each other is up to so old
	TTL   time.Duration // of the answers of DNS

	Resolvers int           // that viewers ask, of sizes as popular as items
	Ramp      time.Duration // viewers begin within
	For       time.Duration // of which the last half is counted
}

// DefaultConfig is a small house of nodes, simulated in a second.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Policy: routing.LeastLoad, Redirect: routing.WhenFull,
		Nodes: 20, Group: 20, Viewers: 20_000, Items: 2_000, Zipf: 0.8, Watch: 20 * time.Minute,
		Load: 0.85, Cache: 100, Stale: 2 * time.Second, TTL: 5 * time.Second,
		Resolvers: 40, Ramp: 20 * time.Minute, For: time.Hour,
	}
}

const (
	nodesMost   = 65_000 // a viewer remembers one in 16 bits
	viewersMost = 100_000_000
	pause       = time.Minute // between two items, in the mean
)

// Validate returns all that is wrong with c, joined.
func (c Config) Validate() error {
	var wrong []error
	need := func(ok bool, format string, values ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, values...))
		}
	}
	need(c.Nodes >= 1 && c.Nodes <= nodesMost, "%d nodes: must be 1 to %d", c.Nodes, nodesMost)
	need(c.Group >= 1 && c.Nodes%max(1, c.Group) == 0, "groups of %d: must share %d nodes evenly", c.Group, c.Nodes)
	need(c.Viewers >= 1 && c.Viewers <= viewersMost, "%d viewers: must be 1 to %d", c.Viewers, viewersMost)
	need(c.Items >= 1 && c.Resolvers >= 1 && c.Cache >= 0, "items, resolvers or what a node keeps of items are too few")
	need(c.Zipf >= 0 && c.Load > 0, "popularity and load must not be negative")
	need(c.Stale >= time.Second && c.TTL >= time.Second && c.Watch >= time.Second, "stale, ttl and watch must be a second or more, for time goes in seconds")
	need(c.Ramp >= time.Second && c.For > c.Ramp, "the run of %v must be longer than the %v in which viewers begin", c.For, c.Ramp)
	return errors.Join(wrong...)
}

// simulation is one run.
type simulation struct {
	Config
	random    *rand.Rand
	clock     int // seconds since the begin
	films     *popularity
	rates     []int64 // of each item, in kbit/s
	events    wheel
	viewers   viewers
	cluster   *cluster
	resolvers []resolver
	sizes     *popularity // of resolvers
	result    Result
}

// Run simulates.
func Run(c Config) (Result, error) {
	if err := c.Validate(); err != nil {
		return Result{}, err
	}
	began := time.Now()
	s := newSimulation(c)
	end := int(c.For / time.Second)
	for ; s.clock < end; s.clock++ {
		if s.clock%int(c.Stale/time.Second) == 0 {
			s.cluster.look()
		}
		if s.counts() {
			s.result.sample(s.cluster)
		}
		for v := s.events.take(s.clock); v != none; {
			next := s.events.next[v]
			s.happen(v)
			v = next
		}
	}
	s.result.finish(c, time.Since(began))
	return s.result, nil
}

func newSimulation(c Config) *simulation {
	s := &simulation{
		Config: c, random: rand.New(rand.NewPCG(c.Seed, 1)),
		films: newPopularity(c.Items, c.Zipf), sizes: newPopularity(c.Resolvers, c.Zipf),
		resolvers: make([]resolver, c.Resolvers), rates: make([]int64, c.Items),
		events: newWheel(int(c.For/time.Second), c.Viewers), viewers: newViewers(c.Viewers),
	}
	madeIn := [...]int64{1500, 2500, 4000, 6000, 8000}
	for i := range s.rates {
		s.rates[i] = madeIn[s.random.IntN(len(madeIn))]
	}
	for i := range s.resolvers {
		s.resolvers[i].keeps = int32(max(resolverKeeps(s.random), c.TTL) / time.Second)
	}
	s.cluster = newCluster(c, s.demand()/c.Load)
	for v := range c.Viewers {
		s.events.add(s.random.IntN(int(c.Ramp/time.Second)), uint32(v))
	}
	return s
}

// demand returns how many kbit/s all viewers take together, were all let in.
func (s *simulation) demand() float64 {
	var mean float64
	for i, rate := range s.rates {
		mean += float64(rate) * s.films.part(i)
	}
	watching := s.Watch.Seconds() / (s.Watch + pause).Seconds()
	return mean * watching * float64(s.Viewers)
}

// counts reports whether what happens now counts: the begin does not.
func (s *simulation) counts() bool { return s.clock >= int(s.For/time.Second)/2 }

// after plans the next event of a viewer, in the mean after d.
func (s *simulation) after(v uint32, d time.Duration) {
	s.events.add(s.clock+1+int(s.random.ExpFloat64()*d.Seconds()), v)
}
