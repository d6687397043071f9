package stream

import (
	"net"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	for _, row := range []struct {
		name string
		addr net.Addr
		want string // empty: whatever this computer has
	}{
		{"one address", &net.TCPAddr{IP: net.IPv4(192, 168, 1, 20), Port: 8000}, "192.168.1.20:8000"},
		{"IPv6", &net.TCPAddr{IP: net.IPv6loopback, Port: 8000}, "[::1]:8000"},
		{"no IP", &net.UnixAddr{Name: "/run/mustserv", Net: "unix"}, "/run/mustserv"},
		{"all addresses", &net.TCPAddr{IP: net.IPv6zero, Port: 8000}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Hosts(row.addr)
			if row.want != "" && strings.Join(got, " ") != row.want || len(got) == 0 {
				t.Errorf("%v is reached at %q", row.addr, got)
			}
			for _, host := range got {
				if row.want == "" && (!strings.HasSuffix(host, ":8000") || strings.HasPrefix(host, "0.0.0.0") || strings.HasPrefix(host, "127.")) {
					t.Errorf("nobody on the LAN reaches %s", host)
				}
			}
		})
	}
}
