package subtitle

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// usualLength is how long a text is shown that does not say so, unless another
// follows sooner.
const usualLength = 4 * time.Second

// A Track writes the texts of a track within a film as WebVTT, each as it
// comes.
type Track struct {
	out   *bufio.Writer
	codec string
	begun bool
	last  Cue // not written yet: it may have to end when the next one begins
	waits bool
}

// NewTrack returns a Track that writes to w. The codec is as package probe
// names it: "srt", "ass", "ssa", "webvtt", or "text", which is plain.
func NewTrack(w io.Writer, codec string) *Track {
	return &Track{out: bufio.NewWriter(w), codec: codec}
}

// Text adds a text. Of a length of 0 it is not known how long it is shown. The
// error is w's.
func (t *Track) Text(start, length time.Duration, data []byte) error {
	c := Cue{Start: start, End: start + length}
	if start < 0 || length < 0 || c.End > timeMost {
		return nil
	}
	c.Text, c.Top = t.lines(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(strings.ToValidUTF8(string(data), string(utf8.RuneError))))
	if c.Text == "" {
		return nil
	}
	if t.waits && t.last.End == t.last.Start {
		t.last.End = min(t.last.Start+usualLength, max(start, t.last.Start+time.Millisecond))
	}
	err := t.write()
	t.last, t.waits = c, true
	return err
}

// Close writes what is left. Where there was no text at all it writes what is
// WebVTT without a cue. The error is w's.
func (t *Track) Close() error {
	if t.waits && t.last.End == t.last.Start {
		t.last.End = t.last.Start + usualLength
	}
	return cmp.Or(t.write(), t.out.Flush())
}

// Flush writes what is buffered, but for the last text.
func (t *Track) Flush() error { return t.out.Flush() }

// write writes the text that has waited.
func (t *Track) write() error {
	if !t.begun {
		t.out.WriteString("WEBVTT\n")
		t.begun = true
	}
	if !t.waits {
		return nil
	}
	t.waits = false
	return writeCue(t.out, t.last)
}

// lines returns a text as WebVTT has it.
func (t *Track) lines(text string) (vtt string, top bool) {
	switch t.codec {
	case "webvtt":
		return clean(strings.ReplaceAll(text, "-->", "→")), false
	case "ass", "ssa":
		fields := strings.SplitN(text, ",", 9) // order, layer or mark, style, name, three margins, effect, text
		return markup(fields[len(fields)-1])
	case "text":
		return clean(escape(strings.TrimSpace(text))), false
	}
	return markup(text)
}

// writeCue writes one cue.
func writeCue(out io.Writer, c Cue) error {
	settings := ""
	if c.Top {
		settings = " line:0"
	}
	_, err := fmt.Fprintf(out, "\n%s --> %s%s\n%s\n", stamp(c.Start), stamp(c.End), settings, c.Text)
	return err
}
