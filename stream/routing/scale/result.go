package scale

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"mustserv/stream/routing"
)

// Result is what came of a run, counted in its last half.
type Result struct {
	Policy   routing.Policy
	Redirect routing.Redirect

	Starts     int // of items
	Refused    int // of these, for want of room
	Redirected int
	Hits       int // of these, that the node had kept
	Asked      int // DNS, by resolvers

	Fullest float64 // load of the fullest node, as a part of its capacity: mean over time
	Spread  float64 // standard deviation of these loads, over the mean load
	Above   float64 // fullest over mean load
	Mean    float64 // load

	Took time.Duration // to simulate

	turn    uint64
	samples int
	loads   []float64
}

func (r *Result) count(e entry) {
	r.Starts++
	if e.node == nowhere {
		r.Refused++
		return
	}
	if e.redirected {
		r.Redirected++
	}
	if e.hit {
		r.Hits++
	}
}

const sampleEvery = 30 // seconds

// sample looks how full the nodes are.
func (r *Result) sample(l *cluster) {
	if r.samples++; r.samples%sampleEvery != 1 {
		return
	}
	r.loads = r.loads[:0]
	var sum float64
	for i, used := range l.used {
		r.loads = append(r.loads, float64(used)/float64(l.capacity[i]))
		sum += r.loads[i]
	}
	mean, fullest := sum/float64(len(r.loads)), slices.Max(r.loads)
	var squares float64
	for _, load := range r.loads {
		squares += (load - mean) * (load - mean)
	}
	r.Mean += mean
	r.Fullest += fullest
	r.Spread += math.Sqrt(squares/float64(len(r.loads))) / mean
	r.Above += fullest / mean
}

// finish turns sums into means.
func (r *Result) finish(c Config, took time.Duration) {
	n := float64((r.samples + sampleEvery - 1) / sampleEvery)
	r.Policy, r.Redirect, r.Took = c.Policy, c.Redirect, took
	r.Mean, r.Fullest, r.Spread, r.Above = r.Mean/n, r.Fullest/n, r.Spread/n, r.Above/n
}

// Print writes a table of results.
func Print(w io.Writer, all []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "policy\tredirect\tmean load\tfullest node\tfullest : mean\tspread\tcache hits\tsent on\tno room\tDNS queries\tseconds\t")
	for _, r := range all {
		percent := func(n int) string { return fmt.Sprintf("%.2f %%", 100*float64(n)/float64(max(1, r.Starts))) }
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f\t%.2f\t%.3f\t%s\t%s\t%s\t%d\t%.0f\t\n", r.Policy, r.Redirect, r.Mean, r.Fullest, r.Above, r.Spread,
			percent(r.Hits), percent(r.Redirected), percent(r.Refused), r.Asked, r.Took.Seconds())
	}
	return t.Flush()
}
