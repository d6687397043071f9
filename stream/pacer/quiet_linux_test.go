package pacer

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mustserv/ratelimit"
)

// Streams that run on leave no garbage, and one wake-up serves all that are
// due at a tick of the wheel.
func TestSteadyStreamsWakeFew(t *testing.T) {
	const streams, steps = 200, 8
	need := ratelimit.TSpec{Rate: 128 * ratelimit.KbitPerSecond, Burst: 16 * ratelimit.KiB}
	file, data := content(t, 4<<20)
	p, c := newPacer(t), ratelimit.NewController(ratelimit.DefaultConfig())
	var last *owner
	for i := range streams { // nobody reads: all of it stays in the peers' buffers
		o, peer := send(t, p, c, fmt.Sprint(i), need, file, int64(len(data)))
		peer.SetReadBuffer(1 << 20)
		last = o
	}
	begun := int64(ratelimit.KiB) * (64 + 16) // gift and burst
	reach(t, last, begun+last.grant.Step())
	garbage, wakes := allocations(), switches(t)
	reach(t, last, begun+(1+steps)*last.grant.Step())
	garbage, wakes = allocations()-garbage, switches(t)-wakes
	t.Logf("%d steps of %d streams: %d allocations, %d switches between threads", streams*steps, streams, garbage, wakes)
	if garbage > streams*steps/10 {
		t.Errorf("%d allocations", garbage)
	}
	if wakes > streams*steps { // as with a goroutine or a timer for each
		t.Errorf("%d switches between threads, want less than one for a step", wakes)
	}
}

// reach waits until a stream has sent so many bytes, without much waking.
func reach(t *testing.T, o *owner, bytes int64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); o.sent.Load() < bytes; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are sent after 30 s, want %d", o.sent.Load(), bytes)
		}
	}
}

func allocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// switches is how often a thread of this process has gone to sleep.
func switches(t *testing.T) int64 {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return int64(u.Nvcsw)
}
