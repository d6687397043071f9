package smb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cloudsoda/go-smb2"

	"mustserv/library/source"
)

const (
	// patience is how long a server may send nothing while it owes an answer.
	patience = 10 * time.Second

	maxCalls   = 32 // under way over one connection; more wait
	minBackoff = 250 * time.Millisecond
	maxBackoff = 15 * time.Second
	// refusedBackoff keeps us from having an account locked by trying.
	refusedBackoff = time.Minute
)

// errHungUp says that a server has closed a new connection instead of answering.
var errHungUp = errors.New("it hung up")

// link is the way to one share of a server: its one connection, made anew when
// it has broken.
type link struct {
	at       place
	access   source.Access
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	patience time.Duration
	calls    chan struct{} // one of maxCalls
	ahead    chan struct{} // one of maxAhead

	mu      sync.Mutex
	users   int // the source and its open files
	now     *session
	dialing chan struct{} // closed when the dial under way has ended
	failed  error         // why the last dial failed
	retry   time.Time     // not before
	backoff time.Duration
}

func newLink(at place, a source.Access) *link {
	return &link{
		at: at, access: a, users: 1,
		connect: (&net.Dialer{}).DialContext, patience: patience,
		calls: make(chan struct{}, maxCalls),
		ahead: make(chan struct{}, maxAhead),
	}
}

// session is one login over one connection. Its context ends when the
// connection has broken.
type session struct {
	conn  *conn
	share *smb2.Share
	ctx   context.Context
	end   context.CancelCauseFunc
}

func (s *session) isBroken() bool { return s.ctx.Err() != nil }

// isStalled reports whether the session has broken because the server was silent.
func (s *session) isStalled() bool { return errors.Is(context.Cause(s.ctx), os.ErrDeadlineExceeded) }

// retain adds a user of the link.
func (l *link) retain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users++
}

// release takes a user off, and ends the connection with the last.
func (l *link) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users == 0 && l.now != nil {
		l.now.end(net.ErrClosed)
	}
}

// session returns the connection, made if need be; only one is being made at
// a time, and after a failure none for a while.
func (l *link) session(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		switch {
		case l.now != nil && !l.now.isBroken():
			defer l.mu.Unlock()
			return l.now, nil
		case l.dialing == nil && time.Now().Before(l.retry):
			defer l.mu.Unlock()
			return nil, l.failed
		case l.dialing == nil:
			l.dialing = make(chan struct{})
			go l.renew(context.WithoutCancel(ctx)) // others wait for it too
		}
		dialing := l.dialing
		l.mu.Unlock()
		select {
		case <-dialing:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err := l.failure(); err != nil {
			return nil, err
		}
	}
}

func (l *link) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// renew makes a new connection, or notes why it could not.
func (l *link) renew(ctx context.Context) {
	s, err := l.dial(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.dialing)
	l.dialing, l.now, l.failed = nil, s, err
	switch {
	case err == nil:
		l.backoff = 0
		if l.users <= 0 { // closed meanwhile
			s.end(net.ErrClosed)
		}
		return
	case isRefused(err):
		l.backoff = refusedBackoff
	default:
		l.backoff = min(max(2*l.backoff, minBackoff), maxBackoff)
	}
	l.retry = time.Now().Add(l.backoff)
}

// dial connects and logs in. Of the two kinds of guest, servers know the one
// or the other: an account of that name, or nobody.
func (l *link) dial(ctx context.Context) (*session, error) {
	domain, user := account(l.access.User)
	users := []string{user}
	if user == "" {
		users = []string{"Guest", ""}
	}
	var err error
	for _, user := range users {
		var s *session
		for range 2 {
			s, err = l.login(ctx, &smb2.NTLMInitiator{Domain: domain, User: user, Password: l.access.Password.Reveal()})
			if err == nil {
				return s, nil
			}
			if !errors.Is(err, errHungUp) { // as a busy Samba does on one, and not on the next
				break
			}
		}
		if !isRefused(err) {
			break
		}
	}
	return nil, l.explain(err)
}

// account parts a user from the domain before it.
func account(text string) (domain, user string) {
	if i := strings.IndexAny(text, `;\`); i >= 0 {
		return text[:i], text[i+1:]
	}
	return "", text
}

func (l *link) login(ctx context.Context, who smb2.Initiator) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	tcp, err := l.connect(ctx, "tcp", net.JoinHostPort(l.at.host, l.at.port))
	if err != nil {
		return nil, err
	}
	s := newSession(ctx, tcp, l.patience)
	r := guarded(s, func(s *session) (*smb2.Share, error) {
		login, err := (&smb2.Dialer{Initiator: who}).DialConn(ctx, s.conn, l.at.host)
		if err != nil {
			return nil, err
		}
		return login.WithContext(ctx).Mount(l.at.share)
	})
	if r.err != nil {
		s.end(r.err)
		if errors.Is(context.Cause(s.ctx), io.EOF) {
			return nil, fmt.Errorf("%w: %w", errHungUp, r.err)
		}
		return nil, r.err
	}
	s.share = r.v.WithContext(s.ctx)
	return s, nil
}

// newSession returns a session that is not logged in yet. It lives until it
// is ended, not until ctx is.
func newSession(ctx context.Context, tcp net.Conn, patience time.Duration) *session {
	s := &session{}
	s.ctx, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	s.conn = &conn{Conn: tcp, patience: patience, broken: s.end}
	context.AfterFunc(s.ctx, func() { tcp.Close() })
	return s
}

// call does something over the link; once more, where the connection was an
// old one that turned out to be broken. It returns when ctx has ended, though
// do may go on for a while: the library does not take it well when a call is
// broken off. A result that comes too late is dropped.
func call[T any](ctx context.Context, l *link, do func(*session) (T, error), drop func(T)) (T, error) {
	for again := false; ; again = true {
		s, err := l.session(ctx)
		if err != nil {
			var none T
			return none, err
		}
		v, err := run(ctx, l, s, do, drop)
		if err == nil || ctx.Err() != nil {
			return v, err
		}
		if endsSession(err) {
			s.end(err)
		}
		if again || !s.isBroken() || s.isStalled() {
			return v, s.explain(err)
		}
	}
}

type result[T any] struct {
	v   T
	err error
}

func run[T any](ctx context.Context, l *link, s *session, do func(*session) (T, error), drop func(T)) (v T, err error) {
	select {
	case l.calls <- struct{}{}:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	done := make(chan result[T])
	go func() {
		defer func() { <-l.calls }()
		r := guarded(s, do)
		select {
		case done <- r:
		case <-ctx.Done():
			if r.err == nil && drop != nil {
				drop(r.v)
			}
		}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		return v, ctx.Err()
	}
}

// guarded calls do while the connection is expected to answer. Bytes of a
// foreign server that the library chokes on end the session, not the program.
func guarded[T any](s *session, do func(*session) (T, error)) (r result[T]) {
	s.conn.begin()
	defer s.conn.end()
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("the server's answer makes no sense: %v", p)
			s.end(r.err)
		}
	}()
	r.v, r.err = do(s)
	return r
}
