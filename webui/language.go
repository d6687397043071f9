package webui

import (
	"cmp"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

//go:embed texts/de.txt
var germanTexts string

// Languages are the codes of those that the pages are written in, English first.
func Languages() []string { return []string{"en", "de"} }

// tongue is a language as the pages are written in it. English texts are
// their own keys.
type tongue struct {
	code  string            // BCP 47
	texts map[string]string // by the English ones; those that are not there stay English
	point string            // before the decimals
	group string            // between thousands
}

// tongues returns all languages, by their code.
func tongues() map[string]*tongue {
	return map[string]*tongue{
		"en": english(),
		"de": {code: "de", point: ",", group: ".", texts: catalogue(germanTexts)},
	}
}

func english() *tongue { return &tongue{code: "en", point: ".", group: ","} }

// catalogue reads the texts of a language: each English one on a line, with
// what it is in that language below, indented. Lines with # say something to
// who writes them.
func catalogue(file string) map[string]string {
	texts, english := make(map[string]string), ""
	for line := range strings.Lines(file) {
		line = strings.TrimRight(line, "\n")
		text, indented := strings.CutPrefix(line, "\t")
		switch {
		case indented:
			texts[english] = text
		case !strings.HasPrefix(line, "#"):
			english = line
		}
	}
	return texts
}

// tongue returns the language for who asks: the config's, or the one that the
// browser prefers of those that there are.
func (h *Handler) tongue(r *http.Request) *tongue {
	if t := h.tongues[h.Config().Language]; t != nil {
		return t
	}
	wanted := preferences(r.Header.Get("Accept-Language"))
	slices.SortStableFunc(wanted, func(a, b preference) int { return cmp.Compare(b.weight, a.weight) })
	for _, w := range wanted {
		code, _, _ := strings.Cut(w.name, "-")
		if t := h.tongues[code]; t != nil && w.weight > 0 {
			return t
		}
	}
	return h.tongues["en"]
}

// speak says in the head of an answer what it is written in.
func (h *Handler) speak(w http.ResponseWriter, t *tongue) {
	w.Header().Set("Content-Language", t.code)
	if h.Config().Language == "" {
		w.Header().Add("Vary", "Accept-Language")
	}
}

// text returns an English text in the language.
func (t *tongue) text(english string) string { return cmp.Or(t.texts[english], english) }

// say returns a text with what it tells of in the place of its verbs.
func (t *tongue) say(text string, args ...any) string { return say(text, args...).in(t) }

// date returns a day and the time as people write them.
func (t *tongue) date(at time.Time) string {
	at = at.Local()
	return fmt.Sprintf(t.text("%d %s %d, %02d:%02d"), at.Day(), t.text(at.Month().String()), at.Year(), at.Hour(), at.Minute())
}
