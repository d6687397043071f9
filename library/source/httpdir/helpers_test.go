package httpdir

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"

	"mustserv/library/source"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openSource(t testing.TB, place string, a source.Access) source.Source {
	t.Helper()
	src, err := Open(place, a)
	must(t, err)
	t.Cleanup(func() { src.Close() })
	return src
}

// pattern returns bytes of which no long run occurs twice.
func pattern(n int) []byte {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	source.Read(b)
	return b
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
