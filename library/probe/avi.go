package probe

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Limits of AVI files.
const (
	aviStreams   = 100      // two digits number them
	indexBlock   = 64 << 10 // bytes of an index that are read at a time
	maxAVIWalk   = 24 << 20 // bytes read of a file without index
	aviPiece     = 0.1      // seconds: sound without frames is cut so finely
	maxAVIHeader = 1 << 20  // bytes of headers that are gone through
)

// aviFile is an AVI file that is being read.
type aviFile struct {
	in      *input
	curve   *curve
	streams []*aviStream
	frame   int64 // microseconds of a picture, by the main header
	movi    int64 // of the first list of media, its type; 0: there is none
	end     int64 // of the first list of media
	index   aviChunk
	partly  bool // the curve was guessed in part
	tags    tags
}

// aviStream is one stream.
type aviStream struct {
	Track
	scale, rate int64 // a sample lasts scale/rate seconds
	start       int64 // samples before the first
	unit        int64 // bytes of a sample, 0: they differ
	block       int64 // bytes of a block of sound of changing rate
	bytesPerSec int64
	index       aviChunk // OpenDML, empty if there is none
	past        int64    // samples so far
	part        int64    // bytes of one that is not whole
}

// aviChunk is a chunk of a RIFF file.
type aviChunk struct {
	kind      string // of a list: its type
	list      bool
	at        int64 // of the content
	size, end int64 // of the content, cut to what it is in
}

// recogniseAVI goes by the first 12 bytes.
func recogniseAVI(in *input) (bool, error) {
	b, err := in.head(12)
	return err == nil && len(b) == 12 && string(b[:4]) == "RIFF" && strings.HasPrefix(string(b[8:]), "AVI"), err
}

// readAVI reads the headers and the index.
func readAVI(in *input) (*Info, error) {
	f := &aviFile{in: in, curve: newCurve(in.size)}
	if err := f.parts(); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := f.list(); err != nil {
		return nil, err
	}
	sum, err := f.curve.sum(!f.partly)
	if err != nil {
		return nil, err
	}
	if f.partly {
		raise(&sum, sampledFactor)
	}
	info := &Info{Duration: f.curve.seconds(), Curve: sum}
	f.tags.fill(info)
	for _, s := range f.streams {
		if s.Kind != "" {
			info.Tracks = append(info.Tracks, s.Track)
		}
	}
	return info, nil
}

// chunk reads the header of the chunk at a byte of the file that ends by end.
// One that is longer than that, as in a file that was cut off, ends there.
func (f *aviFile) chunk(at, end int64) (c aviChunk, err error) {
	b, err := f.in.peek(at, int(min(12, end-at)), window)
	if err != nil {
		return c, err
	}
	c = aviChunk{kind: string(b[:4]), at: at + 8, size: int64(binary.LittleEndian.Uint32(b[4:]))}
	if c.kind == "LIST" || c.kind == "RIFF" {
		if len(b) < 12 || c.size < 4 {
			return c, flawf("list at byte %d: size %d has no room for its type", at, c.size)
		}
		c.kind, c.list, c.at, c.size = string(b[8:12]), true, at+12, c.size-4
	}
	c.end = min(c.at+c.size, end)
	return c, nil
}

// parts goes over the first part of the file. A film of more than 1 GB has
// several, one after the other; what is in the others the indexes tell.
func (f *aviFile) parts() error {
	riff, err := f.chunk(0, f.in.size)
	if err != nil {
		return err
	}
	if riff.size <= 4 {
		riff.end = f.in.size // not finished
	}
	return f.top(riff.at, riff.end)
}

// top goes over the chunks of the first part. What follows media that were cut
// off need not be in order.
func (f *aviFile) top(at, end int64) error {
	for n := 0; end-at >= 8; n++ {
		c, err := f.chunk(at, end)
		if isFlaw(err) && f.movi > 0 {
			return nil
		}
		if err == nil && n > maxChunks {
			err = flawf("more than %d chunks up to byte %d", maxChunks, at)
		}
		if err != nil {
			return err
		}
		switch {
		case c.list && c.kind == "movi" && f.movi == 0:
			f.movi, f.end = c.at-4, c.end
			if c.size == 0 {
				f.end = end // not finished
			}
			c.end = f.end
		case c.list && c.kind == "hdrl":
			err = f.header(c)
		case c.list && c.kind == "INFO":
			err = f.texts(c)
		case c.kind == "idx1":
			f.index = c
		}
		if err != nil {
			return err
		}
		at = c.end + c.size%2
	}
	return nil
}

// texts takes a list of texts.
func (f *aviFile) texts(c aviChunk) error {
	b, err := f.in.peek(c.at-4, int(min(c.end-c.at+4, window)), 0)
	if err == nil {
		f.tags.readRIFF(b)
	}
	return err
}

// header goes over the list with the headers. The lists in it, one for each
// stream, are entered, others stepped over.
func (f *aviFile) header(hdrl aviChunk) error {
	at, end := hdrl.at, min(hdrl.end, hdrl.at+maxAVIHeader)
	for n := 0; end-at >= 8; n++ {
		c, err := f.chunk(at, end)
		if err == nil && n > maxChunks {
			err = flawf("more than %d chunks in the headers up to byte %d", maxChunks, at)
		}
		if err != nil {
			return err
		}
		at = c.end + c.size%2
		switch {
		case c.list && c.kind == "strl":
			if len(f.streams) == aviStreams {
				return flawf("more than %d streams up to byte %d", aviStreams, at)
			}
			f.streams, at = append(f.streams, &aviStream{}), c.at
		case c.list:
		case c.kind == "avih" || len(f.streams) > 0:
			if err := f.describe(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe takes a chunk of the headers.
func (f *aviFile) describe(c aviChunk) error {
	b, err := f.in.peek(c.at, int(min(c.end-c.at, 64)), window)
	if err != nil {
		return err
	}
	if c.kind == "avih" && len(b) >= 4 {
		f.frame = int64(binary.LittleEndian.Uint32(b))
	}
	if len(f.streams) == 0 {
		return nil
	}
	s := f.streams[len(f.streams)-1]
	switch {
	case c.kind == "strh" && len(b) >= 48:
		s.header(b)
	case c.kind == "strf" && s.Kind == "video" && len(b) >= 20:
		s.picture(b)
	case c.kind == "strf" && s.Kind == "audio" && len(b) >= 14:
		s.sound(b)
	case c.kind == "indx" && len(b) >= 24 && s.index.at == 0:
		s.index = c
	}
	return nil
}

// header takes the header of the stream, of 48 bytes at least.
func (s *aviStream) header(b []byte) {
	long := func(at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	switch string(b[:4]) {
	case "vids", "iavs":
		s.Kind, s.Codec = "video", pictureCodec(string(b[4:8]))
	case "auds":
		s.Kind, s.Codec, s.unit = "audio", "unknown", long(44)
	case "txts":
		s.Kind, s.Codec = "subtitle", "text"
	}
	s.scale, s.rate, s.start = long(20), long(24), long(28)
	if s.Kind == "video" && s.scale > 0 && s.rate < s.scale*1000 {
		s.Frames = float64(s.rate) / float64(s.scale)
	}
}

// picture takes the form of the picture, of 20 bytes at least.
func (s *aviStream) picture(b []byte) {
	s.Width, s.Height = pictureSize(b)
	if code := string(b[16:20]); code != "\x00\x00\x00\x00" {
		s.Codec = pictureCodec(code)
	} else {
		s.Codec = "raw"
	}
}

// pictureSize returns the size of a picture from its header of Windows, whose
// lines may go from top to bottom: the height is negative then.
func pictureSize(b []byte) (width, height int) {
	w, h := int64(int32(binary.LittleEndian.Uint32(b[4:]))), int64(int32(binary.LittleEndian.Uint32(b[8:])))
	if w < 0 || w > 1<<16 || h < -1<<16 || h > 1<<16 {
		return 0, 0
	}
	return int(w), int(max(h, -h))
}

// sound takes the form of the sound, of 14 bytes at least.
func (s *aviStream) sound(b []byte) {
	tag := binary.LittleEndian.Uint16(b)
	if tag == 0xfffe && len(b) >= 26 {
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	s.Codec, s.Channels, s.Hertz = soundCodec(tag), int(binary.LittleEndian.Uint16(b[2:])), int(binary.LittleEndian.Uint32(b[4:])&0xfffffff)
	s.bytesPerSec, s.block = int64(binary.LittleEndian.Uint32(b[8:])), int64(binary.LittleEndian.Uint16(b[12:]))
}

// soundCodec names a format tag, the newer ones of Windows Media too.
func soundCodec(tag uint16) string {
	switch tag {
	case 0x000a:
		return "wmavoice"
	case 0x0162:
		return "wmapro"
	case 0x0163:
		return "wmalossless"
	case 0x4143, 0x706d, 0xa106:
		return "aac"
	case 0x566f, 0x674f, 0x6750, 0x6751, 0x676f, 0x6770, 0x6771:
		return "vorbis"
	case 0xf1ac:
		return "flac"
	}
	return wavCodec(tag)
}

// pictureCodec returns the everyday name of a code of Windows.
func pictureCodec(code string) string {
	switch strings.ToUpper(code) {
	case "DIVX", "DX50", "XVID", "FMP4", "MP4V", "3IV2", "3IVX", "MP4S", "M4S2", "RMP4", "XVIX", "BLZ0", "SEDG", "DXGM", "WV1F", "FVFW":
		return "mpeg4"
	case "DIV3", "DIV4", "DIV5", "DIV6", "MP43", "MPG3", "COL0", "COL1", "AP41", "MP42", "DIV2", "MPG4", "MP41":
		return "msmpeg4"
	case "H264", "X264", "AVC1", "DAVC", "VSSH", "Q264":
		return "h264"
	case "HEVC", "H265", "X265", "HVC1", "HEV1":
		return "hevc"
	case "WMV1", "WMV2", "WMV3":
		return strings.ToLower(code)
	case "WVC1", "WMVA", "VC-1":
		return "vc1"
	case "MJPG", "AVRN", "LJPG", "JPGL", "DMB1":
		return "mjpeg"
	case "MPG1", "MPEG":
		return "mpeg1"
	case "MPG2":
		return "mpeg2"
	case "DVSD", "DV25", "DV50", "DVHD", "CDVC", "DVSL", "DVIS":
		return "dv"
	case "VP80":
		return "vp8"
	case "VP90":
		return "vp9"
	case "AV01":
		return "av1"
	case "VP60", "VP61", "VP62":
		return "vp6"
	case "HFYU", "FFVH":
		return "huffyuv"
	case "CVID":
		return "cinepak"
	case "DIB ", "RGB ", "YUY2", "UYVY", "YV12", "I420", "IYUV":
		return "raw"
	}
	return letters(code)
}

// check settles how long the samples of each stream are.
func (f *aviFile) check() error {
	if f.movi == 0 {
		return flawf("no list \"movi\" up to the end, byte %d", f.in.size)
	}
	if len(f.streams) == 0 {
		return flawf("no stream is described before byte %d", f.movi)
	}
	for i, s := range f.streams {
		switch {
		case s.Kind != "video" && s.Kind != "audio", s.scale > 0 && s.rate > 0:
		case s.Kind == "video" && f.frame > 0:
			s.scale, s.rate = f.frame, 1e6
		case s.Kind == "audio" && s.bytesPerSec > 0:
			s.scale, s.rate, s.unit = 1, s.bytesPerSec, 1
		default:
			return flawf("stream %d, described before byte %d: a sample of %d/%d seconds", i, f.movi, s.scale, s.rate)
		}
	}
	return nil
}

// list enters what the indexes list, or what lies in the file if there is none.
func (f *aviFile) list() error {
	if err := f.openIndexes(); err != nil || f.curve.payload > 0 {
		return err
	}
	if f.index.end-f.index.at >= 16 {
		if err := f.oldIndex(); err != nil || f.curve.payload > 0 {
			return err
		}
	}
	return f.walk()
}

// openIndexes enters what the OpenDML indexes of all streams list, or nothing
// if one of them is not in order.
func (f *aviFile) openIndexes() error {
	for _, s := range f.streams {
		if s.index.at == 0 {
			continue
		}
		err := f.openIndex(s)
		if isFlaw(err) {
			f.curve = newCurve(f.in.size)
			for _, s := range f.streams {
				s.past, s.part = 0, 0
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blocks calls visit for the entries of width bytes of an index between two
// bytes of the file.
func (f *aviFile) blocks(at, end int64, width int, visit func([]byte)) error {
	for end-at >= int64(width) {
		n := min((end-at)/int64(width), indexBlock/int64(width)) * int64(width)
		b, err := f.in.peek(at, int(n), 0)
		if err != nil {
			return err
		}
		for ; len(b) >= width; b = b[width:] {
			visit(b)
		}
		at += n
	}
	return nil
}

// oldIndex enters what the chunk idx1 lists. Some programs count its offsets
// from the list of media, others from the begin of the file.
func (f *aviFile) oldIndex() error {
	base, err := f.base()
	if err != nil {
		return err
	}
	return f.blocks(f.index.at, f.index.end, 16, func(b []byte) {
		offset, size := int64(binary.LittleEndian.Uint32(b[8:])), int64(binary.LittleEndian.Uint32(b[12:]))
		if s := f.stream(b); s != nil {
			s.enter(f.curve, base+offset+8, size)
		}
	})
}

// base returns where the offsets of the old index count from.
func (f *aviFile) base() (int64, error) {
	b, err := f.in.peek(f.index.at, 16, window)
	if err != nil {
		return 0, err
	}
	id, offset := string(b[:4]), int64(binary.LittleEndian.Uint32(b[8:]))
	for _, base := range []int64{f.movi, 0, f.movi + 4} {
		if f.in.size-base-offset < 8 {
			continue
		}
		b, err := f.in.peek(base+offset, 4, window)
		if err != nil {
			return 0, err
		}
		if string(b) == id {
			return base, nil
		}
	}
	if offset > f.movi {
		return 0, nil
	}
	return f.movi, nil
}

// stream returns the stream of a chunk that is called b, nil if it is none
// of sound or pictures.
func (f *aviFile) stream(b []byte) *aviStream {
	i := int(b[0]-'0')*10 + int(b[1]-'0')
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' || i >= len(f.streams) || b[2] == 'p' && b[3] == 'c' {
		return nil
	}
	if s := f.streams[i]; s.Kind == "video" || s.Kind == "audio" {
		return s
	}
	return nil
}

// enter adds the next chunk of the stream, whose content is at a byte of the
// file. An empty one is a picture that is shown on.
func (s *aviStream) enter(c *curve, at, size int64) {
	second := float64(s.scale) / float64(s.rate)
	t := float64(s.start+s.past) * second
	switch {
	case s.unit > 0:
		t += float64(s.part) / float64(s.unit) * second
		c.ramp(t, float64(size)/float64(s.unit)*second, at, size, aviPiece)
		s.past, s.part = s.past+(s.part+size)/s.unit, (s.part+size)%s.unit
		return
	case s.Kind == "audio" && s.block > 0:
		n := (size + s.block - 1) / s.block
		c.ramp(t, float64(n)*second, at, size, aviPiece)
		s.past += n
		return
	}
	c.add(t, second, at, size)
	s.past++
}

// openIndex enters what the index of one stream lists, or the indexes that it
// lists.
func (f *aviFile) openIndex(s *aviStream) error {
	h, err := f.indexHeader(s.index)
	if err != nil || h.kind == 1 {
		if err == nil {
			err = f.openChunks(s, h)
		}
		return err
	}
	if h.kind != 0 || h.width != 16 {
		return flawf("index at byte %d is of kind %d", s.index.at, h.kind)
	}
	var list table
	list.open(f.in, extent{h.at, h.at + int64(h.count)*16})
	for b := list.next(16); b != nil; b = list.next(16) {
		at := int64(min(binary.LittleEndian.Uint64(b), 1<<62))
		if f.in.size-at < 32 {
			f.curve.cut = true
			return nil
		}
		c, err := f.chunk(at, f.in.size)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(c.kind, "ix") && !strings.HasSuffix(c.kind, "ix") {
			return flawf("at byte %d is %q and no index", at, c.kind)
		}
		h, err := f.indexHeader(c)
		if err == nil {
			err = f.openChunks(s, h)
		}
		if err != nil {
			return err
		}
	}
	return list.err
}

// aviIndex is the header of an OpenDML index.
type aviIndex struct {
	kind  byte // 0: of indexes, 1: of chunks
	width int  // of an entry
	count int
	base  int64 // where offsets count from
	at    int64 // of the first entry
}

// indexHeader reads the begin of an index.
func (f *aviFile) indexHeader(c aviChunk) (h aviIndex, err error) {
	if c.end-c.at < 24 {
		return h, flawf("chunk %q at byte %d: %d bytes are no index", c.kind, c.at-8, c.end-c.at)
	}
	b, err := f.in.peek(c.at, 24, int(min(indexBlock, f.in.size-c.at)))
	if err != nil {
		return h, err
	}
	h = aviIndex{
		kind: b[3], width: int(binary.LittleEndian.Uint16(b)) * 4, at: c.at + 24,
		base: int64(min(binary.LittleEndian.Uint64(b[12:]), 1<<62)),
	}
	if h.width < 8 || h.width > 64 {
		return h, flawf("chunk %q at byte %d: entries of %d bytes", c.kind, c.at-8, h.width)
	}
	count := int64(binary.LittleEndian.Uint32(b[4:]))
	h.count = int(min(count, (c.end-h.at)/int64(h.width)))
	return h, nil
}

// openChunks enters the chunks that an index lists.
func (f *aviFile) openChunks(s *aviStream, h aviIndex) error {
	if s.Kind != "video" && s.Kind != "audio" || h.kind != 1 {
		return nil
	}
	return f.blocks(h.at, h.at+int64(h.count*h.width), h.width, func(b []byte) {
		offset, size := int64(binary.LittleEndian.Uint32(b)), int64(binary.LittleEndian.Uint32(b[4:])&0x7fffffff)
		s.enter(f.curve, h.base+offset, size)
	})
}

// walk goes over the chunks of media of a file without index: a recording that
// was cut off. Of a long one the begin has to serve for the rest.
func (f *aviFile) walk() error {
	at, left := f.movi+4, f.in.left-maxAVIWalk
	for f.end-at >= 8 && f.in.left > left {
		b, err := f.in.peek(at, int(min(12, f.end-at)), window)
		if err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "LIST" {
			at += 12
			continue
		}
		if s := f.stream(b); s != nil {
			s.enter(f.curve, at+8, size)
		} else if !aviName(b[:4]) {
			f.curve.cut = true
			break
		}
		at += 8 + size + size%2
	}
	if rest := f.end - at; rest >= 8 && f.curve.payload > 0 && f.curve.seconds() > 0 {
		f.partly = true
		f.curve.ramp(f.curve.last, float64(rest)/f.curve.average(), at, rest, aviPiece)
	}
	if f.curve.payload == 0 {
		return fmt.Errorf("no index, and %w", flawf("no chunk of sound or pictures from byte %d on", f.movi+4))
	}
	return nil
}

// aviName reports whether b can be the name of a chunk.
func aviName(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
