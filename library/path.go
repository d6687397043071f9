package library

import (
	"fmt"
	"io/fs"
	"net/url"
	"strings"
)

// ParsePath returns the library path that the percent-encoded path of a URL
// names, and whether it ended in a slash. The empty path is the root, which
// counts as ended in a slash. Each element may hold any byte; an empty
// element, "." and "..", an encoded slash, a NUL byte and a broken encoding
// are fs.ErrInvalid. No slash comes first.
func ParsePath(escaped string) (path string, slash bool, err error) {
	if escaped == "" {
		return "", true, nil
	}
	escaped, slash = strings.CutSuffix(escaped, "/")
	elements := strings.Split(escaped, "/")
	for i, e := range elements {
		name, err := url.PathUnescape(e)
		if err != nil || !validElement(name) {
			return "", false, fmt.Errorf("path %q: %w", escaped, fs.ErrInvalid)
		}
		elements[i] = name
	}
	return strings.Join(elements, "/"), slash, nil
}

// EscapePath is the reverse: what stands after /media/ for a library path.
// All bytes but letters, digits and "-_.~" are encoded, since players and
// lists take exception to various others.
func EscapePath(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(path) + 16)
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', isDigit(c), strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// validElement reports whether name can be an element of a library path.
func validElement(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}
