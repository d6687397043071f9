package settings

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/BurntSushi/toml"
)

// place is where a key stands, from 1.
type place struct{ line, column int }

// positions finds where each key stands, which the toml package does not
// tell: on the first line with which its section, as far as it goes, has it.
func positions(text string, config reflect.Type) map[string]place {
	found := make(map[string]place)
	section, seen, known := 0, 0, 0 // offsets, keys of the section
	blocks := make(map[string]int)  // how many of each name
	for _, name := range blockNames(config, "") {
		blocks[name] = 0
	}
	for end, line := 0, ""; end < len(text); {
		line, _, _ = strings.Cut(text[end:], "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "[") && seen == end {
			section, known = end, 0
		}
		end = min(end+len(line)+1, len(text))
		md, err := toml.Decode(text[section:end], new(map[string]toml.Primitive))
		if err != nil {
			continue // in the middle of a value
		}
		for _, key := range md.Keys()[known:] {
			path, name := key.String(), key[len(key)-1]
			seen += max(0, strings.Index(text[seen:end], name))
			at := place{strings.Count(text[:seen], "\n") + 1, seen - strings.LastIndexByte(text[:seen], '\n')}
			if n, ok := blocks[path]; ok {
				found[fmt.Sprintf("%s[%d]", path, n)] = at
				blocks[path]++
			}
			for block, n := range blocks {
				if below, ok := strings.CutPrefix(path, block+"."); ok {
					path = fmt.Sprintf("%s[%d].%s", block, max(0, n-1), below)
				}
			}
			if _, ok := found[path]; !ok {
				found[path] = at
			}
		}
		known, seen = len(md.Keys()), end
	}
	return found
}
