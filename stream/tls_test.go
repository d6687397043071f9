package stream

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// certify writes a new certificate for 127.0.0.1 and its key into the files of
// a config, and returns who trusts it.
func certify(t *testing.T, c Config) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "box"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &about, &about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		c.Certificate: {Type: "CERTIFICATE", Bytes: der}, c.Key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return pool
}

// age makes the next client look at the files again.
func age(c *Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = time.Now().Add(-certificateEvery)
}

func TestTLS(t *testing.T) {
	data := probetest.WAV(5, 44100, 2)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, catalogue(t, map[string][]byte{"a.wav": data}), l, ratelimit.DefaultConfig())
	config := DefaultConfig()
	dir := t.TempDir()
	config.Certificate, config.Key, config.HSTS = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), time.Hour
	get := func(url string, trusted *x509.CertPool, protocols ...string) (*http.Response, string, error) {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: trusted, NextProtos: protocols},
			ForceAttemptHTTP2: len(protocols) == 0, DisableKeepAlives: true,
		}
		r, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Range", "bytes=1000-200000")
		response, err := transport.RoundTrip(r)
		if err != nil {
			return nil, "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response, string(body), err
	}
	want := string(data[1000:200001])
	at := l.Addr().String() + "/media/s/a.wav"

	if response, body, err := get("http://"+at, nil); err != nil || body != want || response.Header.Get("Strict-Transport-Security") != "" {
		t.Fatalf("without TLS: %v", err)
	}
	if _, err := OpenCertificate(config); err == nil {
		t.Error("files that are not there are no error")
	}
	trusted := certify(t, config)
	certificate, err := OpenCertificate(config)
	if err != nil {
		t.Fatal(err)
	}
	s.SetConfig(config, certificate.TLS())
	for _, row := range []struct {
		protocol string
		offered  []string
		major    int
	}{{"HTTP/1.1", []string{"http/1.1"}, 1}, {"HTTP/2", nil, 2}} {
		response, body, err := get("https://"+at, trusted, row.offered...)
		if err != nil {
			t.Fatalf("%s: %v", row.protocol, err)
		}
		if body != want || response.ProtoMajor != row.major || response.StatusCode != http.StatusPartialContent {
			t.Errorf("%s: %s with %d bytes over %s", row.protocol, response.Status, len(body), response.Proto)
		}
		if got := response.Header.Get("Strict-Transport-Security"); got != "max-age=3600" {
			t.Errorf("%s: HSTS is %q", row.protocol, got)
		}
	}

	before := trusted
	trusted = certify(t, config)
	age(certificate)
	if _, _, err := get("https://"+at, trusted); err != nil {
		t.Errorf("a renewed certificate: %v", err)
	}
	if _, _, err := get("https://"+at, before); err == nil {
		t.Error("the certificate before is still in use")
	}
	os.WriteFile(config.Key, []byte("half written"), 0o600)
	age(certificate)
	if _, _, err := get("https://"+at, trusted); err != nil {
		t.Errorf("while the files are being written: %v", err)
	}
	s.SetConfig(DefaultConfig(), nil)
	if _, body, err := get("http://"+at, nil); err != nil || body != want {
		t.Errorf("without TLS again: %v", err)
	}
}
