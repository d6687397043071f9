package probe

import "bytes"

// psHeader is how many bytes of a packet are looked at at once: its header, and
// what tells of the stream at its begin.
const psHeader = 512

// psFile is a program stream that is being read.
type psFile struct {
	mux   multiplex
	types map[byte]byte // of the streams that the map of the stream tells
}

// recognisePS knows the header of a pack of MPEG-1 or 2.
func recognisePS(in *input) (bool, error) {
	b, err := in.head(16)
	return err == nil && len(b) == 16 && packHeader(b) > 0, err
}

// readPS reads the time stamps of the packets.
func readPS(in *input) (*Info, error) {
	f := &psFile{mux: multiplex{in: in, period: stampPeriod}, types: map[byte]byte{}}
	if err := f.mux.measure(f.scan); err != nil {
		return nil, err
	}
	if len(f.mux.tracks) == 0 {
		return nil, flawf("no packet of sound or pictures up to the end, byte %d", in.size)
	}
	info, err := f.mux.info()
	if err != nil {
		return nil, err
	}
	info.Curve.Exact = false // of the pictures that begin in one packet only the first tells its time
	return info, nil
}

// packHeader returns the length of the header of a pack that b, of 14 bytes at
// least, begins with; 0 if it is none.
func packHeader(b []byte) int {
	switch {
	case !bytes.HasPrefix(b, []byte{0, 0, 1, 0xba}):
	case b[4]>>6 == 1:
		return 14 + int(b[13]&7)
	case b[4]>>4 == 2:
		return 12
	}
	return 0
}

// pack takes the time of a pack, and the rate that the stream never exceeds.
func (f *psFile) pack(b []byte, at int64) {
	var units int64
	if b[4]>>6 == 1 {
		base := int64(b[4]>>3&7)<<30 | int64(b[4]&3)<<28 | int64(b[5])<<20 | int64(b[6]>>3)<<15 | int64(b[6]&3)<<13 | int64(b[7])<<5 | int64(b[8]>>3)
		f.mux.tick(float64(base)/stampHertz, at)
		units = int64(b[10])<<14 | int64(b[11])<<6 | int64(b[12]>>2)
	} else {
		f.mux.tick(stampAt(b[4:]), at)
		units = int64(b[9]&0x7f)<<15 | int64(b[10])<<7 | int64(b[11]>>1)
	}
	if units < 1<<22-1 {
		f.mux.mux = max(f.mux.mux, float64(units*50))
	}
}

// scan takes the packs and packets in b.
func (f *psFile) scan(b []byte, at int64) int64 {
	i := 0
	for len(b)-i >= 14 {
		p := b[i:]
		if p[0] != 0 || p[1] != 0 || p[2] != 1 {
			j := bytes.Index(p, []byte{0, 0, 1, 0xba})
			if j < 0 {
				return int64(len(b) - 3)
			}
			i += max(j, 1)
			continue
		}
		switch n := packHeader(p); {
		case n > 0:
			f.pack(p, at+int64(i))
			i += n
		case p[3] >= 0xbb:
			if n = 6 + int(p[4])<<8 + int(p[5]); i > 0 && len(p) < min(n, psHeader) {
				return int64(i)
			}
			f.packet(p[:min(n, len(p))], at+int64(i), int64(n))
			i += n
		default:
			i += 4
		}
	}
	if i == 0 {
		return int64(len(b))
	}
	return int64(i)
}

// packet takes a packet of n bytes, of which b is the begin.
func (f *psFile) packet(b []byte, at, n int64) {
	switch id := b[3]; {
	case id == 0xbc:
		f.typeMap(b)
	case id == 0xbd || id >= 0xc0 && id <= 0xef || id == 0xfd:
		dts, stamped, header := pesTimes(b)
		if header == 0 || header >= len(b) {
			return
		}
		t := f.track(id, b[header:])
		if t == nil {
			return
		}
		if n = min(n, f.mux.in.size-at); stamped {
			begun := t.clock.begun
			f.mux.bytes(t, at, n) // the end of what began before
			if f.mux.stamp(t, dts, at); begun {
				n = 1 // the rest is in already
			}
		}
		if !t.known {
			t.sniff(b[header:])
		}
		f.mux.bytes(t, at, n)
	}
}

// typeMap takes the map of the stream: a table of types that discs don't have.
func (f *psFile) typeMap(b []byte) {
	if len(b) < 10 {
		return
	}
	at := 10 + int(b[8])<<8 + int(b[9])
	for at += 2; at+4 <= len(b)-4; at += 4 + int(b[at+2])<<8 + int(b[at+3]) {
		f.types[b[at+1]] = b[at]
	}
}

// track returns the track of a packet with an id, whose content is b; nil if
// it is none that is played. The first packet of a track makes it.
func (f *psFile) track(id byte, b []byte) *muxTrack {
	number := int(id)
	if id == 0xbd {
		number = 0xbd00
		if b[0] != 0x0b || len(b) < 2 || b[1] != 0x77 {
			number |= int(b[0])
		}
	}
	for _, t := range f.mux.tracks {
		if t.id == number {
			return t
		}
	}
	t := &muxTrack{id: number}
	switch t.Kind, t.Codec = streamCodec(f.types[id], false); {
	case id == 0xbd:
		t.Kind, t.Codec = privateCodec(number)
	case t.Kind != "":
	case id == 0xfd:
		t.Kind, t.Codec = "video", "vc1"
	case id >= 0xe0:
		t.Kind, t.Codec = "video", "video"
	default:
		t.Kind, t.Codec = "audio", "audio"
	}
	if t.Kind == "" || len(f.mux.tracks) >= maxMux {
		return nil
	}
	f.mux.tracks = append(f.mux.tracks, t)
	return t
}

// privateCodec returns what is in a stream within the first private stream, as
// discs number them.
func privateCodec(number int) (string, string) {
	switch sub := number & 0xff; {
	case number == 0xbd00, sub >= 0x80 && sub < 0x88:
		return "audio", "ac3"
	case sub >= 0x88 && sub < 0x90, sub >= 0x98 && sub < 0xa0:
		return "audio", "dts"
	case sub >= 0xa0 && sub < 0xb0:
		return "audio", "pcm"
	case sub >= 0xb0 && sub < 0xc0:
		return "audio", "truehd"
	case sub >= 0xc0 && sub < 0xd0:
		return "audio", "eac3"
	case sub >= 0x20 && sub < 0x40:
		return "subtitle", "vobsub"
	}
	return "", ""
}
