package probe

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is the longest text that is taken from a tag, in bytes.
const maxText = 1024

// tags is what a file says about itself. The first value of each is kept.
type tags struct {
	title, artist, album, date string
}

// fill enters the tags into info.
func (t *tags) fill(info *Info) {
	info.Title, info.Artist, info.Album, info.Year = t.title, t.artist, t.album, year(t.date)
}

// set keeps a value for one of the names of Vorbis comments.
func (t *tags) set(name, value string) {
	field := map[string]*string{"title": &t.title, "artist": &t.artist, "album": &t.album, "date": &t.date}[strings.ToLower(name)]
	if field == nil {
		return
	}
	if len(value) > maxText {
		value = value[:maxText]
	}
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "")
	}
	*field = cmp.Or(*field, strings.TrimSpace(strings.Trim(value, "\x00")))
}

// year returns the year that a date begins with, 0 if there is none.
func year(date string) int {
	if len(date) < 4 {
		return 0
	}
	n, err := strconv.Atoi(date[:4])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// readMP4 takes the tags from the boxes in b, the content of a udta or meta
// box: iTunes puts them into meta/ilst, QuickTime straight into udta.
func (t *tags) readMP4(b []byte) { t.readBoxes(b, 0) }

func (t *tags) readBoxes(b []byte, depth int) {
	if len(b) >= 8 && string(b[:4]) == "\x00\x00\x00\x00" {
		b = b[4:] // version and flags of meta, which QuickTime leaves out
	}
	for kind, body := range boxesIn(b) {
		switch kind {
		case "meta", "ilst":
			if depth < 3 {
				t.readBoxes(body, depth+1)
			}
		case "\xa9nam":
			t.set("title", boxText(body))
		case "\xa9ART":
			t.set("artist", boxText(body))
		case "\xa9alb":
			t.set("album", boxText(body))
		case "\xa9day":
			t.set("date", boxText(body))
		}
	}
}

// boxText returns the text of an iTunes item, which is in a data box, or of a
// QuickTime one, which has length and language in front.
func boxText(b []byte) string {
	for kind, body := range boxesIn(b) {
		if kind == "data" && len(body) > 8 {
			return string(body[8:min(len(body), 8+maxText)])
		}
	}
	if len(b) > 4 {
		if n := int(b[0])<<8 | int(b[1]); n <= len(b)-4 {
			return string(b[4 : 4+n])
		}
	}
	return ""
}
