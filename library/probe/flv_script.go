package probe

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// Limits of the values in script tags.
const (
	scriptDepth = 6
	scriptItems = 1 << 18

	scriptNumber = 9 // bytes of a number
)

// Names of the index of key frames.
const (
	keyTimes     = "keyframes/times"
	keyPositions = "keyframes/filepositions"
)

// flvMeta is what a script tag says.
type flvMeta struct {
	numbers   map[string]float64 // "duration", "width" … at the top
	texts     map[string]string
	times     []float64 // of key frames
	positions []float64 // of their tags
}

// flvScript reads values of AMF0: a name and what it stands for. Wrong ones
// end what is read.
type flvScript struct {
	b     []byte
	items int
	meta  *flvMeta
}

// readScript takes the metadata from the content of a script tag, nil if it
// holds others.
func readScript(b []byte) *flvMeta {
	s := flvScript{b: b, meta: &flvMeta{numbers: map[string]float64{}, texts: map[string]string{}}}
	if len(b) < 3 || b[0] != 2 {
		return nil
	}
	s.b = b[1:]
	if name, ok := s.name(); !ok || name != "onMetaData" {
		return nil
	}
	s.value("", 0)
	return s.meta
}

// name takes a text behind its length of two bytes.
func (s *flvScript) name() (string, bool) {
	if len(s.b) < 2 {
		return "", false
	}
	n := int(binary.BigEndian.Uint16(s.b))
	return s.text(2, n)
}

// text takes n bytes behind head others.
func (s *flvScript) text(head, n int) (string, bool) {
	if n < 0 || n > len(s.b)-head {
		return "", false
	}
	text := s.b[head : head+n]
	s.b = s.b[head+n:]
	return string(text[:min(n, maxText)]), true
}

// value takes a value; path is the names around it, joined by slashes. It
// reports whether the next may be read.
func (s *flvScript) value(path string, depth int) bool {
	s.items++
	if len(s.b) == 0 || depth > scriptDepth || s.items > scriptItems {
		return false
	}
	kind := s.b[0]
	s.b = s.b[1:]
	switch kind {
	case 0:
		return s.number(path)
	case 1:
		_, ok := s.text(1, 0)
		return ok
	case 2:
		text, ok := s.name()
		s.keep(path, text)
		return ok
	case 3:
		return s.object(path, depth)
	case 5, 6:
		return true
	case 7:
		_, ok := s.text(2, 0)
		return ok
	case 8:
		_, ok := s.text(4, 0) // how many there are, about
		return ok && s.object(path, depth)
	case 10:
		return s.array(path, depth)
	case 11:
		_, ok := s.text(10, 0)
		return ok
	case 12, 15:
		if len(s.b) < 4 {
			return false
		}
		text, ok := s.text(4, int(min(binary.BigEndian.Uint32(s.b), math.MaxInt32)))
		s.keep(path, text)
		return ok
	}
	return false
}

// number takes a number.
func (s *flvScript) number(path string) bool {
	if len(s.b) < 8 {
		return false
	}
	v := math.Float64frombits(binary.BigEndian.Uint64(s.b))
	s.b = s.b[8:]
	switch {
	case path == keyTimes:
		s.meta.times = append(s.meta.times, v)
	case path == keyPositions:
		s.meta.positions = append(s.meta.positions, v)
	case !strings.Contains(path, "/") && len(s.meta.numbers) < maxComments:
		s.meta.numbers[path] = v
	}
	return true
}

// keep notes a text.
func (s *flvScript) keep(path, text string) {
	if !strings.Contains(path, "/") && len(s.meta.texts) < maxComments {
		s.meta.texts[path] = text
	}
}

// object takes names and values up to the end mark.
func (s *flvScript) object(path string, depth int) bool {
	for {
		name, ok := s.name()
		if !ok || len(s.b) == 0 {
			return false
		}
		if name == "" && s.b[0] == 9 {
			s.b = s.b[1:]
			return true
		}
		if path != "" {
			name = path + "/" + name
		}
		if !s.value(name, depth+1) {
			return false
		}
	}
}

// array takes values that are counted.
func (s *flvScript) array(path string, depth int) bool {
	if len(s.b) < 4 {
		return false
	}
	n := binary.BigEndian.Uint32(s.b)
	s.b = s.b[4:]
	switch room := int(min(n, scriptItems, uint32(len(s.b)/scriptNumber))); path {
	case keyTimes:
		s.meta.times = slices.Grow(s.meta.times, room)
	case keyPositions:
		s.meta.positions = slices.Grow(s.meta.positions, room)
	}
	for range min(n, scriptItems) {
		if !s.value(path, depth+1) {
			return false
		}
	}
	return true
}
