package pacer

import "math/bits"

const (
	levels   = 5 // each 64 times as coarse as the one below
	slotBits = 6
	slots    = 1 << slotBits
)

// wheel is a hierarchical timing wheel: streams by the tick at which they are
// due. Adding, removing and finding the next take no time that grows with
// their number. Far ones are sorted in more finely when their time comes near.
type wheel struct {
	now  int64 // all that was due up to this tick has been taken out
	used [levels]uint64
	slot [levels][slots]*Stream
}

// add puts s in at a tick, or at the next one where that has passed.
func (w *wheel) add(s *Stream, due int64) {
	s.due = min(max(due, w.now+1), w.now+1<<(slotBits*levels)-1<<(slotBits*(levels-1)))
	w.insert(s)
}

func (w *wheel) insert(s *Stream) {
	level := 0
	for s.due>>(slotBits*level)-w.now>>(slotBits*level) >= slots {
		level++
	}
	index := s.due >> (slotBits * level) & (slots - 1)
	head := &w.slot[level][index]
	s.level, s.index, s.prev, s.next = int8(level), uint8(index), nil, *head
	if *head != nil {
		(*head).prev = s
	}
	*head = s
	w.used[level] |= 1 << index
}

// remove takes s out, if it is in.
func (w *wheel) remove(s *Stream) {
	if s.level < 0 {
		return
	}
	head := &w.slot[s.level][s.index]
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		*head = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	if *head == nil {
		w.used[s.level] &^= 1 << s.index
	}
	s.next, s.prev, s.level = nil, nil, -1
}

// next returns the tick up to which nothing is due nor has to be sorted in.
func (w *wheel) next() (tick int64, ok bool) {
	for level, used := range w.used {
		if used == 0 {
			continue
		}
		at := w.now >> (slotBits * level)
		ahead := bits.TrailingZeros64(bits.RotateLeft64(used, -int(at&(slots-1))))
		if t := (at + int64(ahead)) << (slotBits * level); !ok || t < tick {
			tick, ok = t, true
		}
	}
	return tick, ok
}

// advance moves on to a tick and hands out what is due by then. The streams
// are out of the wheel when due gets them, and may be added again.
func (w *wheel) advance(to int64, due func(*Stream)) {
	for {
		tick, ok := w.next()
		if !ok || tick > to {
			break
		}
		w.now = tick
		for level := levels - 1; level > 0; level-- {
			if tick&(1<<(slotBits*level)-1) == 0 {
				w.sortIn(level, tick>>(slotBits*level)&(slots-1))
			}
		}
		for {
			s := w.slot[0][tick&(slots-1)]
			if s == nil {
				break
			}
			w.remove(s)
			due(s)
		}
	}
	w.now = max(w.now, to)
}

// sortIn spreads a coarse slot whose time has come over the finer ones.
func (w *wheel) sortIn(level int, index int64) {
	for s := w.slot[level][index]; s != nil; s = w.slot[level][index] {
		w.remove(s)
		w.insert(s)
	}
}
