// Package metrics writes figures in the Prometheus text format (exposition
// format 0.0.4). The figures are pulled from snapshots when somebody asks;
// nobody imports this package to count.
package metrics

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// ContentType is the media type of what Write writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Type says whether a figure only grows.
type Type string

// The types of families.
const (
	Counter Type = "counter"
	Gauge   Type = "gauge"
)

// Family is all samples of one name.
type Family struct {
	Name    string // in base units: mustserv_sent_bytes_total
	Help    string
	Type    Type
	Samples []Sample
}

// Sample is one figure with its labels.
type Sample struct {
	Labels []Label
	Value  float64
}

// Label tells one sample of a family from the others.
type Label struct{ Name, Value string }

// One returns a family with one sample that has no labels.
func One(t Type, name, help string, value float64) Family {
	return Family{Name: name, Help: help, Type: t, Samples: []Sample{{Value: value}}}
}

// Figure is a figure that each of several things has.
type Figure[T any] struct {
	family Family
	value  func(T) float64
}

// Of returns a figure; its name is without what those of all figures begin
// with.
func Of[T any](t Type, name, help string, value func(T) float64) Figure[T] {
	return Figure[T]{Family{Name: name, Help: help, Type: t}, value}
}

// Each returns a family for each figure, with a sample for each thing. Where
// there is no thing, there is no family.
func Each[T any](prefix string, figures []Figure[T], things []T, labels func(i int, thing T) []Label) (families []Family) {
	if len(things) == 0 {
		return nil
	}
	for _, f := range figures {
		family := f.family
		family.Name = prefix + family.Name
		for i, thing := range things {
			family.Samples = append(family.Samples, Sample{Labels: labels(i, thing), Value: f.value(thing)})
		}
		families = append(families, family)
	}
	return families
}

// Bool is what a figure says of something that is so, or not: 1 or 0.
func Bool(so bool) float64 {
	if so {
		return 1
	}
	return 0
}

// Write writes the families in their order. Help and label values may hold
// any bytes.
func Write(w io.Writer, families []Family) error {
	b := bufio.NewWriter(w)
	help := strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	value := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	for _, f := range families {
		b.WriteString("# HELP " + f.Name + " " + help.Replace(f.Help) + "\n")
		b.WriteString("# TYPE " + f.Name + " " + string(f.Type) + "\n")
		for _, s := range f.Samples {
			b.WriteString(f.Name)
			for i, l := range s.Labels {
				b.WriteString(separator(i))
				b.WriteString(l.Name + `="` + value.Replace(strings.ToValidUTF8(l.Value, "\uFFFD")) + `"`)
			}
			if len(s.Labels) > 0 {
				b.WriteByte('}')
			}
			b.WriteString(" " + strconv.FormatFloat(s.Value, 'g', -1, 64) + "\n")
		}
	}
	return b.Flush()
}

func separator(i int) string {
	if i == 0 {
		return "{"
	}
	return ","
}

// Handler answers each GET with what collect returns at that moment.
func Handler(collect func() []Family) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodHead {
			Write(w, collect()) // a scraper that is gone needs no answer
		}
	})
}
