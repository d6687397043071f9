package ratelimit

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is the [ratelimit] table.
type Config struct {
	Capacity         Capacity      `toml:"capacity"`           // of the link
	CapacityUse      float64       `toml:"capacity_use"`       // part of it for streams; Ethernet's and IP's headers take 6 %
	QueueWait        time.Duration `toml:"queue_wait"`         // how long a request waits for room
	ReadAhead        time.Duration `toml:"read_ahead"`         // of its film that a viewer gets early while there is room
	PerClient        Rate          `toml:"per_client"`         // of all streams to one address; 0 is no cap
	StreamsPerClient int           `toml:"streams_per_client"` // open at a time from one address
	Burst            time.Duration `toml:"burst"`              // see Policy
	BurstMin         Size          `toml:"burst_min"`
	BurstMax         Size          `toml:"burst_max"`
	Headroom         float64       `toml:"headroom"`
	Floor            Rate          `toml:"floor"`
	Unmeasured       Rate          `toml:"unmeasured"` // of a file that could not be measured; 0 is unpaced
}

// Capacity is what a link carries: a Rate, where 0 is no limit, or Auto.
type Capacity Rate

// Auto is the Capacity that LinkSpeed finds; until somebody has asked it, it
// is no limit.
const Auto Capacity = -1

// String returns c as UnmarshalText reads it.
func (c Capacity) String() string {
	if c == Auto {
		return "auto"
	}
	return Rate(c).String()
}

// UnmarshalText reads a capacity as a person writes it: a rate or "auto".
func (c *Capacity) UnmarshalText(text []byte) error {
	if strings.EqualFold(strings.TrimSpace(string(text)), "auto") {
		*c = Auto
		return nil
	}
	if err := (*Rate)(c).UnmarshalText(text); err != nil {
		return fmt.Errorf(`%w, or "auto"`, err)
	}
	return nil
}

// MarshalText returns String.
func (c Capacity) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	p := DefaultPolicy()
	return Config{
		CapacityUse: 0.94, QueueWait: time.Minute, ReadAhead: 30 * time.Second,
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

// usable is what the link carries of streams; 0 is no limit.
func (c Config) usable() Rate { return Rate(float64(max(0, c.Capacity)) * c.CapacityUse) }

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
	need(c.CapacityUse >= 0.1 && c.CapacityUse <= 1, "capacity_use", c.CapacityUse, "must be 0.1 to 1; 0.94 leaves room for the headers of packets")
	need(c.QueueWait >= 0 && c.QueueWait <= time.Hour, "queue_wait", c.QueueWait, `must be "0s" to "1h"`)
	need(c.ReadAhead >= 0 && c.ReadAhead <= time.Hour, "read_ahead", c.ReadAhead, `must be "0s" to "1h"`)
	need(c.StreamsPerClient >= 1 && c.StreamsPerClient <= 100000, "streams_per_client", c.StreamsPerClient, "must be 1 to 100000")
	need(c.Burst >= 0 && c.Burst <= time.Minute, "burst", c.Burst, `must be "0s" to "1m"`)
	need(c.BurstMin >= 64*KiB && c.BurstMin <= GiB, "burst_min", c.BurstMin, `must be "64 KiB" to "1 GiB"`)
	need(c.BurstMax >= c.BurstMin && c.BurstMax <= GiB, "burst_max", c.BurstMax, `must be burst_min to "1 GiB"`)
	need(c.Headroom >= 1 && c.Headroom <= 10, "headroom", c.Headroom, "must be 1 to 10; 1.05 sends 5 % faster than needed")
	return errors.Join(wrong...)
}
