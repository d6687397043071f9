package webui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// visible returns s as it may stand in an element of its own direction
// (<bdi>): what is not text, or would not be seen, as U+FFFD.
func visible(s string) string { return strings.Map(seen, s) }

// plain returns s as it may stand where no element isolates it, as in a title
// or an attribute: visible, and without the marks that turn the direction of
// what follows.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if turnsText(r) {
			return -1
		}
		return seen(r)
	}, s)
}

func seen(r rune) rune {
	if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
		return utf8.RuneError
	}
	return r // invalid bytes come as U+FFFD
}

// turnsText reports whether r embeds, overrides or isolates a direction.
func turnsText(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// capital returns s beginning with a capital letter.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// clock returns seconds as 1:02:03 or 2:03, empty if there are none.
func clock(seconds float64) string {
	const longest = 1e9 // far beyond any film, and within every integer
	if !(seconds > 0) {
		return ""
	}
	s := int64(min(seconds, longest) + 0.5)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// span returns a time as a person says it: "3 days 4 h", "4 h 5 min", "12 s".
func (t *tongue) span(d time.Duration) string {
	switch s := int64(d.Seconds()); {
	case s < 60:
		return fmt.Sprintf("%d s", max(0, s))
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	default:
		return t.say("%d days %d h", s/86400, s/3600%24)
	}
}

// precise is span, with times below 10 s in their own terms: "12 ms", "1.5 s".
func (t *tongue) precise(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return t.decimal(float64(d)/float64(time.Millisecond), 1) + " ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return t.decimal(d.Seconds(), 1) + " s"
	}
	return t.span(d)
}

// size returns bytes with a binary unit.
func (t *tongue) size(n int64) string {
	return t.scaled(n, 1024, t.text("bytes"), "KiB", "MiB", "GiB", "TiB", "PiB")
}

// rate returns bits per second with a decimal unit.
func (t *tongue) rate(n int64) string {
	return t.scaled(n, 1000, "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s")
}

// scaled returns n in the largest unit that keeps it at 1 or above, with a
// decimal only where it tells something.
func (t *tongue) scaled(n, step int64, units ...string) string {
	v := float64(n)
	for v >= float64(step)-0.5 && len(units) > 1 {
		v /= float64(step)
		units = units[1:]
	}
	decimals := 0
	if v < 9.95 {
		decimals = 1
	}
	return t.decimal(v, decimals) + " " + units[0]
}

// decimal returns a number with so many decimals, if they are any.
func (t *tongue) decimal(v float64, decimals int) string {
	s := strings.TrimSuffix(strconv.FormatFloat(v, 'f', decimals, 64), ".0")
	return strings.Replace(s, ".", t.point, 1)
}

// count returns "1 file", "2 files", "12,345 files". Both languages have one
// word for one and one for any other number.
func (t *tongue) count(n int, one, many string) string {
	one, many, _ = strings.Cut(t.text(one+"|"+many), "|")
	if n == 1 {
		return "1 " + one
	}
	return t.thousands(n) + " " + many
}

// figure is a number beside what it counts.
type figure struct{ Number, Of string }

func (t *tongue) figure(n int, one, many string) figure {
	number, of, _ := strings.Cut(t.count(n, one, many), " ")
	return figure{number, of}
}

// wordList returns words with commas between them.
func wordList[T ~string](words []T) string {
	list := string(words[0])
	for _, w := range words[1:] {
		list += ", " + string(w)
	}
	return list
}

// thousands returns n with its digits in groups of three.
func (t *tongue) thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + t.group + s[i:]
	}
	return s
}
