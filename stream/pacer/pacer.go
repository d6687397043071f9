// Package pacer sends ranges of files over TCP connections, each at the pace
// of its grant, thousands of them from one goroutine: a timing wheel wakes a
// stream when its next bytes are due, and the kernel takes them from the file
// to the socket without waiting. A stream has no goroutine, timer or buffer
// of its own. Between two requests a connection costs a descriptor only.
//
// It knows nothing of HTTP. It works on Linux; elsewhere New returns nil.
package pacer

import (
	"net"
	"time"

	"mustserv/library/source"
	"mustserv/ratelimit"
)

// Options is what a Pacer is made of.
type Options struct {
	Idle  time.Duration        // a connection without a request is kept for so long
	Stall func() time.Duration // a peer that takes no byte for so long is let go
	// Ready is given a connection on which the next request has come. It may
	// be called from any goroutine and must not wait.
	Ready func(net.Conn)
}

// Stream is a range of a file on its way to one connection. The fields are
// set by who hands it to Pacer.Send and are the pacer's from then on.
type Stream struct {
	File   source.File
	Offset int64 // of the next byte
	Left   int64 // bytes still to be sent, more than 0
	Grant  *ratelimit.Grant
	Owner  Owner
	Ahead  string // bytes of the next request that have been read already,
	Keep   bool   // for which the connection stays open
	Smooth int32  // bytes a second; the kernel spreads each step so that it never sends faster; 0: it need not

	machine // what the pacer knows
}

// Owner is told what becomes of its stream, one call at a time. The calls
// must not wait for anything but a short lock.
type Owner interface {
	// Sent says that n more bytes went out, or with 0 that the peer takes no
	// more for now.
	Sent(n int64)
	// Paused says that the peer took no bytes for so long, and takes more now.
	Paused(took time.Duration)
	// Path says how the network does, now and then and before the end.
	Path(p Path)
	// End says that nothing more will be sent; who owns the stream closes
	// its file and releases its grant.
	End()
}

// Path is the network between this computer and a peer.
type Path struct {
	RTT           time.Duration
	Retransmitted int64 // segments sent again since the stream began
}
