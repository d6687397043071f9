package subtitle

import (
	"slices"
	"strings"
)

// parseASS reads the dialogue of a SubStation Alpha file (v4 and v4+); styles
// are left out but for what the codes in a text say.
func parseASS(text string) (cues []Cue) {
	order := []string{"layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"}
	inEvents := false
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inEvents = strings.EqualFold(line, "[Events]")
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		switch {
		case !inEvents:
		case strings.EqualFold(key, "Format"):
			order = strings.Split(strings.ToLower(strings.ReplaceAll(value, " ", "")), ",")
		case strings.EqualFold(key, "Dialogue"):
			if c, ok := dialogue(value, order); ok {
				cues = append(cues, c)
			}
		}
	}
	return cues
}

// dialogue reads the fields of one line; the last may hold commas.
func dialogue(line string, order []string) (Cue, bool) {
	fields := strings.SplitN(line, ",", len(order))
	field := func(name string) string {
		if i := slices.Index(order, name); i >= 0 && i < len(fields) {
			return fields[i]
		}
		return ""
	}
	start, ok1 := parseTime(field("start"))
	end, ok2 := parseTime(field("end"))
	c := Cue{Start: start, End: end}
	c.Text, c.Top = markup(field("text"))
	return c, ok1 && ok2 && end > start && c.Text != ""
}
