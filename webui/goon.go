package webui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"mustserv/library"
	"mustserv/stream/auth"
	"mustserv/webui/resume"
)

const resumePrefix = "/api/v1/resume/"

const (
	placeMax    = 1 << 10 // bytes of a request that tells a place
	goOnMost    = 6       // on the first page
	goOnSeconds = 20 * 60 // of music that one goes on with: a book or a concert, no song
)

// errNoUser says that nothing is kept of people who are not known: their
// browsers do that.
var errNoUser = errors.New("nobody is logged in whose places could be kept")

// placeJSON is where a user stopped in an item.
type placeJSON struct {
	Path     string    `json:"path"`
	At       float64   `json:"at"`       // seconds
	Duration float64   `json:"duration"` // seconds; 0 if it is not known
	When     time.Time `json:"when"`
	Title    string    `json:"title"`
	URLs     urlsJSON  `json:"urls"`
}

// keeper returns whose places are kept here: the user who asks.
func (h *Handler) keeper(r *http.Request) (user string, err error) {
	user = auth.Who(r.Context()).User
	if user == "" || h.Resume == nil {
		return "", errNoUser
	}
	return user, nil
}

// apiResume lists where the user who asks stopped, what he saw last first.
// What is no longer in the library is left out.
func (h *Handler) apiResume(w http.ResponseWriter, r *http.Request, _ string) error {
	user, err := h.keeper(r)
	if err != nil {
		return err
	}
	answer := struct {
		Items []placeJSON `json:"items"`
	}{[]placeJSON{}}
	for _, p := range h.Resume.Places(user) {
		if it, _, err := h.lookup(p.Path); err == nil && it != nil {
			answer.Items = append(answer.Items, h.describePlace(r, it, p))
		}
	}
	return answerJSON(w, answer)
}

func (h *Handler) describePlace(r *http.Request, it *library.Item, p resume.Place) placeJSON {
	return placeJSON{Path: it.Path, At: p.At, Duration: p.Duration, When: utc(p.When), Title: it.Title(),
		URLs: h.describeItem(origin(r), it, h.companyOf(it)).URLs}
}

// apiPlace tells where the user who asks stopped in an item.
func (h *Handler) apiPlace(w http.ResponseWriter, r *http.Request, rest string) error {
	user, it, err := h.whoseItem(r, rest)
	if err != nil {
		return err
	}
	p, ok := h.Resume.Place(user, it.Path)
	if !ok {
		return fs.ErrNotExist
	}
	return answerJSON(w, h.describePlace(r, it, p))
}

// changePlace answers a PUT or DELETE.
func (h *Handler) changePlace(w http.ResponseWriter, r *http.Request, rest string) error {
	if r.Method == http.MethodPut {
		return h.putPlace(w, r, rest)
	}
	return h.forgetPlace(w, r, rest)
}

// putPlace keeps where the user who asks stopped in an item.
func (h *Handler) putPlace(w http.ResponseWriter, r *http.Request, rest string) error {
	user, it, err := h.whoseItem(r, rest)
	if err != nil {
		return err
	}
	var told struct{ At, Duration float64 }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, placeMax)).Decode(&told); err != nil {
		return fmt.Errorf("%w: %w", resume.ErrPlace, err)
	}
	if err := h.Resume.Put(user, resume.Place{Path: it.Path, At: told.At, Duration: told.Duration, When: time.Now()}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// forgetPlace has the user who asks begin an item anew the next time.
func (h *Handler) forgetPlace(w http.ResponseWriter, r *http.Request, rest string) error {
	user, it, err := h.whoseItem(r, rest)
	if err != nil {
		return err
	}
	h.Resume.Forget(user, it.Path)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// whoseItem returns who asks, and for which item.
func (h *Handler) whoseItem(r *http.Request, rest string) (user string, it *library.Item, err error) {
	if user, err = h.keeper(r); err != nil {
		return "", nil, err
	}
	at, err := h.locate(r.Context(), rest)
	if err == nil && (at.item == nil || at.slash || !at.item.Playable()) {
		err = fs.ErrNotExist
	}
	return user, at.item, err
}

// goOn returns the films that the user who asks has begun, for the first page.
func (h *Handler) goOn(r *http.Request) (cards []card) {
	user, err := h.keeper(r)
	if err != nil {
		return nil
	}
	pictures := h.gallery()
	for _, p := range h.Resume.Places(user) {
		it, _, err := h.lookup(p.Path)
		if err != nil || it == nil || it.Kind == library.Audio && p.Duration < goOnSeconds {
			continue
		}
		c := drawn(card{Name: it.Title(), URL: watchURL(it.Path), Away: !it.Available, Art: pictures.art(it)})
		if p.Duration > 0 {
			c.Percent = max(1, int(p.At/p.Duration*100))
			c.About = say("%s left", lasting(time.Duration((p.Duration-p.At)*float64(time.Second))))
		}
		if cards = append(cards, c); len(cards) == goOnMost {
			break
		}
	}
	return cards
}

// stopped returns where the user who asks stopped in an item, in seconds, and
// the address to tell where he does now; empty if nothing is kept of him.
func (h *Handler) stopped(r *http.Request, it *library.Item) (at float64, tell string) {
	user, err := h.keeper(r)
	if err != nil {
		return 0, ""
	}
	p, _ := h.Resume.Place(user, it.Path)
	return p.At, resumeURL(it.Path)
}

func resumeURL(path string) string { return resumePrefix + library.EscapePath(path) }
