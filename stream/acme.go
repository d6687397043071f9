//go:build acme

package stream

import (
	"cmp"
	"crypto/tls"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// openACME gets certificates for the config's names when clients first come
// by them, and renews them; it keeps them in a folder, which several nodes may
// share. The authority proves the names by TLS at port 443 (RFC 8737).
func openACME(c Config, folder string) (*tls.Config, error) {
	manager := autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(folder),
		HostPolicy: autocert.HostWhitelist(c.ACME...),
		Email:      c.ACMEEmail,
		Client:     &acme.Client{DirectoryURL: cmp.Or(c.ACMEDirectory, autocert.DefaultACMEDirectory), UserAgent: "MuStServ"},
	}
	return secured(manager.GetCertificate, acme.ALPNProto), nil
}

// missingACME is what keeps this build from ACME.
func missingACME() error { return nil }
