package stream

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const certificateEvery = time.Minute // between two looks at the files

// Certificate is a server's certificate from two PEM files. Who renews them
// need not restart anything. It may be used concurrently.
type Certificate struct {
	file, key string

	mu     sync.Mutex
	looked time.Time
	stamp  string
	now    *tls.Certificate
}

// OpenTLS returns how connections are secured as the config says: by its two
// files, or by certificates that ACME gets and keeps in a folder. It is nil if
// the config names neither.
func OpenTLS(c Config, folder string) (*tls.Config, error) {
	if len(c.ACME) > 0 {
		return openACME(c, folder)
	}
	certificate, err := OpenCertificate(c)
	if certificate == nil || err != nil {
		return nil, err
	}
	return certificate.TLS(), nil
}

// secured is TLS with certificates from get, for HTTP and for more protocols.
func secured(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), more ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: append([]string{"h2", "http/1.1"}, more...), GetCertificate: get,
	}
}

// OpenCertificate reads the certificate that the config names; nil if it names
// none.
func OpenCertificate(c Config) (*Certificate, error) {
	if c.Certificate == "" {
		return nil, nil
	}
	made := &Certificate{file: c.Certificate, key: c.Key}
	if err := made.load(); err != nil {
		return nil, fmt.Errorf("read the certificate: %w; [stream] certificate and key name two PEM files", err)
	}
	return made, nil
}

// load reads the files if they are others than before.
func (c *Certificate) load() error {
	c.looked = time.Now()
	stamp := stampOf(c.file) + stampOf(c.key)
	if c.now != nil && stamp == c.stamp {
		return nil
	}
	read, err := tls.LoadX509KeyPair(c.file, c.key)
	if err != nil {
		return err
	}
	c.now, c.stamp = &read, stamp
	return nil
}

func stampOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), ";")
}

// get returns the certificate for a client; the one before as long as new
// files can't be read, as while they are being written.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= certificateEvery {
		_ = c.load() // the one before is still there
	}
	return c.now, nil
}

// TLS is how connections are secured by the certificate.
func (c *Certificate) TLS() *tls.Config { return secured(c.get) }

// securing is a listener whose connections are secured while the server's
// config wants it.
type securing struct {
	net.Listener
	server *Server
}

// Accept returns the next connection.
func (l securing) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	secure := l.server.secure.Load()
	if err != nil || secure == nil {
		return conn, err
	}
	return tls.Server(conn, secure), nil
}

// insist tells browsers to come by TLS only from now on, if the config asks
// for it.
func (s *Server) insist(w http.ResponseWriter, r *http.Request) {
	if age := s.config.Load().HSTS; age > 0 && r.TLS != nil {
		w.Header().Set("Strict-Transport-Security", "max-age="+strconv.Itoa(int(age.Seconds())))
	}
}
