package probe

import (
	"encoding/binary"
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
