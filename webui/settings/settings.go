// Package settings reads the text that an admin edits: TOML, decoded strictly
// over the defaults, so that everything wrong in it is found at once, each
// with its line, its column and an example of how it is done right. It sees
// to the file with that text, too: whether it was saved, and how it is replaced.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"
)

// Mistake is one thing wrong in a text.
type Mistake struct {
	Key    string `json:"-"` // whose value it is: "stream.listen", "share[0].name"
	Line   int    `json:"line"`
	Column int    `json:"column"` // both from 1
	Text   string `json:"text"`
}

// Errors returns one error for all that is wrong in a file, a line for each.
func Errors(file string, mistakes []Mistake) error {
	lines := make([]string, len(mistakes))
	for i, m := range mistakes {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", file, m.Line, m.Column, m.Text)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Manual is an annotated sample with every key, from which mistakes quote.
type Manual string

// Decode decodes a text into a struct that holds the defaults, whose fields
// have a toml tag each: tables are structs, [[blocks]] slices of them. It
// returns all mistakes in the order of the text: what can't be read, keys that
// are unknown, values of the wrong type, and those of validate, which looks at
// what was decoded and names keys only.
func (m Manual) Decode(text string, into any, validate func() []Mistake) []Mistake {
	text, mistakes := blankBadLines(text)
	var tables map[string]toml.Primitive
	md, err := toml.Decode(text, &tables)
	if err != nil {
		return append(mistakes, Mistake{Line: 1, Column: 1, Text: err.Error()})
	}
	config := reflect.ValueOf(into).Elem()
	d := decoder{md: md, manual: m}
	d.table(tables, config, "")
	wrong := make(map[string]bool)
	for _, mistake := range d.mistakes {
		wrong[mistake.Key] = true
	}
	for _, mistake := range validate() {
		if !wrong[mistake.Key] { // what has the wrong type has its mistake already
			d.wrong(mistake.Key, "%s%s", mistake.Text, m.forExample(mistake.Key))
		}
	}
	mistakes = append(mistakes, located(d.mistakes, positions(text, config.Type()))...)
	slices.SortStableFunc(mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return mistakes
}

// located says where the keys of mistakes stand.
func located(mistakes []Mistake, found map[string]place) []Mistake {
	for i, m := range mistakes {
		at, ok := found[m.Key]
		if !ok { // a key that is missing: say where its table is
			at = found[m.Key[:max(0, strings.LastIndexByte(m.Key, '.'))]]
		}
		mistakes[i].Line, mistakes[i].Column = max(1, at.line), max(1, at.column)
	}
	return mistakes
}

// blankBadLines empties each line that is no TOML, so that the mistakes in
// the rest are found as well.
func blankBadLines(text string) (string, []Mistake) {
	var mistakes []Mistake
	lines := strings.SplitAfter(text, "\n")
	for range 100 {
		var bad toml.ParseError
		var any map[string]toml.Primitive
		if _, err := toml.Decode(strings.Join(lines, ""), &any); !errors.As(err, &bad) {
			break
		}
		all := strings.Join(lines, "")
		before := all[:min(max(0, bad.Position.Start), len(all))] // Position.Line may be the line after
		at := strings.Count(before, "\n") + 1
		message := oneLine(bad.Message)
		if mayHoldPassword(lines[at-1]) { // which the message may quote
			message = `this line can't be read; text stands in quotes, as in password = "secret"`
		}
		mistakes = append(mistakes, Mistake{Line: at, Column: len(before) - strings.LastIndexByte(before, '\n'), Text: message})
		if strings.TrimSpace(lines[at-1]) == "" { // what is wrong began further up
			return "", mistakes
		}
		lines[at-1] = "\n"
	}
	return strings.Join(lines, ""), mistakes
}

func mayHoldPassword(line string) bool {
	return strings.Contains(strings.ToLower(line), "pass") || strings.Contains(line, "://")
}

// oneLine is what the toml package says, fit for a line of the log.
func oneLine(message string) string {
	printable := func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return unicode.ReplacementChar
		}
		return r
	}
	return strings.Join(strings.Fields(strings.Map(printable, strings.TrimPrefix(message, "toml: "))), " ")
}
