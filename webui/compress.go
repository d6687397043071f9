package webui

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// worthPacking is from how many bytes on an answer is packed: fewer go in one
// packet as they are.
const worthPacking = 1400

// packer packs pages for browsers that take them so. It keeps what it needs
// for the next one, until there is none for a while: some megabyte each.
type packer struct{ idle sync.Pool }

// pack returns a text as gzip, the quick way.
func (p *packer) pack(text []byte) []byte {
	var b bytes.Buffer
	z, _ := p.idle.Get().(*gzip.Writer)
	if z == nil {
		z, _ = gzip.NewWriterLevel(&b, gzip.BestSpeed) // of a level that there is
	}
	z.Reset(&b)
	_, _ = z.Write(text) // into memory: can't fail
	_ = z.Close()
	p.idle.Put(z)
	return b.Bytes()
}

// packSmall returns a text as gzip, as small as can be, or nil where that is
// not worth it.
func packSmall(text []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(text)
	_ = z.Close()
	if b.Len() > len(text)*9/10 {
		return nil
	}
	return bytes.Clone(b.Bytes())
}

// takesGzip reports whether a browser takes answers so, and sets the header
// that says that this depends on it.
func takesGzip(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Accept-Encoding")
	for _, coding := range preferences(r.Header.Get("Accept-Encoding")) {
		if coding.name == "gzip" || coding.name == "*" {
			return coding.weight > 0
		}
	}
	return false
}

// preference is an element of a header with weights, RFC 9110 section 12.4.2.
type preference struct {
	name   string // in small letters
	weight float64
}

const preferencesMost = 50 // in one header; who sends more is no browser

// preferences reads such a header, in its order. A weight that can't be read
// is none.
func preferences(header string) (all []preference) {
	for part := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(part, ";")
		p := preference{strings.ToLower(strings.TrimSpace(name)), 1}
		if q, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q="); ok {
			p.weight, _ = strconv.ParseFloat(q, 64)
		}
		if !(p.weight >= 0 && p.weight <= 1) {
			p.weight = 0
		}
		if all = append(all, p); len(all) == preferencesMost {
			break
		}
	}
	return all
}
