package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// listen opens sockets at a port of an address that is free for UDP and TCP.
func listen(t *testing.T, host string) *Sockets {
	t.Helper()
	var err error
	for range 20 { // what is free for TCP need not be so for UDP
		var s *Sockets
		if s, err = Listen(net.JoinHostPort(host, "0")); err == nil {
			t.Cleanup(func() { s.Close() })
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// resolver returns Go's, which asks only at an address, by one protocol or by
// what it chooses.
func resolver(address net.Addr, only string) *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if only != "" {
			network = only
		}
		return new(net.Dialer).DialContext(ctx, network, address.String())
	}}
}

func lookUp(t *testing.T, r *net.Resolver) []string {
	t.Helper()
	got, err := r.LookupHost(t.Context(), "media.home.arpa.")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return got
}

func TestAResolverAsks(t *testing.T) {
	want := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"}
	for _, host := range []string{"127.0.0.1", "::1", ""} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(host+" "+network, func(t *testing.T) {
				s := serverOf(testConfig(), three()...)
				sockets := listen(t, host)
				s.Serve(sockets)
				if got := lookUp(t, resolver(sockets.Addr(), network)); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}

// TestAnswersComeFromWhereTheyWereAskedFor matters on a computer with several
// addresses: resolvers drop what comes from another.
func TestAnswersComeFromWhereTheyWereAskedFor(t *testing.T) {
	s := serverOf(testConfig(), three()...)
	sockets := listen(t, "")
	s.Serve(sockets)
	_, port, _ := net.SplitHostPort(sockets.Addr().String())
	for _, at := range []string{"127.0.0.1", "::1", "127.77.0.5"} {
		t.Run(at, func(t *testing.T) {
			conn, err := net.Dial("udp", net.JoinHostPort(at, port)) // takes packets of that address only
			if err != nil {
				if at == "127.77.0.5" {
					return // loopback has one address here
				}
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Write(pack(t, question("media.home.arpa.", dnsmessage.TypeA))); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(make([]byte, udpSize)); err != nil || n < 12 {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}

func TestSocketsAndConfigChange(t *testing.T) {
	var nodes atomic.Pointer[[]Node]
	set := func(n ...Node) { nodes.Store(&n) }
	set(three()...)
	s := New(func() []Node { return *nodes.Load() }, slog.New(slog.DiscardHandler))
	s.SetConfig(testConfig())
	first, second := listen(t, "127.0.0.1"), listen(t, "127.0.0.1")
	s.Serve(first)
	set(three()[:1]...)
	if got, want := lookUp(t, resolver(first.Addr(), "")), []string{"10.0.0.1", "fd00::1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Serve(second)
	lookUp(t, resolver(second.Addr(), ""))
	if c, err := net.Dial("tcp", first.Addr().String()); err == nil {
		c.Close()
		t.Error("the first sockets are still open")
	}
	s.Serve(nil)
	if c, err := net.Dial("tcp", second.Addr().String()); err == nil {
		c.Close()
		t.Error("the second sockets are still open")
	}
}

func TestListenSaysWhatToDo(t *testing.T) {
	taken := listen(t, "127.0.0.1")
	_, err := Listen(taken.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "[routing.dns] listen takes another port") {
		t.Errorf("got %v", err)
	}
}

// talk sends to a connection that is served, and returns what is answered
// until the server closes it.
func talk(t *testing.T, sent []byte) []byte {
	t.Helper()
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		serverOf(testConfig(), three()...).converse(server)
	}()
	go client.Write(sent)
	client.SetDeadline(time.Now().Add(2 * connectionIdle))
	got, err := io.ReadAll(client)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

func TestConversations(t *testing.T) {
	good := framed(pack(t, question("media.home.arpa.", dnsmessage.TypeA)))
	for _, row := range []struct {
		name    string
		sent    []byte
		answers int
	}{
		{"several queries", slices.Concat(good, good, good, []byte{0, 0}), 3},
		{"a flood", []byte{0xff, 0xff, 1, 2, 3}, 0},
		{"an answer", slices.Concat(good, framed([]byte{1, 2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0}), good), 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := talk(t, row.sent)
			n := 0
			for len(got) >= 2 {
				end := 2 + int(binary.BigEndian.Uint16(got))
				var a dnsmessage.Message
				if err := a.Unpack(got[2:end]); err != nil || len(a.Answers) != 3 {
					t.Errorf("%v %v", a, err)
				}
				got = got[end:]
				n++
			}
			if n != row.answers {
				t.Errorf("%d answers, want %d", n, row.answers)
			}
		})
	}
}

func TestTooManyConnections(t *testing.T) {
	s := serverOf(testConfig(), three()...)
	sockets := listen(t, "127.0.0.1")
	s.Serve(sockets)
	for range connectionsMost {
		sockets.slots <- struct{}{}
	}
	conn, err := net.Dial("tcp", sockets.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many was not turned away: %v", err)
	}
	<-sockets.slots
	<-sockets.slots // it asks for both kinds of addresses at the same time
	lookUp(t, resolver(sockets.Addr(), "tcp"))
}

func TestConnectionsEnd(t *testing.T) {
	good := framed(pack(t, question("media.home.arpa.", dnsmessage.TypeA)))
	for _, row := range []struct {
		name  string
		send  []byte        // again and again,
		every time.Duration // so often
		most  time.Duration
	}{
		{"idle", nil, time.Minute, connectionIdle},
		{"drop by drop", []byte{0}, time.Second, connectionIdle},
		{"for ever", good, time.Second, connectionMost + connectionIdle},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				began := time.Now()
				var all sync.WaitGroup
				defer all.Wait()
				all.Go(func() {
					for {
						if _, err := client.Write(row.send); err != nil {
							return
						}
						time.Sleep(row.every)
					}
				})
				all.Go(func() { io.Copy(io.Discard, client) })
				serverOf(testConfig(), three()...).converse(server)
				if took := time.Since(began); took > row.most {
					t.Errorf("ended after %v, want at most %v", took, row.most)
				}
				server.Close()
				client.Close()
			})
		})
	}
}
