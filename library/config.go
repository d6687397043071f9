package library

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mustserv/library/source"
)

// Share is one folder tree that the admin shares.
type Share struct {
	Name   string        // first element of its items' library paths
	Place  string        // a local path, or a URL without password whose scheme says which opener reads it
	Access source.Access // to a file server
	Rescan time.Duration // look through every folder again after so long; 0 is Config.Rescan
}

// Validate says what is wrong with the share, one error a line, each
// beginning with the key in the config; nil if nothing is.
func (s Share) Validate() error {
	var errs []error
	if !validElement(s.Name) || len(s.Name) > 255 || !utf8.ValidString(s.Name) {
		errs = append(errs, fmt.Errorf("name = %q: must be 1 to 255 bytes without slash, and not \".\" or \"..\"", s.Name))
	}
	if s.Place == "" {
		errs = append(errs, errors.New("path is missing: the folder to share; or url, of one on a file server"))
	}
	if s.Rescan != 0 && (s.Rescan < rescanMin || s.Rescan > rescanMax) {
		errs = append(errs, fmt.Errorf(`rescan = "%v": %s`, s.Rescan, rescanBounds))
	}
	return errors.Join(errs...)
}

// scheme returns what stands before :// in the share's place, empty for a
// local path.
func (s Share) scheme() string {
	scheme, _, ok := strings.Cut(s.Place, "://")
	if !ok {
		return ""
	}
	return strings.ToLower(scheme)
}

// kind says what the share is read from. Of a folder of this computer the
// source may know more; nil for none.
func (s Share) kind(src source.Source) string {
	if d, ok := src.(source.Describer); ok && s.scheme() == "" {
		return d.Describe()
	}
	return cmp.Or(s.scheme(), "local")
}

// Bounds of the time between two scans.
const (
	rescanMin    = 10 * time.Second
	rescanMax    = 7 * 24 * time.Hour
	rescanBounds = `must be "10s" to "168h"`
)

// Config is the [library] table.
type Config struct {
	Rescan time.Duration `toml:"rescan"` // look through every folder again after so long, beside watching; where watching is not possible, up to 4 times that while nothing changes
	Outage time.Duration `toml:"outage"` // streams wait so long for a share that does not answer; 0 is not at all
	Quiet  time.Duration `toml:"quiet"`  // measure a new or changed file once it has not changed for so long
	Skip   []string      `toml:"skip"`   // patterns (path.Match) of file and folder names to leave out, whatever their case
	Probes int           `toml:"probes"` // files of one share measured at a time
}

// DefaultConfig returns the config of who has none.
func DefaultConfig() Config {
	return Config{
		Rescan: 15 * time.Minute,
		Outage: time.Minute,
		Quiet:  5 * time.Second,
		Probes: 2,
		Skip: []string{
			".*", "@eaDir", "#recycle", "#snapshot", "$RECYCLE.BIN", "System Volume Information", "lost+found", "Thumbs.db",
		},
	}
}

// Validate says what is wrong with the config, one error a line, each
// beginning with the key; nil if nothing is.
func (c Config) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Rescan < rescanMin || c.Rescan > rescanMax {
		wrong(`rescan = "%v": %s`, c.Rescan, rescanBounds)
	}
	if c.Outage < 0 || c.Outage > time.Hour {
		wrong(`outage = "%v": must be "0s" to "1h"`, c.Outage)
	}
	if c.Quiet < 0 || c.Quiet > time.Hour {
		wrong(`quiet = "%v": must be "0s" to "1h"`, c.Quiet)
	}
	for _, pattern := range c.Skip {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			wrong("skip = [%q]: not a pattern for names; use * ? and [a-z], as in %q", pattern, "*.part")
		}
	}
	if c.Probes < 1 || c.Probes > 64 {
		wrong("probes = %d: must be 1 to 64", c.Probes)
	}
	return errors.Join(errs...)
}

// complete returns a copy with defaults for what would make no sense.
func (c Config) complete() Config {
	if c.Rescan <= 0 {
		c.Rescan = DefaultConfig().Rescan
	}
	if c.Probes <= 0 {
		c.Probes = DefaultConfig().Probes
	}
	c.Skip = slices.Clone(c.Skip)
	return c
}

// of is the config as one share has it.
func (c Config) of(s Share) *Config {
	c.Rescan = cmp.Or(s.Rescan, c.Rescan)
	return &c
}

// skips reports whether a file or folder is left out by its name.
func (c *Config) skips(name string) bool {
	name = strings.ToLower(name)
	for _, pattern := range c.Skip {
		if ok, _ := path.Match(strings.ToLower(pattern), name); ok {
			return true
		}
	}
	return false
}
