// Package subtitle turns subtitle files into WebVTT, which is what browsers
// show: SubRip (srt), SubStation Alpha (ssa, ass) and WebVTT (vtt), in
// whatever character set they are.
package subtitle

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// MaxSize is how large a subtitle file may be, in bytes; those of a long film
// have some hundred kilobytes.
const MaxSize = 8 << 20

// ErrFormat says that a text is none of the formats that are known.
var ErrFormat = errors.New("not a known subtitle format")

// Cue is one text and when it is shown, from the start of the film.
type Cue struct {
	Start, End time.Duration
	Text       string // lines as WebVTT has them: escaped, with i, b and u at most
	Top        bool   // shown at the top of the picture
}

// Convert writes as WebVTT what a subtitle file holds. The format is the
// file's extension in lower case; the language, as in film.ru.srt, is a hint
// at the character set and may be empty. It returns ErrFormat if there is
// nothing to show, w's error, or nil.
func Convert(w io.Writer, file []byte, format, language string) error {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(decode(file, language))
	if format == "vtt" && strings.HasPrefix(text, "WEBVTT") {
		_, err := io.WriteString(w, text)
		return err
	}
	var cues []Cue
	switch format {
	case "srt", "vtt": // a vtt file without its first line is as good as srt
		cues = parseSRT(text)
	case "ass", "ssa":
		cues = parseASS(text)
	}
	if len(cues) == 0 {
		return fmt.Errorf("read %s subtitles: %w", format, ErrFormat)
	}
	slices.SortStableFunc(cues, func(a, b Cue) int { return cmp.Compare(a.Start, b.Start) })
	return write(w, cues)
}

// write writes cues as WebVTT (https://www.w3.org/TR/webvtt1/).
func write(w io.Writer, cues []Cue) error {
	out := bufio.NewWriter(w)
	out.WriteString("WEBVTT\n")
	for _, c := range cues {
		_ = writeCue(out, c) // Flush tells
	}
	return out.Flush()
}

func stamp(t time.Duration) string {
	ms := t.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// timeMost is the latest time that is believed.
const timeMost = 100 * time.Hour

// parseTime reads "1:02:03,456", also with a point, without hours and with any
// number of digits after the second.
func parseTime(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	seconds := 0.0
	parts := strings.Split(strings.ReplaceAll(text, ",", "."), ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	for _, part := range parts {
		n, ok := decimal(part)
		if !ok {
			return 0, false
		}
		seconds = seconds*60 + n
	}
	t := time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
	return t, t <= timeMost
}

// decimal reads digits, perhaps with a point among them.
func decimal(text string) (float64, bool) {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(text), ".")
	n, scale := 0.0, 1.0
	for _, r := range whole {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + float64(r-'0')
	}
	for _, r := range fraction {
		if r < '0' || r > '9' {
			return 0, false
		}
		scale /= 10
		n += float64(r-'0') * scale
	}
	return n, whole != ""
}

// clean returns the lines of a cue's text without empty ones, which would end
// the cue, and without arrows, which would begin another.
func clean(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	return strings.ReplaceAll(strings.Join(lines, "\n"), "--&gt;", "→")
}
