package probetest

import "fmt"

// MJPEG returns a lab MJPEG file: 20 pictures per second of size(i) bytes, at
// least 24 and less than 100000.
func MJPEG(seconds float64, size func(i int) int) []byte {
	var out []byte
	for i := range int(seconds*20 + 0.5) {
		b := make([]byte, size(i))
		pattern(b, i)
		copy(b, "\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x00\xf0\x01\x40\x01\x01\x11\x00")
		out = append(out, fmt.Sprintf("%05d", len(b))...)
		out = append(out, b...)
	}
	return out
}
