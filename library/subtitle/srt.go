package subtitle

import (
	"strings"
	"time"
)

// parseSRT reads SubRip. There is no standard; a line with an arrow between
// two times begins a cue, and the number before it may be missing.
func parseSRT(text string) (cues []Cue) {
	var lines []string
	var now *Cue
	finish := func() {
		if now == nil {
			return
		}
		if now.Text, now.Top = markup(strings.Join(lines, "\n")); now.Text != "" {
			cues = append(cues, *now)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		start, end, ok := parseArrow(line)
		if !ok {
			lines = append(lines, line)
			continue
		}
		lines = withoutNumber(lines)
		finish()
		now, lines = &Cue{Start: start, End: end}, nil
	}
	finish()
	return cues
}

// parseArrow reads "00:00:01,000 --> 00:00:04,000 X1:1".
func parseArrow(line string) (start, end time.Duration, ok bool) {
	from, to, ok := strings.Cut(line, "-->")
	if !ok {
		return 0, 0, false
	}
	to, _, _ = strings.Cut(strings.TrimSpace(to), " ") // what follows is where it stands
	start, ok = parseTime(from)
	end, ok2 := parseTime(to)
	return start, end, ok && ok2 && end > start
}

// withoutNumber drops the number of the next cue from the lines before it.
func withoutNumber(lines []string) []string {
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(lines[i])
		if line == "" {
			continue
		}
		if strings.Trim(line, "0123456789") == "" && (i == 0 || strings.TrimSpace(lines[i-1]) == "") {
			return lines[:i]
		}
		break
	}
	return lines
}
