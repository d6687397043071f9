package source

import (
	"fmt"
	"io"
	"log/slog"
)

// Access is how a file server lets us in. The zero value is a guest.
type Access struct {
	User     string
	Password Secret
	CA       string // file with the certificates (PEM) that a server's may be signed by, beside the system's
}

// Secret is text that no output shows: formatted, logged or marshalled it is
// "***", or nothing where it is empty.
type Secret string

const shown = "***"

// String hides the secret from who asks for text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return shown
}

// Format hides it from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText hides it from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides it from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal returns the secret itself, for the server that asks for it.
func (s Secret) Reveal() string { return string(s) }
