package stream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

const (
	smoothMin = 1.5 // less could become the limit of a stream that has to catch up
	smoothMax = 100.0
)

// Config is the [stream] table.
type Config struct {
	Listen          string        `toml:"listen"`           // address:port; an empty address is every one
	StallTimeout    time.Duration `toml:"stall_timeout"`    // a player that takes no byte for so long is let go
	ShutdownTimeout time.Duration `toml:"shutdown_timeout"` // how long running streams may go on at the end
	Smooth          float64       `toml:"smooth"`           // the kernel spreads a step so that it goes at most so many times too fast; 0 does not
	Certificate     string        `toml:"certificate"`      // PEM file; with it, clients come by TLS
	Key             string        `toml:"key"`              // PEM file of its private key
	ACME            []string      `toml:"acme"`             // names of this server for which certificates are got by ACME, instead of the two files
	ACMEEmail       string        `toml:"acme_email"`       // that the authority may write to; empty for none
	ACMEDirectory   string        `toml:"acme_directory"`   // URL of the authority; empty is Let's Encrypt
	HSTS            time.Duration `toml:"hsts"`             // for so long browsers come by TLS only; 0 does not ask for it
	AccessLog       string        `toml:"access_log"`       // file; empty is none
}

// DefaultConfig returns the config that holds where the file says nothing.
func DefaultConfig() Config {
	return Config{Listen: ":8000", StallTimeout: 6 * time.Hour, ShutdownTimeout: 10 * time.Second, Smooth: 2.5, ACME: []string{}}
}

// Validate returns all that is wrong, joined; each error begins with the key.
func (c Config) Validate() error {
	var wrong []error
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		wrong = append(wrong, fmt.Errorf(`listen = %q: must be "address:port", or ":port" for every address`, c.Listen))
	} else if _, err := net.LookupPort("tcp", port); err != nil {
		wrong = append(wrong, fmt.Errorf("listen = %q: %q is no port; use a number from 0 to 65535", c.Listen, port))
	}
	if c.StallTimeout < time.Second {
		wrong = append(wrong, fmt.Errorf("stall_timeout = %v: must be at least 1s; a paused player takes no bytes, so hours are right", c.StallTimeout))
	}
	if c.ShutdownTimeout < 0 {
		wrong = append(wrong, fmt.Errorf("shutdown_timeout = %v: must not be negative", c.ShutdownTimeout))
	}
	if c.Smooth != 0 && !(c.Smooth >= smoothMin && c.Smooth <= smoothMax) {
		wrong = append(wrong, fmt.Errorf("smooth = %v: must be %v to %v, or 0 to send steps as they are", c.Smooth, smoothMin, smoothMax))
	}
	if (c.Certificate == "") != (c.Key == "") {
		wrong = append(wrong, errors.New("certificate and key belong together: two PEM files, or none"))
	}
	if err := c.validateACME(); err != nil {
		wrong = append(wrong, err)
	}
	if c.HSTS < 0 {
		wrong = append(wrong, fmt.Errorf("hsts = %v: must not be negative", c.HSTS))
	}
	return errors.Join(wrong...)
}

func (c Config) validateACME() error {
	if len(c.ACME) == 0 {
		return nil
	}
	if err := missingACME(); err != nil {
		return fmt.Errorf("acme = %q: %w", c.ACME, err)
	}
	if c.Certificate != "" {
		return errors.New("acme and certificate exclude each other: leave one out")
	}
	for _, name := range c.ACME {
		if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") || strings.ContainsAny(name, ":/* ") {
			return fmt.Errorf("acme = %q: %q must be a name that the internet knows, as \"media.example.org\"", c.ACME, name)
		}
	}
	return nil
}

// Secure reports whether clients come by TLS.
func (c Config) Secure() bool { return c.Certificate != "" || len(c.ACME) > 0 }
