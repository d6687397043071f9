package auth

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Passwords are kept as PBKDF2 with HMAC-SHA-256 (RFC 8018), since it is in
// the standard library. OWASP's count of iterations takes a Pentium III two
// seconds, once for each browser or player until the next start.
const (
	hashScheme     = "pbkdf2-sha256"
	hashIterations = 600_000
	hashMost       = 10_000_000 // a larger count is a mistake that would hang every login
	saltSize       = 16
	hashSize       = 32
)

var errNoHash = errors.New("not the hash of a password")

// Hash returns what the config keeps of a password: scheme, iterations, salt
// and key, parted by dollar signs.
func Hash(password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	return hashWith(password, salt, hashIterations)
}

func hashWith(password string, salt []byte, iterations int) (string, error) {
	derived, err := pbkdf2.Key(sha256.New, password, salt, iterations, hashSize)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return fmt.Sprintf("%s$%d$%s$%s", hashScheme, iterations, encode(salt), encode(derived)), nil
}

// hash is a parsed hash.
type hash struct {
	iterations    int
	salt, derived []byte
}

func parseHash(text string) (hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 4 || parts[0] != hashScheme {
		return hash{}, errNoHash
	}
	iterations, err1 := strconv.Atoi(parts[1])
	salt, err2 := decode(parts[2])
	derived, err3 := decode(parts[3])
	if errors.Join(err1, err2, err3) != nil || iterations < 1 || iterations > hashMost || len(salt) < 8 || len(derived) != hashSize {
		return hash{}, errNoHash
	}
	return hash{iterations, salt, derived}, nil
}

// is reports whether the hash is that of a password.
func (h hash) is(password string) bool {
	derived, err := pbkdf2.Key(sha256.New, password, h.salt, h.iterations, hashSize)
	return err == nil && subtle.ConstantTimeCompare(derived, h.derived) == 1
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
