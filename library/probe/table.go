package probe

// tableWindow is how many bytes of a table are held. A long film has four
// tables to each track, of a megabyte or two each; a larger window would save
// reads, but the memory is better spent on the curve.
const tableWindow = 96 << 10

// extent is a part of a file.
type extent struct{ at, end int64 }

// size returns the number of its bytes.
func (e extent) size() int64 { return e.end - e.at }

// table reads entries that lie one after the other in a file, through a
// window. The first read that fails ends it.
type table struct {
	in   *input
	rest extent // that was not read yet
	buf  []byte
	held []byte // of buf, that was not taken yet
	err  error
}

// open begins a new table. The memory of the one before is used again.
func (t *table) open(in *input, e extent) {
	*t = table{in: in, rest: e, buf: t.buf}
	if b := in.steady(e.at, e.size()); b != nil {
		t.held, t.rest.at = b, e.end
	}
}

// next returns the next n bytes, nil if the table has ended or a read failed.
// They are valid until the next call.
func (t *table) next(n int) []byte {
	if len(t.held) < n && !t.refill(n) {
		return nil
	}
	b := t.held[:n]
	t.held = t.held[n:]
	return b
}

// refill fills the window. It reports whether it holds n bytes.
func (t *table) refill(n int) bool {
	begun := len(t.held)
	size := int(min(int64(begun)+t.rest.size(), tableWindow))
	if t.err != nil || size < n {
		return false
	}
	if cap(t.buf) < size {
		t.buf = make([]byte, size)
	}
	b := t.buf[:size]
	copy(b, t.held)
	if t.err = t.in.read(b[begun:], t.rest.at); t.err != nil {
		return false
	}
	t.held, t.rest.at = b, t.rest.at+int64(size-begun)
	return true
}

// size returns the number of bytes that were not taken yet.
func (t *table) size() int64 { return int64(len(t.held)) + t.rest.size() }
