package load

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"mustserv/ratelimit"
)

// Print writes the report as a table that a person reads.
func (r *Report) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "PLAYERS\tSTARTED\tSTART-UP\tWORST 1 %\tSTALLED\tSTALLS\tFOR\tNEEDED\tGOT\tBYTES\tFAILED\t  FILM")
	for _, t := range r.Targets {
		t.print(table, t.URL)
	}
	if len(r.Targets) > 1 {
		r.Total.print(table, "all")
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i, f := range r.failures() {
		if i == 5 {
			fmt.Fprintln(w, "and more")
			break
		}
		fmt.Fprintf(w, "%d failed: %s\n", f.players, f.text)
	}
	if r.Broken > 0 {
		fmt.Fprintf(w, "%d connections broke and were made again\n", r.Broken)
	}
	if r.RateErrorP99 > 0 {
		fmt.Fprintf(w, "rate over 5 s: off by %.1f %% (median), %.1f %% (worst 1 %%); largest burst %.0f ms of the film\n",
			100*r.RateErrorMedian, 100*r.RateErrorP99, r.LargestBurst)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.Verdict)
	return err
}

func (t *Total) print(w io.Writer, name string) {
	row := []string{
		strconv.Itoa(t.Players), strconv.Itoa(t.Started), fmt.Sprintf("%.2f s", t.StartupMedian), fmt.Sprintf("%.2f s", t.StartupP99),
		strconv.Itoa(t.Stalled), strconv.Itoa(t.Stalls), fmt.Sprintf("%.1f s", t.StallSeconds),
		rate(t.NeededRate), rate(t.Rate), ratelimit.Size(t.Bytes).String(), strconv.Itoa(t.Failed),
	}
	for _, cell := range row {
		fmt.Fprint(w, cell, "\t")
	}
	fmt.Fprintln(w, "  "+name)
}

func rate(bitsPerSecond float64) string {
	if bitsPerSecond == 0 {
		return "-"
	}
	return ratelimit.Rate(bitsPerSecond).String()
}

// verdict says what the run means, in a sentence.
func (r *Report) verdict() string {
	switch {
	case r.Started == 0:
		return "No player could start, so nothing can be said."
	case r.Mode == "drain" && r.NeededRate == 0:
		return fmt.Sprintf("%d readers together got %s.", r.Started, rate(r.Rate))
	case r.Mode == "drain":
		each := r.NeededRate / float64(r.Started)
		return fmt.Sprintf("%d readers together got %s, as much as %.0f viewers need on average.", r.Started, rate(r.Rate), r.Rate/each)
	case r.Smooth == r.Players:
		return fmt.Sprintf("This box and link carry %d such viewers without a stall, and perhaps more: try a larger -n.", r.Players)
	case r.Stalled == 0:
		return fmt.Sprintf("This box and link carry %d such viewers; the others could not start, and nobody who plays stalls.", r.Smooth)
	}
	return fmt.Sprintf("%d such viewers are too many for this box or link: only %d play without a stall. Try a smaller -n.", r.Players, r.Smooth)
}
