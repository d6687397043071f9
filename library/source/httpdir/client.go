package httpdir

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"mustserv/library/source"
)

const (
	silence      = 10 * time.Second // a server that sends nothing for so long does not answer
	idleTimeout  = 30 * time.Second // of a kept connection; servers keep theirs for about a minute
	keptIdle     = 16               // connections without a request
	maxRedirects = 5
	maxHead      = 64 << 10 // bytes of the head of an answer

	// A connection is kept rather than closed by reading what is left of an
	// answer, if it is no more than this and comes without a pause.
	maxDrain      = 64 << 10 // bytes
	drainPatience = 100 * time.Millisecond
)

// client asks one web server, over HTTP/1.1: its connections are independent,
// so that no stream stands in another's way.
type client struct {
	base      *url.URL // of the folder, ends with a slash
	user      string
	password  source.Secret
	transport *http.Transport
	lines     *lines
	self      source.Origin       // id of our node, if it has one
	sign      func(*http.Request) // nil signs nothing
}

func newClient(base *url.URL, a source.Access) (*client, error) {
	roots, err := authorities(a.CA)
	if err != nil {
		return nil, err
	}
	return &client{
		base: base, user: a.User, password: a.Password, lines: newLines(),
		transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: silence}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    silence,
			MaxIdleConnsPerHost:    keptIdle,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHead,
			DisableCompression:     true,
		},
	}, nil
}

// authorities returns the system's and those in the file, nil for the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the share's ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without any
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the share's ca_file %s holds no certificate: %w; it is to be PEM text", file, fs.ErrInvalid)
	}
	return pool, nil
}

// do sends a request and follows redirects. The answer's body is to be
// closed; a read of it ends with source.ErrUnavailable when the server falls
// silent. A status that is no success is an error: one of io/fs,
// source.ErrUnavailable, or errors.ErrUnsupported for a method that the server
// does not have.
func (c *client) do(ctx context.Context, method string, u *url.URL, header http.Header, body string) (*http.Response, error) {
	for range maxRedirects {
		answer, err := c.send(ctx, method, u, header, body)
		if err != nil {
			return nil, err
		}
		next, err := redirect(answer)
		if err == nil && next == nil {
			err = c.check(answer)
		}
		if err != nil || next != nil {
			discard(answer)
		}
		switch {
		case err != nil:
			return nil, err
		case next == nil:
			return answer, nil
		}
		u = next
	}
	return nil, fmt.Errorf("the server redirects more than %d times", maxRedirects)
}

// send sends one request, once there is a line for it.
func (c *client) send(parent context.Context, method string, u *url.URL, header http.Header, content string) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(parent)
	b := &body{ctx: ctx, cancel: cancel, patience: silence, lines: c.lines}
	b.timer = time.AfterFunc(silence, func() { cancel(errSilent) })
	if err := c.lines.take(ctx); err != nil {
		b.end()
		return nil, b.explain(err)
	}
	request, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(content))
	if err != nil {
		c.lines.give()
		b.end()
		return nil, fmt.Errorf("make a request: %w", fs.ErrInvalid)
	}
	c.dress(request, header)
	answer, err := c.transport.RoundTrip(request)
	b.timer.Stop()
	if err != nil {
		err = b.explain(err)
		c.lines.give()
		b.end()
		return nil, err
	}
	b.ReadCloser = answer.Body
	answer.Body = b
	return answer, nil
}

func (c *client) dress(r *http.Request, header http.Header) {
	for key, values := range header {
		r.Header[key] = values
	}
	r.Header.Set("User-Agent", "MuStServ")
	r.Header.Set("Accept-Encoding", "identity")
	for _, node := range source.Via(r.Context()) {
		r.Header.Add("Via", "1.1 mustserv-"+node)
	}
	if c.self != "" {
		r.Header.Add("Via", "1.1 mustserv-"+string(c.self))
	}
	if c.user != "" {
		r.SetBasicAuth(c.user, c.password.Reveal())
	}
	if c.sign != nil {
		c.sign(r)
	}
}

// redirect returns where an answer sends us, nil if it does not. It refuses
// another server, since a user and password go with each request.
func redirect(answer *http.Response) (*url.URL, error) {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	from := answer.Request.URL
	to, err := answer.Location()
	if err != nil {
		return nil, fmt.Errorf("the server redirects to no address: %w", fs.ErrInvalid)
	}
	same := to.Scheme == from.Scheme && strings.EqualFold(to.Host, from.Host)
	safer := from.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(to.Hostname(), from.Hostname())
	if !same && !safer {
		return nil, fmt.Errorf("the server redirects to %s://%s, which is not followed: %w; if that is right, name it in the share's url",
			to.Scheme, to.Host, fs.ErrPermission)
	}
	to.User = nil
	return to, nil
}

// errLogin says that the server wants to know who asks.
var errLogin = fmt.Errorf("log in: %w", fs.ErrPermission)

// check returns the error that a status stands for.
func (c *client) check(answer *http.Response) error {
	code := answer.StatusCode
	said := fmt.Sprintf("the server answers %d %s", code, http.StatusText(code))
	who := "a guest"
	if c.user != "" {
		who = fmt.Sprintf("user %q", c.user)
	}
	switch code {
	case http.StatusOK, http.StatusPartialContent, http.StatusMultiStatus, http.StatusNotModified:
		return nil
	case http.StatusLoopDetected:
		return errOurselves
	case http.StatusUnauthorized:
		return c.login(answer, who)
	case http.StatusForbidden:
		return fmt.Errorf("the server does not let %s read this: %w", who, fs.ErrPermission)
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: %w", said, fs.ErrNotExist)
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("%s: %w", said, source.ErrChanged)
	case http.StatusBadRequest, http.StatusRequestURITooLong:
		return fmt.Errorf("%s: %w", said, fs.ErrInvalid)
	case http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusNotImplemented:
		return fmt.Errorf("%s: %w", said, errors.ErrUnsupported)
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return fmt.Errorf("%s: %w", said, source.ErrUnavailable)
	}
	if code >= 500 {
		return fmt.Errorf("%s: %w", said, source.ErrUnavailable)
	}
	return errors.New(said)
}

func (c *client) login(answer *http.Response, who string) error {
	ways := strings.ToLower(strings.Join(answer.Header.Values("WWW-Authenticate"), ","))
	switch {
	case !strings.Contains(ways, "basic"):
		return fmt.Errorf("the server wants another way to %w than Basic, the one spoken here", errLogin)
	case c.user == "":
		return fmt.Errorf("the server wants a user and a password: %w", errLogin)
	}
	return fmt.Errorf("the server refuses %s: check user and password: %w", who, errLogin)
}

var errSilent = fmt.Errorf("it sent nothing for %v", silence)

// body is the body of an answer that ends when the server falls silent.
type body struct {
	io.ReadCloser
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	patience time.Duration // how long it may be silent
	lines    *lines
}

func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.patience)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF {
		err = b.explain(err)
	}
	return n, err
}

// Close is called once.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.lines.give()
	b.end()
	return err
}

func (b *body) end() {
	b.timer.Stop()
	b.cancel(nil)
}

// explain turns a failure of the network into source.ErrUnavailable, and
// leaves it as it is where we have ended the request.
func (b *body) explain(err error) error {
	switch cause := context.Cause(b.ctx); {
	case cause == errSilent:
		err = errSilent
	case cause != nil:
		return cause
	}
	hint := ""
	if unknown := (*tls.CertificateVerificationError)(nil); errors.As(err, &unknown) {
		hint = "; ca_file names a certificate that it may be signed by"
	}
	return fmt.Errorf("the server does not answer: %w%s: %w", err, hint, source.ErrUnavailable)
}

// discard closes an answer, and keeps its connection where little is left
// that comes soon.
func discard(answer *http.Response) {
	if b, ok := answer.Body.(*body); ok {
		b.patience = drainPatience
	}
	io.CopyN(io.Discard, answer.Body, maxDrain)
	answer.Body.Close()
}

// readError says of what went wrong in the middle of a listing whether it was
// the network or what the server wrote.
func readError(err error) error {
	if errors.Is(err, source.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("the server's answer can't be understood: %w", err)
}
