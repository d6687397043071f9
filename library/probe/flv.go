package probe

import (
	"encoding/binary"
	"math"
)

// Limits of FLV files.
const (
	// wholeFLV is how much is read tag by tag, which is nearly all bytes: see
	// wholeMatroska.
	wholeFLV = 4 << 20

	flvTag      = 11       // bytes of a tag's header; four with its length follow the tag
	flvAhead    = 32 << 10 // bytes that are read where more tags follow
	flvSearch   = 8 << 10  // bytes that are searched for a tag at a time
	flvFactor   = 1.15     // makes up for what the lines between places up to 5 s apart hide
	flvGap      = 5.0      // seconds between key frames before tags between them are looked for
	flvHeads    = 64       // tags at the begin by which the codecs are told
	flvChecked  = 16       // key frames of the index that are compared with their tags
	maxScript   = 4 << 20  // bytes of metadata
	flvJump     = 60.0     // seconds between tags that are believed only if the next one agrees
	flvKeyFrame = 1        // kind of picture
)

// Types of tags.
const (
	flvSound = 8
	flvVideo = 9
	flvTexts = 18
)

// flvFile is an FLV file that is being read.
type flvFile struct {
	in    *input
	whole int64 // so many bytes are read tag by tag
	ahead int

	first        int64 // the first tag
	start, end   int64 // of the samples; end is that of the last whole tag
	cut          bool
	resumed      int // times that a damaged file was taken up again
	video, sound *Track
	configs      [2][]byte // of pictures and of sound
	meta         *flvMeta
	shift, last  float64 // seconds: what is added to times, and the last
	lead         int64
	piece        []byte // that is searched
}

// flvHead is the header of a tag, and the first bytes of its content.
type flvHead struct {
	kind  byte
	at    int64
	end   int64 // of the content
	time  float64
	begin []byte // valid until the next read
}

func recogniseFLV(in *input) (bool, error) {
	b, err := in.head(9)
	return err == nil && len(b) == 9 && string(b[:3]) == "FLV" && b[3] < 5 && b[5] == 0, err
}

// readFLV reads the metadata, and of the media the headers of all tags if
// there are few, else the index of key frames or, without one, tags here and
// there.
func readFLV(in *input) (*Info, error) { return readFLVWhole(in, wholeFLV) }

func readFLVWhole(in *input, whole int64) (*Info, error) {
	b, err := in.head(9)
	if err != nil {
		return nil, err
	}
	header := int64(binary.BigEndian.Uint32(b[5:]))
	if header < 9 || header > in.size-4-flvTag {
		return nil, flawf("header at byte 0: no tag follows it at byte %d", header)
	}
	f := &flvFile{in: in, whole: whole, ahead: flvAhead, first: header + 4, end: in.size}
	var sum Curve
	var seconds float64
	if in.size-f.first <= whole {
		sum, seconds, err = f.measureWhole()
	} else {
		f.ahead = window
		sum, seconds, err = f.measureSampled()
	}
	if err != nil {
		return nil, err
	}
	info := &Info{Duration: seconds, Curve: sum}
	f.describe(info)
	return info, nil
}

// tag reads the header of the tag at a byte of the file.
func (f *flvFile) tag(at int64) (flvHead, error) {
	h := flvHead{at: at}
	if f.in.size-at < flvTag {
		return h, flawf("tag at byte %d: it is cut off by the end of the file (%d bytes)", at, f.in.size)
	}
	b, err := f.in.peek(at, int(min(flvTag+16, f.in.size-at)), f.ahead)
	if err != nil {
		return h, err
	}
	size := int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
	ms := uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6])
	h.kind, h.end, h.time = b[0]&0x1f, at+flvTag+size, float64(int32(ms))/1000
	h.begin = b[flvTag:min(int64(len(b)), flvTag+size)]
	switch {
	case h.kind != flvSound && h.kind != flvVideo && h.kind != flvTexts:
		return h, flawf("tag at byte %d: unknown type %d", at, h.kind)
	case h.end > f.in.size:
		return h, flawf("tag at byte %d: size %d %s (%d bytes)", at, size, errPastIt, f.in.size)
	}
	return h, nil
}

// measureWhole reads the headers of all tags. Those that do not chain are the
// end of the file.
func (f *flvFile) measureWhole() (Curve, float64, error) {
	c := newCurve(f.in.size)
	var before [32]float64
	for at := f.first; at < f.in.size; {
		h, err := f.tag(at)
		if isFlaw(err) && (f.cut || at > f.first) {
			f.cut = true
			next, ok, err := f.resume(at+1, f.in.size)
			if err != nil {
				return Curve{}, 0, err
			}
			if !ok {
				if h.end > f.in.size && (h.kind == flvSound || h.kind == flvVideo) {
					c.add(f.timeOf(h), 0, at, f.in.size-at)
				}
				break
			}
			at = next
			continue
		}
		if err != nil {
			return Curve{}, 0, err
		}
		at = h.end + 4
		sample, err := f.take(h)
		if err != nil {
			return Curve{}, 0, err
		}
		if !sample {
			continue
		}
		if ahead := h.time + f.shift - f.last; ahead > flvJump || ahead < -1 {
			next, err := f.tag(at)
			if err != nil && !isFlaw(err) {
				return Curve{}, 0, err
			}
			if err != nil || math.Abs(next.time-h.time) > flvJump {
				h.time = f.last - f.shift // its time is damaged
			}
		}
		t := f.timeOf(h)
		length := t - before[h.kind]
		if !(length > 0 && length < 1) {
			length = 0
		}
		before[h.kind] = t
		c.add(t, length, h.at, h.end-h.at)
	}
	sum, err := c.sum(!f.cut)
	if err != nil {
		return Curve{}, 0, err
	}
	return sum, f.seconds(c.last - max(0, c.first)), nil
}

// resume returns the next tag behind damaged bytes.
func (f *flvFile) resume(at, end int64) (next int64, ok bool, err error) {
	if f.resumed++; f.resumed > mostResumed {
		return 0, false, nil
	}
	p, ok, err := f.find(at, end)
	return p.offset, ok, err
}

// timeOf returns the time of a tag. A jump back by more than a second is a
// second recording after the first, or the end of the counter: time goes on.
func (f *flvFile) timeOf(h flvHead) float64 {
	t := h.time + f.shift
	if t < f.last-1 {
		f.shift += f.last - t
		t = f.last
	}
	f.last = max(f.last, t)
	return t
}

// seconds returns the playing time: what the file says, if that is not far
// from what was found.
func (f *flvFile) seconds(known float64) float64 {
	if said := f.said(); !f.cut && said > known*0.8 && said < known*1.25 {
		return said
	}
	return max(0, known)
}

// said returns the playing time in the metadata, 0 if there is none.
func (f *flvFile) said() float64 {
	if f.meta == nil {
		return 0
	}
	if v := f.meta.numbers["duration"]; v > 0 && v < maxTime {
		return v
	}
	return 0
}

// take looks at a tag: the metadata and the first of each kind are read. It
// reports whether the tag is a sample.
func (f *flvFile) take(h flvHead) (sample bool, err error) {
	switch h.kind {
	case flvTexts:
		if f.meta == nil && h.end-h.at <= maxScript {
			b, err := f.in.load(h.at+flvTag, h.end-h.at-flvTag)
			if err != nil {
				return false, err
			}
			f.meta = readScript(b)
		}
		return false, nil
	case flvVideo:
		return f.picture(h)
	}
	return f.noise(h)
}

// picture takes the codec of a tag with a picture.
func (f *flvFile) picture(h flvHead) (sample bool, err error) {
	b := h.begin
	if len(b) < 1 || b[0]>>4 == 5 { // a command to the player
		return false, nil
	}
	codec, head, config := "", 1, false
	switch id := b[0] & 15; {
	case b[0]&0x80 != 0 && len(b) >= 5:
		codec, head, config = mp4Codec(string(b[1:5])), 5, id == 0
		if id == 2 || id == 4 {
			return false, nil // the end, metadata
		}
	case id == 7 || id == 12 || id == 13:
		codec, head = flvVideoCodec(id), 5
		config = len(b) > 1 && b[1] == 0
		if len(b) > 1 && b[1] == 2 {
			return false, nil
		}
	default:
		codec = flvVideoCodec(id)
	}
	if f.video == nil {
		f.video = &Track{Kind: "video", Codec: codec}
	}
	if config {
		return false, f.config(0, h, head)
	}
	f.begin(h)
	if b[0]>>4&7 == flvKeyFrame {
		f.lead = max(f.lead, h.end-h.at)
	}
	return true, nil
}

// noise takes the codec of a tag with sound.
func (f *flvFile) noise(h flvHead) (sample bool, err error) {
	b := h.begin
	if len(b) < 1 {
		return false, nil
	}
	t, head, config := Track{Kind: "audio"}, 2, false
	switch id := b[0] >> 4; id {
	case 9:
		if len(b) < 5 {
			return false, nil
		}
		t.Codec, head, config = mp4Codec(string(b[1:5])), 5, b[0]&15 == 0
		if t.Codec == "" {
			t.Codec = objectType(string(b[1:5]), nil)
		}
		if b[0]&15 > 1 {
			return false, nil
		}
	default:
		t.Codec = flvSoundCodec(id)
		t.Hertz, t.Channels = 5512<<(b[0]>>2&3), 1+int(b[0]&1)
		if t.Hertz > 5512 {
			t.Hertz = 11025 << (b[0]>>2&3 - 1)
		}
		switch id {
		case 4, 14:
			t.Hertz = map[byte]int{4: 16000, 14: 8000}[id]
		case 5, 7, 8:
			t.Hertz = 8000
		case 11:
			t.Hertz, t.Channels = 16000, 1
		}
		config = t.Codec == "aac" && len(b) > 1 && b[1] == 0
	}
	if f.sound == nil {
		f.sound = &t
	}
	if config {
		return false, f.config(1, h, head)
	}
	f.begin(h)
	return true, nil
}

// begin notes where the samples begin.
func (f *flvFile) begin(h flvHead) {
	if f.start == 0 {
		f.start = h.at
	}
}

// config takes the configuration of a codec from a tag, behind head bytes.
func (f *flvFile) config(i int, h flvHead, head int) error {
	at := h.at + flvTag + int64(head)
	n := h.end - at
	if f.configs[i] != nil || n <= 0 || n > maxText {
		return nil
	}
	b, err := f.in.load(at, n)
	f.configs[i] = b
	return err
}

// flvVideoCodec names the codecs of pictures.
func flvVideoCodec(id byte) string {
	switch id {
	case 2:
		return "flv1"
	case 3, 6:
		return "screen"
	case 4, 5:
		return "vp6"
	case 7:
		return "h264"
	case 8:
		return "h263"
	case 9:
		return "mpeg4"
	case 12:
		return "hevc"
	case 13:
		return "av1"
	}
	return "unknown"
}

// flvSoundCodec names the codecs of sound.
func flvSoundCodec(id byte) string {
	switch id {
	case 0, 3:
		return "pcm"
	case 1:
		return "adpcm"
	case 2, 14:
		return "mp3"
	case 4, 5, 6:
		return "nellymoser"
	case 7:
		return "alaw"
	case 8:
		return "mulaw"
	case 10:
		return "aac"
	case 11:
		return "speex"
	}
	return "unknown"
}

// describe enters tracks and texts.
func (f *flvFile) describe(info *Info) {
	if f.meta == nil {
		f.meta = &flvMeta{}
	}
	number := func(name string, most float64) float64 {
		if v := f.meta.numbers[name]; v > 0 && v <= most {
			return v
		}
		return 0
	}
	var names []string
	if t := f.video; t != nil {
		t.Width, t.Height = int(number("width", 1<<16)), int(number("height", 1<<16))
		t.Frames = math.Round(number("framerate", 1000)*1e3) / 1e3
		info.Tracks, names = append(info.Tracks, *t), append(names, configString(t.Codec, f.configs[0]))
	}
	if t := f.sound; t != nil {
		if _, hertz, channels := aacConfig(f.configs[1]); t.Codec == "aac" && hertz > 0 {
			t.Hertz = hertz
			if channels > 0 {
				t.Channels = channels
			}
		}
		info.Tracks, names = append(info.Tracks, *t), append(names, configString(t.Codec, f.configs[1]))
	}
	info.Codecs = joinConfigs(names)
	var all tags
	for name, text := range f.meta.texts {
		all.set(name, text)
	}
	all.fill(info)
}
