package probetest

import "io"

// Made is a file that is made while it is read, so that a film of some
// gigabytes needs neither disk nor memory: a head, and units of one size.
type Made struct {
	Head  []byte
	Size  int // of a unit
	Units int
	Unit  func(i int) []byte // one of Size bytes

	number int // of the unit in last
	last   []byte
}

// Len returns the number of its bytes.
func (m *Made) Len() int64 { return int64(len(m.Head)) + int64(m.Size)*int64(m.Units) }

// ReadAt reads the file. It must not be called by several at once.
func (m *Made) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && off < m.Len() {
		k := 0
		if at := off - int64(len(m.Head)); at < 0 {
			k = copy(b[n:], m.Head[off:])
		} else {
			k = copy(b[n:], m.unit(int(at / int64(m.Size)))[at%int64(m.Size):])
		}
		n, off = n+k, off+int64(k)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// unit returns a unit, which is often the one of the last read.
func (m *Made) unit(i int) []byte {
	if m.last == nil || m.number != i {
		m.number, m.last = i, m.Unit(i)
	}
	return m.last
}
