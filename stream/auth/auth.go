// Package auth says who asks: users with passwords, sessions of browsers,
// and URLs that are signed so that players need no password.
//
// Nothing is kept but the users and one key. What a client carries is signed
// with the key, so all instances that share users and key know each other's
// sessions and URLs, and a new password or a removed user ends them.
package auth

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// Errors of who asks.
var (
	ErrWrong   = errors.New("user or password is wrong")
	ErrTooMany = errors.New("too many wrong passwords")
	ErrExpired = errors.New("it has expired")
)

// Role is what a user may do.
type Role string

// The roles. An admin may do all that a viewer may.
const (
	Nobody Role = ""
	Viewer Role = "viewer"
	Admin  Role = "admin"
)

// May reports whether a role is enough where another is needed.
func (r Role) May(need Role) bool {
	return r == Admin || need == Nobody || r == need
}

// Identity is who asks.
type Identity struct {
	User string // empty for nobody
	Role Role
}

// Keeper knows the users and checks what clients say of themselves. All its
// methods may be called concurrently.
type Keeper struct {
	own      key // where the config has none
	users    atomic.Pointer[users]
	attempts attempts
	hashing  chan struct{} // one password is checked at a time: it takes a core for its time
	now      func() time.Time
}

// New returns a keeper. Sessions and URLs are signed with the key, see
// OpenKey, unless the config has another one. The config must be valid.
func New(own []byte, c Config) *Keeper {
	k := &Keeper{own: own, hashing: make(chan struct{}, 1), now: time.Now}
	k.SetConfig(c)
	return k
}

// SetConfig takes over other users, and another key.
func (k *Keeper) SetConfig(c Config) { k.users.Store(newUsers(k.own, c)) }

// On reports whether there are users, so that it matters who asks.
func (k *Keeper) On() bool { return len(k.users.Load().byName) > 0 }

// Identify returns who sent a request by its session or its Basic
// credentials; nobody if it has neither, or an old session. Errors are
// ErrWrong, ErrTooMany, or that of the request's context.
func (k *Keeper) Identify(r *http.Request, addr string) (Identity, error) {
	if name, password, ok := r.BasicAuth(); ok {
		return k.Check(r.Context(), addr, name, password)
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return Identity{}, nil
	}
	who, _, _ := k.session(cookie.Value) // an old one is none
	return who, nil
}

// Check returns the user with this password, who asks from an address.
// Errors are those of Identify.
func (k *Keeper) Check(ctx context.Context, addr, name, password string) (Identity, error) {
	all := k.users.Load()
	fingerprint := all.key.sign("basic", name, password)
	if who, ok := all.known(fingerprint); ok {
		return who, nil
	}
	select {
	case k.hashing <- struct{}{}:
	case <-ctx.Done():
		return Identity{}, ctx.Err()
	}
	defer func() { <-k.hashing }()
	if wait := k.attempts.wait(addr, k.now()); wait > 0 { // who came before may have been the same
		return Identity{}, &TooMany{wait}
	}
	who, ok := all.check(name, password)
	if !ok {
		k.attempts.wrong(addr, k.now())
		return Identity{}, ErrWrong
	}
	all.remember(fingerprint, who)
	return who, nil
}

// TooMany is ErrTooMany with the time after which to try again.
type TooMany struct{ Wait time.Duration }

// Error says it in words.
func (e *TooMany) Error() string { return ErrTooMany.Error() }

// Unwrap makes it an ErrTooMany.
func (e *TooMany) Unwrap() error { return ErrTooMany }

type identityKey struct{}

// With returns a context that knows who asks.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, who)
}

// Who returns who asks; nobody if the context does not know.
func Who(ctx context.Context) Identity {
	who, _ := ctx.Value(identityKey{}).(Identity)
	return who
}
