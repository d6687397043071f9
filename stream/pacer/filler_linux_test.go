package pacer

import (
	"io/fs"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/source"
)

// held is a file whose bytes are there once it is let go.
type held struct {
	source.File
	free chan struct{}
}

func (h held) ReadAt(p []byte, _ int64) (int, error) {
	<-h.free
	return len(p), nil
}

func (held) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

// More streams than there are goroutines wait for a share that is away: those
// of another share go on within a moment, and once the first is back as many
// goroutines as before are there.
func TestWhoWaitsLongHoldsNobodyUp(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	synctest.Test(t, func(t *testing.T) {
		var f filler
		l := &loop{}
		free, open := make(chan struct{}), make(chan struct{})
		close(open)
		fetch := func(gate chan struct{}) {
			f.fetch(l, &Stream{File: held{free: gate}, machine: machine{socket: int32(null.Fd()), pending: 10}})
		}
		for range 3 * fillersMax {
			fetch(free)
		}
		for range 10 {
			fetch(open)
		}
		before := time.Now()
		for done(l) < 10 && time.Since(before) < time.Minute {
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(before); took > 4*fillLong {
			t.Errorf("the others waited %v", took)
		}
		close(free)
		synctest.Wait()
		if n := done(l); n != 3*fillersMax+10 || f.running != 0 {
			t.Errorf("%d came back, %d goroutines are counted", n, f.running)
		}
	})
}

// done counts what came back to the loop.
func done(l *loop) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := l.inbox; s != nil; s = s.next {
		n++
	}
	return n
}
