package dns

import (
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// controlMost is room for what the system says of a packet besides its bytes.
const controlMost = 256

// noteDestinations lets the system say which of this computer's addresses
// each packet was sent to. Where it can't, answers come from the address that
// the system would choose.
func noteDestinations(conn *net.UDPConn) {
	ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst, true)
	ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst, true)
}

// sameAddress returns what makes an answer come from the address that the
// query went to: resolvers drop others, and a computer may have several.
func sameAddress(control []byte) []byte {
	switch to := destination(control); {
	case to == nil:
		return nil
	case to.To4() == nil:
		return (&ipv6.ControlMessage{Src: to}).Marshal()
	default:
		return (&ipv4.ControlMessage{Src: to}).Marshal()
	}
}

// destination returns the address that a packet went to, nil if unknown.
func destination(control []byte) net.IP {
	var six ipv6.ControlMessage
	if six.Parse(control) == nil && six.Dst != nil {
		return six.Dst
	}
	var four ipv4.ControlMessage
	if four.Parse(control) == nil {
		return four.Dst
	}
	return nil
}
