package ratelimit

import (
	"errors"
	"fmt"
	"time"
)

// Config is the [ratelimit] table.
type Config struct {
	Capacity         Rate          `toml:"capacity"`           // of all streams together; 0 is no cap
	PerClient        Rate          `toml:"per_client"`         // of all streams to one address; 0 is no cap
	StreamsPerClient int           `toml:"streams_per_client"` // open at a time from one address
	Burst            time.Duration `toml:"burst"`              // see Policy
	BurstMin         Size          `toml:"burst_min"`
	BurstMax         Size          `toml:"burst_max"`
	Headroom         float64       `toml:"headroom"`
	Floor            Rate          `toml:"floor"`
	Unmeasured       Rate          `toml:"unmeasured"` // of a file that could not be measured; 0 is unpaced
}

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	p := DefaultPolicy()
	return Config{
		StreamsPerClient: 64,
		Burst:            p.Burst, BurstMin: p.BurstMin, BurstMax: p.BurstMax,
		Headroom: p.Headroom, Floor: p.Floor,
		Unmeasured: 40 * MbitPerSecond,
	}
}

// Policy returns how buckets are cut under this config.
func (c Config) Policy() Policy {
	return Policy{Burst: c.Burst, BurstMin: c.BurstMin, BurstMax: c.BurstMax, Headroom: c.Headroom, Floor: c.Floor}
}

// Fallback returns the bucket of a file that could not be measured.
func (c Config) Fallback() TSpec { return TSpec{Rate: c.Unmeasured, Burst: c.BurstMax} }

// Validate returns all that is wrong, joined; each error begins with the key.
func (c Config) Validate() error {
	var wrong []error
	need := func(ok bool, key string, value any, rule string) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s = %v: %s", key, value, rule))
		}
	}
	need(c.StreamsPerClient >= 1 && c.StreamsPerClient <= 100000, "streams_per_client", c.StreamsPerClient, "must be 1 to 100000")
	need(c.Burst >= 0 && c.Burst <= time.Minute, "burst", c.Burst, `must be "0s" to "1m"`)
	need(c.BurstMin >= 64*KiB && c.BurstMin <= GiB, "burst_min", c.BurstMin, `must be "64 KiB" to "1 GiB"`)
	need(c.BurstMax >= c.BurstMin && c.BurstMax <= GiB, "burst_max", c.BurstMax, `must be burst_min to "1 GiB"`)
	need(c.Headroom >= 1 && c.Headroom <= 10, "headroom", c.Headroom, "must be 1 to 10; 1.05 sends 5 % faster than needed")
	return errors.Join(wrong...)
}
