package library

import (
	"encoding/binary"
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
	return string(appendFolded(nil, s))
}

// latin is what appendParts makes of the letters that most names with accents
// have, from U+00C0 on, where that is one letter: to look it up here takes a
// tenth of the time.
const (
	latinFirst = '\u00C0'
	latin      = "aaaaaa?ceeeeiiiidnooooo?ouuuuy??aaaaaa?ceeeeiiiidnooooo?ouuuuy?y" +
		"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii??jjkk?llllll?" +
		"?llnnnnnn???oooooo??rrrrrrsssssssstttt??uuuuuuuuuuuuwwyyyzzzzzzs"
)

// appendFolded appends s to b as fold has it.
func appendFolded(b []byte, s string) []byte {
	for {
		at := len(b)
		b = append(b, s...)
		n := lowerASCII(b[at:])
		b, s = b[:at+n], s[n:]
		if s == "" {
			return b
		}
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, s[0])
		case r >= latinFirst && r < latinFirst+rune(len(latin)) && latin[r-latinFirst] != '?':
			b = append(b, latin[r-latinFirst])
		default:
			b = appendParts(b, s[:n], r)
		}
		s = s[n:]
	}
}

// lowerASCII puts the ASCII that b begins with into lower case, eight bytes at
// a time, and returns how long it is.
func lowerASCII(b []byte) (n int) {
	const each, high = 0x0101010101010101, 0x80 * 0x0101010101010101
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		if x&high != 0 {
			break
		}
		capital := (x + (0x80-'A')*each) &^ (x + (0x7f-'Z')*each) & high // in the high bit of each byte
		binary.LittleEndian.PutUint64(b[n:], x|capital>>2)
	}
	for ; n < len(b) && b[n] < utf8.RuneSelf; n++ {
		b[n] = lowerByte(b[n])
	}
	return n
}

// appendParts appends what a character is made of, without its accents.
func appendParts(b []byte, s string, r rune) []byte {
	parts := norm.NFKD.PropertiesString(s).Decomposition()
	if r >= '가' && r <= '힣' { // taken apart by a rule, not by a table
		parts = norm.NFKD.Bytes([]byte(s))
	}
	if parts == nil {
		return appendPart(b, r)
	}
	for len(parts) > 0 {
		r, n := utf8.DecodeRune(parts)
		b, parts = appendPart(b, r), parts[n:]
	}
	return b
}

// appendPart appends r in lower case, or what people type who lack its key:
// letters that Unicode does not take apart. Accents are left out.
func appendPart(b []byte, r rune) []byte {
	switch r = unicode.ToLower(r); r {
	case 'ß':
		return append(b, "ss"...)
	case 'æ':
		return append(b, "ae"...)
	case 'œ':
		return append(b, "oe"...)
	case 'þ':
		return append(b, "th"...)
	case 'ø':
		return append(b, 'o')
	case 'ł':
		return append(b, 'l')
	case 'đ', 'ð':
		return append(b, 'd')
	case 'ħ':
		return append(b, 'h')
	case 'ı':
		return append(b, 'i')
	case 'ς':
		r = 'σ'
	}
	if r >= '\u0300' && unicode.Is(unicode.Mn, r) { // the first of them
		return b
	}
	return utf8.AppendRune(b, r)
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
