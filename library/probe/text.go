package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Limits of the texts of one track.
const (
	maxTexts     = 100_000
	maxTextBytes = 64 << 10 // of one text
	textAhead    = 512      // bytes that are read with the header of one
)

// ErrNoTexts says that a track is not there or holds no texts.
var ErrNoTexts = errors.New("no track of texts")

// Text is one text of a subtitle track.
type Text struct {
	Start, Length float64 // seconds, Start within 1e12 of 0; a Length of 0 is not known
	Data          []byte  // as the codec has it: "srt" and "webvtt" the lines, "ass" and "ssa" the fields of an event, "text" plain UTF-8; valid until yield returns
}

// HasTexts reports whether Texts knows how to read a track of this kind in a
// container.
func (t Track) HasTexts(container string) bool {
	if t.Kind != "subtitle" {
		return false
	}
	switch container {
	case "mp4":
		return t.Codec == "text" || t.Codec == "webvtt"
	case "mkv", "webm":
		return t.Codec == "srt" || t.Codec == "ass" || t.Codec == "ssa" || t.Codec == "webvtt"
	}
	return false
}

// Texts calls yield for the texts of a track, which is counted as in
// Info.Tracks, from 0 on, in the file's order, and as soon as each is read. It
// ends with the error of yield, if that returns one.
//
// Texts lie all over a file. Where its index leads to each of them, little
// else is read; of a Matroska file whose index does not, the headers of all
// blocks are. Up to 96 MiB are read in all; what comes then is left out, with
// an error. Other errors are ErrNoTexts and those of Probe. It may be called
// concurrently.
func Texts(ctx context.Context, r io.ReaderAt, size int64, track int, yield func(Text) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read texts: reader failed: %v", p)
		}
	}()
	in := newInput(ctx, r, size)
	if size <= 0 {
		return fmt.Errorf("the file ends at byte 0: %w", ErrUnsupported)
	}
	for _, c := range []struct {
		recognise func(in *input) (bool, error)
		texts     func(in *input, track int, yield func(Text) error) error
	}{
		{recogniseMP4, textsMP4},
		{recogniseMatroska, textsMatroska},
		{recogniseWebM, textsMatroska},
	} {
		known, err := c.recognise(in)
		if err != nil {
			return fmt.Errorf("read texts: %w", err)
		}
		if known {
			return wrapTexts(c.texts(in, track, yield), track)
		}
	}
	return fmt.Errorf("read texts: %w", ErrUnsupported)
}

func wrapTexts(err error, track int) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read the texts of track %d: %w", track, err)
}
