//go:build !linux

package pacer

import (
	"context"
	"errors"
	"net"
)

// Pacer owns connections on systems where it exists. The nil Pacer has none.
type Pacer struct{}

type machine struct{}

// New returns nil: this system has no pacer.
func New(Options) *Pacer { return nil }

// Send refuses the stream.
func (p *Pacer) Send(*net.TCPConn, *Stream) error { return errors.ErrUnsupported }

// Cut has nothing to end.
func (p *Pacer) Cut(*Stream) {}

// Drain does nothing.
func (p *Pacer) Drain() {}

// Shutdown has nothing to wait for.
func (p *Pacer) Shutdown(context.Context) error { return nil }
