package index

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"unicode/utf8"

	"mustserv/library/probe"
	"mustserv/ratelimit"
)

// A line is the checksum of what follows it, as eight hexadecimal digits, a
// space, the identity, a tab, the entry. Both parts are JSON, so neither
// holds a tab or newline.
type (
	identity struct {
		Share    string `json:"share"`
		Path     string `json:"path,omitempty"`
		Bytes    []byte `json:"bytes,omitempty"` // the path, if it is not UTF-8
		Size     int64  `json:"size"`
		Modified int64  `json:"modified"`
	}
	entryLine struct {
		Info    *infoLine `json:"info,omitempty"`
		Problem string    `json:"problem,omitempty"`
		Kind    string    `json:"kind,omitempty"`
	}
	// infoLine is probe.Info with another curve: a rate that is written for
	// people is rounded.
	infoLine struct {
		probe.Info
		Curve curveLine `json:"curve"`
	}
	curveLine struct {
		Average int64      `json:"average"`
		Peak    int64      `json:"peak"`
		Lead    int64      `json:"lead"`
		Header  int64      `json:"header"`
		Trailer int64      `json:"trailer"`
		Rates   [][2]int64 `json:"rates"` // burst, rate
		Exact   bool       `json:"exact"`
	}
)

// take adds one line, and reports whether it was sound. The share is almost
// always that of the line before, and its string is then used again.
func (x *Index) take(line []byte, lastShare *string) bool {
	sum, body, ok := bytes.Cut(line, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || len(sum) != 8 || err != nil || uint32(want) != crc32.ChecksumIEEE(body) {
		return false
	}
	who, entry, ok := bytes.Cut(body, []byte("\t"))
	var i identity
	if !ok || json.Unmarshal(who, &i) != nil || i.Size < 0 {
		return false
	}
	if i.Share != *lastShare {
		*lastShare = i.Share
	}
	if i.Bytes != nil {
		i.Path = string(i.Bytes)
	}
	x.records[id{*lastShare, i.Path}] = record{size: i.Size, modified: i.Modified, value: string(entry)}
	return true
}

// appendLine writes a line with its end.
func appendLine(line []byte, at id, r record) ([]byte, error) {
	i := identity{Share: at.share, Path: at.path, Size: r.size, Modified: r.modified}
	if !utf8.ValidString(at.path) {
		i.Path, i.Bytes = "", []byte(at.path)
	}
	who, err := json.Marshal(i)
	if err != nil {
		return line, fmt.Errorf("encode the identity of %q: %w", at.path, err)
	}
	text, err := r.text()
	if err != nil {
		return line, fmt.Errorf("encode the entry of %q: %w", at.path, err)
	}
	line = append(line, "00000000 "...)
	line = append(line, who...)
	line = append(line, '\t')
	line = append(line, text...)
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(line[9:])), 16)
	copy(line[8-len(sum):8], sum)
	return append(line, '\n'), nil
}

// text encodes the value if it is not text already.
func (r record) text() (string, error) {
	if text, ok := r.value.(string); ok {
		return text, nil
	}
	e := r.entry()
	text, err := json.Marshal(lineOfEntry(&e))
	return string(text), err
}

func lineOfEntry(e *Entry) entryLine {
	line := entryLine{Problem: e.Problem, Kind: e.Kind}
	if e.Info != nil {
		line.Info = &infoLine{Info: *e.Info, Curve: lineOf(e.Info.Curve)}
	}
	return line
}

// entry returns the value if it is not text.
func (r record) entry() Entry {
	if info, ok := r.value.(probe.Packed); ok {
		return Entry{Info: info.Info()}
	}
	return *r.value.(*Entry)
}

func decode(text string) (Entry, error) {
	var line entryLine
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		return Entry{}, fmt.Errorf("decode an entry: %w", err)
	}
	return *line.entry(), nil
}

func (line entryLine) entry() *Entry {
	e := &Entry{Problem: line.Problem, Kind: line.Kind}
	if line.Info != nil {
		info := line.Info.Info
		info.Curve = line.Info.Curve.curve()
		e.Info = &info
	}
	return e
}

func lineOf(c probe.Curve) curveLine {
	line := curveLine{
		Average: int64(c.Average), Peak: int64(c.Peak), Lead: c.Lead,
		Header: c.Header, Trailer: c.Trailer, Exact: c.Exact,
	}
	for _, r := range c.Rates {
		line.Rates = append(line.Rates, [2]int64{int64(r.Burst), int64(r.Rate)})
	}
	return line
}

func (line curveLine) curve() probe.Curve {
	c := probe.Curve{
		Average: ratelimit.Rate(line.Average), Peak: ratelimit.Rate(line.Peak), Lead: line.Lead,
		Header: line.Header, Trailer: line.Trailer, Exact: line.Exact,
	}
	if len(line.Rates) > 0 {
		c.Rates = make([]probe.BurstRate, len(line.Rates))
	}
	for i, r := range line.Rates {
		c.Rates[i] = probe.BurstRate{Burst: ratelimit.Size(r[0]), Rate: ratelimit.Rate(r[1])}
	}
	return c
}
