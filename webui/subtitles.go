package webui

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"mustserv/library"
	"mustserv/library/subtitle"
)

// serveSubtitles answers with a subtitle file as WebVTT, or with the first one
// beside a film.
func (h *Handler) serveSubtitles(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(rest)
	if err != nil {
		return err
	}
	if at.item == nil {
		return fs.ErrNotExist
	}
	for film, all := range h.companyOf(at.item).subtitles {
		for _, s := range all {
			if film == at.item || s.Item == at.item {
				return sendSubtitles(w, r, s)
			}
		}
	}
	return fs.ErrNotExist
}

func sendSubtitles(w http.ResponseWriter, r *http.Request, s library.Sidecar) error {
	file, err := s.Item.Open(r.Context())
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, subtitle.MaxSize+1))
	if err != nil {
		return err
	}
	if len(text) > subtitle.MaxSize {
		return fmt.Errorf("%w: subtitles of over %d bytes", fs.ErrNotExist, subtitle.MaxSize)
	}
	var out bytes.Buffer
	if err := subtitle.Convert(&out, text, s.Format, s.Language); err != nil {
		if errors.Is(err, subtitle.ErrFormat) {
			return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return err
	}
	w.Header().Set("Content-Type", "text/vtt; charset=utf-8")
	http.ServeContent(w, r, "", s.Item.Modified, bytes.NewReader(out.Bytes()))
	return nil
}

func subtitlesURL(path string) string { return "/subtitles/" + library.EscapePath(path) }

// track is a subtitle file as the player offers it.
type track struct{ URL, Language, Label string }

// tracks lists the subtitle files beside a film.
func (c company) tracks(it *library.Item) (all []track) {
	for _, s := range c.subtitles[it] {
		language, _, _ := strings.Cut(s.Language, ".")
		label := cmp.Or(s.Language, strings.TrimPrefix(path.Ext(s.Item.Name), "."))
		all = append(all, track{subtitlesURL(s.Item.Path), language, plain(label)})
	}
	return all
}
