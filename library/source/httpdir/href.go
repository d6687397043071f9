package httpdir

import (
	"net/url"
	"slices"
	"strings"
)

// setPath makes the path of u what is below prefix, which ends with a slash.
func setPath(u *url.URL, prefix string, elements []string, folder bool) {
	escaped := make([]string, len(elements))
	for i, e := range elements {
		escaped[i] = url.PathEscape(e)
	}
	u.RawPath = prefix + strings.Join(escaped, "/")
	if folder && len(elements) > 0 {
		u.RawPath += "/"
	}
	u.Path, _ = url.PathUnescape(u.RawPath) // what was escaped here is sound
}

// elementsOf returns the decoded elements of the path of u. It is not ok
// where one of them can't be the name of a file or folder: it is empty, "."
// or "..", or holds a slash or NUL that was encoded. One slash at the end is
// left out.
func elementsOf(u *url.URL) (elements []string, ok bool) {
	p := strings.Trim(u.EscapedPath(), "/")
	if p == "" {
		return nil, true
	}
	for e := range strings.SplitSeq(p, "/") {
		name, err := url.PathUnescape(e)
		if err != nil || name == "" || name == "." || name == ".." || len(name) > maxElement || strings.ContainsAny(name, "/\x00") {
			return nil, false
		}
		elements = append(elements, name)
	}
	return elements, true
}

// place says what a link in the answer for a folder leads to.
type place int

const (
	elsewhere place = iota
	itself          // the folder
	parent          // the folder above
	child           // right below the folder
)

// resolve says where the link href leads in the answer for the folder at
// base, and the name if that is a child; folder reports whether it ends with
// a slash. Everything that is not on the same server is elsewhere, and so is
// what has a query, as the links by which listings are sorted, and what a
// browser would take for another address than it looks like.
func resolve(base *url.URL, href string) (at place, name string, folder bool) {
	if len(href) > 4*maxElement || strings.ContainsFunc(href, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return elsewhere, "", false
	}
	ref, err := url.Parse(href)
	if err != nil || ref.Opaque != "" || ref.User != nil || ref.RawQuery != "" || ref.ForceQuery || strings.Contains(href, "#") {
		return elsewhere, "", false
	}
	u := base.ResolveReference(ref)
	if u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) || strings.Contains(u.EscapedPath(), "//") {
		return elsewhere, "", false
	}
	here, sound := elementsOf(base)
	there, ok := elementsOf(u)
	folder = strings.HasSuffix(u.EscapedPath(), "/")
	switch {
	case !ok || !sound:
	case slices.Equal(here, there):
		return itself, "", folder
	case len(there)+1 == len(here) && slices.Equal(here[:len(there)], there):
		return parent, "", folder
	case len(there) == len(here)+1 && slices.Equal(there[:len(here)], here):
		return child, there[len(here)], folder
	}
	return elsewhere, "", false
}
