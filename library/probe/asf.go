package probe

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// Limits of ASF files.
const (
	maxASFObjects = 1000    // of the header
	maxASFObject  = 1 << 20 // bytes of one that is read
	maxASFTexts   = 500
	asfPiece      = 0.25 // seconds between the packets that are looked at
	asfHeader     = 96   // bytes of a packet that are looked at
)

// Names of the objects, as they lie in the file.
const (
	asfHead       = "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
	asfData       = "\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
	asfFileInfo   = "\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
	asfStreamInfo = "\x91\x07\xdc\xb7\xb7\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65"
	asfExtension  = "\xb5\x03\xbf\x5f\x2e\xa9\xcf\x11\x8e\xe3\x00\xc0\x0c\x20\x53\x65"
	asfContent    = "\x33\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
	asfMore       = "\x40\xa4\xd0\xd2\x07\xe3\xd2\x11\x97\xf0\x00\xa0\xc9\x5e\xa8\x50"
	asfLanguages  = "\xa9\x46\x43\x7c\xe0\xef\xfc\x4b\xb2\x29\x39\x3e\xde\x41\x5c\x85"
	asfStreamMore = "\xcb\xa5\xe6\x14\x72\xc6\x32\x43\x83\x99\xa9\x69\x52\x06\x5b\x5a"
	asfMarkers    = "\x01\xcd\x87\xf4\x51\xa9\xcf\x11\x8e\xe6\x00\xc0\x0c\x20\x53\x65"

	asfAudio = "\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b"
	asfVideo = "\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b"
)

// asfFile is an ASF file that is being read.
type asfFile struct {
	in        *input
	mux       multiplex
	tags      tags
	languages []string
	language  map[int]int // number of the language by stream
	frames    map[int]float64

	known   bool    // the object about the file was there
	seconds float64 // playing time that the header tells
	preroll float64 // seconds that all times are late
	packet  int64   // bytes of each packet
	start   int64   // of the packets
	end     int64   // of the last whole one
	said    int64   // bytes of packets that the header tells, 0: it does not
}

// recogniseASF goes by the name of the first object.
func recogniseASF(in *input) (bool, error) {
	b, err := in.head(16)
	return err == nil && string(b) == asfHead, err
}

// readASF reads the header, and of films the times of some packets.
func readASF(in *input) (*Info, error) {
	f := &asfFile{in: in, mux: multiplex{in: in, period: (1 << 32) / 1000.0}, language: map[int]int{}, frames: map[int]float64{}}
	if err := f.head(); err != nil {
		return nil, err
	}
	if err := f.data(); err != nil {
		return nil, err
	}
	f.settle()
	info, err := f.measure()
	if err != nil {
		return nil, err
	}
	f.tags.fill(info)
	return info, nil
}

// head goes over the objects of the header.
func (f *asfFile) head() error {
	b, err := f.in.peek(0, int(min(30, f.in.size)), window)
	if err != nil {
		return err
	}
	if len(b) < 30 {
		return flawf("the header ends at byte %d, where the file does", len(b))
	}
	size := binary.LittleEndian.Uint64(b[16:])
	if size < 30 || size > uint64(f.in.size) {
		return flawf("header at byte 0: size %d %s (%d bytes)", size, errPastIt, f.in.size)
	}
	f.start = int64(size)
	return f.objects(30, f.start, 0)
}

// objects goes over the objects between two bytes of the file.
func (f *asfFile) objects(at, end int64, depth int) error {
	for n := 0; end-at >= 24; n++ {
		b, err := f.in.peek(at, 24, window)
		if err != nil {
			return err
		}
		name, size := string(b[:16]), binary.LittleEndian.Uint64(b[16:])
		switch {
		case n > maxASFObjects:
			return flawf("more than %d objects in the header up to byte %d", maxASFObjects, at)
		case size < 24:
			return flawf("object at byte %d: size %d is smaller than its header", at, size)
		case size > uint64(end-at):
			return flawf("object at byte %d: size %d goes past byte %d, where the header ends", at, size, end)
		}
		next := at + int64(size)
		if err := f.object(name, at, next, depth); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// object takes one object of the header.
func (f *asfFile) object(name string, at, end int64, depth int) error {
	if name == asfExtension && depth == 0 {
		return f.objects(at+46, end, depth+1)
	}
	var take func(b []byte, at int64) error
	switch name {
	case asfFileInfo:
		take = f.fileInfo
	case asfStreamInfo:
		take = f.streamInfo
	case asfContent:
		take = f.content
	case asfMore:
		take = f.more
	case asfLanguages:
		take = f.languageList
	case asfStreamMore:
		take = f.streamMore
	case asfMarkers:
		take = f.markers
	default:
		return nil
	}
	b, err := f.in.peek(at+24, int(min(end-at-24, maxASFObject)), window)
	if err != nil {
		return err
	}
	return take(b, at+24)
}

// fileInfo takes the object about the file as a whole.
func (f *asfFile) fileInfo(b []byte, at int64) error {
	if len(b) < 80 {
		return flawf("object at byte %d: %d bytes about the file, 80 are needed", at-24, len(b))
	}
	f.known = true
	f.preroll = float64(min(binary.LittleEndian.Uint64(b[56:]), 1<<32)) / 1000
	if binary.LittleEndian.Uint32(b[64:])&1 == 0 { // not sent as it is recorded
		f.seconds = max(0, float64(binary.LittleEndian.Uint64(b[40:]))/1e7-f.preroll)
	}
	least, most := binary.LittleEndian.Uint32(b[68:]), binary.LittleEndian.Uint32(b[72:])
	if f.packet = int64(least); least != most || least < 16 || least > 1<<24 {
		return flawf("object at byte %d: packets of %d to %d bytes", at-24, least, most)
	}
	return nil
}

// streamInfo takes the object about a stream.
func (f *asfFile) streamInfo(b []byte, _ int64) error {
	if len(b) < 54 || len(f.mux.tracks) >= maxMux {
		return nil
	}
	t := &muxTrack{id: int(b[48] & 0x7f), known: true}
	kind, form := string(b[:16]), b[54:]
	form = form[:min(int64(len(form)), int64(binary.LittleEndian.Uint32(b[40:])))]
	switch {
	case kind == asfAudio && len(form) >= 14:
		var s aviStream
		s.sound(form)
		t.Track = s.Track
		t.Kind = "audio"
	case kind == asfVideo && len(form) >= 11+20:
		t.Kind = "video"
		t.Width, t.Height = pictureSize(form[11:])
		t.Codec = pictureCodec(string(form[11+16 : 11+20]))
	default:
		return nil
	}
	f.mux.tracks = append(f.mux.tracks, t)
	return nil
}

// streamMore takes the object that tells more about a stream. Some programs
// put the object about the stream itself into it.
func (f *asfFile) streamMore(b []byte, at int64) error {
	if len(b) < 64 {
		return nil
	}
	id := int(binary.LittleEndian.Uint16(b[48:]) & 0x7f)
	if len(f.language) < 128 {
		f.language[id] = int(binary.LittleEndian.Uint16(b[50:]))
		if unit := binary.LittleEndian.Uint64(b[52:]); unit > 0 {
			f.frames[id] = framesOf(float64(unit) / 1e7)
		}
	}
	names, systems, rest := int(binary.LittleEndian.Uint16(b[60:])), int(binary.LittleEndian.Uint16(b[62:])), b[64:]
	for ; names > 0 && len(rest) >= 4; names-- {
		rest = rest[min(len(rest), 4+int(binary.LittleEndian.Uint16(rest[2:]))):]
	}
	for ; systems > 0 && len(rest) >= 22; systems-- {
		rest = rest[22+min(len(rest)-22, int(binary.LittleEndian.Uint32(rest[18:])&0xffffff)):]
	}
	if len(rest) >= 24+54 && string(rest[:16]) == asfStreamInfo {
		return f.streamInfo(rest[24:], at)
	}
	return nil
}

// languageList takes the names of languages, as "en-us".
func (f *asfFile) languageList(b []byte, _ int64) error {
	if len(b) < 2 {
		return nil
	}
	for b = b[2:]; len(b) >= 1 && 1+int(b[0]) <= len(b) && len(f.languages) < 128; b = b[1+int(b[0]):] {
		name, _, _ := strings.Cut(utf16Text(b[1:1+int(b[0])], binary.LittleEndian), "-")
		if len(name) != 2 && len(name) != 3 {
			name = ""
		}
		f.languages = append(f.languages, strings.ToLower(name))
	}
	return nil
}

// content takes title and author.
func (f *asfFile) content(b []byte, _ int64) error {
	if len(b) < 10 {
		return nil
	}
	rest := b[10:]
	for i, name := range []string{"title", "artist", "copyright", "description", "rating"} {
		n := int(binary.LittleEndian.Uint16(b[i*2:]))
		if n > len(rest) {
			return nil
		}
		f.tags.set(name, utf16Text(rest[:n], binary.LittleEndian))
		rest = rest[n:]
	}
	return nil
}

// more takes the other texts, and the picture.
func (f *asfFile) more(b []byte, at int64) error {
	if len(b) < 2 {
		return nil
	}
	i := 2
	for range min(maxASFTexts, int(binary.LittleEndian.Uint16(b))) {
		if len(b)-i < 2 {
			return nil
		}
		n := int(binary.LittleEndian.Uint16(b[i:]))
		if i += 2; len(b)-i < n+4 {
			return nil
		}
		name := utf16Text(b[i:i+n], binary.LittleEndian)
		i += n
		kind, size := binary.LittleEndian.Uint16(b[i:]), int(binary.LittleEndian.Uint16(b[i+2:]))
		if i += 4; len(b)-i < size {
			return nil
		}
		f.text(name, kind, b[i:i+size], at+int64(i))
		i += size
	}
	return nil
}

// text takes one value that was found at a byte of the file.
func (f *asfFile) text(name string, kind uint16, b []byte, at int64) {
	value := ""
	switch {
	case kind == 0:
		value = utf16Text(b, binary.LittleEndian)
	case (kind == 2 || kind == 3) && len(b) >= 4: // yes or no, or a number
		value = strconv.Itoa(int(binary.LittleEndian.Uint32(b)))
	}
	switch name {
	case "WM/AlbumTitle":
		f.tags.set("album", value)
	case "WM/Year":
		f.tags.set("date", value)
	case "Title", "title":
		f.tags.set("title", value)
	case "Author", "author":
		f.tags.set("artist", value)
	case "WM/AlbumArtist":
		f.tags.set("albumartist", value)
	case "WM/IsCompilation", "compilation":
		f.tags.set("compilation", value)
	case "WM/PartOfSet":
		f.tags.set("discnumber", value)
	case "date":
		f.tags.set("date", value)
	case "WM/Genre":
		f.tags.set("genre", value)
	case "WM/TrackNumber":
		f.tags.set("tracknumber", value)
	case "WM/Picture":
		f.picture(b, at)
	}
}

// picture takes a picture: its kind, length, type and a text are in front.
func (f *asfFile) picture(b []byte, at int64) {
	if len(b) < 9 || f.tags.cover != nil && b[0] != 3 {
		return
	}
	size, i := int64(binary.LittleEndian.Uint32(b[1:])), 5
	mime := utf16Text(b[i:], binary.LittleEndian)
	for range 2 {
		for len(b)-i >= 2 && (b[i] != 0 || b[i+1] != 0) {
			i += 2
		}
		i += 2
	}
	if i < len(b) && size > 0 && size <= int64(len(b)-i) && strings.HasPrefix(mime, "image/") {
		f.tags.cover = &Cover{MIME: mime, Offset: at + int64(i), Size: size}
	}
}

// markers takes the chapters.
func (f *asfFile) markers(b []byte, _ int64) error {
	if len(b) < 24 {
		return nil
	}
	count, i := min(maxASFTexts, int(binary.LittleEndian.Uint32(b[16:])&0xffff)), 24+int(binary.LittleEndian.Uint16(b[22:]))
	for range count {
		if len(b)-i < 30 {
			return nil
		}
		m := b[i:]
		start := float64(binary.LittleEndian.Uint64(m[8:]))/1e7 - f.preroll
		n := int(binary.LittleEndian.Uint32(m[26:])&0xffff) * 2
		if len(m) < 30+n || start > maxTime {
			return nil
		}
		f.tags.chapter(max(0, start), utf16Text(m[30:30+n], binary.LittleEndian))
		i += 30 + n
	}
	return nil
}

// data finds the packets behind the header.
func (f *asfFile) data() error {
	switch {
	case !f.known:
		return flawf("no object about the file in the header, up to byte %d", f.start)
	case len(f.mux.tracks) == 0:
		return flawf("no stream of sound or pictures in the header, up to byte %d", f.start)
	case f.in.size-f.start < 50:
		return flawf("the file ends at byte %d, before the packets", f.in.size)
	}
	b, err := f.in.peek(f.start, 50, window)
	if err != nil {
		return err
	}
	if string(b[:16]) != asfData {
		return flawf("object at byte %d is not that of the packets", f.start)
	}
	size, at := binary.LittleEndian.Uint64(b[16:]), f.start
	f.start += 50
	f.end = f.in.size
	if size >= 50 && size < uint64(f.in.size-at) {
		f.end = at + int64(size)
	}
	if size > 50 && size < 1<<62 {
		f.said = int64(size) - 50
	}
	if f.end -= (f.end - f.start) % f.packet; f.end == f.start {
		return flawf("no whole packet of %d bytes from byte %d on", f.packet, f.start)
	}
	return nil
}

// settle gives each track what other objects tell of it.
func (f *asfFile) settle() {
	for _, t := range f.mux.tracks {
		if i, ok := f.language[t.id]; ok && i < len(f.languages) {
			t.Language = f.languages[i]
		}
		if t.Kind == "video" {
			t.Frames = f.frames[t.id]
		}
	}
	if bytes := f.end - f.start; f.said > bytes+bytes/50 {
		f.seconds *= float64(bytes) / float64(f.said) // cut off
	}
}

// measure looks at packets here and there. Of sound the playing time is enough.
func (f *asfFile) measure() (*Info, error) {
	info := &Info{Duration: f.seconds}
	sound := true
	for _, t := range f.mux.tracks {
		info.Tracks, sound = append(info.Tracks, t.Track), sound && t.Kind == "audio"
	}
	if sound && f.plausible(f.seconds) {
		info.Curve = soundCurve(f.start, f.end, f.in.size, f.seconds)
		return info, nil
	}
	if err := f.look(); err != nil {
		return nil, err
	}
	seconds := f.mux.last - f.mux.first
	if !f.plausible(f.seconds) || f.seconds > 1.5*seconds || f.seconds < seconds/1.5 {
		info.Duration = seconds
	}
	if sound && f.plausible(seconds) {
		info.Curve = soundCurve(f.start, f.end, f.in.size, seconds)
		return info, nil
	}
	f.mux.start, f.mux.end = f.start, f.end
	var err error
	info.Curve, err = f.mux.sampled()
	return info, err
}

// plausible reports whether the packets can take so many seconds.
func (f *asfFile) plausible(seconds float64) bool {
	rate := float64(f.end-f.start) / seconds
	return seconds > 0 && rate >= leastAverage && rate <= maxAverage
}

// look reads the times of packets that are a quarter of a second apart, or as
// far that they are not too many.
func (f *asfFile) look() error {
	count := (f.end - f.start) / f.packet
	apart := max(1, count/maxPieces)
	if f.plausible(f.seconds) {
		apart = max(apart, int64(asfPiece/f.seconds*float64(count)))
	}
	for i := int64(0); ; i += apart {
		last := i >= count-1
		i = min(i, count-1)
		at := f.start + i*f.packet
		b, err := f.in.peek(at, int(min(asfHeader, f.packet)), 0)
		if err != nil {
			return err
		}
		f.mux.piece++
		f.times(b, at)
		if last {
			return nil
		}
	}
}

// times takes the times from the begin of a packet: when it is to be sent, and
// when what is in it first is shown.
func (f *asfFile) times(b []byte, at int64) {
	i := 0
	if b[0]&0x80 != 0 {
		i = 1 + int(b[0]&15)
	}
	if len(b) < i+2 {
		return
	}
	form, fields := b[i], b[i+1]
	i += 2
	for _, width := range []byte{form >> 5, form >> 1, form >> 3} {
		i += asfWidth(width)
	}
	if len(b) < i+7 {
		return
	}
	f.mux.tick(float64(binary.LittleEndian.Uint32(b[i:]))/1000, at)
	i += 6 + int(form&1)
	if len(b) < i+1 {
		return
	}
	var track *muxTrack
	for _, t := range f.mux.tracks {
		if t.id == int(b[i]&0x7f) {
			track = t
		}
	}
	i += 1 + asfWidth(fields>>4)
	offset := i
	i += asfWidth(fields >> 2)
	if track == nil || len(b) < i+1 {
		return
	}
	track.bytes += f.packet
	switch n := b[i]; {
	case fields&3 != 1:
	case n == 1 && fields>>2&3 == 3: // several small ones
		f.mux.stamp(track, float64(binary.LittleEndian.Uint32(b[offset:]))/1000, at)
	case n >= 8 && len(b) >= i+9:
		f.mux.stamp(track, float64(binary.LittleEndian.Uint32(b[i+5:]))/1000, at)
	}
}

// asfWidth returns the bytes of a field by the two bits that tell them.
func asfWidth(bits byte) int { return [4]int{0, 1, 2, 4}[bits&3] }
