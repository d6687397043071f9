package cache

import (
	"errors"
	"fmt"
	"strings"

	"mustserv/ratelimit"
)

// Config is the [cache] table.
type Config struct {
	Folder  string         `toml:"folder"`  // where it lies; several instances may share one; empty is where main keeps its state
	Size    Bound          `toml:"size"`    // of all segments; 0 is no cache
	Segment ratelimit.Size `toml:"segment"` // what is fetched and kept at a time
}

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	return Config{Size: Bound(2 * ratelimit.GiB), Segment: 2 * ratelimit.MiB}
}

// Validate returns all that is wrong, joined; each error begins with the key.
func (c Config) Validate() error {
	var wrong []error
	if c.Segment < ratelimit.MiB || c.Segment > 4*ratelimit.MiB {
		wrong = append(wrong, fmt.Errorf(`segment = %v: must be "1 MiB" to "4 MiB"`, c.Segment))
	}
	if least := Bound(32 * c.Segment); c.Size != 0 && c.Size < least {
		wrong = append(wrong, fmt.Errorf(`size = %v: must be at least %v, 32 segments; "off" is no cache`, c.Size, least))
	}
	return errors.Join(wrong...)
}

// Bound is a size that may be "off".
type Bound ratelimit.Size

// String returns the bound as UnmarshalText reads it.
func (b Bound) String() string {
	if b == 0 {
		return "off"
	}
	return ratelimit.Size(b).String()
}

// UnmarshalText reads a bound as a person writes it.
func (b *Bound) UnmarshalText(text []byte) error {
	if strings.EqualFold(strings.TrimSpace(string(text)), "off") {
		*b = 0
		return nil
	}
	return (*ratelimit.Size)(b).UnmarshalText(text)
}

// MarshalText returns String.
func (b Bound) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
