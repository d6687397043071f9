package webui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed static
var staticFiles embed.FS

// static is one embedded file. It is packed when a browser first takes it so,
// and kept: all of them are some 20 kB.
type static struct {
	body   []byte
	packed func() []byte // nil where that is not smaller
	mime   string
	hash   string
}

// statics holds the embedded files by the name they are asked for, which
// changes with their content, so that browsers keep them for ever.
type statics struct {
	files map[string]static // by hashed name
	names map[string]string // from plain to hashed name
}

func loadStatics() (statics, error) {
	s := statics{map[string]static{}, map[string]string{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		return s, fmt.Errorf("read embedded files: %w", err)
	}
	for _, e := range entries {
		body, err := fs.ReadFile(staticFiles, "static/"+e.Name())
		if err != nil {
			return s, fmt.Errorf("read embedded files: %w", err)
		}
		s.add(e.Name(), body)
	}
	return s, nil
}

func (s statics) add(name string, body []byte) {
	sum := sha256.Sum256(body)
	hash, ext := hex.EncodeToString(sum[:4]), path.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "-" + hash + ext
	s.names[name] = hashed
	s.files[hashed] = static{body, sync.OnceValue(func() []byte { return packSmall(body) }), staticMIME(ext), hash}
}

// staticMIME does not depend on what the system knows of types.
func staticMIME(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ico":
		return "image/x-icon"
	}
	return "application/octet-stream"
}

// url returns where a template finds a file.
func (s statics) url(name string) (string, error) {
	hashed, ok := s.names[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + hashed, nil
}

func (h *Handler) serveStatic(w http.ResponseWriter, r *http.Request, name string) error {
	f, ok := h.static.files[name]
	if !ok {
		return errNoPage
	}
	f.serve(w, r, "public, max-age=31536000, immutable")
	return nil
}

// favicon is asked for by its plain name, so it is kept for a day only.
func (h *Handler) favicon(w http.ResponseWriter, r *http.Request, _ string) error {
	h.static.files[h.static.names["favicon.ico"]].serve(w, r, "public, max-age=86400")
	return nil
}

func (f static) serve(w http.ResponseWriter, r *http.Request, cache string) {
	body, tag := f.body, f.hash
	if takesGzip(w, r) {
		if packed := f.packed(); packed != nil {
			body, tag = packed, f.hash+"-gzip"
			w.Header().Set("Content-Encoding", "gzip")
		}
	}
	w.Header().Set("Content-Type", f.mime)
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
