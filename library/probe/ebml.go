package probe

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// ebmlHead is the longest header of an element: four bytes of id, eight of
// length.
const ebmlHead = 12

// ebmlElement is where an element of an EBML file lies.
type ebmlElement struct {
	id       uint32
	at, body int64 // of its header and of its content
	end      int64 // may be past the end of the file
	open     bool  // its length is not told: it ends where one begins that cannot be in it
}

// String names the element for error messages.
func (e ebmlElement) String() string {
	if name := mkvName(e.id); name != "" {
		return fmt.Sprintf("element %s at byte %d", name, e.at)
	}
	return fmt.Sprintf("element %x at byte %d", e.id, e.at)
}

// element reads the header of the element at a byte of the file that has to
// end before limit. Where it has to be read, so are at least ahead bytes.
func (in *input) element(at, limit int64, ahead int) (ebmlElement, error) {
	limit = min(limit, in.size)
	e := ebmlElement{at: at}
	if at < 0 || limit-at < 2 {
		return e, flawf("an element begins at byte %d, where the one around it ends", at)
	}
	b, err := in.peek(at, int(min(ebmlHead, limit-at)), ahead)
	if err != nil {
		return e, err
	}
	id, n := ebmlID(b)
	if n == 0 {
		return e, flawf("no element begins at byte %d (% x)", at, b[:min(4, len(b))])
	}
	e.id = id
	size, m := ebmlNumber(b[n:])
	if m == 0 {
		return e, flawf("%v: no valid length follows", e)
	}
	e.body = at + int64(n+m)
	e.end, e.open = e.body+int64(size), ebmlUnknown(size, m)
	if e.open {
		e.end = limit
	}
	return e, nil
}

// ebmlID returns the id that b begins with, its marker included, and how many
// bytes it takes, 0 if there is none.
func ebmlID(b []byte) (id uint32, n int) {
	_, n = ebmlNumber(b)
	if n == 0 || n > 4 {
		return 0, 0
	}
	for _, c := range b[:n] {
		id = id<<8 | uint32(c)
	}
	return id, n
}

// ebmlNumber returns the number of one to eight bytes that b begins with, and
// how many it takes, 0 if there is none.
func ebmlNumber(b []byte) (v uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = 1
	for b[0]&(0x80>>(n-1)) == 0 {
		n++
	}
	if n > len(b) {
		return 0, 0
	}
	v = uint64(b[0] & (0xff >> n))
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

// ebmlUnknown reports whether a length of n bytes says that it is not known:
// all its bits are set.
func ebmlUnknown(size uint64, n int) bool { return size == 1<<(7*n)-1 }

// ebmlIn yields the id and content of the elements in b, up to the first that
// is not in order.
func ebmlIn(b []byte) iter.Seq2[uint32, []byte] {
	return func(yield func(uint32, []byte) bool) {
		for len(b) > 0 {
			id, n := ebmlID(b)
			size, m := ebmlNumber(b[n:])
			if n == 0 || m == 0 || size > uint64(len(b)-n-m) {
				return
			}
			if !yield(id, b[n+m:n+m+int(size)]) {
				return
			}
			b = b[n+m+int(size):]
		}
	}
}

// ebmlUint is the content of an element as an unsigned number; longer ones
// than eight bytes are none.
func ebmlUint(b []byte) uint64 {
	var v uint64
	if len(b) > 8 {
		return 0
	}
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

// ebmlFloat is the content of an element as a number with a fraction.
func ebmlFloat(b []byte) float64 {
	switch len(b) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}

// ebmlText is the content of an element as text, up to the first zero.
func ebmlText(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	return string(b[:min(len(b), maxText)])
}
