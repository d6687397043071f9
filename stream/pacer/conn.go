package pacer

import "net"

// Conn is a TCP connection of which some bytes have been read before. They
// are the first that it yields.
type Conn struct {
	*net.TCPConn
	ahead []byte
}

// Read reads what had been read ahead, then from the connection.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.TCPConn.Read(p)
	}
	n := copy(p, c.ahead)
	c.ahead = c.ahead[n:]
	return n, nil
}

// Plain returns the connection to the kernel below c and the bytes that were
// read from it but not yet from c; ok is false where there is none.
func Plain(c net.Conn) (conn *net.TCPConn, ahead []byte, ok bool) {
	switch c := c.(type) {
	case *net.TCPConn:
		return c, nil, true
	case *Conn:
		return c.TCPConn, c.ahead, true
	}
	return nil, nil, false
}
