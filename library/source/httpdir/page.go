package httpdir

import (
	"fmt"
	"hash/maphash"
	"io"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// link is an entry of an HTML listing.
type link struct {
	name   string
	folder bool
	text   uint64 // hash of the name and what is written after it; 0 if that says nothing of the file
}

// readPage reads the listing of the folder at base: the links that lead right
// below it. A page that is none is an error, so that an error page, or the
// page by which a hotel lets one in, is never taken for an empty folder.
func readPage(body io.Reader, base *url.URL, seed maphash.Seed) ([]link, error) {
	p := page{in: &reader{body: body, left: maxEntry}, base: base, known: make(map[string]bool)}
	p.text.SetSeed(seed)
	z := html.NewTokenizer(p.in)
	z.SetMaxBuf(maxEntry)
	for {
		switch z.Next() {
		case html.ErrorToken:
			p.finish()
			switch err := z.Err(); {
			case err != io.EOF:
				return nil, readError(err)
			case !p.listing:
				return nil, fmt.Errorf("%w: the page is no listing of a folder", errNotSpoken)
			}
			return p.links, nil
		case html.StartTagToken:
			if err := p.start(z); err != nil {
				return nil, err
			}
		case html.EndTagToken:
			p.end(z)
		case html.TextToken:
			p.write(z.Text())
		}
	}
}

// page is a listing that is being read.
type page struct {
	in      *reader
	base    *url.URL
	links   []link
	known   map[string]bool
	listing bool
	outside bool         // the current link has ended
	open    bool         // the last link is an entry, and text belongs to it
	told    bool         // there was a digit after it: a size or a time
	text    maphash.Hash // of it
}

func (p *page) start(z *html.Tokenizer) error {
	tag, more := z.TagName()
	switch string(tag) {
	case "li", "tr", "hr", "address", "script":
		p.finish()
		return nil
	case "a":
		p.finish()
	default:
		return nil
	}
	if err := p.in.next(); err != nil {
		return err
	}
	for more {
		var key, value []byte
		if key, value, more = z.TagAttr(); string(key) == "href" {
			p.link(string(value))
			return nil
		}
	}
	return nil
}

// end ends the current link, or with what it stands in the whole entry: what
// follows a listing says nothing of its last entry.
func (p *page) end(z *html.Tokenizer) {
	p.outside = true
	switch tag, _ := z.TagName(); string(tag) {
	case "li", "tr", "ul", "ol", "pre", "table", "body":
		p.finish()
	}
}

// link takes an entry, once.
func (p *page) link(href string) {
	at, name, folder := resolve(p.base, strings.Trim(href, " "))
	p.listing = p.listing || at == child || at == parent
	last := len(p.links) - 1
	switch {
	case at != child:
		return
	case !p.known[name]:
		p.known[name] = true
		p.links = append(p.links, link{name: name, folder: folder})
	case p.links[last].name != name: // else its picture was a link, too
		return
	}
	p.open, p.outside, p.told = true, false, false
	p.text.Reset()
	p.text.WriteString(name)
}

// write takes text. That of the link itself is the name, often cut short.
func (p *page) write(text []byte) {
	p.listing = p.listing || titled(text)
	if p.open && p.outside {
		p.told = p.told || strings.ContainsFunc(string(text), unicode.IsDigit)
		p.text.Write(text)
	}
}

// titled reports whether text begins as the titles of listings do that may
// hold no link.
func titled(text []byte) bool {
	s := strings.TrimSpace(string(text))
	return strings.HasPrefix(s, "Index of ") || strings.HasPrefix(s, "Directory listing ")
}

// finish ends the current entry.
func (p *page) finish() {
	if p.open && p.told {
		p.links[len(p.links)-1].text = p.text.Sum64()
	}
	p.open = false
}
