package dns

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// These tests let the DNS servers that people run pass the name on to this
// one, as docs/dns.md says. What they need comes with Debian; .ci/run installs
// it.

// need skips where a program is not installed, except where nothing may skip.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts servers; left out with -short")
	}
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatalf("%s is not installed, and MUSTSERV_NO_SKIP is set", name)
		}
		t.Skipf("%s is not installed; with it, this test asks a real DNS server", name)
	}
}

// dig asks the server at an address, and returns what dig prints.
func dig(t *testing.T, at net.Addr, args ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("dig", append([]string{"+tries=1", "+time=5", "@" + host, "-p", port}, args...)...).Output()
	if err != nil {
		t.Fatalf("dig %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestDig(t *testing.T) {
	need(t, "dig")
	s := serverOf(testConfig(), three()...)
	sockets := listen(t, "127.0.0.1")
	s.Serve(sockets)
	for _, row := range []struct {
		name string
		args string
		want []string
	}{
		{"A", "media.home.arpa A", []string{"status: NOERROR", "flags: qr aa rd;", "ANSWER: 3", "media.home.arpa.	5	IN	A	10.0.0.3", "EDNS: version: 0, flags:; udp: 1232"}},
		{"AAAA by TCP", "+tcp MeDiA.home.arpa AAAA", []string{"ANSWER: 2", "MeDiA.home.arpa.	5	IN	AAAA	fd00::2", "(TCP)"}},
		{"without EDNS", "+noedns +norecurse media.home.arpa", []string{"flags: qr aa;", "ANSWER: 3", "ADDITIONAL: 0"}},
		{"DNSSEC is asked for", "+dnssec media.home.arpa", []string{"ANSWER: 3", "flags: do; udp: 1232"}},
		{"EDNS of the future", "+edns=1 +noednsnegotiation media.home.arpa", []string{"status: BADVERS"}},
		{"options that nobody knows", "+ednsopt=65001:c0ffee +cookie media.home.arpa", []string{"status: NOERROR", "ANSWER: 3"}},
		{"flags that nobody knows", "+ednsflags=0x40 media.home.arpa", []string{"status: NOERROR", "ANSWER: 3"}},
		{"SOA", "media.home.arpa SOA", []string{"IN	SOA	attic.home.arpa. attic.home.arpa. 1 3600 600 86400 5"}},
		{"ANY", "media.home.arpa ANY", []string{"ANSWER: 1"}},
		{"no such type", "media.home.arpa TXT", []string{"status: NOERROR", "ANSWER: 0, AUTHORITY: 1"}},
		{"a name below", "a.media.home.arpa", []string{"status: NXDOMAIN", "AUTHORITY: 1"}},
		{"another name", "example.org", []string{"status: REFUSED"}},
		{"another class", "-c CH version.bind TXT", []string{"status: REFUSED"}},
		{"another operation", "+opcode=notify media.home.arpa", []string{"status: NOTIMP"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := dig(t, sockets.Addr(), strings.Fields(row.args)...)
			for _, want := range row.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
		})
	}
}

// nodesAt is a server whose nodes a test changes.
func nodesAt(t *testing.T, c Config) (sockets *Sockets, set func(...Node)) {
	var nodes atomic.Pointer[[]Node]
	set = func(n ...Node) { nodes.Store(&n) }
	set(three()...)
	s := New(func() []Node { return *nodes.Load() }, slog.New(slog.DiscardHandler))
	s.SetConfig(c)
	sockets = listen(t, "127.0.0.1")
	s.Serve(sockets)
	return sockets, set
}

// freePort returns a port that nobody uses, by UDP or TCP.
func freePort(t *testing.T) string {
	s := listen(t, "127.0.0.1")
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Addr().String())
	return port
}

// startServer runs a DNS server of others until the test ends, and waits for
// it to answer.
func startServer(t *testing.T, port, program string, args ...string) net.Addr {
	t.Helper()
	cmd := exec.Command(program, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s said last:\n%s", program, said.Bytes()[max(0, said.Len()-4000):])
		}
	})
	at, err := net.ResolveTCPAddr("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTCP("tcp", nil, at); err == nil {
			c.Close()
			return at
		}
		select {
		case <-ended:
			t.Fatalf("%s has ended", program)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s takes no connections", program)
		}
	}
}

// passOn are DNS servers that pass the name on to those at ports of this
// computer. All are the recipes of docs/dns.md, but for ports and folders.
var passOn = map[string]func(t *testing.T, ports []string) net.Addr{
	"dnsmasq": func(t *testing.T, ports []string) net.Addr {
		need(t, "dnsmasq", "dig")
		port := freePort(t)
		args := []string{"--keep-in-foreground", "--conf-file=/dev/null", "--user=", "--pid-file=", "--no-resolv", "--no-hosts", "--log-facility=-", "--log-queries",
			"--bind-interfaces", "--listen-address=127.0.0.1", "--port=" + port, "--all-servers", "--stop-dns-rebind", "--rebind-domain-ok=/media.home.arpa/"}
		for _, p := range ports {
			args = append(args, "--server=/media.home.arpa/127.0.0.1#"+p)
		}
		return startServer(t, port, "dnsmasq", args...)
	},
	"BIND forwards": func(t *testing.T, ports []string) net.Addr {
		var forwarders strings.Builder
		for _, p := range ports {
			fmt.Fprintf(&forwarders, "127.0.0.1 port %s; ", p)
		}
		return startBIND(t, "", `zone "media.home.arpa" { type forward; forward only; forwarders { `+forwarders.String()+`}; };`)
	},
	"BIND delegates": func(t *testing.T, ports []string) net.Addr {
		// BIND asks delegated servers at one port; 53, were it not for "port".
		zone := "$TTL 60\n@ SOA attic hostmaster 1 3600 600 86400 5\n@ NS attic\nattic A 127.0.0.1\nmedia NS attic\n"
		return startBIND(t, "port "+ports[len(ports)-1]+";", `zone "home.arpa" { type primary; file "`+keep(t, "home.arpa", zone)+`"; };`)
	},
}

func keep(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func startBIND(t *testing.T, options, zone string) net.Addr {
	need(t, "named", "dig")
	port := freePort(t)
	config := fmt.Sprintf(`options {
	directory %q; pid-file none; session-keyfile none; listen-on-v6 { none; };
	listen-on port %s { 127.0.0.1; }; recursion yes; dnssec-validation no; %s
};
controls { };
%s
`, t.TempDir(), port, options, zone)
	return startServer(t, port, "named", "-g", "-c", keep(t, "named.conf", config))
}

// short returns the addresses that a server has for the name.
func short(t *testing.T, at net.Addr, kind string) []string {
	got := strings.Fields(dig(t, at, "+short", "media.home.arpa", kind))
	slices.Sort(got)
	return got
}

// answers waits until a server has these addresses for the name.
func answers(t *testing.T, at net.Addr, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got := short(t, at, "A")
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("answers with %v, want %v", got, want)
		}
	}
}

// TestOthersPassTheNameOn: through the DNS server of the house, a node that
// dies is gone as soon as answers may no longer be remembered.
func TestOthersPassTheNameOn(t *testing.T) {
	for name, start := range passOn {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			c.Servers, c.TTL = []string{"attic.home.arpa"}, time.Second
			gone := freePort(t) // of a node that does not live
			sockets, set := nodesAt(t, c)
			_, port, _ := net.SplitHostPort(sockets.Addr().String())
			at := start(t, []string{gone, port})
			answers(t, at, "10.0.0.1", "10.0.0.2", "10.0.0.3")
			if got, want := short(t, at, "AAAA"), []string{"fd00::1", "fd00::2"}; !slices.Equal(got, want) {
				t.Errorf("AAAA: got %v, want %v", got, want)
			}
			if got := dig(t, at, "media.home.arpa", "MX"); !strings.Contains(got, "status: NOERROR") || !strings.Contains(got, "ANSWER: 0") {
				t.Errorf("MX: %s", got)
			}
			if got := dig(t, at, "none.media.home.arpa"); !strings.Contains(got, "status: NXDOMAIN") {
				t.Errorf("a name below: %s", got)
			}
			dead := three()
			dead[1].Alive = false
			set(dead...)
			died := time.Now()
			answers(t, at, "10.0.0.1", "10.0.0.3")
			t.Logf("left out the dead node after %v", time.Since(died).Round(10*time.Millisecond))
		})
	}
}
