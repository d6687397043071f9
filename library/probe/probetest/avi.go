package probetest

import (
	"encoding/binary"
	"slices"
)

// AVIOptions says what AVI builds. Zero values are sensible ones.
type AVIOptions struct {
	Seconds   float64         // 10 if 0
	FrameSize func(i int) int // bytes of picture i, of 25 a second; constant 4000 if nil
	Audio     string          // "pcm" of 8 bits, "mp3" of changing rate, none if empty; both 8 kHz
	Index     string          // "" for the usual one, "absolute", "open" for that of OpenDML, "none"
	Title     string
}

// defaults returns o with the zero values replaced.
func (o AVIOptions) defaults() AVIOptions {
	if o.Seconds == 0 {
		o.Seconds = 10
	}
	if o.FrameSize == nil {
		o.FrameSize = func(int) int { return 4000 }
	}
	return o
}

// AVI returns an AVI file of one picture and the sound of its time after the
// other. The sound of changing rate has frames of 576 samples.
func AVI(o AVIOptions) []byte {
	o = o.defaults()
	movi, entries := o.media()
	open := o.Index == "open"
	hdrl := func(at [2]int) []byte {
		streams := o.stream("vids", "XVID", 1, 25, 0, slices.Concat(little32(40), little32(320), little32(240), little16(1), little16(24), []byte("XVID"), zeros(20)), open, at[0])
		switch o.Audio {
		case "pcm":
			form := slices.Concat(little16(1), little16(1), little32(8000), little32(8000), little16(1), little16(8))
			streams = append(streams, o.stream("auds", "\x00\x00\x00\x00", 1, 8000, 1, form, open, at[1])...)
		case "mp3":
			form := slices.Concat(little16(0x55), little16(1), little32(8000), little32(2000), little16(576), little16(0))
			streams = append(streams, o.stream("auds", "\x00\x00\x00\x00", 576, 8000, 0, form, open, at[1])...)
		}
		avih := slices.Concat(little32(40000), zeros(52))
		return list("hdrl", riffChunk("avih", avih), streams)
	}
	info := list("INFO", riffChunk("INAM", []byte(o.Title+"\x00")))
	base := 12 + len(hdrl([2]int{})) + len(info) + 8 // of the type of the list of media
	var tail []byte
	var at [2]int
	switch o.Index {
	case "", "absolute":
		for _, e := range entries {
			offset := e.at
			if o.Index == "absolute" {
				offset += base
			}
			tail = append(tail, slices.Concat([]byte(e.id), little32(16), little32(offset), little32(e.size))...)
		}
		tail = riffChunk("idx1", tail)
	case "open":
		for i, id := range []string{"00dc", "01wb"} {
			var list []byte
			n := 0
			for _, e := range entries {
				if e.id == id {
					list, n = append(append(list, little32(e.at+8)...), little32(e.size)...), n+1
				}
			}
			at[i] = base + len(movi) + len(tail)
			tail = append(tail, riffChunk("ix0"+string(rune('0'+i)), slices.Concat(little16(2), []byte{0, 1}, little32(n), []byte(id), binary.LittleEndian.AppendUint64(nil, uint64(base)), zeros(4), list))...)
		}
	}
	body := slices.Concat([]byte("AVI "), hdrl(at), info, []byte("LIST"), little32(len(movi)), movi, tail)
	return slices.Concat([]byte("RIFF"), little32(len(body)), body)
}

// aviEntry is a chunk of media; at counts from the type of its list.
type aviEntry struct {
	id       string
	at, size int
}

// media returns the list of media from its type on.
func (o AVIOptions) media() ([]byte, []aviEntry) {
	out := []byte("movi")
	var entries []aviEntry
	add := func(id string, data []byte) {
		entries = append(entries, aviEntry{id, len(out), len(data)})
		out = append(out, riffChunk(id, data)...)
	}
	blocks := 0
	for i := range max(1, int(o.Seconds*25+0.5)) {
		data := make([]byte, o.FrameSize(i))
		pattern(data, i)
		add("00dc", data)
		switch o.Audio {
		case "pcm":
			add("01wb", make([]byte, 320))
		case "mp3":
			for ; blocks*576*25 < (i+1)*8000; blocks++ {
				add("01wb", make([]byte, 100+blocks%2*100))
			}
		}
	}
	return out, entries
}

// stream returns the headers of a stream; with open, its OpenDML index lies at
// a byte of the file.
func (o AVIOptions) stream(kind, handler string, scale, rate, unit int, form []byte, open bool, at int) []byte {
	header := slices.Concat([]byte(kind), []byte(handler), zeros(12), little32(scale), little32(rate), zeros(16), little32(unit), zeros(8))
	if !open {
		return list("strl", riffChunk("strh", header), riffChunk("strf", form))
	}
	index := slices.Concat(little16(4), []byte{0, 0}, little32(1), zeros(16), binary.LittleEndian.AppendUint64(nil, uint64(at)), zeros(8))
	return list("strl", riffChunk("strh", header), riffChunk("strf", form), riffChunk("indx", index))
}

// riffChunk returns a chunk, filled up to an even length.
func riffChunk(id string, data []byte) []byte {
	return slices.Concat([]byte(id), little32(len(data)), data, zeros(len(data)%2))
}

// list returns a list of chunks.
func list(kind string, chunks ...[]byte) []byte {
	return riffChunk("LIST", append([]byte(kind), slices.Concat(chunks...)...))
}

// little16 and little32 are little-endian numbers as byte slices.
func little16(v int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func little32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
