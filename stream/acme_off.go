//go:build !acme

package stream

import (
	"crypto/tls"
	"errors"
)

// openACME is for builds with the tag acme.
func openACME(Config, string) (*tls.Config, error) { return nil, missingACME() }

// missingACME is what keeps this build from ACME: at home, where no authority
// reaches a server, 350 kB of it would be of no use.
func missingACME() error {
	return errors.New("this mustserv was built without ACME; build it with: go build -tags acme")
}
