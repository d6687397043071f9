package load

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// headMost is the longest head of an answer that is read.
const headMost = 64 << 10

// answer is the begin of what a server says to a request.
type answer struct {
	status   int
	location string // where else it is
	modified string // Last-Modified
	length   int64  // bytes that follow
	early    int64  // of which were read with the head
}

// errGarbage is wrapped by what is no proper answer.
var errGarbage = errors.New("no proper answer")

// request returns the head of a request for the film from offset on, on
// condition that it is the state of modified, if that is not empty.
func (p *player) request(offset int64, modified string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mustserv-load\r\nAccept: */*\r\n", p.url.RequestURI(), p.url.Host)
	fmt.Fprintf(&b, "Range: bytes=%d-\r\n", offset)
	if u := p.url.User; u != nil {
		password, _ := u.Password()
		fmt.Fprintf(&b, "Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if modified != "" {
		fmt.Fprintf(&b, "If-Unmodified-Since: %s\r\n", modified)
	}
	b.WriteString("Connection: close\r\n\r\n")
	return b.String()
}

// readAnswer reads the head of the answer to a request from offset on. An
// error that does not wrap errGarbage is one of the connection.
func readAnswer(conn io.Reader, offset int64) (answer, error) {
	below := &noter{Reader: conn}
	in := bufio.NewReader(io.LimitReader(below, headMost))
	got, err := http.ReadResponse(in, nil)
	switch {
	case err != nil && below.err != nil:
		return answer{}, below.err
	case err != nil:
		return answer{}, fmt.Errorf("%w: %w", errGarbage, err)
	}
	a := answer{
		status: got.StatusCode, location: got.Header.Get("Location"), modified: got.Header.Get("Last-Modified"),
		length: got.ContentLength, early: int64(in.Buffered()),
	}
	return a, a.check(got, offset)
}

// noter keeps the error of a reader.
type noter struct {
	io.Reader
	err error
}

func (n *noter) Read(p []byte) (int, error) {
	got, err := n.Reader.Read(p)
	n.err = err
	return got, err
}

// check reports what is wrong with an answer that ought to hold the film from
// offset on.
func (a *answer) check(got *http.Response, offset int64) error {
	switch {
	case a.redirects():
		return nil
	case a.status == http.StatusOK && offset > 0:
		return fmt.Errorf("%w: the server sends the film from its begin, where it was asked for byte %d; it does not know ranges", errGarbage, offset)
	case a.status != http.StatusOK && a.status != http.StatusPartialContent:
		return fmt.Errorf("%w: %s", errGarbage, plain(got.Status))
	case a.length < 0:
		return fmt.Errorf("%w: the server does not say how long the film is", errGarbage)
	case a.early > a.length:
		return fmt.Errorf("%w: more bytes than Content-Length says", errGarbage)
	case a.status == http.StatusPartialContent && rangeStart(got.Header.Get("Content-Range")) != offset:
		return fmt.Errorf("%w: Content-Range %q to a request for byte %d", errGarbage, plain(got.Header.Get("Content-Range")), offset)
	}
	return nil
}

func (a *answer) redirects() bool {
	return a.location != "" && a.status >= 300 && a.status < 400 && a.status != http.StatusNotModified
}

// rangeStart returns the first byte that a Content-Range names, -1 for none.
func rangeStart(text string) int64 {
	text, ok := strings.CutPrefix(text, "bytes ")
	first, _, dash := strings.Cut(text, "-")
	n, err := strconv.ParseInt(first, 10, 64)
	if !ok || !dash || err != nil || n < 0 {
		return -1
	}
	return n
}

// plain returns what a server said as text that may be printed.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), 100)]
}
