package load

import "net"

// discarder takes bytes out of a connection and throws them away: it waits for
// some, takes at most most, and returns how many, or io.EOF, or the
// connection's error.
type discarder interface {
	take(most int64) (int64, error)
}

// copier is a discarder for all that can be read.
type copier struct {
	conn   net.Conn
	buffer []byte
}

func newCopier(conn net.Conn) *copier { return &copier{conn, make([]byte, 16<<10)} }

func (c *copier) take(most int64) (int64, error) {
	n, err := c.conn.Read(c.buffer[:min(most, int64(len(c.buffer)))])
	return int64(n), err
}
