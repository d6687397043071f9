package local

import (
	"os"
	"strings"
)

// mountTable returns all that is mounted, in the order in which it was.
func mountTable() []Mount {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	return parseMountinfo(string(text))
}

// parseMountinfo reads what proc(5) says of mountinfo: numbers, the mounted
// root, the mount point, options, "-", type, source and more options.
func parseMountinfo(text string) (mounts []Mount) {
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		head, tail := strings.Fields(before), strings.Fields(after)
		if !ok || len(head) < 5 || len(tail) < 2 {
			continue
		}
		mounts = append(mounts, Mount{Point: unescape(head[4]), Type: tail[0], From: unescape(tail[1])})
	}
	return mounts
}
