package footprint

import (
	"bytes"
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
)

// unmapProgram unmaps the pages of the program's file that can't be written:
// code and constants. On any doubt it leaves them, which costs memory only.
func unmapProgram() {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for _, m := range program(text, uintptr(reflect.ValueOf(Shrink).Pointer())) {
		syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED)
	}
}

// mapping is a line of /proc/self/maps.
type mapping struct {
	start, end uintptr
	access     string // "r-xp"
	file       string // device and inode
}

// program returns the mappings that can't be written of the file in which the
// code at pc lies.
func program(maps []byte, pc uintptr) (list []mapping) {
	file := ""
	for line := range bytes.Lines(maps) {
		if m, ok := parseMapping(string(line)); ok && m.start <= pc && pc < m.end {
			file = m.file
		}
	}
	for line := range bytes.Lines(maps) {
		if m, ok := parseMapping(string(line)); ok && m.file == file && !strings.Contains(m.access, "w") {
			list = append(list, m)
		}
	}
	return list
}

// parseMapping reads a line such as
//
//	00400000-0094c000 r-xp 00000000 fd:00 1234 /usr/bin/mustserv
//
// of a mapped file.
func parseMapping(line string) (m mapping, ok bool) {
	f := strings.Fields(line)
	if len(f) < 6 || f[4] == "0" {
		return m, false
	}
	from, to, _ := strings.Cut(f[0], "-")
	start, err1 := strconv.ParseUint(from, 16, strconv.IntSize)
	end, err2 := strconv.ParseUint(to, 16, strconv.IntSize)
	if err1 != nil || err2 != nil || end <= start {
		return m, false
	}
	return mapping{uintptr(start), uintptr(end), f[1], f[3] + " " + f[4]}, true
}
