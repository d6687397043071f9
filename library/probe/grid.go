package probe

import (
	"iter"
	"math"

	"mustserv/ratelimit"
)

// A grid keeps at most maxCells cells of 16 bytes, 1 MB in all: a film of two
// hours in cells of an eighth of a second, a song in cells of some
// milliseconds.
const (
	maxCells = 1 << 16
	finest   = 1.0 / 4096 // seconds
)

// cell is what is due within one stretch of time. The numbers of 32 bits stop
// at their highest: a cell of 4 GB is far beyond what any burst serves, and
// the file's samples are then taken in order of time.
type cell struct {
	end   int64  // highest byte of the samples
	span  uint32 // from their lowest byte to end
	bytes uint32 // sum of their sizes; 0: there are none
}

// cellOf returns the cell of n bytes between start and end.
func cellOf(start, end, n int64) cell {
	return cell{end, uint32(min(end-start, math.MaxUint32)), uint32(min(n, math.MaxUint32))}
}

// start returns the lowest byte of the samples.
func (c cell) start() int64 { return c.end - int64(c.span) }

// join adds the samples of d to c.
func (c *cell) join(d cell) {
	switch {
	case d.bytes == 0:
	case c.bytes == 0:
		*c = d
	default:
		*c = cellOf(min(c.start(), d.start()), max(c.end, d.end), int64(c.bytes)+int64(d.bytes))
	}
}

// grid sorts samples into cells of equal width, which double when they become
// too many. cells[i] spans width seconds from (base+i)*width on.
type grid struct {
	width float64
	base  int64
	cells []cell
}

// point is what the cells up to one tell: to is the highest byte that is due
// by then, from the lowest that a player that starts there reads.
type point struct {
	cell     int64
	from, to int64
}

// add enters a sample of n > 0 bytes at start, due at t.
func (g *grid) add(t float64, start, n int64) {
	i := g.reach(t)
	g.cells[i].join(cellOf(start, start+n, n))
}

// reach returns the index of the cell of t, which is made if there is none.
func (g *grid) reach(t float64) int {
	for {
		i := int64(math.Floor(t / g.width))
		if len(g.cells) == 0 {
			g.base = i
		}
		low, high := min(g.base, i), max(g.base+int64(len(g.cells)), i+1)
		if high-low <= maxCells {
			g.extend(low, high)
			return int(i - g.base)
		}
		g.double()
	}
}

// extend makes cells from low to high, and spare ones before a new first one,
// so that times that run backwards cost no more than others.
func (g *grid) extend(low, high int64) {
	if low >= g.base {
		g.resize(max(int(high-g.base), len(g.cells)))
		return
	}
	had := len(g.cells)
	low -= min(int64(had/2), maxCells-(high-low))
	before := int(g.base - low)
	g.resize(int(high - low))
	copy(g.cells[before:], g.cells[:had])
	clear(g.cells[:before])
	g.base = low
}

// resize sets the number of cells, which is no less than before. Short songs
// take little memory; beyond a sixteenth all of it is made at once, as growing
// would leave as much garbage again.
func (g *grid) resize(n int) {
	if n > cap(g.cells) {
		room := max(n, 2*cap(g.cells), 512)
		if room > maxCells/16 {
			room = maxCells
		}
		cells := make([]cell, len(g.cells), room)
		copy(cells, g.cells)
		g.cells = cells
	}
	g.cells = g.cells[:n]
}

// double makes the cells twice as wide.
func (g *grid) double() {
	base, n := g.base>>1, 0
	for k, c := range g.cells {
		g.cells[k] = cell{}
		i := int((g.base+int64(k))>>1 - base)
		g.cells[i].join(c)
		n = i + 1
	}
	g.width, g.base, g.cells = g.width*2, base, g.cells[:n]
}

// points yields the points of the file as it lies on disk.
func (g *grid) points(yield func(point) bool) {
	var to int64
	for i, c := range g.cells {
		to = max(to, c.end)
		if c.bytes > 0 && !yield(point{g.base + int64(i), c.start(), to}) {
			return
		}
	}
}

// interleaved yields the points of the file as it would be with its samples
// in order of time.
func (g *grid) interleaved(yield func(point) bool) {
	var sum int64
	for i, c := range g.cells {
		from := sum
		sum += int64(c.bytes)
		if c.bytes > 0 && !yield(point{g.base + int64(i), from, sum}) {
			return
		}
	}
}

// lead returns how many bytes must be there before play can start, at worst.
func (g *grid) lead() int64 {
	var most int64
	for p := range g.points {
		most = max(most, p.to-p.from)
	}
	return most
}

// peak returns the most bytes of samples that are due within a second.
func (g *grid) peak() float64 {
	n := max(1, int(1/g.width))
	var sum, most int64
	for i, c := range g.cells {
		sum += int64(c.bytes)
		if i >= n {
			sum -= int64(g.cells[i-n].bytes)
		}
		most = max(most, sum)
	}
	return float64(most) / max(1, g.width)
}

// scheduleCell is how finely a schedule is told, in seconds; a power of two, as
// the width of a cell is.
const scheduleCell = 0.25

// schedule tells when the bytes of points are due.
func (g *grid) schedule(points iter.Seq[point]) Schedule {
	s := Schedule{Cell: max(g.width, scheduleCell)}
	perCell := s.Cell / g.width
	var base, come int64
	for p := range points {
		i := int64(math.Floor(float64(p.cell) / perCell))
		if s.Bytes == nil {
			base = i
			s.Bytes = make([]int64, 0, int(float64(len(g.cells))/perCell)+2)
		}
		for int64(len(s.Bytes)) <= i-base {
			s.Bytes = append(s.Bytes, 0)
		}
		s.Bytes[i-base] += p.to - come
		come = p.to
	}
	return s
}

// A picture shows so many parts of the playing time, but none so short that
// single frames stand out.
const (
	shapeParts = 240
	shapeLeast = 0.5 // seconds
)

// shape returns the mean rates of equal parts of the time from first to last;
// nil where there is no time.
func (g *grid) shape(first, last float64) []ratelimit.Rate {
	parts := min(shapeParts, int((last-first)/max(g.width, shapeLeast)))
	if parts < 1 {
		return nil
	}
	sums := make([]float64, parts)
	for i, c := range g.cells {
		at := (float64(g.base+int64(i))+0.5)*g.width - first
		sums[max(0, min(parts-1, int(at/(last-first)*float64(parts))))] += float64(c.bytes)
	}
	rates := make([]ratelimit.Rate, parts)
	for i, sum := range sums {
		rates[i] = ratelimit.Rate(sum * 8 / (last - first) * float64(parts))
	}
	return rates
}
