package smb

import (
	"net"
	"sync"
	"time"
)

// conn is a connection that breaks by itself when the server owes an answer
// and sends not one byte for as long as patience. While nobody waits it may be
// silent for ever.
type conn struct {
	net.Conn
	patience time.Duration
	broken   func(error) // called with an error; more than once does no harm

	mu      sync.Mutex
	waiting int
}

// begin says that somebody waits for an answer, until end.
func (c *conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting++; c.waiting == 1 {
		c.SetReadDeadline(time.Now().Add(c.patience))
	}
}

func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting--; c.waiting == 0 {
		c.SetReadDeadline(time.Time{})
	}
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.broken(err)
		return n, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting > 0 {
		c.SetReadDeadline(time.Now().Add(c.patience))
	}
	return n, nil
}

func (c *conn) Write(b []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(c.patience))
	n, err := c.Conn.Write(b)
	if err != nil {
		c.broken(err)
	}
	return n, err
}
