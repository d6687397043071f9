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
// beside a film, or with a track within it.
func (h *Handler) serveSubtitles(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	if err != nil {
		return err
	}
	if at.item == nil {
		return fs.ErrNotExist
	}
	if r.URL.Query().Has("track") {
		return h.sendTrack(w, r, at.item)
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

// track is a subtitle file, or a track within a film, as the player offers it.
type track struct {
	URL, Language, Label string
	Default              bool
}

// tracksOf lists the subtitles of a film: those beside it, and those within.
// Only one that lies beside is shown unasked: to read others takes a while.
func (c company) tracksOf(it *library.Item) (all []track) {
	for i, s := range c.subtitles[it] {
		code, _, _ := strings.Cut(s.Language, ".")
		label := cmp.Or(s.Language, strings.TrimPrefix(path.Ext(s.Item.Name), "."))
		tag, name := spoken(code)
		if name != "" {
			label = name + strings.TrimPrefix(s.Language, code)
		}
		all = append(all, track{subtitlesURL(s.Item.Path), cmp.Or(tag, code), plain(label), i == 0})
	}
	for n, t := range textTracks(it) {
		tag, name := spoken(t.Language)
		label := cmp.Or(name, t.Language, t.Codec)
		all = append(all, track{trackURL(it.Path, n), cmp.Or(tag, t.Language), plain(label), false})
	}
	return told(all)
}

// told numbers the tracks that have one label.
func told(all []track) []track {
	seen := make(map[string]int)
	for i, t := range all {
		if seen[t.Label]++; seen[t.Label] > 1 {
			all[i].Label = fmt.Sprintf("%s %d", t.Label, seen[t.Label])
		}
	}
	return all
}
