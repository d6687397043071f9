//go:build unix

package local

import (
	"os"
	"strings"
)

// fstab is the table of what the system is to mount, where it has one.
const fstab = "/etc/fstab"

func wantedMounts() []Mount {
	text, err := os.ReadFile(fstab)
	if err != nil {
		return nil
	}
	return parseFstab(string(text))
}

// parseFstab reads what fstab(5) says: source, mount point, type and more.
func parseFstab(text string) (mounts []Mount) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || !strings.HasPrefix(fields[1], "/") {
			continue
		}
		point := unescape(fields[1])
		if len(point) > 1 {
			point = strings.TrimRight(point, "/")
		}
		mounts = append(mounts, Mount{Point: point, Type: fields[2], From: unescape(fields[0])})
	}
	return mounts
}

// unescape turns \040 and the like into the bytes that they stand for.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1:i+4]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(s string) bool {
	return s[0] <= '3' && strings.Trim(s, "01234567") == ""
}
