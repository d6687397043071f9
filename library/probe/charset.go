package probe

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// What the bytes from 0x80 on mean in two code pages of Windows. The rest of
// 1252 is Latin-1, that of 1251 the alphabet.
const (
	windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ"
	windows1251 = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u0098™љ›њќћџ\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕї"
)

// oldText decodes a text that claims to be Latin-1, up to the first zero. Old
// programs wrote there what their system used, new ones write UTF-8: the one
// that is likely is taken.
func oldText(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	if utf8.Valid(b) {
		return string(b)
	}
	table, letters := []rune(windows1252), rune(0)
	if cyrillic(b) {
		table, letters = []rune(windows1251), 'А'-0xc0
	}
	var s strings.Builder
	for _, c := range b {
		switch {
		case c >= 0x80 && int(c) < 0x80+len(table):
			s.WriteRune(table[c-0x80])
		case c >= 0xc0:
			s.WriteRune(rune(c) + letters)
		default:
			s.WriteByte(c)
		}
	}
	return s.String()
}

// cyrillic reports whether a text is rather of code page 1251 than of 1252.
// Its letters are the accented ones of 1252, of which no western word has three
// in a row, and no western text consists alone.
func cyrillic(b []byte) bool {
	run, high, plain := 0, 0, 0
	for _, c := range b {
		switch {
		case c >= 0xc0 || c == 0xa8 || c == 0xb8:
			run, high = run+1, high+1
			if run == 3 {
				return true
			}
			continue
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			plain++
		}
		run = 0
	}
	return high >= 2 && plain == 0
}
