package webui

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"mustserv/stream/auth"
)

const formMax = 8 << 10 // bytes of a short form

type loginPage struct {
	To, User string // where to go afterwards, and who was tried
	Problem  saying // nil for none
}

// login shows the form.
func (h *Handler) login(w http.ResponseWriter, r *http.Request, _ string) error {
	return h.render(w, r, http.StatusOK, "login", say("Log in"), loginPage{To: ownPath(r.URL.Query().Get("to"))})
}

// logIn answers the form with a session, and the page that was wanted.
func (h *Handler) logIn(w http.ResponseWriter, r *http.Request, _ string) error {
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	p := loginPage{To: ownPath(r.PostFormValue("to")), User: r.PostFormValue("user")}
	who, err := h.Keeper.Check(r.Context(), clientOf(r), p.User, r.PostFormValue("password"))
	status := http.StatusForbidden
	switch {
	case err == nil:
		http.SetCookie(w, h.Keeper.Session(who, r.TLS != nil))
		return redirect(w, p.To)
	case errors.Is(err, auth.ErrTooMany):
		status, p.Problem = http.StatusTooManyRequests, say("Too many wrong passwords came from your address. Wait a minute, then try again.")
	case errors.Is(err, auth.ErrWrong):
		p.Problem = say("User or password is wrong.")
	default:
		return err
	}
	return h.render(w, r, status, "login", say("Log in"), p)
}

// logOut ends the session of this browser.
func (h *Handler) logOut(w http.ResponseWriter, _ *http.Request, _ string) error {
	http.SetCookie(w, auth.NoSession(false))
	return redirect(w, "/login")
}

// ownPath returns a path of ours as it is, and the first page for what leads
// elsewhere: browsers take "//host" and "/\host" for another server.
func ownPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// clientOf returns the address of a client without port.
func clientOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
