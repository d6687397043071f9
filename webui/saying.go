package webui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// saying is a text of the pages that is in no language yet: who makes a page
// knows what it says, and the template in which language.
type saying interface{ in(*tongue) string }

// verbatim is the same in every language, as names are.
type verbatim string

func (v verbatim) in(*tongue) string { return string(v) }

// phrase is a text of the catalogue, by its English, with what stands in the
// place of its verbs; among that may be sayings.
type phrase struct {
	english string
	args    []any
}

func say(english string, args ...any) phrase { return phrase{english, args} }

func (p phrase) in(t *tongue) string {
	if len(p.args) == 0 {
		return t.text(p.english)
	}
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if s, ok := a.(saying); ok {
			a = s.in(t)
		}
		args[i] = a
	}
	return fmt.Sprintf(t.text(p.english), args...)
}

// amount is so many of something.
type amount struct {
	n         int
	one, many string
}

func counted(n int, one, many string) amount { return amount{n, one, many} }

func (a amount) in(t *tongue) string { return t.count(a.n, a.one, a.many) }

// sized is bytes.
type sized int64

func (s sized) in(t *tongue) string { return t.size(int64(s)) }

// decimal is a number with two decimals at most.
type decimal float64

func (d decimal) in(t *tongue) string {
	return strings.Replace(strconv.FormatFloat(math.Round(float64(d)*100)/100, 'f', -1, 64), ".", t.point, 1)
}

// lasting is a time that has passed.
type lasting time.Duration

func (l lasting) in(t *tongue) string { return t.span(time.Duration(l)) }

// taking is one that something took, which may be short.
type taking time.Duration

func (l taking) in(t *tongue) string { return t.precise(time.Duration(l)) }

// dated is a moment.
type dated time.Time

func (d dated) in(t *tongue) string { return t.date(time.Time(d)) }

// chain is sayings one after the other.
type chain struct {
	between string
	parts   []saying
}

func commas(parts ...saying) chain { return chain{", ", parts} }

func dots(parts ...saying) chain { return chain{" · ", parts} }

func (c chain) in(t *tongue) string {
	var said []string
	for _, p := range c.parts {
		if text := p.in(t); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, c.between)
}
