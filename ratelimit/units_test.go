package ratelimit

import (
	"strings"
	"testing"
)

func TestRateText(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       Rate
		printed    string // "" is the text itself
	}{
		{"megabits", "25 Mbit/s", 25e6, ""},
		{"kilobits", "800 kbit/s", 800e3, ""},
		{"bits", "64 bit/s", 64, ""},
		{"gigabits", "2.5 Gbit/s", 25e8, ""},
		{"fraction", "1.5Mbit/s", 15e5, "1.5 Mbit/s"},
		{"any case and space", "  3 MBIT/S ", 3e6, "3 Mbit/s"},
		{"off", "off", 0, "0 bit/s"},
		{"zero", "0", 0, "0 bit/s"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got Rate
			if err := got.UnmarshalText([]byte(row.text)); err != nil {
				t.Fatal(err)
			}
			if got != row.want {
				t.Errorf("%q is %d bit/s, want %d", row.text, got, row.want)
			}
			printed := row.printed
			if printed == "" {
				printed = row.text
			}
			if got.String() != printed {
				t.Errorf("printed %q, want %q", got, printed)
			}
		})
	}
}

func TestSizeText(t *testing.T) {
	for _, row := range []struct {
		name, text string
		want       Size
		printed    string
	}{
		{"kibibytes", "64 KiB", 64 << 10, "64 KiB"},
		{"mebibytes", "512 MiB", 512 << 20, "512 MiB"},
		{"half", "1.5 GiB", 3 << 29, "1.5 GiB"},
		{"tebibytes", "2 tib", 2 << 40, "2 TiB"},
		{"decimal", "1 MB", 1e6, "976.56 KiB"},
		{"bytes", "100 bytes", 100, "100 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got Size
			if err := got.UnmarshalText([]byte(row.text)); err != nil {
				t.Fatal(err)
			}
			if got != row.want || got.String() != row.printed {
				t.Errorf("%q is %d, printed %q; want %d, %q", row.text, got, got, row.want, row.printed)
			}
		})
	}
}

func TestQuantityMistakes(t *testing.T) {
	for _, row := range []struct{ name, text, says string }{
		{"no unit", "25", "unit is missing"},
		{"no number", "Mbit/s", "no number"},
		{"wrong unit", "25 Mbps", `unknown unit "mbps"`},
		{"bytes for bits", "25 MB/s", "unknown unit"},
		{"negative", "-1 Mbit/s", "negative"},
		{"too large", "1e30 Mbit/s", "too large"},
		{"not a number", "nan Mbit/s", "no number"},
		{"infinite", "inf Mbit/s", "no number"},
		{"empty", "", "no number"},
		{"two numbers", "1 2 Mbit/s", "no number"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var r Rate
			err := r.UnmarshalText([]byte(row.text))
			if err == nil || !strings.Contains(err.Error(), row.says) || !strings.Contains(err.Error(), "25 Mbit/s") {
				t.Errorf("%q: %v; want %q and an example", row.text, err, row.says)
			}
		})
	}
}

func FuzzQuantity(f *testing.F) {
	for _, s := range []string{"25 Mbit/s", "off", "64 KiB", "1e300 Gbit/s", "..", "-0 bytes"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var r Rate
		if r.UnmarshalText([]byte(text)) == nil && r < 0 {
			t.Errorf("rate %q is %d", text, r)
		}
		var s Size
		if s.UnmarshalText([]byte(text)) == nil && s < 0 {
			t.Errorf("size %q is %d", text, s)
		}
	})
}

func TestConfigMistakes(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for _, row := range []struct {
		key   string
		spoil func(*Config)
	}{
		{"streams_per_client", func(c *Config) { c.StreamsPerClient = 0 }},
		{"burst", func(c *Config) { c.Burst = -1 }},
		{"burst_min", func(c *Config) { c.BurstMin = 1 }},
		{"burst_max", func(c *Config) { c.BurstMax = c.BurstMin - 1 }},
		{"headroom", func(c *Config) { c.Headroom = 0.99 }},
	} {
		t.Run(row.key, func(t *testing.T) {
			c := DefaultConfig()
			row.spoil(&c)
			err := c.Validate()
			if err == nil || !strings.HasPrefix(err.Error(), row.key+" = ") {
				t.Errorf("got %v", err)
			}
		})
	}
}
