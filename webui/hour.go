package webui

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	sampleEvery = 10 * time.Second
	samplesMost = int(time.Hour / sampleEvery)
)

// sample is the link at one moment; rates in bit/s.
type sample struct {
	at                       time.Time
	sent, reserved, capacity int64
}

// hour keeps the samples of the last hour, which take some 15 kB. It may be
// used concurrently.
type hour struct {
	mu   sync.Mutex
	ring []sample
	next int // the oldest, where the ring is full
}

func (h *hour) add(s sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < samplesMost {
		h.ring = append(h.ring, s)
		return
	}
	h.ring[h.next] = s
	h.next = (h.next + 1) % samplesMost
}

// samples returns what is kept and not older than an hour, oldest first.
func (h *hour) samples(now time.Time) []sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Concat(h.ring[h.next:], h.ring[:h.next])
	return slices.DeleteFunc(all, func(s sample) bool { return now.Sub(s.at) > time.Hour })
}

const graphWidth, graphHeight = 720, 160 // units of the drawing, which is stretched

// graph is the last hour, or what there is of it, as it is drawn: a page
// stretches it to its width, so that all text stands outside.
type graph struct {
	Span           time.Duration
	Sent, Reserved string // as SVG paths
	Capacity       string // y of its line; empty where it is far above all else
	Top            int64  // bit/s at the upper edge
	Most, Mean     int64  // bit/s sent
}

// newGraph draws samples; nil where they are too few for a line.
func newGraph(samples []sample) *graph {
	if len(samples) < 2 {
		return nil
	}
	last := samples[len(samples)-1]
	g := graph{Span: last.at.Sub(samples[0].at)}
	var high, sum float64
	for _, s := range samples {
		g.Most = max(g.Most, s.sent)
		sum += float64(s.sent)
		high = max(high, float64(s.sent), float64(s.reserved))
	}
	g.Mean = int64(sum / float64(len(samples)))
	capacity := float64(last.capacity)
	shown := capacity > 0 && capacity <= 4*high
	if shown {
		high = max(high, capacity)
	}
	g.Top = roundTop(high)
	y := func(rate int64) float64 { return graphHeight * (1 - float64(rate)/float64(g.Top)) }
	if shown {
		g.Capacity = fmt.Sprintf("%.1f", y(int64(capacity)))
	}
	x := func(s sample) float64 { return graphWidth * (1 - float64(last.at.Sub(s.at))/float64(g.Span)) }
	g.Sent = pathOf(samples, x, func(s sample) float64 { return y(s.sent) })
	g.Sent = fmt.Sprintf("M%.1f %dL%sV%dZ", x(samples[0]), graphHeight, g.Sent, graphHeight)
	g.Reserved = "M" + pathOf(samples, x, func(s sample) float64 { return y(s.reserved) })
	return &g
}

// pathOf joins the samples to a line, without those in the middle of a level
// stretch.
func pathOf(samples []sample, x, y func(sample) float64) string {
	var b strings.Builder
	for i, s := range samples {
		if i > 0 && i < len(samples)-1 && y(samples[i-1]) == y(s) && y(samples[i+1]) == y(s) {
			continue
		}
		fmt.Fprintf(&b, "%.1f %.1f ", x(s), y(s))
	}
	return b.String()
}

// roundTop returns the round rate, and of which the half is round, that is
// next above high; 1 Mbit/s at least.
func roundTop(high float64) int64 {
	high = max(high, 1e6)
	unit := math.Pow(10, math.Floor(math.Log10(high)))
	for _, n := range []float64{1, 2, 3, 4, 6, 8} {
		if n*unit >= high {
			return int64(n * unit)
		}
	}
	return int64(10 * unit)
}
