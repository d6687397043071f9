package probe

import "slices"

// Limits of transport streams.
const (
	tsPacket    = 188
	tsSyncs     = 5        // packets that have to follow each other
	maxSection  = 4096 + 3 // bytes of a table
	maxPrograms = 200
	maxMux      = 64 // tracks
)

// tsShape is how packets lie in a file: those of video cameras and Blu-ray
// discs have their time in front, those of some receivers check sums behind.
type tsShape struct {
	start int64 // of the first packet
	size  int   // from one to the next
	sync  int   // of the packet itself in that
}

// tsFile is a transport stream that is being read.
type tsFile struct {
	shape    tsShape
	mux      multiplex
	sections map[int]*tsSection // by their stream: of the tables that are wanted
	guess    bool               // there is no table of programs
	program  int                // whose tracks count
	chosen   bool
	clock    int // stream with the clock
	streams  map[int]*muxTrack
}

// tsSection is a table that is being put together.
type tsSection struct {
	b []byte
}

// recogniseTS looks for the marks of packets of 188 bytes.
func recogniseTS(in *input) (bool, error) {
	shape, err := findTS(in)
	return shape.size == tsPacket || shape.size == 204, err
}

// recogniseM2TS looks for the marks of packets of 192 bytes.
func recogniseM2TS(in *input) (bool, error) {
	shape, err := findTS(in)
	return shape.size == 192, err
}

// findTS looks for packets at the begin of the file. Its size is 0 if there
// are none.
func findTS(in *input) (tsShape, error) {
	b, err := in.head(headBytes)
	if err != nil {
		return tsShape{}, err
	}
	for _, s := range []tsShape{{0, tsPacket, 0}, {0, 192, 4}, {0, 204, 0}} {
		if s.run(b) {
			return s, nil
		}
	}
	for start := 1; start < 204; start++ {
		for _, s := range []tsShape{{int64(start), tsPacket, 0}, {int64(start), 192, 4}, {int64(start), 204, 0}} {
			if len(b) >= start+3*tsSyncs*s.size && s.run(b[start:]) {
				return s, nil
			}
		}
	}
	return tsShape{}, nil
}

// run reports whether b begins with packets. A file of a few only has to end
// with one.
func (s tsShape) run(b []byte) bool {
	n := min(len(b)/s.size, 3*tsSyncs)
	if n < tsSyncs && (n < 2 || len(b)%s.size != 0) {
		return false
	}
	for i := range n {
		if b[i*s.size+s.sync] != 0x47 {
			return false
		}
	}
	return true
}

// readTS reads the tables and the time stamps of the first program.
func readTS(in *input) (*Info, error) {
	shape, err := findTS(in)
	if err != nil {
		return nil, err
	}
	f := newTS(in, shape, false)
	err = f.mux.measure(f.scan)
	if err == nil && len(f.sections) == 1 {
		f = newTS(in, shape, true)
		err = f.mux.measure(f.scan)
	}
	if err != nil {
		return nil, err
	}
	if !f.chosen {
		return nil, flawf("no table of a program's tracks from byte %d on", shape.start)
	}
	return f.mux.info()
}

// newTS returns a file that was not read yet. With guess, the first table of a
// program's tracks is taken wherever it is: there is no table of programs.
func newTS(in *input, shape tsShape, guess bool) *tsFile {
	return &tsFile{
		shape: shape, mux: multiplex{in: in, period: stampPeriod}, clock: -1, guess: guess,
		sections: map[int]*tsSection{0: {}}, streams: map[int]*muxTrack{},
	}
}

// scan takes the packets in b.
func (f *tsFile) scan(b []byte, at int64) int64 {
	size := f.shape.size
	i := int((f.shape.start - at) % int64(size))
	if i < 0 {
		i += size
	}
	for i+size <= len(b) {
		if b[i+f.shape.sync] != 0x47 {
			i = f.resync(b, i)
			f.shape.start = at + int64(i)
			continue
		}
		p := b[i+f.shape.sync:]
		f.packet(p[:min(tsPacket, len(p))], at+int64(i))
		i += size
	}
	if i == 0 || i > len(b) {
		return int64(len(b)) // the last part of a packet
	}
	return int64(i)
}

// resync returns where in b packets begin again, len(b) if they don't.
func (f *tsFile) resync(b []byte, from int) int {
	size, sync := f.shape.size, f.shape.sync
	for i := from; i+2*size+sync < len(b); i++ {
		if b[i+sync] == 0x47 && b[i+size+sync] == 0x47 && b[i+2*size+sync] == 0x47 {
			return i
		}
	}
	return len(b)
}

// packet takes the packet p of the file.
func (f *tsFile) packet(p []byte, at int64) {
	if len(p) < tsPacket || p[1]&0x80 != 0 {
		return // damaged, says the receiver
	}
	id, starts, body := int(p[1]&0x1f)<<8|int(p[2]), p[1]&0x40 != 0, 4
	if p[3]&0x20 != 0 {
		if body += 1 + int(p[4]); body > tsPacket {
			return
		}
		if id == f.clock && p[4] >= 7 && p[5]&0x10 != 0 {
			base := int64(p[6])<<25 | int64(p[7])<<17 | int64(p[8])<<9 | int64(p[9])<<1 | int64(p[10]>>7)
			f.mux.tick(float64(base)/stampHertz, at)
		}
	}
	if p[3]&0x10 == 0 {
		return
	}
	payload := p[body:]
	if starts && f.guess && len(f.sections) == 1 && isTrackTable(payload) {
		f.sections[id] = &tsSection{}
	}
	if s := f.sections[id]; s != nil {
		f.section(s, id, payload, starts)
	} else if t := f.streams[id]; t != nil {
		f.elementary(t, payload, at, starts, p[3]&0xc0 != 0)
	}
}

// isTrackTable reports whether a table of a program's tracks begins in b.
func isTrackTable(b []byte) bool {
	return len(b) >= 17 && b[0] == 0 && b[1] == 2 && b[2]&0xc0 == 0x80 && b[6]&1 == 1
}

// elementary takes a packet of a track.
func (f *tsFile) elementary(t *muxTrack, b []byte, at int64, starts, scrambled bool) {
	if !scrambled && starts {
		if dts, stamped, n := pesTimes(b); n > 0 {
			if t.Kind == "private" && b[3]&0xe0 == 0xc0 {
				t.Kind, t.Codec = "audio", "audio"
			}
			if stamped {
				f.mux.stamp(t, dts, at)
			}
			t.begin(b[min(n, len(b)):])
		}
	} else if !scrambled && len(t.head) > 0 {
		t.more(b)
	}
	f.mux.bytes(t, at, int64(f.shape.size))
}

// section puts a table together and takes it when it is whole.
func (f *tsFile) section(s *tsSection, id int, b []byte, starts bool) {
	if starts {
		if len(b) == 0 || int(b[0]) >= len(b) {
			return
		}
		s.b, b = s.b[:0], b[1+int(b[0]):]
	} else if len(s.b) == 0 {
		return
	}
	s.b = append(s.b, b[:min(len(b), maxSection-len(s.b))]...)
	for len(s.b) >= 3 && s.b[0] != 0xff {
		n := 3 + int(s.b[1]&15)<<8 + int(s.b[2])
		if n > len(s.b) {
			return
		}
		if n >= 12 {
			f.table(id, s.b[:n-4])
		}
		s.b = s.b[:copy(s.b, s.b[n:])]
	}
	s.b = s.b[:0]
}

// table takes a table without its check sum, of 8 bytes at least.
func (f *tsFile) table(id int, b []byte) {
	switch {
	case id == 0 && b[0] == 0:
		for b = b[8:]; len(b) >= 4; b = b[4:] {
			program, pid := int(b[0])<<8|int(b[1]), int(b[2]&0x1f)<<8|int(b[3])
			if program != 0 && f.sections[pid] == nil && len(f.sections) < maxPrograms && f.streams[pid] == nil {
				f.sections[pid] = &tsSection{}
			}
		}
	case id != 0 && b[0] == 2 && len(b) >= 12:
		program := int(b[3])<<8 | int(b[4])
		if !f.chosen || program == f.program {
			f.tracks(program, b)
		}
	}
}

// tracks takes the table of a program, of 12 bytes at least.
func (f *tsFile) tracks(program int, b []byte) {
	clock := int(b[8]&0x1f)<<8 | int(b[9])
	common := int(b[10]&15)<<8 | int(b[11])
	if 12+common > len(b) {
		return
	}
	disc := false // Blu-ray
	for tag, d := range descriptors(b[12 : 12+common]) {
		disc = disc || tag == 5 && len(d) >= 4 && string(d[:4]) == "HDMV"
	}
	for b = b[12+common:]; len(b) >= 5; {
		pid, n := int(b[1]&0x1f)<<8|int(b[2]), int(b[3]&15)<<8|int(b[4])
		if 5+n > len(b) {
			return
		}
		kind, about := b[0], b[5:5+n]
		b = b[5+n:]
		if f.streams[pid] != nil || f.sections[pid] != nil || len(f.mux.tracks) >= maxMux {
			continue
		}
		t := tsTrack(kind, about, disc)
		if t == nil {
			continue
		}
		if t.Kind == "video" || t.Kind == "audio" {
			f.chosen, f.program, f.clock = true, program, clock
		}
		f.streams[pid], f.mux.tracks = t, append(f.mux.tracks, t)
	}
}

// descriptors yields the descriptors in b.
func descriptors(b []byte) func(yield func(byte, []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for len(b) >= 2 && 2+int(b[1]) <= len(b) && yield(b[0], b[2:2+int(b[1])]) {
			b = b[2+int(b[1]):]
		}
	}
}

// tsTrack returns the track of a type with some descriptors, nil if it is none
// that is played.
func tsTrack(kind byte, b []byte, disc bool) *muxTrack {
	t := &muxTrack{}
	t.Kind, t.Codec = streamCodec(kind, disc)
	t.known = kind == 0x11 // AAC without frames of its own
	for tag, d := range descriptors(b) {
		t.descriptor(tag, d)
	}
	switch {
	case t.Kind == "" && kind == 6:
		t.Kind = "private" // its packets may tell
	case t.Kind == "":
		return nil
	}
	return t
}

// descriptor takes what a descriptor tells of the track.
func (t *muxTrack) descriptor(tag byte, d []byte) {
	is := func(kind, codec string) {
		if t.Kind == "" {
			t.Kind, t.Codec = kind, codec
		}
	}
	switch tag {
	case 0x05:
		if len(d) < 4 {
			return
		}
		switch string(d[:4]) {
		case "AC-3":
			is("audio", "ac3")
		case "EAC3":
			is("audio", "eac3")
		case "DTS1", "DTS2", "DTS3":
			is("audio", "dts")
		case "Opus":
			is("audio", "opus")
		case "HEVC":
			is("video", "hevc")
		case "AV01":
			is("video", "av1")
		case "VC-1":
			is("video", "vc1")
		case "drac":
			is("video", "dirac")
		}
	case 0x6a:
		is("audio", "ac3")
	case 0x7a:
		is("audio", "eac3")
	case 0x7b:
		is("audio", "dts")
	case 0x7c:
		is("audio", "aac")
	case 0x0a:
		t.language(d)
	case 0x56:
		is("subtitle", "teletext")
		t.language(d)
	case 0x59:
		is("subtitle", "dvbsub")
		t.language(d)
	}
}

// language takes the code of three letters that d begins with.
func (t *muxTrack) language(d []byte) {
	if t.Language == "" && len(d) >= 3 {
		t.Language = language([3]byte{d[0] | 0x20, d[1] | 0x20, d[2] | 0x20})
	}
}

// streamCodec returns what a type of stream holds, nothing if that is told
// elsewhere or not played.
func streamCodec(kind byte, disc bool) (string, string) {
	switch kind {
	case 0x01:
		return "video", "mpeg1"
	case 0x02:
		return "video", "mpeg2"
	case 0x03, 0x04:
		return "audio", "mp2"
	case 0x0f, 0x11:
		return "audio", "aac"
	case 0x10:
		return "video", "mpeg4"
	case 0x1b, 0x1f, 0x20:
		return "video", "h264"
	case 0x24, 0x25:
		return "video", "hevc"
	case 0x33:
		return "video", "vvc"
	case 0x42, 0xd2:
		return "video", "avs"
	case 0x81:
		return "audio", "ac3"
	case 0x84, 0x87, 0xa1, 0xc1:
		return "audio", "eac3"
	case 0xea:
		return "video", "vc1"
	case 0x80:
		if !disc {
			return "video", "mpeg2"
		}
		return "audio", "pcm"
	}
	if !disc || !slices.Contains([]byte{0x82, 0x83, 0x85, 0x86, 0xa2, 0x90, 0x92}, kind) {
		return "", ""
	}
	switch kind {
	case 0x83:
		return "audio", "truehd"
	case 0x90:
		return "subtitle", "pgs"
	case 0x92:
		return "subtitle", "text"
	}
	return "audio", "dts"
}
