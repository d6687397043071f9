package probe

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of what is taken from tags.
const (
	maxText     = 1024 // bytes of one
	maxChapters = 1000
)

// VariousArtists is whose an album is that says no more than that it is one of
// many artists. MusicBrainz calls it so, and those who tag their music by it.
const VariousArtists = "Various Artists"

// tags is what a file says about itself. The first value of each is kept.
type tags struct {
	title, artist, album, date string
	albumArtist, disc          string
	compilation                string // "1" says that the album is one of many artists
	genre, number              string
	language                   string
	chapters                   []Chapter
	cover                      *Cover
	front                      bool // cover is the front one, others are worth less
}

// fill enters the tags into info.
func (t *tags) fill(info *Info) {
	info.Title, info.Artist, info.Album, info.Year = t.title, cmp.Or(t.artist, t.albumArtist), t.album, year(t.date)
	info.Genre, info.Disc, info.Number, info.Cover = t.genre, songNumber(t.disc), songNumber(t.number), t.cover
	switch {
	case t.albumArtist == "" && t.compilation == "1":
		info.AlbumArtist = VariousArtists
	case t.albumArtist != info.Artist:
		info.AlbumArtist = t.albumArtist
	}
	info.Chapters = slices.DeleteFunc(t.chapters, func(c Chapter) bool { return !(c.Start >= 0 && c.Start < maxTime) })
	slices.SortStableFunc(info.Chapters, func(a, b Chapter) int { return cmp.Compare(a.Start, b.Start) })
}

// set keeps a value for one of the names of Vorbis comments.
func (t *tags) set(name, value string) {
	name = strings.ToLower(name)
	field := t.field(name)
	if field == nil && !strings.HasPrefix(name, "chapter") {
		return
	}
	value = plainText(value)
	if field == nil {
		t.vorbisChapter(name[len("chapter"):], value)
		return
	}
	*field = cmp.Or(*field, value)
}

// field returns where the value of a name is kept, nil if it isn't.
func (t *tags) field(name string) *string {
	switch name {
	case "title":
		return &t.title
	case "artist":
		return &t.artist
	case "album":
		return &t.album
	case "albumartist", "album artist", "album_artist":
		return &t.albumArtist
	case "compilation":
		return &t.compilation
	case "discnumber", "disc":
		return &t.disc
	case "date", "year":
		return &t.date
	case "genre":
		return &t.genre
	case "tracknumber", "track":
		return &t.number
	case "language":
		return &t.language
	}
	return nil
}

// plainText returns a value as it is kept: valid, not too long, without what
// is around it.
func plainText(value string) string {
	if len(value) > maxText {
		value = value[:maxText]
	}
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "")
	}
	return strings.TrimSpace(strings.Trim(value, "\x00"))
}

// vorbisChapter takes CHAPTER001=00:01:02.500 and CHAPTER001NAME=Title, of
// which the part behind the first word is the key. The name follows the time.
func (t *tags) vorbisChapter(key, value string) {
	if strings.HasSuffix(key, "name") {
		if n := len(t.chapters); n > 0 && t.chapters[n-1].Title == "" {
			t.chapters[n-1].Title = value
		}
		return
	}
	if _, err := strconv.Atoi(key); err != nil {
		return
	}
	if start, ok := clockTime(value); ok {
		t.chapter(start, "")
	}
}

// chapter adds a chapter.
func (t *tags) chapter(start float64, title string) {
	if len(t.chapters) < maxChapters {
		t.chapters = append(t.chapters, Chapter{start, plainText(title)})
	}
}

// clockTime reads hours, minutes and seconds.
func clockTime(text string) (seconds float64, ok bool) {
	h, rest, ok1 := strings.Cut(text, ":")
	m, s, ok2 := strings.Cut(rest, ":")
	d, err := time.ParseDuration(h + "h" + m + "m" + s + "s")
	return d.Seconds(), ok1 && ok2 && err == nil
}

// songNumber returns the number of a song or disc that "3" or "3/12" begins
// with, 0 if there is none.
func songNumber(text string) int {
	text, _, _ = strings.Cut(text, "/")
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 || n > 1<<20 {
		return 0
	}
	return n
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
