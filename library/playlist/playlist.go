// Package playlist writes lists of media URLs in the dialects that players
// read: M3U and M3U8, PLS, XSPF, ASX and podcast RSS.
//
// Titles come from files of strangers. Whatever bytes they hold, a list stays
// well-formed: one line or one element per entry, and no title can add another.
package playlist

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"
)

// Entry is one item of a list. Only URL has to be given.
type Entry struct {
	URL      string    // absolute, percent-encoded; bytes that no URL may hold are encoded
	ID       string    // the same for the item on every node, for readers of RSS; encoded like URL; empty: the URL
	Title    string    // as a person reads it; may hold any bytes
	Artist   string    // may hold any bytes; empty if not known
	Duration float64   // seconds; 0 if not known
	Size     int64     // bytes; 0 if not known
	MIME     string    // of the file, "audio/mpeg"
	Modified time.Time // zero if not known
}

// List is what a playlist holds.
type List struct {
	Title   string          // of the whole list; may hold any bytes
	URL     string          // absolute, of a page about the list; may be empty
	Entries iter.Seq[Entry] // in playing order; ranged over up to two times, and must yield the same each time
}

// Format is one dialect. The zero Format writes nothing.
type Format struct {
	Extension string // without the dot: "m3u"
	MIME      string // what Content-Type says
	Name      string // what people call it: "M3U"

	write func(*printer, List)
}

// Formats returns all dialects, the most widely understood first.
func Formats() []Format {
	return []Format{
		{"m3u", "audio/x-mpegurl", "M3U", writeM3U},
		{"m3u8", "audio/x-mpegurl", "M3U8", writeM3U8},
		{"pls", "audio/x-scpls", "PLS", writePLS},
		{"xspf", "application/xspf+xml", "XSPF", writeXSPF},
		{"asx", "video/x-ms-asf", "ASX", writeASX},
		{"rss", "application/rss+xml", "RSS", writeRSS},
	}
}

// ByExtension returns the dialect of files that end in a dot and ext, which
// is in lower case.
func ByExtension(ext string) (Format, bool) {
	all := Formats()
	i := slices.IndexFunc(all, func(f Format) bool { return f.Extension == ext })
	if i < 0 {
		return Format{}, false
	}
	return all[i], true
}

// Write writes l to w entry by entry, without holding the list in memory. It
// ends at the first error of w and returns it.
func (f Format) Write(w io.Writer, l List) error {
	if f.write == nil {
		return nil
	}
	p := &printer{w: bufio.NewWriterSize(w, 16<<10)}
	f.write(p, l)
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write %s playlist: %w", f.Name, err)
	}
	return nil
}

// printer writes until the first error, which its buffer remembers.
type printer struct {
	w      *bufio.Writer
	failed bool
}

// print writes text as it is.
func (p *printer) print(parts ...string) {
	for _, s := range parts {
		if _, err := p.w.WriteString(s); err != nil {
			p.failed = true
		}
	}
}

// each calls write for every entry of l, with its number from 1 on, until the
// reader of the list has gone. It returns how many there were.
func (p *printer) each(l List, write func(n int, e Entry)) int {
	n := 0
	if l.Entries == nil {
		return 0
	}
	for e := range l.Entries {
		n++
		write(n, e)
		if p.failed {
			break
		}
	}
	return n
}
