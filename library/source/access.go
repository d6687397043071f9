package source

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"unicode"
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

// ParseURL parts the URL of a file server, as people write it, into its place
// and how the server lets us in. The place has no user and no password in it,
// and no error shows them: a URL that is written wrong may have them anywhere.
func ParseURL(text Secret) (place string, a Access, err error) {
	scheme, rest, ok := strings.Cut(text.Reveal(), "://")
	if !ok || strings.ContainsFunc(scheme, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return "", Access{}, errors.New("does not begin with a kind of server and ://")
	}
	_, path, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(rest, "?#") || strings.Contains(path, "@") {
		return "", Access{}, errors.New("has a character that means something else there; " + inURL)
	}
	u, err := url.Parse(text.Reveal())
	switch {
	case err != nil: // it quotes what it was given
		return "", Access{}, errors.New("can't be read; " + inURL)
	case u.Hostname() == "":
		return "", Access{}, errors.New("names no server")
	}
	password, _ := u.User.Password()
	a.User, a.Password = u.User.Username(), Secret(password)
	u.User = nil
	if _, err := url.Parse(u.String()); err != nil { // of a strange server name
		return "", Access{}, errors.New("names a server in a way that can't be read")
	}
	return u.String(), a, nil
}

// inURL says how to write what a URL can't hold as it is.
const inURL = "in a user, a password or a path write # as %23, % as %25, / as %2F, ? as %3F and @ as %40, " +
	"or give user and password as keys of their own"
