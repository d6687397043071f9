package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// nearest suggests the known key that is most like a wrong one, or names all.
func (m Manual) nearest(key, table string, known []string) string {
	best := slices.MinFunc(known, func(a, b string) int { return cmp.Compare(distance(key, a), distance(key, b)) })
	if distance(key, best) <= max(2, len(key)/3) {
		return fmt.Sprintf(", did you mean %q%s", best, m.forExample(strings.TrimPrefix(table+"."+best, ".")))
	}
	return "; known are " + strings.Join(known, ", ")
}

// distance counts the letters to change, add or leave out (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// forExample is the end of a sentence about a key: how it is set.
func (m Manual) forExample(path string) string {
	if line := m.Example(path); line != "" {
		return "; for example: " + line
	}
	return ""
}

// Example is the line of the manual that sets a key, as "stream.listen" or
// "share[0].name"; "" for a table and where there is none.
func (m Manual) Example(path string) string {
	table, key := path[:max(0, strings.LastIndexByte(path, '.'))], lastKey(path)
	if block, _, isBlock := strings.Cut(table, "["); isBlock {
		table = "[" + block + "]"
	}
	inside := false
	for line := range strings.Lines(string(m)) {
		line = strings.TrimSpace(strings.TrimLeft(line, "# "))
		if strings.HasPrefix(line, "[") {
			inside = line == "["+table+"]"
		}
		name, value, ok := strings.Cut(line, " = ")
		if inside && ok && name == key {
			value, _, _ = strings.Cut(value, " #")
			return name + " = " + strings.TrimSpace(value)
		}
	}
	return ""
}
