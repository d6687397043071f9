// Package stream delivers the library over HTTP: listeners, the bytes of
// items through the one paced response writer, plain listings and playlists.
package stream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mustserv/library"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
	"mustserv/stream/auth"
	"mustserv/stream/pacer"
	"mustserv/stream/routing"
)

const (
	headerTimeout = 10 * time.Second // for a whole request head
	idleTimeout   = time.Minute      // of a kept connection
	headerLimit   = 16 << 10         // bytes of a request head
	answerTimeout = time.Minute      // for a whole answer that is not an item
)

// Library is what is served; a *library.Library.
type Library interface {
	Tree() *library.Tree
	Find(ctx context.Context, path string) (*library.Item, *library.Folder, error)
}

// Options is what a Server is made of.
type Options struct {
	Config  Config
	Library Library
	Control *ratelimit.Controller
	Router  Router // knows other nodes; nil where there is none
	Ledger  *accounting.Ledger
	Auth    *auth.Keeper // nil lets everybody in
	Pages   http.Handler // answers all that is not /media, /playlist and health; nil is 404
	Metrics http.Handler // answers /metrics; nil is 404
	Cached  http.Handler // answers other nodes at routing.CachedPath; nil is 404
	Node    string       // id of this node, which no other one has; empty leaves it out
	Log     *slog.Logger
}

// Server answers HTTP on its listeners. Its methods may be called
// concurrently.
type Server struct {
	library Library
	control *ratelimit.Controller
	router  Router
	ledger  *accounting.Ledger
	pages   http.Handler
	metrics http.Handler
	cached  http.Handler
	auth    *auth.Keeper
	node    string
	http    http.Server
	config  atomic.Pointer[Config]

	pacer        *pacer.Pacer // nil where this system has none
	handOverFrom int64        // bytes
	loans        loans
	teller       teller
	returning    *returning // connections that come back from the pacer
	buffers      buffers

	secure atomic.Pointer[tls.Config] // nil where connections are not

	crossOrigin http.CrossOriginProtection

	draining atomic.Bool
	mu       sync.Mutex
	listener net.Listener
	failed   chan error
}

// New returns a server without a listener. The config must be valid.
func New(o Options) *Server {
	s := &Server{
		library: o.Library, control: o.Control, router: cmp.Or[Router](o.Router, alone{}), ledger: o.Ledger,
		pages: o.Pages, metrics: o.Metrics, cached: o.Cached, auth: o.Auth, node: o.Node, failed: make(chan error, 1),
		handOverFrom: handOverFrom, returning: newReturning(),
	}
	s.pacer = pacer.New(pacer.Options{
		Idle: idleTimeout, Stall: func() time.Duration { return s.config.Load().StallTimeout }, Ready: s.returning.take,
	})
	if s.auth == nil {
		s.auth = auth.New(nil, auth.Config{})
	}
	s.config.Store(&o.Config)
	s.http = http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerLimit,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s
}

// SetConfig takes over what a reload may change, but for the listener.
// Connections from now on are secured by secure, unless it is nil.
func (s *Server) SetConfig(c Config, secure *tls.Config) {
	s.config.Store(&c)
	s.secure.Store(secure)
}

// Listen serves on l from now on, and no longer accepts on the listener
// before; its connections go on.
func (s *Server) Listen(l net.Listener) {
	s.mu.Lock()
	before := s.listener
	s.listener = l
	s.mu.Unlock()
	if before != nil {
		before.Close()
	} else {
		go s.http.Serve(s.returning) // which ends with the server
	}
	go func() {
		err := s.http.Serve(securing{l, s})
		if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case s.failed <- err:
		default:
		}
	}()
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listener.Addr()
}

// Failed yields the error that ended a listener which nobody closed.
func (s *Server) Failed() <-chan error { return s.failed }

// Drain says whether the server is about to end: it is not ready then, and
// sends whoever asks for an item to another node, if there is one.
func (s *Server) Drain(on bool) { s.draining.Store(on) }

// Draining reports whether it is.
func (s *Server) Draining() bool { return s.draining.Load() }

// Shutdown accepts nothing new and returns when the running streams have
// ended, or when ctx ends, after closing them.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.pacer.Drain()
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.http.Close()
	}
	return errors.Join(err, s.pacer.Shutdown(ctx))
}

// ServeHTTP hands a request to the room that answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(answerTimeout))
	defer control.SetWriteDeadline(time.Time{})
	if r.ContentLength != 0 { // nothing here reads a long body: don't wait for it
		control.SetReadDeadline(time.Now().Add(headerTimeout))
		defer control.SetReadDeadline(time.Time{})
	}
	s.insist(w, r)
	r, ok := s.pass(w, r)
	if !ok {
		return
	}
	if r, ok = s.allow(w, r); !ok {
		return
	}
	switch path := r.URL.EscapedPath(); {
	case under(path, "/media"):
		s.serveMedia(w, r)
	case under(path, "/playlist"), strings.HasPrefix(path, "/playlist."):
		s.servePlaylist(w, r)
	case path == routing.LentPath:
		s.serveLent(w, r)
	case path == routing.CachedPath && s.cached != nil:
		s.cached.ServeHTTP(w, r)
	case path == "/healthz":
		s.serveHealth(w, r, true, "not alive")
	case path == "/readyz":
		s.serveHealth(w, r, !s.draining.Load(), "shutting down")
	case path == "/metrics" && s.metrics != nil:
		s.metrics.ServeHTTP(w, r)
	case s.pages != nil:
		s.pages.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func under(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// below returns what stands under a folder in a path.
func below(path, folder string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, folder), "/")
}

func (s *Server) serveHealth(w http.ResponseWriter, r *http.Request, ok bool, why string) {
	if !allowed(w, r) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}
