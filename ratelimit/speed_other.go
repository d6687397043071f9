//go:build !linux

package ratelimit

import (
	"fmt"
	"runtime"
)

// LinkSpeed can't tell on this system.
func LinkSpeed() (name string, speed Rate, err error) {
	return "", 0, fmt.Errorf(`find the speed of the link: not possible on %s; give it, for example: capacity = "1 Gbit/s"`, runtime.GOOS)
}
