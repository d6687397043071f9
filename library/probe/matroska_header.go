package probe

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Limits of what Matroska files tell of themselves.
const (
	mkvMostChapters = 2000
	maxAttachments  = 1000
	maxCues         = 6000 // that are kept: of a film of three hours one each 1.8 s
	leastCue        = 24   // bytes that one usually takes
	cueWindow       = 64 << 10
)

// mkvCue is a place of the index: a block at offset in the cluster at cluster
// has the time time.
type mkvCue struct {
	place
	cluster int64
}

// info takes the length of a tick, the playing time and the title.
func (f *mkvFile) info(b []byte) error {
	for id, v := range ebmlIn(b) {
		switch id {
		case 0x2ad7b1:
			f.scale = float64(ebmlUint(v)) * 1e-9
			if f.scale == 0 {
				return flaw("its timescale is 0")
			}
		case 0x4489:
			f.duration = ebmlFloat(v)
		case 0x7ba9:
			f.tags.title = ebmlText(v)
		}
	}
	return nil
}

// readTracks takes the tracks.
func (f *mkvFile) readTracks(b []byte) {
	for id, entry := range ebmlIn(b) {
		if id != 0xae || len(f.tracks) >= maxTracks {
			continue
		}
		t := &mkvTrack{Track: Track{Language: "eng"}, before: math.NaN()}
		var codec string
		for id, v := range ebmlIn(entry) {
			switch id {
			case 0xd7:
				t.number = ebmlUint(v)
			case 0x83:
				t.Kind = mkvKind(ebmlUint(v))
			case 0x86:
				codec = ebmlText(v)
			case 0x63a2:
				t.config = v
			case 0x23e383:
				t.frame = float64(ebmlUint(v)) * 1e-9
			case 0x22b59c, 0x22b59d:
				t.Language, _, _ = strings.Cut(ebmlText(v), "-")
			case 0xe0, 0xe1:
				t.form(v)
			case 0x6d80:
				t.packing.read(v)
			}
		}
		if t.Language == "und" {
			t.Language = ""
		}
		t.Codec = mkvCodec(codec, t.config)
		t.named = strings.HasPrefix(codec, "D_WEBVTT")
		if codec == "A_MS/ACM" {
			t.config = t.config[min(18, len(t.config)):]
		}
		t.finish()
		f.tracks = append(f.tracks, t)
	}
}

// mkvKind names the type of a track.
func mkvKind(kind uint64) string {
	switch kind {
	case 1:
		return "video"
	case 2:
		return "audio"
	case 17:
		return "subtitle"
	}
	return ""
}

// form takes the size of the picture, or the form of the sound.
func (t *mkvTrack) form(b []byte) {
	for id, v := range ebmlIn(b) {
		n := int(min(ebmlUint(v), math.MaxInt32))
		switch id {
		case 0xb0:
			t.Width = n
		case 0xba:
			t.Height = n
		case 0x9f:
			t.Channels = n
		case 0xb5, 0x78b5: // the second is what is played
			if hertz := ebmlFloat(v); hertz > float64(t.Hertz) && hertz < 1<<24 {
				t.Hertz = int(hertz)
			}
		}
	}
}

// finish enters what the format leaves out where it is the default.
func (t *mkvTrack) finish() {
	switch {
	case t.frame < 0.001 || t.frame > 10:
		t.frame = 0 // no length that is played
	case t.Kind == "video":
		t.Frames = math.Round(1e3/t.frame) / 1e3
	}
	if t.Kind == "audio" {
		t.Channels, t.Hertz = cmp.Or(t.Channels, 1), cmp.Or(t.Hertz, 8000)
	}
}

// readCues takes the places of the index, but for those that are nearer to the
// one before than that all can be kept. Places of subtitles serve as well: the
// times of all tracks are one time line.
func (f *mkvFile) readCues(cues ebmlElement) error {
	f.cues = slices.Grow(f.cues, int(min(maxCues, (cues.end-cues.body)/leastCue)))
	for at := cues.body; at < cues.end; {
		ahead := int(min(cueWindow, cues.end-at))
		e, err := f.in.element(at, cues.end, ahead)
		if isFlaw(err) || err == nil && (e.open || e.end > cues.end) {
			return nil
		}
		if err != nil {
			return err
		}
		if e.id == 0xbb && e.end-e.body <= window {
			b, err := f.in.peek(e.body, int(e.end-e.body), ahead)
			if err != nil {
				return err
			}
			f.cue(b)
		}
		at = e.end
	}
	return nil
}

// cue takes a place of the index, one for each track.
func (f *mkvFile) cue(b []byte) {
	c := mkvCue{place: place{time: math.NaN()}}
	for id, v := range ebmlIn(b) {
		switch id {
		case 0xb3:
			c.time = float64(ebmlUint(v)) * f.scale
		case 0xb7:
			if f.wantTexts {
				f.textPosition(v)
			} else if f.position(&c, v) && !f.near(c) && len(f.cues) < maxCues {
				f.cues = append(f.cues, c)
			}
		}
	}
}

// near reports whether a cue tells little more than the one before it.
func (f *mkvFile) near(c mkvCue) bool {
	n := len(f.cues)
	return n > 0 && c.time >= f.cues[n-1].time && c.time < f.cues[n-1].time+f.duration*f.scale/maxCues
}

// position takes the place of a cue for one track; ok tells whether it is in
// the file.
func (f *mkvFile) position(c *mkvCue, b []byte) (ok bool) {
	var cluster, inside uint64
	for id, v := range ebmlIn(b) {
		switch id {
		case 0xf1:
			cluster = ebmlUint(v)
		case 0xf0:
			inside = ebmlUint(v) + ebmlHead // the cluster's own header is not counted
		}
	}
	room := uint64(f.end - f.segment)
	if cluster >= room || inside >= room-cluster || !(c.time < maxTime) {
		return false
	}
	c.cluster = f.segment + int64(cluster)
	c.offset = c.cluster + int64(inside)
	return true
}

// readChapters takes the chapters of the first edition. Those inside of others
// are left out.
func (f *mkvFile) readChapters(b []byte) {
	for id, edition := range ebmlIn(b) {
		if id != 0x45b9 || len(f.chapters) > 0 {
			continue
		}
		for id, atom := range ebmlIn(edition) {
			if id == 0xb6 && len(f.chapters) < mkvMostChapters {
				f.chapter(atom)
			}
		}
	}
	slices.SortStableFunc(f.chapters, func(a, b Chapter) int { return cmp.Compare(a.Start, b.Start) })
}

// chapter takes one chapter if it is to be shown.
func (f *mkvFile) chapter(b []byte) {
	var c Chapter
	for id, v := range ebmlIn(b) {
		switch id {
		case 0x91:
			c.Start = float64(ebmlUint(v)) * 1e-9
		case 0x98:
			if ebmlUint(v) != 0 {
				return
			}
		case 0x80:
			for id, text := range ebmlIn(v) {
				if id == 0x85 && c.Title == "" {
					c.Title = strings.ToValidUTF8(ebmlText(text), "")
				}
			}
		}
	}
	f.chapters = append(f.chapters, c)
}

// attachments looks for a picture. The files are stepped over.
func (f *mkvFile) attachments(e ebmlElement) error {
	for at, n := e.body, 0; at < e.end && n < maxAttachments; n++ {
		file, err := f.in.element(at, e.end, window)
		if err != nil {
			return err
		}
		if err := f.inside(file); err != nil {
			return err
		}
		if file.id == 0x61a7 {
			if err := f.attachment(file); err != nil {
				return err
			}
		}
		at = file.end
	}
	return nil
}

// attachment takes one attached file, if it is the best picture so far.
func (f *mkvFile) attachment(file ebmlElement) error {
	var name string
	var c Cover
	for at, n := file.body, 0; at < file.end && n < maxSeeks; n++ {
		e, err := f.in.element(at, file.end, window)
		if err != nil {
			return err
		}
		if err := f.inside(e); err != nil {
			return err
		}
		switch size := e.end - e.body; {
		case e.id == 0x465c:
			c.Offset, c.Size = e.body, size
		case (e.id == 0x466e || e.id == 0x4660) && size <= maxText:
			b, err := f.in.peek(e.body, int(size), window)
			if err != nil {
				return err
			}
			if e.id == 0x466e {
				name = strings.ToLower(ebmlText(b))
			} else {
				c.MIME = strings.ToLower(ebmlText(b))
			}
		}
		at = e.end
	}
	if rank := coverRank(name, c.MIME); rank > f.rank && c.Size > 0 {
		f.rank, f.cover = rank, &c
	}
	return nil
}

// coverRank tells how likely an attached file is the cover, 0 if it is none.
func coverRank(name, mime string) int {
	switch {
	case mime != "image/jpeg" && mime != "image/png" && mime != "image/webp":
		return 0
	case strings.HasPrefix(name, "cover."):
		return 4
	case strings.HasPrefix(name, "cover"):
		return 3
	case strings.Contains(name, "cover") || strings.Contains(name, "poster") || strings.Contains(name, "folder"):
		return 2
	}
	return 1
}

// mkvTexts is what the tags say: of one part of the file, a song, and of the
// whole, which is an album or a film.
type mkvTexts struct {
	title       string // of the file
	part, whole []mkvText
}

// mkvText is one text with its name as Vorbis comments have it.
type mkvText struct{ name, value string }

// read takes the texts of an element Tags. Those of a single track, chapter or
// attachment are left out.
func (t *mkvTexts) read(b []byte) {
	for id, tag := range ebmlIn(b) {
		if id != 0x7373 {
			continue
		}
		level := uint64(50)
		for id, v := range ebmlIn(tag) {
			switch {
			case id == 0x63c0:
				level = tagLevel(v)
			case id == 0x67c8 && level >= 50 && len(t.whole) < maxComments:
				t.whole = append(t.whole, simpleTag(v))
			case id == 0x67c8 && level > 0 && level < 50 && len(t.part) < maxComments:
				t.part = append(t.part, simpleTag(v))
			}
		}
	}
}

// tagLevel returns what a tag is about: 50 an album or a film, 30 a song, 0
// one track, chapter or attachment.
func tagLevel(b []byte) uint64 {
	level := uint64(50)
	for id, v := range ebmlIn(b) {
		n := ebmlUint(v)
		switch {
		case id == 0x68ca && level > 0:
			level = n
		case n != 0 && (id == 0x63c4 || id == 0x63c5 || id == 0x63c6):
			level = 0
		}
	}
	return level
}

// simpleTag takes a name and its text.
func simpleTag(b []byte) mkvText {
	var t mkvText
	for id, v := range ebmlIn(b) {
		switch id {
		case 0x45a3:
			t.name = strings.ToLower(ebmlText(v))
		case 0x4487:
			t.value = ebmlText(v)
		}
	}
	switch t.name {
	case "date_released", "date_recorded", "year":
		t.name = "date"
	case "part_number", "track":
		t.name = "tracknumber"
	}
	return t
}

// fill enters the texts: those of the part first. Beside a title of the part,
// that of the whole is the name of the album, and whose the whole is that of it.
func (t *mkvTexts) fill(info *Info, all tags) {
	for _, p := range t.part {
		all.set(p.name, p.value)
	}
	song := all.title != ""
	all.set("title", t.title)
	for _, p := range t.whole {
		switch {
		case p.name == "title" && song:
			p.name = "album"
		case p.name == "artist" && song:
			p.name = "albumartist"
		}
		all.set(p.name, p.value)
	}
	all.fill(info)
}
