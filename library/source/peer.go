package source

import (
	"context"
	"errors"
)

// What one MuStServ tells another of, whose source it is.

// Origin says on which node the files of a folder or file lie, by the id of
// the node. It is what Sys of a fs.FileInfo returns.
type Origin string

// ErrNotMeasured says that a node has still to measure a file.
var ErrNotMeasured = errors.New("file is not measured yet")

// Peer is a source that is another node's library.
type Peer interface {
	// Origin returns the id of the node, once it is known, or nothing where
	// the source is none.
	Origin() Origin
	// Measured returns what the node has found out about a file of this size
	// that was modified at this time, in seconds since 1970, as package index
	// encodes it. It returns ErrNotMeasured as long as that is nothing, and
	// errors.ErrUnsupported where the source is no node.
	Measured(ctx context.Context, name string, size, modified int64) ([]byte, error)
}

// Decorator is a source that wraps another one and lets its abilities through.
type Decorator interface{ Unwrap() Source }

// Ability returns s, or what it wraps, as what has an optional ability of
// sources, such as Watcher or Peer.
func Ability[T any](s Source) (able T, ok bool) {
	for s != nil {
		if able, ok = s.(T); ok {
			return able, true
		}
		d, wraps := s.(Decorator)
		if !wraps {
			break
		}
		s = d.Unwrap()
	}
	return able, false
}

type viaKey struct{}

// WithVia returns a context for what is done for a request that has come
// through these nodes.
func WithVia(ctx context.Context, nodes []string) context.Context {
	return context.WithValue(ctx, viaKey{}, nodes)
}

// Via returns the nodes that the request of ctx has come through.
func Via(ctx context.Context) []string {
	nodes, _ := ctx.Value(viaKey{}).([]string)
	return nodes
}
