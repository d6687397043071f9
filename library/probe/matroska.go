package probe

import (
	"bytes"
	"cmp"
	"slices"
)

// Limits of Matroska files.
const (
	maxElements = 1 << 16 // at the top, but for clusters
	maxMaster   = 8 << 20 // bytes of tracks, cues, tags or chapters
	maxSeeks    = 64      // places that the file tells of itself
)

// wholeMatroska is how much media are read block by block, which is nearly all
// bytes: as much as about a hundred seeks cost, or half a minute of a film. Of
// files that short too few points are known otherwise.
const wholeMatroska = 4 << 20

// Ids of elements.
const (
	mkvEBML        = 0x1a45dfa3
	mkvSegment     = 0x18538067
	mkvSeekHead    = 0x114d9b74
	mkvInfo        = 0x1549a966
	mkvTracks      = 0x1654ae6b
	mkvTags        = 0x1254c367
	mkvChapters    = 0x1043a770
	mkvAttachments = 0x1941a469
	mkvCues        = 0x1c53bb6b
	mkvCluster     = 0x1f43b675
	mkvVoid        = 0xec
	mkvTimestamp   = 0xe7
	mkvSimpleBlock = 0xa3
	mkvBlockGroup  = 0xa0
	mkvBlock       = 0xa1
	mkvBlockLength = 0x9b
)

// mkvName names the elements at the top, and "" others.
func mkvName(id uint32) string {
	switch id {
	case mkvEBML:
		return "EBML"
	case mkvSegment:
		return "Segment"
	case mkvSeekHead:
		return "SeekHead"
	case mkvInfo:
		return "Info"
	case mkvTracks:
		return "Tracks"
	case mkvTags:
		return "Tags"
	case mkvChapters:
		return "Chapters"
	case mkvAttachments:
		return "Attachments"
	case mkvCues:
		return "Cues"
	case mkvCluster:
		return "Cluster"
	}
	return ""
}

// mkvFile is a Matroska or WebM file that is being read.
type mkvFile struct {
	in    *input
	whole int64 // so many bytes of media are read block by block
	ahead int   // bytes to read where more blocks follow

	segment, end int64 // content of the segment, inside the file
	cut          bool  // the file ends or becomes unreadable amid its media
	resumed      int   // times that it was taken up again
	first        int64 // the first cluster, 0: there is none
	past         int64 // the first known element after the media, 0: none
	seeks        []int64
	read         []int64 // elements that were read

	scale    float64 // seconds of a tick
	duration float64 // in ticks
	tracks   []*mkvTrack
	cues     []mkvCue
	lead     int64 // longest picture at the begin of a cluster
	tags     mkvTexts
	chapters []Chapter
	cover    *Cover
	rank     int // of the cover

	wantTexts bool         // Texts reads it
	texts     *mkvTrack    // of this track
	textCues  []mkvTextCue // of all subtitle tracks
}

// mkvTrack is one track.
type mkvTrack struct {
	Track
	number uint64
	config []byte  // of the codec
	frame  float64 // seconds of a picture or a block of sound, 0: not told
	blocks int     // that were met
	before float64 // time of the last block

	packing mkvPacking
	named   bool // each text has a name and settings in front

	pending []mkvBlockAt // pictures whose order is not known yet
	ordered bool
	ahead   int       // pictures that are decoded before the one that is shown
	shown   []float64 // their times, rising
}

// counts reports whether players wait for the track.
func (t *mkvTrack) counts() bool { return t.Kind == "video" || t.Kind == "audio" }

// recogniseMatroska knows files of any type but WebM, recogniseWebM the others.
func recogniseMatroska(in *input) (bool, error) {
	known, web, err := ebmlType(in)
	return known && !web, err
}

func recogniseWebM(in *input) (bool, error) {
	known, web, err := ebmlType(in)
	return known && web, err
}

// ebmlType reports whether the file begins with an EBML header, and whether
// that is one of WebM.
func ebmlType(in *input) (known, web bool, err error) {
	b, err := in.head(256)
	if err != nil || !bytes.HasPrefix(b, []byte{0x1a, 0x45, 0xdf, 0xa3}) {
		return false, false, err
	}
	size, n := ebmlNumber(b[4:])
	b = b[4+n:]
	for id, body := range ebmlIn(b[:min(uint64(len(b)), size)]) {
		if id == 0x4282 {
			web = ebmlText(body) == "webm"
		}
	}
	return true, web, nil
}

// readMatroska reads what the file tells of itself, and of its media the
// headers of all blocks if there are few, else the times that the cues and the
// headers of clusters tell.
func readMatroska(in *input) (*Info, error) { return readMatroskaWhole(in, wholeMatroska) }

func readMatroskaWhole(in *input, whole int64) (*Info, error) {
	f := &mkvFile{in: in, whole: whole, ahead: blockAhead, scale: 1e-3}
	if err := f.header(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(f.tracks, (*mkvTrack).counts) {
		return nil, flawf("no audio or video tracks up to the end, byte %d", in.size)
	}
	if err := f.follow(); err != nil {
		return nil, err
	}
	sum, seconds, err := f.measure()
	if err != nil {
		return nil, err
	}
	info := &Info{Duration: seconds, Curve: sum}
	var names []string
	for _, t := range f.tracks {
		if t.counts() {
			names = append(names, configString(t.Codec, t.config))
		}
		if t.counts() || t.Kind == "subtitle" {
			info.Tracks = append(info.Tracks, t.Track)
		}
	}
	info.Codecs = joinConfigs(names)
	f.tags.fill(info, tags{chapters: f.chapters, cover: f.cover})
	return info, nil
}

// header goes over the elements before the first cluster.
func (f *mkvFile) header() error {
	top, err := f.in.element(0, f.in.size, 0)
	if err != nil {
		return err
	}
	if top.end > f.in.size || top.open {
		return flawf("%v: its end %s (%d bytes)", top, errPastIt, f.in.size)
	}
	segment, err := f.in.element(top.end, f.in.size, window)
	for n := 0; err == nil && segment.id != mkvSegment && !segment.open && n < maxSeeks; n++ {
		segment, err = f.in.element(segment.end, f.in.size, window) // some headers tell too short a length
	}
	if err != nil {
		return err
	}
	if segment.id != mkvSegment {
		return flawf("%v, where the Segment should be", segment)
	}
	f.cut = segment.end > f.in.size
	f.segment, f.end = segment.body, min(segment.end, f.in.size)
	at := f.segment
	for n := 0; at < f.end; n++ {
		e, err := f.in.element(at, f.end, window)
		if err == nil && n > maxElements {
			err = flawf("more than %d elements before byte %d", maxElements, at)
		}
		if err == nil && e.id != mkvCluster {
			err = f.inside(e)
		}
		if err != nil {
			return err
		}
		if e.id == mkvCluster {
			f.first = at
			return nil
		}
		if err := f.take(e); err != nil {
			return err
		}
		at = e.end
	}
	return flawf("no Cluster up to the end, byte %d", f.in.size)
}

// inside refuses an element that is longer than the file or does not tell its
// length.
func (f *mkvFile) inside(e ebmlElement) error {
	switch {
	case e.open:
		return flawf("%v does not tell its length", e)
	case e.end > f.end:
		return flawf("%v: length %d %s (%d bytes)", e, e.end-e.body, errPastIt, f.in.size)
	}
	return nil
}

// take reads an element at the top, if it is one of interest. It is inside the
// file.
func (f *mkvFile) take(e ebmlElement) error {
	if slices.Contains(f.read, e.at) || mkvName(e.id) == "" {
		return nil
	}
	f.read = append(f.read, e.at)
	switch e.id {
	case mkvAttachments:
		return f.attachments(e)
	case mkvSeekHead, mkvInfo, mkvTracks, mkvTags, mkvChapters, mkvCues:
	default:
		return nil
	}
	if e.end-e.body > maxMaster {
		if e.id == mkvTracks || e.id == mkvInfo {
			return flawf("%v: %d bytes are too many, the limit is %d", e, e.end-e.body, maxMaster)
		}
		return nil
	}
	if e.id == mkvCues {
		return f.readCues(e)
	}
	b, err := f.in.load(e.body, e.end-e.body)
	if err != nil {
		return err
	}
	switch e.id {
	case mkvSeekHead:
		f.seekHead(b)
	case mkvInfo:
		return wrapFlaw(f.info(b), "%v", e)
	case mkvTracks:
		f.readTracks(b)
	case mkvTags:
		f.tags.read(b)
	case mkvChapters:
		f.readChapters(b)
	}
	return nil
}

// seekHead takes the places where other elements are said to be.
func (f *mkvFile) seekHead(b []byte) {
	for id, seek := range ebmlIn(b) {
		if id != 0x4dbb {
			continue
		}
		for id, v := range ebmlIn(seek) {
			if at := ebmlUint(v); id == 0x53ac && at < uint64(f.end-f.segment) && len(f.seeks) < maxSeeks {
				f.seeks = append(f.seeks, f.segment+int64(at))
			}
		}
	}
}

// follow reads the elements behind the media that the file tells of. What is
// not there, or is not in order, is left out.
func (f *mkvFile) follow() error {
	for i := 0; i < len(f.seeks); i++ { // one may tell of more
		at := f.seeks[i]
		if at <= f.first || slices.Contains(f.read, at) {
			continue
		}
		e, err := f.in.element(at, f.end, window)
		if err == nil {
			err = f.inside(e)
		}
		if err == nil && e.id != mkvCluster && mkvName(e.id) != "" {
			if f.past == 0 || at < f.past {
				f.past = at
			}
			err = f.take(e)
		}
		if err != nil && !isFlaw(err) {
			return err
		}
	}
	slices.SortFunc(f.cues, func(a, b mkvCue) int { return cmp.Compare(a.offset, b.offset) })
	return nil
}

// track returns the track with a number, nil if there is none.
func (f *mkvFile) track(number uint64) *mkvTrack {
	for _, t := range f.tracks {
		if t.number == number {
			return t
		}
	}
	return nil
}
