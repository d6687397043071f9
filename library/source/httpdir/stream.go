package httpdir

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstWindow = 64 << 10 // bytes asked for after a jump: what is not read of them is drained
	lastWindow  = 8 << 20  // with more, the whole rest is asked for
	shortSkip   = 64 << 10 // bytes that are read over rather than asked anew
	// longSkip is how many bytes are read over of a server that does not know
	// ranges, and so how far from the last read, or from the beginning, a
	// jump may lead there: some seconds at the speed of a LAN.
	longSkip = 256 << 20
)

var errNoRanges = errors.New("the server sends files from their beginning only")

// stream is an answer that is being read: bytes of a file from pos to end.
type stream struct {
	answer   *http.Response
	pos, end int64
	whole    bool // the server was asked for a part and sends all
	parked   *list.Element
}

// read fills b as far as the answer goes.
func (s *stream) read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), s.end-s.pos)]
	n, err := io.ReadFull(s.answer.Body, b)
	s.pos += int64(n)
	if n == len(b) {
		err = nil
	}
	return n, err
}

func (s *stream) done() bool { return s.pos == s.end }

// reaches reports whether off is worth reading up to.
func (s *stream) reaches(off int64) bool {
	limit := int64(shortSkip)
	if s.whole {
		limit = longSkip
	}
	return off >= s.pos && off < s.end && off-s.pos <= limit
}

// skip reads up to off.
func (s *stream) skip(off int64) error {
	if !s.reaches(off) {
		return fmt.Errorf("%w: byte %d is too far", errNoRanges, off)
	}
	n, err := io.CopyN(io.Discard, s.answer.Body, off-s.pos)
	s.pos += n
	return err
}

// close lets go of the connection, and keeps it for other requests where
// little of the answer is left.
func (s *stream) close() {
	if s.end-s.pos > maxDrain {
		s.abort()
		return
	}
	discard(s.answer)
}

// abort closes the connection at once.
func (s *stream) abort() { s.answer.Body.Close() }

// request asks for n bytes from off on. The stream begins there, or at 0 where
// the server does not know ranges.
func (c *content) request(off, n int64) (*stream, error) {
	answer, err := c.do(c.ctx, http.MethodGet, c.url, c.rangeOf(off, n), "")
	if err != nil {
		return nil, err
	}
	s, err := c.begin(answer, off)
	if err != nil {
		discard(answer)
		return nil, err
	}
	return s, nil
}

func (c *content) rangeOf(off, n int64) http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", off, off+n-1)}}
	if c.version.strong != "" {
		header.Set("If-Range", c.version.strong)
	}
	return header
}

// begin makes a stream of an answer, unless it is of another version or can't
// be understood.
func (c *content) begin(answer *http.Response, off int64) (*stream, error) {
	if coding := answer.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, fmt.Errorf("the server sends the file encoded as %.40q, which was not asked for", coding)
	}
	s := &stream{answer: answer}
	total := answer.ContentLength
	switch answer.StatusCode {
	case http.StatusOK:
		s.whole, s.end = true, total
	case http.StatusPartialContent:
		var ok bool
		if s.pos, s.end, total, ok = contentRange(answer.Header); !ok || s.pos != off {
			return nil, fmt.Errorf("the server answers with another part of the file than was asked for")
		}
	default:
		return nil, fmt.Errorf("the server answers %d to a request for a file", answer.StatusCode)
	}
	now := version{size: total, tag: answer.Header.Get("ETag")}
	if t, err := http.ParseTime(answer.Header.Get("Last-Modified")); err == nil {
		now.modified, now.strong = t, safely(answer.Header, t)
	}
	if err := c.current(now); err != nil {
		return nil, err
	}
	if s.end < 0 || s.end > c.info.size {
		s.end = c.info.size
	}
	return s, nil
}

// contentRange reads "bytes first-last/total" of an answer with one part;
// total is -1 where the server does not know it.
func contentRange(h http.Header) (from, to, total int64, ok bool) {
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && kind == "multipart/byteranges" {
		return 0, 0, 0, false
	}
	span, found := strings.CutPrefix(h.Get("Content-Range"), "bytes ")
	span, length, cut := strings.Cut(span, "/")
	first, last, dash := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	last64, err2 := strconv.ParseInt(last, 10, 64)
	total = -1
	var err3 error
	if length != "*" {
		total, err3 = strconv.ParseInt(length, 10, 64)
	}
	ok = found && cut && dash && err1 == nil && err2 == nil && err3 == nil && from >= 0 && last64 >= from && (total < 0 || last64 < total)
	return from, last64 + 1, total, ok
}

// version is what tells one version of a file from another.
type version struct {
	size     int64     // -1 if it is not known
	modified time.Time // zero if it is not known
	tag      string    // ETag, weak or not
	strong   string    // for If-Range: a strong ETag, or a time that is as good
}

// agrees reports whether nothing that both know differs.
func (v version) agrees(o version) bool {
	return (o.size < 0 || o.size == v.size) &&
		(o.modified.IsZero() || v.modified.IsZero() || o.modified.Equal(v.modified)) &&
		(o.tag == "" || v.tag == "" || strings.TrimPrefix(o.tag, "W/") == strings.TrimPrefix(v.tag, "W/"))
}

// learn takes over what o knows better. A tag may become strong: servers give
// weak ones to what was written just now.
func (v *version) learn(o version) {
	if o.tag != "" && (v.tag == "" || strings.HasPrefix(v.tag, "W/")) {
		v.tag = o.tag
	}
	if v.modified.IsZero() {
		v.modified = o.modified
	}
	if v.tag != "" && !strings.HasPrefix(v.tag, "W/") {
		v.strong = v.tag
	} else if v.strong == "" {
		v.strong = o.strong
	}
}

// safely returns a Last-Modified as validator, if the file was not written to
// in the minute before the answer was made. RFC 9110 section 8.8.2.2 has a second
// for it; RFC 7232 had a minute, and Apache sends all of a younger file.
func safely(h http.Header, modified time.Time) string {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || date.Sub(modified) < time.Minute {
		return ""
	}
	return h.Get("Last-Modified")
}
