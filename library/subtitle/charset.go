package subtitle

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const (
	guessSize = 64 << 10 // bytes of a text that its character set is guessed from
	bom       = "\ufeff"

	hebrewFinals = "ךםןףץ" // stand at the end of words only
)

// decode returns the text of a file, whatever its character set: UTF-8,
// UTF-16, else the code page of the language, else the one in which it looks
// most like words. Of the scripts of East Asia only Unicode is known.
func decode(file []byte, language string) string {
	if order := utf16Order(file); order != nil {
		return strings.TrimPrefix(fromUTF16(file, order), bom)
	}
	if text := string(file); mostlyUTF8(text) {
		return strings.TrimPrefix(strings.ToValidUTF8(text, "\ufffd"), bom)
	}
	page := pageOf(language)
	if page == nil {
		page = guess(file[:min(len(file), guessSize)])
	}
	return inPage(file, page)
}

// mostlyUTF8 reports whether a text is UTF-8, but for a few bytes perhaps: by
// accident no text of another set has many letters of several bytes.
func mostlyUTF8(text string) bool {
	if utf8.ValidString(text) {
		return true
	}
	good, bad := 0, 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			good++
		}
		i += size
	}
	return good > 20*bad
}

// utf16Order returns how two bytes make one of UTF-16, by the mark at the
// beginning or by the zeros that plain letters have; nil if it is not UTF-16.
func utf16Order(file []byte) func(a, b byte) uint16 {
	little := func(a, b byte) uint16 { return uint16(a) | uint16(b)<<8 }
	big := func(a, b byte) uint16 { return uint16(b) | uint16(a)<<8 }
	if len(file) < 4 {
		return nil
	}
	switch {
	case little(file[0], file[1]) == 0xfeff:
		return little
	case big(file[0], file[1]) == 0xfeff:
		return big
	}
	zeros, sample := [2]int{}, file[:min(len(file), 1024)]
	for i, b := range sample {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case zeros[1] > len(sample)/8 && zeros[0] == 0:
		return little
	case zeros[0] > len(sample)/8 && zeros[1] == 0:
		return big
	}
	return nil
}

func fromUTF16(file []byte, order func(a, b byte) uint16) string {
	units := make([]uint16, len(file)/2)
	for i := range units {
		units[i] = order(file[2*i], file[2*i+1])
	}
	return string(utf16.Decode(units))
}

func inPage(file []byte, page *charmap.Charmap) string {
	var text strings.Builder
	text.Grow(len(file))
	for _, b := range file {
		text.WriteRune(page.DecodeByte(b))
	}
	return text.String()
}

// pageOf returns the code page of Windows that files in a language (ISO 639)
// are in where they are not Unicode; nil if it is not known.
func pageOf(language string) *charmap.Charmap {
	code := strings.ToLower(language)
	if end := strings.IndexAny(code, ".-_"); end >= 0 {
		code = code[:end]
	}
	switch code {
	case "cs", "ces", "cze", "hr", "hrv", "hu", "hun", "pl", "pol", "ro", "ron", "rum", "sk", "slk", "slo", "sl", "slv", "sq", "bs":
		return charmap.Windows1250
	case "be", "bel", "bg", "bul", "mk", "mkd", "ru", "rus", "sr", "srp", "uk", "ukr":
		return charmap.Windows1251
	case "el", "ell", "gre":
		return charmap.Windows1253
	case "tr", "tur", "az":
		return charmap.Windows1254
	case "he", "heb", "iw":
		return charmap.Windows1255
	case "ar", "ara", "fa", "fas", "per":
		return charmap.Windows1256
	case "et", "est", "lv", "lav", "lt", "lit":
		return charmap.Windows1257
	case "vi", "vie":
		return charmap.Windows1258
	case "th", "tha":
		return charmap.Windows874
	case "de", "en", "es", "fr", "it", "nl", "pt", "sv", "da", "no", "fi", "deu", "ger", "eng", "spa", "fra", "fre", "ita", "nld", "dut", "por", "swe", "dan", "nor", "fin":
		return charmap.Windows1252
	}
	return nil
}

// guess returns the code page in which a text looks most like words; the
// western one where another looks no better.
func guess(text []byte) *charmap.Charmap {
	best, most := charmap.Windows1252, 0
	for i, page := range []*charmap.Charmap{
		charmap.Windows1252, charmap.Windows1250, charmap.Windows1255, charmap.Windows1251, charmap.KOI8R,
		charmap.Windows1253, charmap.Windows1256,
	} {
		if n := likeness(inPage(text, page)); i == 0 || n > most {
			best, most = page, n
		}
	}
	return best
}

// likeness counts what speaks for a text: letters within words; against it:
// signs within words, capitals after small letters, words of two scripts or
// that go on after a letter which ends them.
func likeness(text string) (n int) {
	var before rune
	for _, r := range text {
		inWord := unicode.IsLetter(before)
		switch {
		case r < 0x80 && !unicode.IsLetter(r):
		case !unicode.IsLetter(r) && !unicode.IsMark(r):
			if r >= 0x80 && (inWord || r == utf8.RuneError) && !strings.ContainsRune("»”“’…—–\u00a0", r) {
				n -= 3
			}
		case inWord && (script(r) != script(before) || strings.ContainsRune(hebrewFinals, before)):
			n -= 3
		case inWord && unicode.IsUpper(r) && unicode.IsLower(before):
			n -= 3
		case r >= 0x80 && inWord && script(r) != unicode.Latin:
			n++
		}
		before = r
	}
	return n
}

// script returns the script of a letter.
func script(r rune) *unicode.RangeTable {
	for _, s := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Hebrew, unicode.Arabic} {
		if unicode.Is(s, r) {
			return s
		}
	}
	return nil
}
