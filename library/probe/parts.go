package probe

import (
	"net/url"
	slashpath "path"
	"slices"
	"strings"
)

const (
	mostParts  = 200 // patterns of one manifest that are kept
	alikeParts = 3   // names that are alike but for their digits make a pattern
)

// partNames collects the files that a manifest refers to: by their name with
// each run of digits as one star, the names.
type partNames map[string][]string

// add enters a reference. What leads elsewhere than to a file in this folder,
// below it or beside it is left out.
func (p partNames) add(uri string) {
	ref, err := url.Parse(uri)
	if err != nil || ref.IsAbs() || ref.Host != "" || ref.Path == "" || strings.HasPrefix(ref.Path, "/") || len(ref.Path) > 1024 {
		return
	}
	name := slashpath.Clean(ref.Path)
	if strings.ContainsRune(name, 0) {
		return
	}
	ext := slashpath.Ext(name)
	key := starDigits(escapePattern(strings.TrimSuffix(name, ext))) + escapePattern(ext)
	if names := p[key]; len(names) < alikeParts && !slices.Contains(names, name) && len(p) < 10*mostParts {
		p[key] = append(names, name)
	}
}

// patterns returns patterns (path.Match) of all names, few ones where the
// names are numbered.
func (p partNames) patterns() []string {
	var all []string
	for key, names := range p {
		if len(names) >= alikeParts {
			all = append(all, key)
			continue
		}
		for _, name := range names {
			all = append(all, escapePattern(name))
		}
	}
	slices.Sort(all)
	return all[:min(len(all), mostParts)]
}

// escapePattern makes a pattern that only name matches.
func escapePattern(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// starDigits replaces runs of digits by stars.
func starDigits(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch digit := s[i] >= '0' && s[i] <= '9'; {
		case !digit:
			b.WriteByte(s[i])
		case i == 0 || s[i-1] < '0' || s[i-1] > '9':
			b.WriteByte('*')
		}
	}
	return b.String()
}
