package webui

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"mustserv/library"
)

const chartTimeout = 10 * time.Second // to measure a file again

// serveChart draws what an item needs: /chart/PATH.
func (h *Handler) serveChart(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	if err != nil {
		return err
	}
	if at.item == nil || at.slash || at.item.Info() == nil {
		return fs.ErrNotExist
	}
	item := at.item
	found := examined(r.Context(), item)
	paced, burst := h.Need(item)
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	h.speak(w, h.tongue(r))
	if r.Method != http.MethodHead {
		_ = writeChart(w, found, paced, burst, h.tongue(r)) // only a client that has gone can make it fail
	}
	return nil
}

// examined measures an item again, for what is not kept of it. Where that fails,
// as its share does not answer, say, it returns what is known.
func examined(ctx context.Context, it *library.Item) *library.Item {
	ctx, cancel := context.WithTimeout(ctx, chartTimeout)
	defer cancel()
	found, err := it.Examine(ctx)
	if err != nil {
		return it
	}
	return found
}

// The picture, in its own units.
const (
	chartWidth, chartHeight = 480.0, 200.0
	chartLeft, chartRight   = 4.0, 128.0
	chartTop, chartBottom   = 24.0, 24.0
)

// WriteChart draws the bit rate of a measured item over its playing time as
// SVG, with its average, its peak over one second, and the bucket that it is
// sent through: paced in bit/s, burst in bytes. The picture needs no style
// sheet and can be read on light and on dark ground.
func WriteChart(w io.Writer, it *library.Item, paced, burst int64) error {
	return writeChart(w, it, paced, burst, english())
}

func writeChart(w io.Writer, it *library.Item, paced, burst int64, t *tongue) error {
	info := it.Info()
	c := info.Curve
	highest := max(1, paced, int64(c.Peak))
	for _, v := range c.Shape {
		highest = max(highest, int64(v))
	}
	top := float64(highest) * 1.05
	y := func(v float64) float64 { return chartHeight - chartBottom - v/top*(chartHeight-chartTop-chartBottom) }
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="sans-serif" font-size="12" role="img"><title>%s</title>`+"\n",
		chartWidth, chartHeight, html.EscapeString(t.say("Bit rate of %s", plain(it.Title()))))
	fmt.Fprintf(out, `<text x="%.0f" y="15" fill="#808080">%s</text>`+"\n", chartLeft, t.say("%s at once, then %s", t.size(burst), t.rate(paced)))
	drawShape(out, c.Shape, y)
	lines := []chartLine{
		{t.say("average"), int64(c.Average), "#808080", "2 3"}, {t.say("paced"), paced, "#c07a1a", ""}, {t.say("peak"), int64(c.Peak), "#808080", "6 3"},
	}
	slices.SortFunc(lines, func(a, b chartLine) int { return cmp.Compare(b.rate, a.rate) })
	label := 0.0
	for _, l := range lines {
		at := y(float64(l.rate))
		label = max(label+13, at+4)
		fmt.Fprintf(out, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="1.5" stroke-dasharray="%s"/>`, chartLeft, chartWidth-chartRight, at, at, l.colour, l.dashes)
		fmt.Fprintf(out, `<text x="%.1f" y="%.1f" fill="%s">%s %s</text>`+"\n", chartWidth-chartRight+6, label, l.colour, l.name, t.rate(l.rate))
	}
	fmt.Fprintf(out, `<text x="%.1f" y="%.1f" fill="#808080">0:00</text><text x="%.1f" y="%.1f" fill="#808080" text-anchor="end">%s</text></svg>`+"\n",
		chartLeft, chartHeight-8, chartWidth-chartRight, chartHeight-8, clock(info.Duration))
	return out.Flush()
}

// chartLine is a rate that stands across the picture.
type chartLine struct {
	name           string
	rate           int64
	colour, dashes string
}

// drawShape fills what lies below the bit rate, in steps.
func drawShape[Rate ~int64](out io.Writer, shape []Rate, y func(float64) float64) {
	if len(shape) == 0 {
		return
	}
	wide := (chartWidth - chartLeft - chartRight) / float64(len(shape))
	fmt.Fprintf(out, `<path fill="#2a8c96" fill-opacity="0.55" d="M%.1f %.1f`, chartLeft, y(0))
	for i, v := range shape {
		fmt.Fprintf(out, "V%.1fH%.1f", y(float64(v)), chartLeft+float64(i+1)*wide)
	}
	fmt.Fprintf(out, `V%.1fZ"/>`+"\n", y(0))
}
