package footprint

import "os"

// slack is by how many nanoseconds a timer may be late.
const slack = "1000000"

// calm lets all threads that there are sleep longer; those to come have it
// from these. The system lets a process do so that may change its priority
// (CAP_SYS_NICE), any other for the calling thread only.
func calm() {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, thread := range threads {
		os.WriteFile("/proc/"+thread.Name()+"/timerslack_ns", []byte(slack), 0)
	}
}
