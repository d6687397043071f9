package library

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold returns s as search compares it: in lower case, without accents, in
// one form of the several that Unicode has for many a character. Bytes that
// are not UTF-8 stay as they are. Of plain ASCII it makes lower case only.
func fold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for s = norm.NFKD.String(s); s != ""; {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteByte(s[0])
		case !unicode.Is(unicode.Mn, r):
			writeFolded(&b, unicode.ToLower(r))
		}
		s = s[n:]
	}
	return b.String()
}

// writeFolded writes r, or what people type who lack its key: letters that
// Unicode does not take apart.
func writeFolded(b *strings.Builder, r rune) {
	switch r {
	case 'ß':
		b.WriteString("ss")
	case 'æ':
		b.WriteString("ae")
	case 'œ':
		b.WriteString("oe")
	case 'þ':
		b.WriteString("th")
	case 'ø':
		b.WriteByte('o')
	case 'ł':
		b.WriteByte('l')
	case 'đ', 'ð':
		b.WriteByte('d')
	case 'ħ':
		b.WriteByte('h')
	case 'ı':
		b.WriteByte('i')
	case 'ς':
		b.WriteRune('σ')
	default:
		b.WriteRune(r)
	}
}

// foldKey returns what an item keeps for search: nothing if its name is plain
// ASCII, as most are; that is folded when it is compared.
func foldKey(name string) string {
	if isASCII(name) {
		return ""
	}
	return fold(name)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
