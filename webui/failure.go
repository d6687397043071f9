package webui

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"mustserv/library"
	"mustserv/webui/resume"
)

var (
	errNoPage = errors.New("there is no such page")
	errMethod = errors.New("only GET and HEAD are answered here")

	errNoSession    = errors.New("there is no such session")
	errTooManyWatch = errors.New("too many browsers watch the status")
)

// parameterError says that a parameter of a query has a wrong value.
type parameterError struct{ name, value, want string }

func (e *parameterError) Error() string {
	return fmt.Sprintf("parameter %s=%s is wrong: it must be %s", e.name, plain(e.value), e.want)
}

// failure is how an error is told: to a program in detail, to a person in
// words.
type failure struct {
	Status int
	Title  saying // what it is
	Detail saying // what is wrong with this request
	Advice saying // what a person can do
}

// failureOf is the one table from errors to answers.
func failureOf(err error) failure {
	var parameter *parameterError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return failure{http.StatusNotFound, say("Nothing here"), say("There is no such file or folder in the library."),
			say("It may have been renamed, moved or deleted. Look for it by name, or start again from the top.")}
	case errors.Is(err, library.ErrScanning):
		return failure{http.StatusServiceUnavailable, say("Not found yet"), say("MuStServ has just started, and still looks through the folders."),
			say("Load the page again in a while.")}
	case errors.Is(err, errNoPage):
		return failure{http.StatusNotFound, say("Nothing here"), say("There is no such page."),
			say("Perhaps the address was copied in part. Start again from the top.")}
	case errors.Is(err, errNoSession):
		return failure{http.StatusNotFound, say("Nothing here"), say("There is no such session."), say("It has ended already.")}
	case errors.Is(err, errTooManyWatch):
		return failure{http.StatusServiceUnavailable, say("Too many look"), say("Too many browsers watch the status at the moment."),
			say("Close some, or load the status page now and then.")}
	case errors.Is(err, errNoUser):
		return failure{http.StatusNotFound, say("Nothing is kept"), say("Nobody is logged in whose places could be kept."),
			say("Where there are no users, browsers keep them.")}
	case errors.Is(err, resume.ErrPlace):
		return failure{http.StatusBadRequest, say("Not understood"), verbatim(`A place is {"at": SECONDS, "duration": SECONDS}.`),
			verbatim("Correct what is sent.")}
	case errors.Is(err, errMethod):
		return failure{http.StatusMethodNotAllowed, say("Not that way"), say("Only GET and HEAD are answered here."),
			say("Open the address as a page.")}
	case errors.As(err, &parameter):
		return failure{http.StatusBadRequest, say("Not understood"), verbatim(capital(parameter.Error()) + "."),
			say("Correct the address, or start again from the top.")}
	}
	return failure{http.StatusInternalServerError, say("Something went wrong"), say("This page could not be made."),
		say("The log of the server says why.")}
}

func (h *Handler) failPage(w http.ResponseWriter, r *http.Request, err error) {
	f := h.noted(r, err)
	if err := h.render(w, r, f.Status, "error", f.Title, f); err != nil {
		h.Log.Error("error page failed", "error", err)
		http.Error(w, f.Detail.in(english()), f.Status)
	}
}

// problem is an error as RFC 9457 has it.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Parameter string `json:"parameter,omitempty"` // the one that is wrong
}

func (h *Handler) failAPI(w http.ResponseWriter, r *http.Request, err error) {
	f := h.noted(r, err)
	p := problem{"about:blank", http.StatusText(f.Status), f.Status, f.Detail.in(english()), ""}
	var parameter *parameterError
	if errors.As(err, &parameter) {
		p.Parameter = parameter.name
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(f.Status)
	writeJSON(w, p)
}

// noted logs an error that is ours and not the client's.
func (h *Handler) noted(r *http.Request, err error) failure {
	f := failureOf(err)
	if f.Status == http.StatusInternalServerError && r.Context().Err() == nil { // else the client has gone
		h.Log.Error("web request failed", "path", r.URL.EscapedPath(), "error", err)
	}
	return f
}

// number reads a whole number out of a query, from least to most.
func number(r *http.Request, name string, missing, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, &parameterError{name, text, fmt.Sprintf("a whole number from %d to %d", least, most)}
	}
	return n, nil
}
