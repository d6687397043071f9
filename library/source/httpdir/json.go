package httpdir

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// entry is one of nginx's (autoindex_format json) or of Caddy's, which tells
// of each in other words.
type entry struct {
	Name json.RawMessage `json:"name"`
	Size int64           `json:"size"`

	Type  string `json:"type"`  // nginx: directory, file, other
	MTime string `json:"mtime"` // nginx

	URL     string    `json:"url"`      // Caddy
	ModTime time.Time `json:"mod_time"` // Caddy
	IsDir   bool      `json:"is_dir"`   // Caddy
}

// readJSON reads the listing of the folder at base.
func readJSON(body io.Reader, base *url.URL) ([]fs.FileInfo, error) {
	in := &reader{body: body, left: maxEntry}
	d := json.NewDecoder(in)
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		return nil, fmt.Errorf("%w: the JSON is no listing of a folder", errNotSpoken)
	}
	var infos []fs.FileInfo
	for d.More() {
		var e entry
		if err := d.Decode(&e); err != nil {
			return nil, readError(err)
		}
		if found, ok := e.info(base); ok {
			infos = append(infos, found)
		}
		if err := in.next(); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, readError(err)
	}
	return infos, nil
}

// info returns what an entry says, and whether that is a file or folder right
// below base.
func (e *entry) info(base *url.URL) (*info, bool) {
	name, ok := unquote(e.Name)
	if e.URL != "" {
		var at place
		at, name, _ = resolve(base, e.URL)
		ok = at == child
	}
	found := &info{name: name, size: e.Size, modified: toSecond(e.ModTime), folder: e.IsDir || e.Type == "directory"}
	if found.folder {
		found.size = 0
	}
	if t, err := http.ParseTime(e.MTime); err == nil {
		found.modified = toSecond(t)
	}
	return found, ok && e.Size >= 0 && e.Type != "other" && validName(name) && !strings.Contains(name, "/") && name != "."
}

// unquote decodes a string of JSON. nginx writes the bytes of names as they
// are, also those that are no UTF-8, which Go's decoder would lose: they go
// through it as the characters of the same number.
func unquote(raw json.RawMessage) (string, bool) {
	var s string
	if utf8.Valid(raw) {
		return s, json.Unmarshal(raw, &s) == nil
	}
	wide := make([]rune, len(raw))
	for i, b := range raw {
		wide[i] = rune(b)
	}
	if json.Unmarshal([]byte(string(wide)), &s) != nil {
		return "", false
	}
	narrow := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return "", false
		}
		narrow = append(narrow, byte(r))
	}
	return string(narrow), true
}
