package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// TestUpdateInterruptsNobody: the nodes are restarted one after the other, each
// as soon as the one before is back. Short films begin all the time, and end
// before shutdown_timeout; long ones are cut off by it, which a player does not
// notice that has some of the film ahead.
func TestUpdateInterruptsNobody(t *testing.T) {
	t.Parallel()
	const config = "[stream]\nshutdown_timeout = \"9s\"\n[ratelimit]\nburst = \"4s\"\nread_ahead = \"0s\"\n"
	folder := steadyFilm(t, 120, "long.ts")
	short := steadyFilm(t, 6, "short.ts", "read.ts")
	for _, name := range []string{"short.ts", "read.ts"} {
		if err := os.Rename(filepath.Join(short, name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.Join(folder, "read.ts"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHousehold(t, config, folder)
	const films = "http://" + householdName + ":8000/media/Films/"
	player, long := h.loadUntil("-n", "12", "-for", "10m", "-start", "1s", "-cache", "0s", films+"long.ts")

	updating, updated := context.WithCancel(t.Context())
	var others sync.WaitGroup
	read, played := 0, 0
	others.Go(func() {
		for ; updating.Err() == nil; read++ {
			got, err := h.command("curl", "-sSfL", films+"read.ts").Output()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("a reader has got %d bytes of %d, %v", len(got), len(want), err)
			}
		}
	})
	others.Go(func() {
		for ; updating.Err() == nil; played += 12 {
			r := <-h.load("-n", "12", "-over", "3s", "-for", "1m", "-start", "1s", "-cache", "0s", films+"short.ts")
			if r.Smooth != 12 || r.Broken > 0 {
				t.Errorf("players of short films: %+v", r.Total)
			}
		}
	})
	for _, a := range nodeAddresses {
		eventually(t, a+" has viewers", func() bool { return h.viewers(a) > 0 })
		h.restart(a, config)
	}
	updated()
	others.Wait()
	player.Signal(os.Interrupt)
	r := <-long
	if r.Smooth != 12 || r.Broken == 0 {
		t.Errorf("players of the long film: %+v", r.Total)
	}
	t.Logf("three restarts in %.0f s: %d films were read, %d played; %d connections of players of a long film were cut", r.Seconds, read, played, r.Broken)
}

// restart ends a node in order, and starts it again.
func (h *household) restart(address, config string) {
	h.t.Helper()
	node := h.nodes[address]
	if err := node.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		h.t.Fatal(err)
	}
	err := <-node.ended
	node.ended <- err // for the cleanup
	if err != nil {
		h.t.Errorf("%s ended with %v", address, err)
	}
	h.start(address, config)
	eventually(h.t, address+" is back", func() bool { return h.get(address, "/readyz") == "ok\n" })
}
