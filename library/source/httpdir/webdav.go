package httpdir

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// webdav is RFC 4918, of which one method is needed.
type webdav struct{ *client }

const propfind = `<?xml version="1.0" encoding="utf-8"?>` +
	`<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>`

func (d *webdav) stat(ctx context.Context, name string) (*info, error) {
	u := d.file(name)
	if name == "." {
		u = d.folder(name)
	}
	self, _, err := d.ask(ctx, u, "0")
	if err != nil {
		return nil, err
	}
	self.name = baseName(name)
	return self, nil
}

func (d *webdav) list(ctx context.Context, name string) ([]fs.FileInfo, error) {
	self, infos, err := d.ask(ctx, d.folder(name), "1")
	switch {
	case err != nil:
		return nil, err
	case !self.folder:
		return nil, fmt.Errorf("%w: not a folder", fs.ErrInvalid)
	}
	return infos, nil
}

// ask sends a PROPFIND.
func (d *webdav) ask(ctx context.Context, u *url.URL, depth string) (self *info, infos []fs.FileInfo, err error) {
	answer, err := d.do(ctx, "PROPFIND", u, http.Header{"Depth": {depth}, "Content-Type": {"application/xml"}}, propfind)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil, nil, fmt.Errorf("%w by WebDAV: %w", errNotSpoken, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer discard(answer)
	if answer.StatusCode != http.StatusMultiStatus {
		return nil, nil, fmt.Errorf("%w by WebDAV, but %s", errNotSpoken, answer.Status)
	}
	return readMultistatus(answer.Body, answer.Request.URL)
}

// response is an entry of a multistatus.
type response struct {
	Href  string     `xml:"DAV: href"`
	Stats []propstat `xml:"DAV: propstat"`
}

type propstat struct {
	Status string `xml:"DAV: status"`
	Prop   struct {
		Length     string    `xml:"DAV: getcontentlength"`
		Modified   string    `xml:"DAV: getlastmodified"`
		Collection *struct{} `xml:"DAV: resourcetype>collection"`
	} `xml:"DAV: prop"`
}

// readMultistatus reads what a server answers to a PROPFIND of base: base
// itself, and what is right below it. It is an error if base is not among it,
// since the answer is then for another folder, or of a server behind a proxy
// that gives it another name.
func readMultistatus(body io.Reader, base *url.URL) (self *info, infos []fs.FileInfo, err error) {
	in := &reader{body: body, left: maxEntry}
	err = eachResponse(in, func(r *response) {
		at, name, _ := resolve(base, strings.TrimSpace(r.Href))
		if found, ok := r.info(name); ok && at == itself {
			self = found
		} else if ok && at == child {
			infos = append(infos, found)
		}
	})
	if err == nil && self == nil {
		err = errors.New("the server's answer is about another folder than was asked for")
	}
	return self, infos, err
}

// eachResponse calls yield for each entry of a multistatus, which must be
// whole.
func eachResponse(in *reader, yield func(*response)) error {
	d := xml.NewDecoder(in)
	root := false
	for {
		token, err := d.Token()
		switch {
		case err == io.EOF && !root:
			return fmt.Errorf("%w: no multistatus", errNotSpoken)
		case err == io.EOF:
			return nil
		case err != nil:
			return readError(err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case !root && start.Name != xml.Name{Space: "DAV:", Local: "multistatus"}:
			return fmt.Errorf("%w: no multistatus", errNotSpoken)
		case !root:
			root = true
		case start.Name == xml.Name{Space: "DAV:", Local: "response"}:
			var r response
			if err := d.DecodeElement(&r, &start); err != nil {
				return readError(err)
			}
			yield(&r)
			if err := in.next(); err != nil {
				return err
			}
		}
	}
}

// info returns what a response says, and whether it says enough.
func (r *response) info(name string) (*info, bool) {
	found := &info{name: name, size: -1, modified: time.Unix(0, 0)}
	for _, s := range r.Stats {
		if _, status, _ := strings.Cut(s.Status, " "); !strings.HasPrefix(status, "200") {
			continue
		}
		if s.Prop.Collection != nil {
			found.folder = true
		}
		if size, err := strconv.ParseInt(strings.TrimSpace(s.Prop.Length), 10, 64); err == nil && size >= 0 {
			found.size = size
		}
		if t, err := http.ParseTime(strings.TrimSpace(s.Prop.Modified)); err == nil {
			found.modified = toSecond(t)
		}
	}
	if found.folder {
		found.size = 0
	}
	return found, found.size >= 0
}
