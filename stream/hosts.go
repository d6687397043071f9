package stream

import (
	"fmt"
	"net"
	"net/netip"
)

// Hosts returns the hosts, each with its port, under which people on the LAN
// reach an address that a server listens at: one at least.
func Hosts(addr net.Addr) []string {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return []string{addr.String()}
	}
	if !at.Addr().IsUnspecified() {
		return []string{at.String()}
	}
	var list []string
	nets, _ := net.InterfaceAddrs() // none is as good as an error: localhost is left
	for _, n := range nets {
		ip, err := netip.ParsePrefix(n.String())
		if err == nil && ip.Addr().Is4() && ip.Addr().IsGlobalUnicast() {
			list = append(list, netip.AddrPortFrom(ip.Addr(), at.Port()).String())
		}
	}
	if len(list) == 0 {
		list = append(list, fmt.Sprintf("localhost:%d", at.Port()))
	}
	return list
}
