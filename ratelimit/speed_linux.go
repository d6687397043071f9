package ratelimit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// LinkSpeed returns the network interface that streams go out by, and its
// speed: of the one with the default route, or where there is none, of the
// fastest that is up. Wireless and most virtual interfaces tell no speed.
func LinkSpeed() (name string, speed Rate, err error) { return linkSpeed(os.DirFS("/")) }

func linkSpeed(root fs.FS) (name string, speed Rate, err error) {
	if name = defaultInterface(root); name != "" {
		speed, err = interfaceSpeed(root, name)
	} else {
		name, speed, err = fastestInterface(root)
	}
	if err != nil {
		return name, 0, fmt.Errorf(`find the speed of the link: %w; give it, for example: capacity = "1 Gbit/s"`, err)
	}
	return name, speed, nil
}

// defaultInterface returns the interface of the default route of IPv4, else
// of IPv6, with the lowest metric; "" where there is none.
func defaultInterface(root fs.FS) string {
	for _, table := range []struct {
		file                            string
		name, destination, mask, metric int // columns
		base                            int // of the metric
	}{
		{"proc/net/route", 0, 1, 7, 6, 10},
		{"proc/net/ipv6_route", 9, 0, 1, 5, 16},
	} {
		text, _ := fs.ReadFile(root, table.file) // none: no such protocol
		best, name := uint64(1<<32), ""
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[table.name] == "lo" || strings.Trim(f[table.destination]+f[table.mask], "0") != "" {
				continue
			}
			if metric, err := strconv.ParseUint(f[table.metric], table.base, 32); err == nil && metric < best {
				best, name = metric, f[table.name]
			}
		}
		if name != "" {
			return name
		}
	}
	return ""
}

// interfaceSpeed reads what the driver says, in Mbit/s.
func interfaceSpeed(root fs.FS, name string) (Rate, error) {
	text, err := fs.ReadFile(root, path.Join("sys/class/net", name, "speed"))
	if err != nil {
		return 0, fmt.Errorf("%s does not tell: %w", name, err)
	}
	mbit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	if err != nil || mbit <= 0 {
		return 0, fmt.Errorf("%s does not tell", name)
	}
	return Rate(mbit) * MbitPerSecond, nil
}

func fastestInterface(root fs.FS) (name string, speed Rate, err error) {
	entries, err := fs.ReadDir(root, "sys/class/net")
	if err != nil {
		return "", 0, err
	}
	for _, e := range entries {
		state, _ := fs.ReadFile(root, path.Join("sys/class/net", e.Name(), "operstate"))
		if strings.TrimSpace(string(state)) != "up" {
			continue
		}
		if s, err := interfaceSpeed(root, e.Name()); err == nil && s > speed {
			name, speed = e.Name(), s
		}
	}
	if speed == 0 {
		return "", 0, errors.New("no network interface that is up tells its own")
	}
	return name, speed, nil
}
