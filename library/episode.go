package library

import (
	"strings"
)

// Episode is a part of a series.
type Episode struct {
	Series         string // as the names have it; of one series always the same but for case and separators
	Season, Number int    // a number of 0 is not known
}

// Episode returns which part of a series the film is, by its name ("Show
// S01E02 Pilot", "Show 1x02") or by the folder of a season that it lies in
// ("Show/Season 1/02 Pilot").
func (it *Item) Episode() (Episode, bool) {
	if it.Kind != Video {
		return Episode{}, false
	}
	folder, name := splitPath(it.Path)
	above, season := splitPath(folder)
	series, number := season, 0 // where the name holds no series, the folder is called like it
	if e, ok := episodeName(stem(name)); ok {
		if e.Series == "" {
			if n, ok := seasonFolder(season); ok {
				_, series = splitPath(above)
				e.Season = max(e.Season, n)
			}
			e.Series = series
		}
		return e, true
	}
	n, ok := seasonFolder(season)
	if !ok || above == "." {
		return Episode{}, false
	}
	_, series = splitPath(above)
	number, _ = leadingNumber(name)
	return Episode{series, n, number}, true
}

// episodeName finds "S01E02" or "1x02" in a name.
func episodeName(name string) (Episode, bool) {
	for i := range len(name) {
		if i > 0 && isWord(name[i-1]) {
			continue
		}
		for _, marks := range []string{"se", "x"} {
			if season, number, end, ok := marked(name[i:], marks); ok && (i+end == len(name) || !isWord(name[i+end])) {
				return Episode{tidy(name[:i]), season, number}, true
			}
		}
	}
	return Episode{}, false
}

// marked reads "s1e2" for the marks "se" and "1x02" for "x" at the beginning
// of text, and returns where it ends.
func marked(text, marks string) (season, number, end int, ok bool) {
	rest := text
	if len(marks) == 2 {
		if rest == "" || lowerByte(rest[0]) != marks[0] {
			return 0, 0, 0, false
		}
		rest = rest[1:]
	}
	season, n := leadingNumber(rest)
	if n == 0 || n > 2 {
		return 0, 0, 0, false
	}
	rest = strings.TrimLeft(rest[n:], " ._-")
	if len(marks) == 1 {
		rest = text[n:] // nothing between
	}
	if rest == "" || lowerByte(rest[0]) != marks[len(marks)-1] {
		return 0, 0, 0, false
	}
	number, n = leadingNumber(rest[1:])
	return season, number, len(text) - len(rest) + 1 + n, n >= 1 && n <= 3 && (len(marks) == 2 || n >= 2)
}

// seasonFolder reads the folder of a season, as they are called in some
// languages.
func seasonFolder(name string) (season int, ok bool) {
	lower := strings.ToLower(name)
	for _, word := range []string{"season", "series", "staffel", "saison", "temporada", "stagione", "seizoen", "sezon", "s"} {
		rest, ok := strings.CutPrefix(lower, word)
		rest = strings.TrimLeft(rest, " ._-")
		if n, length := leadingNumber(rest); ok && length > 0 && length == len(rest) {
			return n, true
		}
	}
	return 0, false
}

// leadingNumber reads the digits at the beginning, up to four.
func leadingNumber(text string) (n, length int) {
	for length < len(text) && length < 4 && isDigit(text[length]) {
		n = n*10 + int(text[length]-'0')
		length++
	}
	return n, length
}

// tidy takes from a name what separates its words.
func tidy(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' || r == ' ' })
	return strings.Trim(strings.Join(words, " "), " -[(")
}

func isWord(c byte) bool {
	return isDigit(c) || lowerByte(c) >= 'a' && lowerByte(c) <= 'z' || c >= 0x80
}
