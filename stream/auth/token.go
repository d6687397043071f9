package auth

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName = "mustserv"
	roundURL   = time.Hour // URLs of one hour are alike, on all nodes and at every look
	foldersMax = 8         // how deep below its manifest a stream may lie
)

// A token is "user.expiry.signature": the user in base64url, the expiry in
// seconds since 1970 in hex.
func token(user string, expiry int64, signature string) string {
	return encode([]byte(user)) + "." + strconv.FormatInt(expiry, 16) + "." + signature
}

func parseToken(text string) (user string, expiry int64, signature string, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", 0, "", false
	}
	name, err := decode(parts[0])
	expiry, bad := strconv.ParseInt(parts[1], 16, 64)
	return string(name), expiry, parts[2], err == nil && bad == nil
}

// Session returns the cookie that logs a user in; under TLS it is never sent
// without.
func (k *Keeper) Session(who Identity, tls bool) *http.Cookie {
	all := k.users.Load()
	expiry := k.now().Add(all.config.Session).Unix()
	return cookie(token(who.User, expiry, all.key.sign("session", who.User, strconv.FormatInt(expiry, 16), all.byName[who.User].stamp)),
		int(all.config.Session.Seconds()), tls)
}

// NoSession returns the cookie that logs out.
func NoSession(tls bool) *http.Cookie { return cookie("", -1, tls) }

func cookie(value string, age int, tls bool) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: tls, SameSite: http.SameSiteLaxMode,
	}
}

// Renew returns a fresh cookie for a session of a request that is past half of
// its time, else nil: who comes often stays logged in.
func (k *Keeper) Renew(r *http.Request) *http.Cookie {
	old, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	who, left, err := k.session(old.Value)
	if err != nil || left > k.users.Load().config.Session/2 {
		return nil
	}
	return k.Session(who, r.TLS != nil)
}

// session returns whose session a cookie is, and how long it is still good.
func (k *Keeper) session(text string) (Identity, time.Duration, error) {
	name, expiry, signature, ok := parseToken(text)
	all := k.users.Load()
	one, known := all.byName[name]
	if !ok || !known || !all.key.signed(signature, "session", name, strconv.FormatInt(expiry, 16), one.stamp) {
		return Identity{}, 0, ErrWrong
	}
	left := time.Unix(expiry, 0).Sub(k.now())
	if left <= 0 {
		return Identity{}, 0, ErrExpired
	}
	return one.Identity, left, nil
}

// Sign returns the token that lets a user's player in at a library path. With
// inFolder it is good for all in the path's folder and below it, as for the
// segments of a stream.
func (k *Keeper) Sign(who Identity, libraryPath string, inFolder bool) string {
	all := k.users.Load()
	expiry := k.now().Truncate(roundURL).Add(all.config.URL + roundURL).Unix()
	purpose, bound := "item", libraryPath
	if inFolder {
		purpose, bound = "folder", path.Dir(libraryPath)
	}
	return token(who.User, expiry, all.key.sign(purpose, who.User, strconv.FormatInt(expiry, 16), all.byName[who.User].stamp, bound))
}

// Signed returns who signed a token for a library path. Who is an admin is
// but a viewer there. Errors are ErrWrong and ErrExpired.
func (k *Keeper) Signed(text, libraryPath string) (Identity, error) {
	name, expiry, signature, ok := parseToken(text)
	all := k.users.Load()
	one, known := all.byName[name]
	if !ok || !known {
		return Identity{}, ErrWrong
	}
	if !all.key.signedFor(signature, name, strconv.FormatInt(expiry, 16), one.stamp, libraryPath) {
		return Identity{}, ErrWrong
	}
	if k.now().Unix() >= expiry {
		return Identity{}, ErrExpired
	}
	return Identity{User: one.User, Role: Viewer}, nil
}

// signedFor reports whether a signature is good for a library path: bound to
// it, or to a folder above.
func (k key) signedFor(signature, user, expiry, stamp, libraryPath string) bool {
	if k.signed(signature, "item", user, expiry, stamp, libraryPath) {
		return true
	}
	for folder, n := path.Dir(libraryPath), 0; folder != "." && n < foldersMax; folder, n = path.Dir(folder), n+1 {
		if k.signed(signature, "folder", user, expiry, stamp, folder) {
			return true
		}
	}
	return false
}
