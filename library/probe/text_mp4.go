package probe

import (
	"bytes"
	"encoding/binary"
	"math"
)

// mp4Sample is where a text of the track that is read lies.
type mp4Sample struct {
	start, length float64
	at, size      int64
}

// textsMP4 reads the texts that the index lists, and those of all fragments.
func textsMP4(in *input, track int, yield func(Text) error) error {
	f := &mp4File{in: in, guess: 16}
	for at, n := int64(0), 0; in.size-at >= 8; n++ {
		b, err := f.box(at, in.size, f.guess)
		if isFlaw(err) && f.texts != nil { // a recording that was cut off
			return nil
		}
		if err == nil && n > maxBoxes {
			err = flawf("more than %d boxes", maxBoxes)
		}
		if err != nil {
			return err
		}
		switch {
		case b.kind() == "moov" && f.texts == nil:
			err = f.textMovie(b, track, yield)
		case b.kind() == "moof" && f.texts != nil:
			if err = f.fragment(b); err == nil {
				err = f.yieldTexts(yield)
			}
		}
		if err != nil || f.texts != nil && !f.fragmented {
			return err
		}
		at = b.end
	}
	if f.texts == nil {
		return flawf("no box \"moov\" up to the end, byte %d", in.size)
	}
	return nil
}

// textMovie chooses the track, and yields the texts that the index lists.
func (f *mp4File) textMovie(b mp4Box, track int, yield func(Text) error) error {
	if err := f.readIndex(b); err != nil {
		return err
	}
	for _, t := range f.tracks {
		if t.Kind == "" {
			continue
		}
		if track == 0 {
			f.texts = t
		}
		track--
		if t != f.texts {
			t.Kind = "" // nobody asks for its samples
		}
	}
	if f.texts == nil || !f.texts.HasTexts("mp4") || f.texts.timescale <= 0 {
		return ErrNoTexts
	}
	return f.listTexts(yield)
}

// listTexts yields the texts that the tables of the track list.
func (f *mp4File) listTexts(yield func(Text) error) error {
	t, s := f.texts, &f.samples
	if err := s.open(f.in, t); err != nil {
		return err
	}
	for done := int64(0); done < min(s.sizes.count, maxTexts); {
		at, n, err := s.chunks.next()
		if err != nil || n < 0 {
			return err
		}
		for range min(n, s.sizes.count-done, maxTexts-done) {
			begin, size := s.times.now, s.sizes.next()
			length := s.times.advance(1)
			if err := s.failed(); err != nil {
				return err
			}
			if err := f.yieldText(mp4Sample{t.seconds(begin) + t.shift, t.seconds(length), at, size}, yield); err != nil {
				return err
			}
			at, done = at+size, done+1
		}
	}
	return nil
}

// found notes a sample of a fragment.
func (f *mp4File) found(t *mp4Track, length, at, size int64) {
	if t == f.texts && len(f.textSamples) < maxTexts {
		f.textSamples = append(f.textSamples, mp4Sample{t.seconds(t.next) + t.shift, t.seconds(length), at, size})
	}
}

// yieldTexts yields the texts of a fragment.
func (f *mp4File) yieldTexts(yield func(Text) error) error {
	for _, s := range f.textSamples {
		if err := f.yieldText(s, yield); err != nil {
			return err
		}
	}
	f.textSamples = f.textSamples[:0]
	return nil
}

// yieldText reads a sample and yields the texts in it. An empty one is a
// pause.
func (f *mp4File) yieldText(s mp4Sample, yield func(Text) error) error {
	if s.size < 2 || s.size > maxTextBytes || s.at < 0 || s.at > f.in.size-s.size || !(math.Abs(s.start) < maxTime) {
		return nil
	}
	b, err := f.in.peek(s.at, int(s.size), textAhead)
	if err != nil {
		return err
	}
	if f.texts.Codec != "webvtt" {
		return yieldData(s, timedText(b), yield)
	}
	for kind, cue := range boxesIn(b) {
		if kind != "vttc" {
			continue
		}
		for kind, text := range boxesIn(cue) {
			if kind == "payl" {
				if err := yieldData(s, text, yield); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func yieldData(s mp4Sample, data []byte, yield func(Text) error) error {
	if len(data) == 0 {
		return nil
	}
	return yield(Text{s.start, s.length, data})
}

// timedText returns the text of a sample of 3GPP Timed Text or QuickTime: its
// length in two bytes in front. How it looks, which may follow, is left out.
func timedText(b []byte) []byte {
	n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
	b = b[2 : 2+n]
	if bytes.HasPrefix(b, []byte{0xfe, 0xff}) || bytes.HasPrefix(b, []byte{0xff, 0xfe}) {
		return []byte(id3Text(append([]byte{1}, b...)))
	}
	return []byte(oldText(b))
}
