package webui

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"net/http"
	"strconv"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
	"mustserv/library/subtitle"
)

const (
	textReaders = 2           // at a time: each may go through a whole film
	textFlush   = time.Second // after which a browser gets what there is
)

// textTracks yields the tracks of an item whose texts can be shown, with their
// numbers among all tracks.
func textTracks(it *library.Item) iter.Seq2[int, probe.Track] {
	return func(yield func(int, probe.Track) bool) {
		if it.Kind != library.Video {
			return
		}
		info := it.Info()
		if info == nil {
			return
		}
		for n, t := range info.Tracks {
			if t.HasTexts(info.Container) && !yield(n, t) {
				return
			}
		}
	}
}

func trackURL(path string, n int) string { return subtitlesURL(path) + "?track=" + strconv.Itoa(n) }

// sendTrack answers with a track within a film as WebVTT: each text as it is
// found, because that may take as long as it takes to go through the film.
func (h *Handler) sendTrack(w http.ResponseWriter, r *http.Request, it *library.Item) error {
	asked, err := number(r, "track", 0, 0, math.MaxInt32)
	if err != nil {
		return err
	}
	for n, t := range textTracks(it) {
		if n == asked {
			return h.sendTexts(w, r, it, n, t.Codec)
		}
	}
	return fs.ErrNotExist
}

func (h *Handler) sendTexts(w http.ResponseWriter, r *http.Request, it *library.Item, n int, codec string) error {
	select {
	case h.reading <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	defer func() { <-h.reading }()
	file, err := it.Open(r.Context())
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	out := &textWriter{w: w, flushed: time.Now()}
	out.track = subtitle.NewTrack(out, codec)
	err = probe.Texts(r.Context(), file, stat.Size(), n, out.text)
	switch {
	case errors.Is(err, probe.ErrNoTexts), errors.Is(err, probe.ErrUnsupported):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err) // it is no longer the file that was measured
	case err != nil && !out.begun:
		return err
	case err != nil && r.Context().Err() == nil:
		h.Log.Warn("subtitles are cut off", "path", it.Path, "error", err)
	}
	_ = out.track.Close() // a browser that has gone is no error of ours
	return nil
}

// textWriter sends the texts of a track.
type textWriter struct {
	w       http.ResponseWriter
	track   *subtitle.Track
	begun   bool
	flushed time.Time
}

// text takes a text. Its error is that of a browser that has gone.
func (t *textWriter) text(x probe.Text) error {
	const longest = 1e6 // seconds; what is later is no film's
	if x.Start > longest || x.Length > longest {
		return nil
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	err := t.track.Text(seconds(x.Start), seconds(x.Length), x.Data)
	if err != nil || time.Since(t.flushed) < textFlush {
		return err
	}
	t.flushed = time.Now()
	if err := t.track.Flush(); err != nil {
		return err
	}
	return http.NewResponseController(t.w).Flush()
}

// Write begins the answer with the first text, so that one without any can
// still be an error.
func (t *textWriter) Write(b []byte) (int, error) {
	if !t.begun {
		t.begun = true
		t.w.Header().Set("Content-Type", "text/vtt; charset=utf-8")
		t.w.Header().Set("Cache-Control", "private, max-age=3600")
	}
	return t.w.Write(b)
}
