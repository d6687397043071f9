package routing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	reportMost = 64 << 10 // bytes of an answer; it has no more than 1 kB
	rateMost   = 1e15     // bit/s that no link has
)

// Report is what a node tells of itself, as part of /api/v1/status.
type Report struct {
	Viewers    int    `json:"viewers"`
	Capacity   int64  `json:"capacity"` // bit/s; 0 is no limit
	Reserved   int64  `json:"reserved"` // of it, in bit/s
	Free       int64  `json:"free"`     // in bit/s; 0 where there is no limit
	Waiting    int    `json:"waiting"`  // viewers, until there is room
	SentRate   int64  `json:"sent_rate"`
	Unmeasured int    `json:"unmeasured"` // files
	Scanning   bool   `json:"scanning"`
	Version    string `json:"version"`
	Told       Told   `json:"routing"`
}

// Told is what only other nodes care for.
type Told struct {
	Draining bool   `json:"draining"` // takes no new viewers: it is about to end
	Weight   int    `json:"weight"`
	URL      string `json:"url,omitempty"`     // for players, where it is not the one that nodes ask
	Shares   string `json:"shares"`            // changes with the names of the shares
	Signing  string `json:"signing,omitempty"` // changes with the key of sessions and signed addresses
	Nodes    string `json:"nodes,omitempty"`   // changes with [routing] nodes
	Now      int64  `json:"now"`               // seconds since 1970
}

// readReport reads the answer of a node that may be any server, or lie.
func readReport(body io.Reader) (Report, error) {
	var r Report
	text, err := io.ReadAll(io.LimitReader(body, reportMost+1))
	if err != nil {
		return r, err
	}
	if len(text) > reportMost {
		return r, fmt.Errorf("its status is longer than %d bytes", reportMost)
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Told.Weight == 0 {
		return r, errors.New("what answers there is no MuStServ, or an old one")
	}
	return r, r.check()
}

// check says what can't be true of a report.
func (r *Report) check() error {
	for _, n := range []int64{int64(r.Viewers), r.Capacity, r.Reserved, r.Free, int64(r.Waiting), r.SentRate, int64(r.Unmeasured)} {
		if n < 0 || n > rateMost {
			return fmt.Errorf("it says of itself what can't be: %d", n)
		}
	}
	switch _, err := parseBase(r.Told.URL); {
	case r.Told.URL != "" && err != nil:
		return errors.New("it says of itself an address that is none")
	case r.Told.Weight < 0 || r.Told.Weight > weightMax:
		return fmt.Errorf("it says of itself what can't be: weight %d", r.Told.Weight)
	case r.Capacity > 0 && r.Free > r.Capacity:
		return fmt.Errorf("it says that more is free than it has: %d of %d bit/s", r.Free, r.Capacity)
	}
	return nil
}

// Fits reports whether a node that says so has room for a viewer, on top of
// what was sent there since, in bit/s.
func (r *Report) Fits(need, sent int64) bool {
	if r.Waiting > 0 { // whatever else it says
		return false
	}
	return r.Capacity == 0 || r.Free-sent >= need
}

// skew is how far the clock of a node that answered between two times goes
// ahead of ours; 0 where that may come from the seconds.
func (r *Report) skew(asked, answered time.Time) time.Duration {
	theirs := time.Unix(r.Told.Now, 0)
	switch {
	case theirs.After(answered):
		return theirs.Sub(answered).Truncate(time.Second)
	case theirs.Add(time.Second).Before(asked):
		return theirs.Add(time.Second).Sub(asked).Truncate(time.Second)
	}
	return 0
}
