// Package dns answers DNS queries for one name with the addresses of the nodes
// that are well, so that a player that asks for the name gets a server that
// answers. Whoever runs the DNS of the house (dnsmasq, BIND, CoreDNS) passes
// that one name on to it. It looks up nothing itself and knows no other name.
package dns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	queryMost = 4096 // bytes of one by TCP; real ones have less than 300

	connectionsMost = 32               // by TCP, at a time
	connectionIdle  = 5 * time.Second  // is closed after, also when a query comes in drop by drop
	connectionMost  = 30 * time.Second // that one may be open

	moment       = 100 * time.Millisecond // for which what is known of the nodes is new enough
	failurePause = 10 * time.Millisecond  // before a socket that failed is tried again
)

// Server answers for one name. All methods may be called at the same time.
type Server struct {
	nodes func() []Node
	log   *slog.Logger
	zone  atomic.Pointer[zone] // nil for none

	turnA, turnAAAA atomic.Uint64 // one each, for clients ask for both by turns

	asking sync.Mutex
	known  []Node // as they were
	asked  time.Time

	serving sync.Mutex
	sockets *Sockets // nil for none
}

// New returns a server that answers nothing yet. nodes returns those behind
// the name, as they are now; its result is only read.
func New(nodes func() []Node, log *slog.Logger) *Server {
	s := &Server{nodes: nodes, log: log}
	s.turnA.Store(rand.Uint64()) // servers that start together do not all begin with the same node
	s.turnAAAA.Store(rand.Uint64())
	return s
}

// SetConfig takes over a valid config; for its Listen, there is Serve.
func (s *Server) SetConfig(c Config) { s.zone.Store(newZone(c)) }

// current returns the nodes as they were a moment ago at most: queries may come
// in faster than it is worth looking.
func (s *Server) current() []Node {
	s.asking.Lock()
	defer s.asking.Unlock()
	if now := time.Now(); now.Sub(s.asked) >= moment {
		s.known, s.asked = s.nodes(), now
	}
	return s.known
}

// Sockets are where queries come in.
type Sockets struct {
	udp   *net.UDPConn
	tcp   net.Listener
	slots chan struct{} // one for each connection
}

// Listen opens the sockets of an address:port.
func Listen(address string) (*Sockets, error) {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return nil, refused(address, err)
	}
	host, _, _ := net.SplitHostPort(address) // else it would not have been listened on
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	udp, err := net.ListenPacket("udp", net.JoinHostPort(host, port))
	if err != nil {
		tcp.Close()
		return nil, refused(address, err)
	}
	return &Sockets{udp: udp.(*net.UDPConn), tcp: tcp, slots: make(chan struct{}, connectionsMost)}, nil
}

func refused(address string, err error) error {
	return fmt.Errorf("answer DNS on %q: %w; does another DNS server run there? [routing.dns] listen takes another port", address, err)
}

// Addr returns the address at which the sockets are.
func (s *Sockets) Addr() net.Addr { return s.tcp.Addr() }

// Close ends what is served there.
func (s *Sockets) Close() error { return errors.Join(s.udp.Close(), s.tcp.Close()) }

// Serve answers what comes in at sockets from now on, and closes those before;
// nil only closes. It does not wait.
func (s *Server) Serve(sockets *Sockets) {
	s.serving.Lock()
	defer s.serving.Unlock()
	if s.sockets != nil {
		s.sockets.Close()
	}
	s.sockets = sockets
	if sockets != nil {
		s.log.Info("answering DNS", "address", sockets.Addr())
		go s.serveUDP(sockets.udp)
		go s.serveTCP(sockets)
	}
}

// serveUDP answers until conn is closed.
func (s *Server) serveUDP(conn *net.UDPConn) {
	noteDestinations(conn)
	message, control := make([]byte, queryMost), make([]byte, controlMost)
	for {
		n, controls, _, client, err := conn.ReadMsgUDPAddrPort(message, control)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(failurePause)
			continue
		}
		answer := s.reply(message[:n], false)
		if answer == nil {
			continue
		}
		if _, _, err := conn.WriteMsgUDPAddrPort(answer, sameAddress(control[:controls]), client); err != nil {
			conn.WriteToUDPAddrPort(answer, client) // asked by broadcast; lost answers are asked for again
		}
	}
}

// serveTCP answers until the listener is closed. Who comes while there are
// too many is turned away.
func (s *Server) serveTCP(sockets *Sockets) {
	for {
		conn, err := sockets.tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(failurePause)
			continue
		}
		select {
		case sockets.slots <- struct{}{}:
			go func() {
				defer func() { conn.Close(); <-sockets.slots }()
				s.converse(conn)
			}()
		default:
			conn.Close()
		}
	}
}

// converse answers the queries of one connection (RFC 7766), until the client
// or the time for it has come to an end.
func (s *Server) converse(conn net.Conn) {
	end := time.Now().Add(connectionMost)
	message := make([]byte, queryMost)
	for time.Now().Before(end) {
		conn.SetDeadline(time.Now().Add(connectionIdle))
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(length[:]))
		if n > len(message) {
			return
		}
		if _, err := io.ReadFull(conn, message[:n]); err != nil {
			return
		}
		answer := s.reply(message[:n], true)
		if answer == nil {
			return
		}
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)
		if _, err := conn.Write(framed); err != nil {
			return
		}
	}
}
