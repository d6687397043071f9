package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// identity is all that makes the content of a file's segments.
type identity struct {
	place, path string
	size, time  int64 // bytes; nanoseconds since 1970
	segment     int64 // bytes of each segment but the last
}

func (id identity) version() Version { return Version{id.place, id.path, id.size, id.time} }

// segments returns how many there are.
func (id identity) segments() int64 { return (id.size + id.segment - 1) / id.segment }

// length returns how many bytes segment k has.
func (id identity) length(k int64) int64 { return min(id.segment, id.size-k*id.segment) }

// key names segment k: no other segment of any file has the same.
func (id identity) key(k int64) key {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %d %d %d %d", id.place, id.path, id.size, id.time, id.segment, k)
	return key(h.Sum(nil))
}

type key [sha256.Size]byte

// A segment's file begins with a header:
//
//	 0  8  magic, with the version of the format
//	 8 32  key
//	40  4  bytes of content, little endian as all
//	44  4  their CRC-32C
//	48  4  CRC-32C of all before
//
// The content begins where a page does.
const (
	magic        = "MuStSeg1"
	headerBytes  = 52
	contentBegin = 4096
)

// header is what a segment says of itself.
type header struct {
	key    key
	length uint32
	sum    uint32
}

func (h header) bytes() []byte {
	b := make([]byte, 0, headerBytes)
	b = append(b, magic...)
	b = append(b, h.key[:]...)
	b = binary.LittleEndian.AppendUint32(b, h.length)
	b = binary.LittleEndian.AppendUint32(b, h.sum)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli()))
}

var errDamaged = errors.New("damaged segment")

// parseHeader reads the begin of a segment's file.
func parseHeader(b []byte) (h header, err error) {
	if len(b) < headerBytes || !bytes.HasPrefix(b, []byte(magic)) {
		return h, errDamaged
	}
	b = b[:headerBytes]
	if crc32.Checksum(b[:48], castagnoli()) != binary.LittleEndian.Uint32(b[48:]) {
		return h, errDamaged
	}
	copy(h.key[:], b[8:])
	h.length, h.sum = binary.LittleEndian.Uint32(b[40:]), binary.LittleEndian.Uint32(b[44:])
	return h, nil
}

// castagnoli is the polynomial that processors know.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }
