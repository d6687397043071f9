package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Curve is the schedule of a film: by which playing time how many of its bytes
// must have come, for a player that reads it from its first byte on. It may be
// used concurrently.
type Curve struct {
	cell float64 // seconds
	ends []int64 // bytes due by the end of each cell
}

// Limits of the curves that are believed: a week in cells of a quarter second.
const (
	maxCells = 7 * 24 * 3600 * 4
	maxCell  = 3600 // seconds
)

// NewCurve returns the curve of a film of which so many bytes more are due with
// each cell of the playing time, of cell seconds.
func NewCurve(cell float64, bytes []int64) (*Curve, error) {
	if !(cell >= 0.001 && cell <= maxCell) || len(bytes) == 0 || len(bytes) > maxCells {
		return nil, fmt.Errorf("%d cells of %g s are no playing time", len(bytes), cell)
	}
	c := &Curve{cell: cell, ends: make([]int64, len(bytes))}
	var sum int64
	for i, n := range bytes {
		if n < 0 || n > math.MaxInt64-sum {
			return nil, fmt.Errorf("%d bytes are due with cell %d, which cannot be", n, i)
		}
		sum += n
		c.ends[i] = sum
	}
	if sum == 0 {
		return nil, errors.New("no byte of the film is ever due")
	}
	return c, nil
}

// duration is the playing time.
func (c *Curve) duration() time.Duration { return seconds(float64(len(c.ends)) * c.cell) }

// average is in bytes per second.
func (c *Curve) average() float64 {
	return float64(c.ends[len(c.ends)-1]) / (float64(len(c.ends)) * c.cell)
}

// until returns the playing time for which the first n bytes suffice.
func (c *Curve) until(n int64) time.Duration {
	i, _ := slices.BinarySearch(c.ends, n+1) // the first cell that is not complete
	if i == len(c.ends) {
		return c.duration()
	}
	begin := c.begin(i)
	return seconds((float64(i) + float64(n-begin)/float64(c.ends[i]-begin)) * c.cell)
}

// due returns how many bytes must have come to play until t.
func (c *Curve) due(t time.Duration) int64 {
	at := t.Seconds() / c.cell
	i := int(at)
	switch {
	case i < 0:
		return 0
	case i >= len(c.ends):
		return c.ends[len(c.ends)-1]
	}
	begin := c.begin(i)
	return begin + int64((at-float64(i))*float64(c.ends[i]-begin))
}

// begin returns the bytes due before cell i.
func (c *Curve) begin(i int) int64 {
	if i == 0 {
		return 0
	}
	return c.ends[i-1]
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
