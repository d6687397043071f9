package stream

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestListenerLeavesFirst: the second descriptor is above those of connections,
// and nothing listens any more when the listener is closed.
func TestListenerLeavesFirst(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if again := l.(*leavesFirst).again; again < aboveAll && limit.Cur > aboveAll {
		t.Errorf("the second descriptor is %d", again)
	}
	taken := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		for err == nil {
			_, err = l.Accept()
		}
		taken <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-taken
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("somebody still listens")
	}
	if err := l.Close(); err == nil {
		t.Error("closed twice without a word")
	}
}
