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

// securing is a listener whose connections are secured while the server has a
// certificate.
type securing struct {
	net.Listener
	server *Server
}

// Accept returns the next connection.
func (l securing) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	certificate := l.server.certificate.Load()
	if err != nil || certificate == nil {
		return conn, err
	}
	return tls.Server(conn, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: certificate.get,
	}), nil
}

// insist tells browsers to come by TLS only from now on, if the config asks
// for it.
func (s *Server) insist(w http.ResponseWriter, r *http.Request) {
	if age := s.config.Load().HSTS; age > 0 && r.TLS != nil {
		w.Header().Set("Strict-Transport-Security", "max-age="+strconv.Itoa(int(age.Seconds())))
	}
}
