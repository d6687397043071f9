//go:build acme

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// TestACME gets a certificate from Pebble, the test server of the people of
// Let's Encrypt, which proves the name over TLS as they do.
func TestACME(t *testing.T) {
	need(t, "pebble")
	dir, state := t.TempDir(), t.TempDir()
	authority, management := fmt.Sprint("127.0.0.1:", freePort(t)), fmt.Sprint("127.0.0.1:", freePort(t))
	selfSigned(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	config := filepath.Join(dir, "mustserv.toml")
	write(t, config, fmt.Appendf(nil, "[stream]\nlisten = \"127.0.0.1:0\"\nacme = [\"media.example.org\"]\nacme_email = \"ann@example.org\"\nacme_directory = \"https://%s/dir\"\n", authority))
	trusting := func() *exec.Cmd {
		cmd := mustserv(t, "-config", config)
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+filepath.Join(dir, "cert.pem"))
		return cmd
	}
	server := launch(t, trusting(), state)
	pebble := startPebble(t, dir, authority, management, server.url[strings.LastIndexByte(server.url, ':')+1:])
	roots := pebble.roots()

	ask := func(url, name string) (*http.Response, error) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
		answer, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Get(url + "/healthz")
		if err == nil {
			answer.Body.Close()
		}
		return answer, err
	}
	if answer, err := ask(server.url, "media.example.org"); err != nil || answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		t.Fatalf("by its name: %v, %v; it says %s", answer, err, server.stderr)
	}
	if _, err := ask(server.url, "other.example.org"); err == nil {
		t.Error("a certificate for another name")
	}
	pebble.stop()
	again := launch(t, trusting(), state)
	if answer, err := ask(again.url, "media.example.org"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("after a restart, without the authority: %v, %v", answer, err)
	}
	if info, err := os.Stat(filepath.Join(state, "acme", "media.example.org")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what is kept: %v, %v", info, err)
	}
}

// pebble is a running Pebble.
type pebble struct {
	t          *testing.T
	management string
	trusted    *x509.CertPool // for its own pages
	stop       func()
}

// startPebble has it prove names at a port of this computer.
func startPebble(t *testing.T, dir, authority, management, port string) pebble {
	t.Helper()
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": authority, "managementListenAddress": management, "httpPort": 1, "tlsPort": json.Number(port),
		"certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pebble.json"), config)
	cmd := exec.Command("pebble", "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", nameserver(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := pebble{t: t, management: management, trusted: x509.NewCertPool(), stop: func() { cmd.Process.Kill(); cmd.Wait() }}
	t.Cleanup(p.stop)
	own, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil || !p.trusted.AppendCertsFromPEM(own) {
		t.Fatal(err)
	}
	return p
}

// roots returns whose certificates count, as soon as Pebble answers.
func (p pebble) roots() *x509.CertPool {
	p.t.Helper()
	roots := x509.NewCertPool()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.trusted}}}
	eventually(p.t, "Pebble answers", func() bool {
		answer, err := client.Get("https://" + p.management + "/roots/0")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return err == nil && roots.AppendCertsFromPEM(text)
	})
	return roots
}

// nameserver says that every name is this computer.
func nameserver(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(packet[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
			}
			if answer, err := m.Pack(); err == nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T, certificate, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &about, &about, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	write(t, certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}))
}
