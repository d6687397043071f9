package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"mustserv/library"
	"mustserv/library/source"
	"mustserv/ratelimit"
)

// BaseURL returns scheme and host of the address under which the client has
// reached this server, for absolute URLs.
func BaseURL(r *http.Request) string {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok { // HTTP/1.0 needs no Host
		host = cmp.Or(host, local.String())
	}
	return scheme + "://" + host
}

// allowed answers requests that are neither GET nor HEAD and reports whether
// this one is to be answered further.
func allowed(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, fmt.Sprintf("%q is not possible here; GET and HEAD are.", r.Method), http.StatusMethodNotAllowed)
	return false
}

// fail answers with the status that an error stands for. It is the only
// place that knows which.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case r.Context().Err() != nil: // the client has gone
	case errors.Is(err, fs.ErrInvalid):
		http.Error(w, "This address can't be the name of anything here.", http.StatusBadRequest)
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "There is nothing at this address in the library.", http.StatusNotFound)
	case errors.Is(err, fs.ErrPermission):
		http.Error(w, "MuStServ is not allowed to read this file.", http.StatusForbidden)
	case errors.Is(err, library.ErrScanning):
		w.Header().Set("Retry-After", "10")
		http.Error(w, "It is not found yet: MuStServ has just started, and still looks through the folders.", http.StatusServiceUnavailable)
	case errors.Is(err, source.ErrUnavailable):
		w.Header().Set("Retry-After", "10")
		http.Error(w, "The disk or server that holds this file does not answer.", http.StatusServiceUnavailable)
	case errors.Is(err, ratelimit.ErrFull):
		w.Header().Set("Retry-After", "30")
		http.Error(w, "The network is full: others are watching as much as it can carry. Try again when somebody has stopped.", http.StatusServiceUnavailable)
	case errors.Is(err, ratelimit.ErrBusy):
		w.Header().Set("Retry-After", "10")
		http.Error(w, "Too many streams go to your address already.", http.StatusServiceUnavailable)
	default:
		http.Error(w, "This file could not be read.", http.StatusInternalServerError)
	}
}

// refuseEnded answers a player whose session an admin has ended. It is 403 and
// no 503: no player tries one again.
func refuseEnded(w http.ResponseWriter, wait time.Duration) {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	http.Error(w, fmt.Sprintf("An admin has ended this stream. It can be started again in %d s.", seconds), http.StatusForbidden)
}

// clientAddr is the address of the client without its port.
func clientAddr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

type connKey struct{}

// withConn keeps the connection in the context of its requests, for whom
// sends over it.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request; nil where it is not known.
func connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}
