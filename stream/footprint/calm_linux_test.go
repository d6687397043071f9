package footprint

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
)

func TestCalm(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	Calm()
	got, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", syscall.Gettid()))
	if err != nil || string(got) != slack+"\n" {
		t.Errorf("timers of this thread may be %q ns late, %v; want %s", got, err, slack)
	}
}
