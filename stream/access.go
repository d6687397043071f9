package stream

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"

	"mustserv/library"
	"mustserv/stream/auth"
)

// errForbidden says that who asks is known but may not.
var errForbidden = errors.New("not allowed")

const signedPrefix = "/signed/"

// allow finds out who asks and whether he may. It answers where he may not;
// else it returns the request for who answers it: it knows who asks, and
// carries no signature any more.
func (s *Server) allow(w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	err := s.crossOrigin.Check(r)
	if err != nil {
		err = fmt.Errorf("%w: %w", errForbidden, err)
	}
	var who auth.Identity
	if err == nil {
		r, who, err = s.identify(r)
	}
	need := s.needed(r.URL.EscapedPath())
	if err == nil && !who.Role.May(need) {
		err = errForbidden
		if who.Role == auth.Nobody {
			err = auth.ErrWrong
		}
	}
	if need == auth.Nobody && !errors.Is(err, errForbidden) {
		err = nil // who may see it anyway needs no password, right or wrong
	}
	if err != nil {
		refuse(w, r, err)
		return nil, false
	}
	if fresh := s.auth.Renew(r); fresh != nil {
		http.SetCookie(w, fresh)
	}
	return r.WithContext(auth.With(r.Context(), who)), true
}

// identify returns who asks, and the request without its signature.
func (s *Server) identify(r *http.Request) (*http.Request, auth.Identity, error) {
	if token, rest, ok := cutSignature(r.URL.EscapedPath()); ok {
		plain, name, err := unsigned(r, rest)
		if err != nil || !s.auth.On() { // users were removed: the URLs they gave away still work
			return plain, everybody(r), err
		}
		who, err := s.auth.Signed(token, name)
		if err != nil {
			err = fmt.Errorf("%w: the signature of the address: %w", errForbidden, err)
		}
		return plain, who, err
	}
	if !s.auth.On() {
		return r, everybody(r), nil
	}
	if s.router.Trusts(r) {
		return r, auth.Identity{Role: auth.Viewer}, nil
	}
	who, err := s.auth.Identify(r, clientAddr(r))
	return r, who, err
}

// everybody is who asks where there are no users: an admin only at this very
// computer, and asking it by a name that no web page elsewhere can have.
func everybody(r *http.Request) auth.Identity {
	from, err := netip.ParseAddr(clientAddr(r))
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	to, _ := netip.ParseAddr(strings.Trim(host, "[]"))
	if err == nil && from.Unmap().IsLoopback() && (to.Unmap().IsLoopback() || host == "localhost") {
		return auth.Identity{Role: auth.Admin}
	}
	return auth.Identity{Role: auth.Viewer}
}

// needed returns the role that a path asks for. Who watches what is nobody
// else's business where there are users.
func (s *Server) needed(escaped string) auth.Role {
	switch {
	case escaped == "/healthz", escaped == "/readyz", escaped == "/login", escaped == "/favicon.ico", under(escaped, "/static"):
		return auth.Nobody
	case under(escaped, "/admin"), under(escaped, "/api/v1/admin"), escaped == "/status/end", strings.HasPrefix(escaped, "/api/v1/sessions/"):
		return auth.Admin
	case s.auth.On() && (under(escaped, "/status") || escaped == "/api/v1/sessions"):
		return auth.Admin
	}
	return auth.Viewer
}

// cutSignature takes "/signed/TOKEN" off a path that begins with it.
func cutSignature(escaped string) (token, rest string, ok bool) {
	after, ok := strings.CutPrefix(escaped, signedPrefix)
	if !ok {
		return "", "", false
	}
	token, rest, ok = strings.Cut(after, "/")
	return token, "/" + rest, ok
}

// unsigned returns the request as it is without signature, and the library
// path that it is about.
func unsigned(r *http.Request, escaped string) (*http.Request, string, error) {
	name := ""
	for _, room := range []string{"/media", "/art", "/subtitles", "/playlist"} {
		if under(escaped, room) {
			name = below(escaped, room)
		}
	}
	if under(escaped, "/playlist") {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	plain := r.Clone(r.Context())
	decoded, err := url.PathUnescape(escaped)
	plain.URL.Path, plain.URL.RawPath = decoded, escaped
	bound, _, bad := library.ParsePath(name)
	if err != nil || bad != nil || name == "" {
		return plain, "", fs.ErrNotExist
	}
	return plain, bound, nil
}

// signedURL returns the address of an item's bytes for whom a request is
// answered, so that his player needs no password. A stream's manifest lets in
// to its segments.
func (s *Server) signedURL(r *http.Request, item *library.Item) string {
	return BaseURL(r) + s.Signature(r, item) + "/media/" + library.EscapePath(item.Path)
}

// Signature returns what stands before the path of an item's address: nothing
// where there are no users.
func (s *Server) Signature(r *http.Request, item *library.Item) string {
	if !s.auth.On() {
		return ""
	}
	info := item.Info()
	return signedPrefix + s.auth.Sign(auth.Who(r.Context()), item.Path, info != nil && len(info.Parts) > 0)
}

// refuse answers who may not.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var tooMany *auth.TooMany
	switch {
	case errors.As(err, &tooMany):
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(tooMany.Wait.Seconds()))))
		http.Error(w, "Too many wrong passwords came from your address. Wait a minute.", http.StatusTooManyRequests)
	case errors.Is(err, auth.ErrExpired):
		http.Error(w, "This address has expired. Open the playlist or the page anew.", http.StatusForbidden)
	case errors.Is(err, errForbidden):
		http.Error(w, "You are not allowed to do this here.", http.StatusForbidden)
	case !errors.Is(err, auth.ErrWrong):
		fail(w, r, err)
	case wantsPage(r):
		http.Redirect(w, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	default:
		w.Header().Set("WWW-Authenticate", `Basic realm="MuStServ", charset="UTF-8"`)
		http.Error(w, "A user and a password are needed here.", http.StatusUnauthorized)
	}
}

// wantsPage reports whether a person looks at a page, and not a player or a
// program: it gets a page to log in.
func wantsPage(r *http.Request) bool {
	at := r.URL.EscapedPath()
	return r.Method == http.MethodGet && strings.Contains(cmp.Or(r.Header.Get("Accept"), "*/*"), "text/html") &&
		r.Header.Get("Authorization") == "" && !under(at, "/media") && !under(at, "/api")
}
