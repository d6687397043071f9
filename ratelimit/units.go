package ratelimit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate is a bit rate in bits per second. As text it is written with a unit,
// "25 Mbit/s" or "800 kbit/s" (decimal multiples, as networks count); "0" or
// "off" is no rate.
type Rate int64

// Units of Rate.
const (
	BitPerSecond  Rate = 1
	KbitPerSecond      = 1000 * BitPerSecond
	MbitPerSecond      = 1000 * KbitPerSecond
	GbitPerSecond      = 1000 * MbitPerSecond
)

// BytesPerSecond returns r in bytes per second.
func (r Rate) BytesPerSecond() float64 { return float64(r) / 8 }

// String returns r with the largest unit that keeps it at 1 or above, as
// UnmarshalText reads it.
func (r Rate) String() string {
	switch {
	case r >= GbitPerSecond:
		return decimal(float64(r)/float64(GbitPerSecond)) + " Gbit/s"
	case r >= MbitPerSecond:
		return decimal(float64(r)/float64(MbitPerSecond)) + " Mbit/s"
	case r >= KbitPerSecond:
		return decimal(float64(r)/float64(KbitPerSecond)) + " kbit/s"
	}
	return strconv.FormatInt(int64(r), 10) + " bit/s"
}

// UnmarshalText reads a rate as a person writes it.
func (r *Rate) UnmarshalText(text []byte) error {
	if s := strings.ToLower(strings.TrimSpace(string(text))); s == "off" || s == "0" {
		*r = 0
		return nil
	}
	v, err := quantity(string(text), map[string]float64{
		"bit/s": 1, "kbit/s": 1e3, "mbit/s": 1e6, "gbit/s": 1e9,
	})
	if err != nil {
		return fmt.Errorf(`%q is not a bit rate: %w; write it as "25 Mbit/s" or "800 kbit/s"`, text, err)
	}
	*r = Rate(v)
	return nil
}

// MarshalText returns String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Size is a number of bytes. As text it is written with a binary unit,
// "512 MiB" or "64 KiB", or as "100 bytes".
type Size int64

// Units of Size.
const (
	Byte Size = 1
	KiB       = 1024 * Byte
	MiB       = 1024 * KiB
	GiB       = 1024 * MiB
	TiB       = 1024 * GiB
)

// String returns s with the largest unit that keeps it at 1 or above, as
// UnmarshalText reads it.
func (s Size) String() string {
	for _, u := range []struct {
		unit Size
		name string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if s >= u.unit {
			return decimal(float64(s)/float64(u.unit)) + " " + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + " bytes"
}

// UnmarshalText reads a size as a person writes it.
func (s *Size) UnmarshalText(text []byte) error {
	v, err := quantity(string(text), map[string]float64{
		"bytes": 1, "b": 1,
		"kib": float64(KiB), "mib": float64(MiB), "gib": float64(GiB), "tib": float64(TiB),
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	})
	if err != nil {
		return fmt.Errorf(`%q is not a size: %w; write it as "512 MiB" or "64 KiB"`, text, err)
	}
	*s = Size(v)
	return nil
}

// MarshalText returns String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// decimal prints v with at most two decimals and no trailing zeros.
func decimal(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// quantity reads a number and a unit of the given ones; it answers in the
// base unit, which fits an int64.
func quantity(text string, units map[string]float64) (float64, error) {
	s := strings.TrimSpace(text)
	i := strings.LastIndexAny(s, "0123456789.") + 1
	number, unit := s[:i], strings.ToLower(strings.TrimSpace(s[i:]))
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("no number before the unit")
	}
	factor, ok := units[unit]
	switch {
	case unit == "":
		return 0, fmt.Errorf("the unit is missing")
	case !ok:
		return 0, fmt.Errorf("unknown unit %q", unit)
	case v < 0:
		return 0, fmt.Errorf("it is negative")
	case v*factor >= math.MaxInt64:
		return 0, fmt.Errorf("it is too large")
	}
	return v * factor, nil
}
