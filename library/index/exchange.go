package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"mustserv/library/probe"
)

// ErrVersion says that an entry was encoded by a MuStServ that measures, or
// writes down, in another way.
var ErrVersion = errors.New("another version of MuStServ has measured this")

// exchanged is an entry on its way from one MuStServ to another.
type exchanged struct {
	Format string `json:"format"` // the first line of an index
	entryLine
}

// Encode returns an entry as JSON for another MuStServ.
func Encode(e Entry) ([]byte, error) {
	return json.Marshal(exchanged{header(), lineOfEntry(&e)})
}

// Decode returns the entry that another MuStServ has encoded. It may have
// been written by anybody, so that only what can be true is taken.
func Decode(text []byte) (Entry, error) {
	var line exchanged
	if len(text) > maxLine {
		return Entry{}, errLongLine
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return Entry{}, fmt.Errorf("decode an entry: %w", err)
	}
	if line.Format != header() {
		return Entry{}, ErrVersion
	}
	e := line.entry()
	if e.Info != nil && !possible(e.Info) {
		return Entry{}, errors.New("decode an entry: it holds numbers that nothing can have")
	}
	return *e, nil
}

// possible reports whether rates and times are such as a file may have.
func possible(info *probe.Info) bool {
	c := info.Curve
	for _, r := range c.Rates {
		if r.Rate < 0 || r.Burst < 0 {
			return false
		}
	}
	if info.Cover != nil && (info.Cover.Offset < 0 || info.Cover.Size < 0) {
		return false
	}
	return info.Duration >= 0 && !math.IsInf(info.Duration, 0) &&
		c.Average >= 0 && c.Peak >= 0 && c.Lead >= 0 && c.Header >= 0 && c.Trailer >= 0
}
