// Package probetest builds small valid media files in memory for tests: what
// they hold is chosen by the caller and the same on every run, and no encoder
// is needed. The sound is silence or a plain pattern and the picture is not
// meant to be looked at; the containers are complete and players read them.
package probetest

import "encoding/binary"

// pattern fills b with bytes that differ from file position to file position,
// never 0xff, which begins frames of MP3 and FLAC.
func pattern(b []byte, seed int) {
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
		if b[i] == 0xff {
			b[i] = 0xfe
		}
	}
}

// be16, be32 and be64 are big-endian numbers as byte slices.
func be16(v int) []byte   { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func be64(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// le16 and le32 are little-endian ones.
func le16(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
