package probetest

import (
	"bytes"
	"compress/zlib"
	"slices"
)

// TextOptions says which texts MatroskaTexts and MP4Texts put into a film.
// Text i is shown from second 2i+1 on, for a second.
type TextOptions struct {
	Codec   string // id of the codec: "S_TEXT/UTF8", "tx3g" …
	Texts   [][]byte
	Pad     int    // bytes of other media before each text
	Cues    bool   // an index leads to the texts
	Packing string // of Matroska blocks: "", "zlib" or "header"
	Simple  bool   // the texts are in simple blocks, which tell no length

	Fragmented bool // of MP4
}

// MatroskaTexts returns a film with a track of pictures and one of texts, in
// English.
func MatroskaTexts(o TextOptions) []byte {
	entry := [][]byte{ebmlUint(0xd7, 2), ebmlUint(0x83, 17), ebmlText(0x86, o.Codec), ebmlText(0x22b59c, "eng")}
	switch o.Packing {
	case "zlib":
		entry = append(entry, ebml(0x6d80, ebml(0x6240, ebml(0x5034, ebmlUint(0x4254, 0)))))
	case "header":
		entry = append(entry, ebml(0x6d80, ebml(0x6240, ebml(0x5034, ebmlUint(0x4254, 3), ebmlText(0x4255, "begin ")))))
	}
	tracks := ebml(0x1654ae6b, ebml(0xae, ebmlUint(0xd7, 1), ebmlUint(0x83, 1), ebmlText(0x86, "V_MPEG4/ISO/AVC")), ebml(0xae, entry...))
	head := slices.Concat(ebml(0x1549a966, ebmlUint(0x2ad7b1, 1e6), ebmlFloat(0x4489, float64(2000*len(o.Texts)))), tracks)
	cue := func(i, cluster, inside int) []byte {
		return ebml(0xbb, ebmlUint(0xb3, int64(2000*i+1000)),
			ebml(0xb7, ebmlUint(0xf7, 2), ebmlUint(0xf1, int64(cluster)), ebmlUint(0xf0, int64(inside))))
	}
	at := len(head)
	if o.Cues {
		at += 12 + len(o.Texts)*len(cue(0, 0, 0))
	}
	var cues, clusters []byte
	for i, text := range o.Texts {
		before := slices.Concat(ebmlUint(0xe7, int64(2000*i)), ebml(0xa3, []byte{0x81, 0, 0, 0x80}, zeros(o.Pad)))
		cues = append(cues, cue(i, at+len(clusters), len(before))...)
		clusters = append(clusters, ebml(0x1f43b675, before, o.block(text))...)
	}
	if o.Cues {
		head = append(head, ebml(0x1c53bb6b, cues)...)
	}
	return slices.Concat(ebml(0x1a45dfa3, ebmlText(0x4282, "matroska")), ebml(0x18538067, head, clusters))
}

// block returns the block of a text, a second after the begin of its cluster.
func (o TextOptions) block(text []byte) []byte {
	switch o.Packing {
	case "zlib":
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		w.Write(text)
		w.Close()
		text = b.Bytes()
	case "header":
		text = bytes.TrimPrefix(text, []byte("begin "))
	}
	data := slices.Concat([]byte{0x82}, be16(1000), []byte{0}, text)
	if o.Simple {
		return ebml(0xa3, data)
	}
	return ebml(0xa0, ebml(0xa1, data), ebmlUint(0x9b, 1000))
}

// MP4Texts returns a film of texts alone: of Codec "tx3g" with their length in
// front, of "wvtt" in boxes. Between two texts there is an empty sample.
func MP4Texts(o TextOptions) []byte {
	var samples [][]byte
	for _, text := range o.Texts {
		if o.Codec == "wvtt" {
			samples = append(samples, box("vtte"), box("vttc", box("iden", []byte("1")), box("payl", text)))
		} else {
			samples = append(samples, be16(0), slices.Concat(be16(len(text)), text, box("styl", be16(0))))
		}
	}
	if o.Fragmented {
		return o.fragmentedTexts(samples)
	}
	var media []byte
	var places []int
	for _, s := range samples {
		media = append(media, zeros(o.Pad)...)
		places = append(places, len(media))
		media = append(media, s...)
	}
	base := len(fileType()) + len(o.textMovie(samples, places, 0)) + 8
	return slices.Concat(fileType(), o.textMovie(samples, places, base), box("mdat", media))
}

// textMovie returns the moov box; base is the file offset of the media.
func (o TextOptions) textMovie(samples [][]byte, places []int, base int) []byte {
	n := int64(len(samples))
	sizes, chunks := slices.Concat(be32(0), be32(n)), be32(n)
	for i, s := range samples {
		sizes = append(sizes, be32(int64(len(s)))...)
		if !o.Fragmented {
			chunks = append(chunks, be32(int64(base+places[i]))...)
		}
	}
	tables := [][]byte{full("stsd", 0, 0, be32(1), box(o.Codec, zeros(30)))}
	if o.Fragmented {
		tables = append(tables, full("stts", 0, 0, be32(0)), full("stsc", 0, 0, be32(0)), full("stsz", 0, 0, zeros(8)), full("stco", 0, 0, be32(0)))
	} else {
		tables = append(tables, full("stts", 0, 0, be32(1), be32(n), be32(1000)), full("stsc", 0, 0, be32(1), be32(1), be32(1), be32(1)),
			full("stsz", 0, 0, sizes), full("stco", 0, 0, chunks))
	}
	parts := [][]byte{
		full("mvhd", 0, 0, zeros(8), be32(1000), be32(n*1000), be32(1<<16), be16(0x100), zeros(10), matrix(), zeros(24), be32(2)),
		box("trak",
			full("tkhd", 0, 3, zeros(8), be32(1), zeros(4), be32(n*1000), zeros(16), matrix(), zeros(8)),
			box("mdia", full("mdhd", 0, 0, zeros(8), be32(1000), be32(n*1000), be16(0x15c7), zeros(2)),
				full("hdlr", 0, 0, zeros(4), []byte("sbtl"), zeros(13)), box("minf", box("stbl", tables...)))),
	}
	if o.Fragmented {
		parts = append(parts, box("mvex", full("trex", 0, 0, be32(1), be32(1), zeros(12))))
	}
	return box("moov", parts...)
}

// fragmentedTexts puts each pause with its text into a fragment.
func (o TextOptions) fragmentedTexts(samples [][]byte) []byte {
	out := slices.Concat(fileType(), o.textMovie(samples, nil, 0))
	for i := 0; i < len(samples); i += 2 {
		moof := func(media int64) []byte {
			run := full("trun", 0, 0x201, be32(2), be32(media), be32(int64(len(samples[i]))), be32(int64(len(samples[i+1]))))
			return box("moof", full("mfhd", 0, 0, be32(int64(i))), box("traf", full("tfhd", 0, 0x020008, be32(1), be32(1000)),
				full("tfdt", 1, 0, be64(int64(i*1000))), run))
		}
		out = slices.Concat(out, moof(int64(len(moof(0))+8+o.Pad)), box("mdat", zeros(o.Pad), samples[i], samples[i+1]))
	}
	return out
}
