package probetest

import "slices"

// box wraps parts into a box.
func box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(be32(int64(len(body)+8)), []byte(kind), body)
}

// full wraps parts into a box with version and flags.
func full(kind string, version, flags int, parts ...[]byte) []byte {
	head := be32(int64(version)<<24 | int64(flags))
	return box(kind, append([][]byte{head}, parts...)...)
}

// zeros returns n zero bytes.
func zeros(n int) []byte { return make([]byte, n) }

// fileType returns the ftyp box.
func fileType() []byte {
	return box("ftyp", []byte("isom"), be32(512), []byte("isomiso2avc1mp41iso5"))
}

// matrix is the unity matrix of tkhd and mvhd.
func matrix() []byte {
	return slices.Concat(be32(1<<16), zeros(12), be32(1<<16), zeros(12), be32(1<<30))
}

// movie returns the moov box; base is the file offset of the media.
func (o MP4Options) movie(tracks []*track, base int64) []byte {
	var longest float64
	for _, t := range tracks {
		longest = max(longest, t.seconds())
	}
	if o.Fragmented {
		longest = 0
	}
	parts := [][]byte{full("mvhd", 0, 0, zeros(8), be32(1000), be32(int64(longest*1000+0.5)),
		be32(1<<16), be16(0x100), zeros(10), matrix(), zeros(24), be32(int64(len(tracks)+1)))}
	var extends [][]byte
	for _, t := range tracks {
		parts = append(parts, o.trak(t, base))
		extends = append(extends, full("trex", 0, 0, be32(int64(t.id)), be32(1), zeros(12)))
	}
	if o.Fragmented {
		parts = append(parts, box("mvex", extends...))
	}
	if o.Title != "" {
		parts = append(parts, userData(o.Title))
	}
	return box("moov", parts...)
}

// userData returns the udta box with an iTunes title.
func userData(title string) []byte {
	name := box("\xa9nam", box("data", be32(1), be32(0), []byte(title)))
	handler := full("hdlr", 0, 0, zeros(4), []byte("mdirappl"), zeros(9))
	return box("udta", full("meta", 0, 0, handler, box("ilst", name)))
}

// trak returns the box of one track.
func (o MP4Options) trak(t *track, base int64) []byte {
	duration, handler := int64(len(t.sizes)*t.delta), "soun"
	media := full("smhd", 0, 0, zeros(4))
	width, height := int64(0), int64(0)
	if t.video {
		handler, media = "vide", full("vmhd", 0, 1, zeros(8))
		width, height = pictureWidth<<16, pictureHeight<<16
	}
	movie := duration * 1000 / int64(t.timescale)
	if o.Fragmented {
		duration, movie = 0, 0
	}
	return box("trak",
		full("tkhd", 0, 3, zeros(8), be32(int64(t.id)), zeros(4), be32(movie), zeros(16), matrix(), be32(width), be32(height)),
		box("mdia",
			full("mdhd", 0, 0, zeros(8), be32(int64(t.timescale)), be32(duration), be16(0x15c7), zeros(2)), // "eng"
			full("hdlr", 0, 0, zeros(4), []byte(handler), zeros(13)),
			box("minf", media,
				box("dinf", full("dref", 0, 0, be32(1), full("url ", 0, 1))),
				box("stbl", o.tables(t, base)...))))
}

// tables returns the boxes of the sample table, empty ones in a fragmented file.
func (o MP4Options) tables(t *track, base int64) [][]byte {
	entry := audioEntry()
	if t.video {
		entry = videoEntry()
	}
	description := full("stsd", 0, 0, be32(1), entry)
	if o.Fragmented {
		return [][]byte{description, full("stts", 0, 0, zeros(4)), full("stsc", 0, 0, zeros(4)),
			full("stsz", 0, 0, zeros(8)), full("stco", 0, 0, zeros(4))}
	}
	sizes := append(be32(0), be32(int64(len(t.sizes)))...)
	for _, n := range t.sizes {
		sizes = append(sizes, be32(int64(n))...)
	}
	runs, places, kind := be32(int64(len(t.chunks))), be32(int64(len(t.chunks))), "stco"
	for i, c := range t.chunks {
		runs = append(runs, slices.Concat(be32(int64(i+1)), be32(int64(c.count)), be32(1))...)
		if o.Wide {
			kind, places = "co64", append(places, be64(base+c.at)...)
			continue
		}
		places = append(places, be32(base+c.at)...)
	}
	times := slices.Concat(be32(1), be32(int64(len(t.sizes))), be32(int64(t.delta)))
	return [][]byte{description, full("stts", 0, 0, times), full("stsc", 0, 0, runs),
		full("stsz", 0, 0, sizes), full(kind, 0, 0, places)}
}

// The size of the picture.
const (
	pictureWidth  = 320
	pictureHeight = 240
)

// videoEntry returns the sample entry of a 320x240 H.264 baseline track.
func videoEntry() []byte {
	sps := []byte{0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x07, 0xc8}
	pps := []byte{0x68, 0xce, 0x3c, 0x80}
	config := slices.Concat([]byte{1, 0x42, 0xc0, 0x0d, 0xff, 0xe1}, be16(len(sps)), sps, []byte{1}, be16(len(pps)), pps)
	return box("avc1", zeros(6), be16(1), zeros(16), be16(pictureWidth), be16(pictureHeight),
		be32(72<<16), be32(72<<16), zeros(4), be16(1), zeros(32), be16(24), be16(0xffff), box("avcC", config))
}

// audioEntry returns the sample entry of a 48 kHz stereo AAC-LC track.
func audioEntry() []byte {
	specific := []byte{0x11, 0x90}
	decoder := slices.Concat([]byte{4, byte(13 + 2 + len(specific)), 0x40, 0x15, 0, 0, 0}, be32(128000), be32(128000),
		[]byte{5, byte(len(specific))}, specific)
	descriptor := slices.Concat([]byte{3, byte(3 + len(decoder) + 3), 0, 1, 0}, decoder, []byte{6, 1, 2})
	return box("mp4a", zeros(6), be16(1), zeros(8), be16(2), be16(16), zeros(4), be32(audioHertz<<16),
		full("esds", 0, 0, descriptor))
}

// fragment returns the moof box of one piece of each track; media is where
// the media begins, relative to the moof.
func fragment(tracks []*track, runs []chunk, number int, media int64) []byte {
	parts := [][]byte{full("mfhd", 0, 0, be32(int64(number)))}
	for k, t := range tracks {
		c := runs[k]
		if c.count == 0 {
			continue
		}
		sizes := slices.Concat(be32(int64(c.count)), be32(media+c.at))
		for _, n := range t.sizes[c.first : c.first+c.count] {
			sizes = append(sizes, be32(int64(n))...)
		}
		parts = append(parts, box("traf",
			full("tfhd", 0, 0x020008, be32(int64(t.id)), be32(int64(t.delta))),
			full("tfdt", 1, 0, be64(int64(c.first)*int64(t.delta))),
			full("trun", 0, 0x000201, sizes)))
	}
	return box("moof", parts...)
}
