// Package probe measures media files: from the index of a file, never from
// its media bytes where that can be avoided, it finds the schedule (how many
// bytes a player must have by which time) and the token bucket that keeps a
// player of the file from ever waiting.
//
// A container format is one entry in the table of containers: a recogniser
// that goes by content, never by name, and a reader. A reader feeds the
// samples that it finds to one algorithm for all of them, in curve.go.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrUnsupported says that no container that Probe knows begins like this.
var ErrUnsupported = errors.New("not a known media container")

// container is one format: whether a file is of it, and what is in the file.
// Neither is called with an empty file.
type container struct {
	name      string
	recognise func(in *input) (bool, error)
	read      func(in *input) (*Info, error)
}

// containers lists the formats, the ones with the weakest marks last.
func containers() []container {
	return []container{
		{"mp4", recogniseMP4, readMP4},
		{"mkv", recogniseMatroska, readMatroska},
		{"webm", recogniseWebM, readMatroska},
		{"flv", recogniseFLV, readFLV},
		{"wav", recogniseWAV, readWAV},
		{"flac", recogniseFLAC, readFLAC},
		{"hls", recogniseHLS, readHLS},
		{"dash", recogniseDASH, readDASH},
		{"aiff", recogniseAIFF, readAIFF},
		{"mjpeg", recogniseMJPEG, readMJPEG},
		{"ogv", recogniseOggFilm, readOgg},
		{"ogg", recogniseOgg, readOgg},
		{"aac", recogniseADTS, readADTS},
		{"ac3", recogniseAC3, readAC3},
		{"eac3", recogniseEAC3, readEAC3},
		{"avi", recogniseAVI, readAVI},
		{"asf", recogniseASF, readASF},
		{"mpg", recognisePS, readPS},
		{"ts", recogniseTS, readTS},
		{"m2ts", recogniseM2TS, readTS},
		{"mp3", recogniseMP3, readMP3},
	}
}

// Probe reads the headers and index of a media file of size bytes and returns
// what it found. It looks at ctx before each read and returns its error; an
// error of r is returned wrapped. ErrUnsupported (wrapped) says that the
// content is of no known container, any other error what is wrong with the
// file and at which byte.
//
// Whatever the file holds, Probe reads a bounded part of it, takes bounded
// memory (2 MB for a film of three hours) and does not panic. It may be called
// concurrently.
func Probe(ctx context.Context, r io.ReaderAt, size int64) (info *Info, err error) {
	name := "media file"
	defer func() {
		if p := recover(); p != nil {
			info, err = nil, fmt.Errorf("%s: reader failed: %v", name, p)
		}
	}()
	in := newInput(ctx, r, size)
	if size <= 0 {
		return nil, fmt.Errorf("the file ends at byte 0: %w", ErrUnsupported)
	}
	for _, c := range containers() {
		known, err := c.recognise(in)
		if err != nil {
			return nil, fmt.Errorf("recognise %s: %w", c.name, err)
		}
		if !known {
			continue
		}
		name = c.name
		info, err := c.read(in)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		info.Container = c.name
		return info, nil
	}
	head, err := in.head(8)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%q at byte 0: %w", head, ErrUnsupported)
}
