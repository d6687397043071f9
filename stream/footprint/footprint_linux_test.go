package footprint

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"testing"
)

const maps = `00400000-0094c000 r-xp 00000000 fd:00 1234                               /usr/bin/mustserv
0094c000-00f19000 r--p 0054c000 fd:00 1234                               /usr/bin/mustserv
00f19000-00fa1000 rw-p 00b19000 fd:00 1234                               /usr/bin/mustserv
00fa1000-00fc6000 rw-p 00000000 00:00 0
7f1ea0780000-7f1ea0a00000 r--p 00000000 fd:00 99                         /usr/lib/locale archive (deleted)
7ffc1b3f9000-7ffc1b3fb000 r-xp 00000000 00:00 0                          [vdso]
`

func TestProgram(t *testing.T) {
	code := mapping{0x400000, 0x94c000, "r-xp", "fd:00 1234"}
	for _, row := range []struct {
		name string
		maps string
		pc   uintptr
		want []mapping
	}{
		{"code and constants", maps, 0x400010, []mapping{code, {0x94c000, 0xf19000, "r--p", "fd:00 1234"}}},
		{"nowhere", maps, 0x10, nil},
		{"in no file", maps, 0xfa1010, nil},
		{"nothing", "", 0x400010, nil},
		{"garbage", "x-y r-xp 0 fd:00 1 f\n94c000-400000 r-xp 0 fd:00 1 f\n\n-\n", 0x400010, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := program([]byte(row.maps), row.pc); !slices.Equal(got, row.want) {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
}

// resident returns how much memory of this process is in use, in kB.
func resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	kB, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return kB
}

// What a processor keeps at hand of the free heap goes, too. How much that is
// after so many pages is not known; once of four times it is much.
func TestShrinkTakesWhatProcessorsKeep(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for n := range 4 {
		takePages(2000)
		runtime.GC()
		takePages(pagesKept*2 + n*pagesKept/4)
		Shrink()
		free := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}}
		metrics.Read(free)
		if got := free[0].Value.Uint64(); got > pagesKept*heapPage/4 {
			t.Errorf("%d kB of the heap are free, and in memory", got>>10)
		}
	}
}

func TestShrink(t *testing.T) {
	const work = 32 << 20
	heap := make([]byte, work)
	for i := range heap {
		heap[i] = 1
	}
	before := resident(t)
	heap = nil
	Shrink()
	if got := before - resident(t); got < (work>>10)*9/10 {
		t.Errorf("%d of %d kB were given back", got, before)
	}
	if _, err := os.ReadFile("/proc/self/status"); err != nil { // all still works
		t.Error(err)
	}
}
