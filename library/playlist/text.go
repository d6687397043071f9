package playlist

import (
	"html"
	"math"
	"strings"
	"unicode"
)

// oneLine makes s fit for one line of text in any dialect: valid UTF-8, runs
// of white space and control characters as one space, and without the marks
// that turn the direction of the text after it.
func oneLine(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range s { // invalid bytes come as U+FFFD
		switch {
		case breaksLine(r):
			space = b.Len() > 0
			continue
		case turnsText(r), r == '\uFEFF', r == '\uFFFE', r == '\uFFFF':
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain reports whether oneLine has nothing to do, which is nearly always so.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' && (s[i] != ' ' || i == 0 || i == len(s)-1 || s[i-1] == ' ') || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func breaksLine(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// turnsText reports whether r embeds, overrides or isolates a direction. The
// marks U+200E and U+200F do not reach beyond themselves and stay.
func turnsText(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// label returns "Artist - Title", or what there is of it.
func label(e Entry) string {
	artist, title := oneLine(e.Artist), oneLine(e.Title)
	switch {
	case artist == "":
		return title
	case title == "":
		return artist
	}
	return artist + " - " + title
}

// oneWord percent-encodes what a URL cannot hold and what would end it in any
// of the dialects.
func oneWord(url string) string {
	bad := func(c byte) bool { return c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 }
	var b strings.Builder
	for i := range len(url) {
		if c := url[i]; bad(c) {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// wholeSeconds returns a duration as the dialects that count seconds want it,
// or -1 if it is not known.
func wholeSeconds(d float64) int64 {
	const longest = 1 << 40 // what no file lasts, and every player's integers hold as text
	if !(d > 0) || d > longest {
		return -1
	}
	return max(1, int64(math.Round(d)))
}

// latin1 returns s, valid UTF-8, in ISO 8859-1, and whether it fits.
func latin1(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > unicode.MaxLatin1 {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), true
}

// xmlText escapes text for an element or a quoted attribute.
func xmlText(s string) string { return html.EscapeString(oneLine(s)) }
