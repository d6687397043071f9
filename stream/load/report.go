package load

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"time"
)

// Report is what came of a run. Times are in seconds, rates in bits per
// second, sizes in bytes.
type Report struct {
	Mode    string  `json:"mode"` // "play" or "drain"
	Seconds float64 `json:"seconds"`
	Verdict string  `json:"verdict"` // for a person
	Total
	Targets []Total  `json:"targets"` // of each film
	Each    []Result `json:"each"`    // of each player
}

// Total sums up players.
type Total struct {
	URL     string `json:"url,omitempty"` // if all played one film
	Players int    `json:"players"`
	Started int    `json:"started"` // played, or got a first byte to drain
	Smooth  int    `json:"smooth"`  // of these, without a stall or an error
	Failed  int    `json:"failed"`  // gave up

	StartupMedian float64 `json:"startup_median"`
	StartupP99    float64 `json:"startup_p99"`
	Stalled       int     `json:"stalled"` // players
	Stalls        int     `json:"stalls"`
	StallSeconds  float64 `json:"stall_seconds"`
	Broken        int     `json:"broken"` // connections that were made again
	Bytes         int64   `json:"bytes"`
	LateBytes     int64   `json:"late_bytes"`  // of these, from a second after the last player has begun
	NeededRate    float64 `json:"needed_rate"` // sum of the averages of what was started
	Rate          float64 `json:"rate"`        // that came, all together

	// Of servers that say at which rate they send, read as fast as it comes:
	// how far the rate over five seconds was from that, and the largest burst in
	// milliseconds of the stream, both after the first five seconds.
	RateErrorMedian float64 `json:"rate_error_median,omitempty"`
	RateErrorP99    float64 `json:"rate_error_p99,omitempty"`
	LargestBurst    float64 `json:"largest_burst_ms,omitempty"`

	startups, rateErrors []float64
}

// Result is what came of one player.
type Result struct {
	URL          string  `json:"url"`
	From         string  `json:"from,omitempty"` // its address
	Starts       int     `json:"starts"`         // with those after a jump
	Startup      float64 `json:"startup"`        // the first
	Stalls       int     `json:"stalls"`
	StallSeconds float64 `json:"stall_seconds"`
	Broken       int     `json:"broken"`
	Bytes        int64   `json:"bytes"`
	Rate         float64 `json:"rate"` // from its first byte to its last
	Error        string  `json:"error,omitempty"`
}

// report sums up what players have done within a time.
func report(o Options, players []*player, took time.Duration) Report {
	r := Report{Mode: "play", Seconds: took.Seconds()}
	if o.Drain {
		r.Mode = "drain"
	}
	r.Targets = make([]Total, min(len(o.Targets), len(players)))
	for i, p := range players {
		t := &r.Targets[i%len(o.Targets)]
		t.URL = p.target.URL
		t.add(p)
		r.Total.add(p)
		r.Each = append(r.Each, p.result())
	}
	for i := range r.Targets {
		r.Targets[i].finish(took)
	}
	r.Total.finish(took)
	r.Verdict = r.verdict()
	return r
}

func (p *player) result() Result {
	r := Result{
		URL: p.target.URL, Starts: len(p.playback.startups), Stalls: p.playback.stalls, StallSeconds: p.playback.stalled.Seconds(),
		Broken: p.broken, Bytes: p.meter.bytes,
	}
	if p.from.IsValid() {
		r.From = p.from.String()
	}
	if r.Starts > 0 {
		r.Startup = p.playback.startups[0].Seconds()
	}
	if took := p.meter.last.Sub(p.meter.first); took > 0 {
		r.Rate = float64(r.Bytes) * 8 / took.Seconds()
	}
	if p.err != nil {
		r.Error = reason(p.err)
	}
	return r
}

// reason says what went wrong in the same words for all players.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Op + ": " + op.Err.Error() // without the addresses of this connection
	}
	return err.Error()
}

func (t *Total) add(p *player) {
	r := p.result()
	t.Players++
	t.Stalls, t.StallSeconds = t.Stalls+r.Stalls, t.StallSeconds+r.StallSeconds
	t.Broken, t.Bytes, t.LateBytes = t.Broken+r.Broken, t.Bytes+r.Bytes, t.LateBytes+p.meter.late
	if r.Stalls > 0 {
		t.Stalled++
	}
	if p.err != nil {
		t.Failed++
	}
	if r.Starts > 0 {
		t.Started++
		if p.target.Curve != nil {
			t.NeededRate += p.target.Curve.average() * 8
		}
		if r.Stalls == 0 && p.err == nil {
			t.Smooth++
		}
	}
	for _, s := range p.playback.startups {
		t.startups = append(t.startups, s.Seconds())
	}
	t.rateErrors = append(t.rateErrors, p.meter.errors...)
	if p.meter.rate > 0 {
		t.LargestBurst = max(t.LargestBurst, p.meter.burst/p.meter.rate*1000)
	}
}

func (t *Total) finish(took time.Duration) {
	t.StartupMedian, t.StartupP99 = percentile(t.startups, 50), percentile(t.startups, 99)
	t.RateErrorMedian, t.RateErrorP99 = percentile(t.rateErrors, 50), percentile(t.rateErrors, 99)
	if took > 0 {
		t.Rate = float64(t.Bytes) * 8 / took.Seconds()
	}
}

// percentile sorts values and returns the one that percent of them are not
// above; 0 if there are none.
func percentile(values []float64, percent int) float64 {
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	return values[min(len(values)-1, len(values)*percent/100)]
}

// failures counts what went wrong, the most frequent first.
func (r *Report) failures() []failure {
	counts := make(map[string]int)
	for _, e := range r.Each {
		if e.Error != "" {
			counts[e.Error]++
		}
	}
	var all []failure
	for text, n := range counts {
		all = append(all, failure{n, text})
	}
	slices.SortFunc(all, func(a, b failure) int { return cmp.Or(b.players-a.players, cmp.Compare(a.text, b.text)) })
	return all
}

// failure is something that went wrong for some players.
type failure struct {
	players int
	text    string
}
