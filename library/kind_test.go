package library

import (
	"testing"

	"mustserv/library/probe"
)

func TestExtension(t *testing.T) {
	for name, want := range map[string]string{
		"a.mp4": "mp4", "A.MP3": "mp3", "a.b.flac": "flac", "x.dvr-ms": "dvr-ms", "x.m4v": "m4v",
		"no-extension": "", ".hidden": "", "Mr. Bean": "", "trailing.": "", "": "", "a.verylong": "", "a.b c": "", "bad.\xff": "",
	} {
		if got := extension(name); got != want {
			t.Errorf("extension(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestKindByName(t *testing.T) {
	for name, want := range map[string]struct {
		kind    Kind
		mime    string
		examine bool
	}{
		"a.mp4":  {Video, "video/mp4", true},
		"a.mkv":  {Video, "video/x-matroska", true},
		"a.AVI":  {Video, "video/x-msvideo", true},
		"a.ts":   {Video, "video/mp2t", true},
		"a.mp3":  {Audio, "audio/mpeg", true},
		"a.opus": {Audio, "audio/ogg", true},
		"a.flac": {Audio, "audio/flac", true},
		"a.m4b":  {Audio, "audio/mp4", true},
		"a.m4s":  {Segment, "video/iso.segment", false},
		"a.mpd":  {Video, "application/dash+xml", true},
		"a.m3u8": {Playlist, "audio/x-mpegurl", true},
		"a.srt":  {Subtitle, "application/x-subrip", false},
		"a.jpg":  {Image, "image/jpeg", false},
		"a.html": {"", "", false},
		"a.svg":  {"", "", false},
		"film":   {"", "", true},
	} {
		kind, mime := byExtension(extension(name))
		if examine := examinable(kind, name); kind != want.kind || mime != want.mime || examine != want.examine {
			t.Errorf("%s is %q, %q, to be examined: %v; want %v", name, kind, mime, examine, want)
		}
	}
}

func TestKindByContent(t *testing.T) {
	film := []probe.Track{{Kind: "video"}, {Kind: "audio"}}
	sound := []probe.Track{{Kind: "audio"}}
	for _, row := range []struct {
		name, container string
		tracks          []probe.Track
		kind            Kind
		mime            string
	}{
		{"a.mp4", "mp4", film, Video, "video/mp4"},
		{"a.mp4", "mp4", sound, Audio, "audio/mp4"},
		{"a.mp4", "mp4", nil, Video, "video/mp4"},
		{"a.m4a", "mp4", film, Audio, "audio/mp4"}, // pictures of chapters
		{"a.mov", "mp4", film, Video, "video/quicktime"},
		{"a.3gp", "mp4", film, Video, "video/3gpp"},
		{"a.mp3", "mp4", film, Video, "video/mp4"},
		{"a.mp3", "mp4", sound, Audio, "audio/mp4"},
		{"a.mkv", "mp4", film, Video, "video/mp4"},
		{"a.mp4", "mp3", sound, Audio, "audio/mpeg"},
		{"a.mp2", "mp3", sound, Audio, "audio/mpeg"},
		{"a.wav", "flac", sound, Audio, "audio/flac"},
		{"none", "wav", sound, Audio, "audio/wav"},
		{"none", "mp4", film, Video, "video/mp4"},
		{"a.webm", "mkv", film, Video, "video/webm"},
		{"a.ogg", "ogg", sound, Audio, "audio/ogg"},
		{"a.opus", "ogg", sound, Audio, "audio/ogg"},
		{"a.ogg", "ogv", film, Video, "video/ogg"},
		{"a.ogm", "ogv", film, Video, "video/ogg"},
		{"a.ogv", "ogg", sound, Audio, "audio/ogg"},
		{"none", "aac", sound, Audio, "audio/aac"},
		{"a.ac3", "eac3", sound, Audio, "audio/eac3"},
		{"a.aif", "aiff", sound, Audio, "audio/aiff"},
		{"a.mjpg", "mjpeg", film, Video, "video/x-motion-jpeg"},
	} {
		kind, mime := byContent(row.name, &probe.Info{Container: row.container, Tracks: row.tracks})
		if kind != row.kind || mime != row.mime {
			t.Errorf("%s with %s is %s %s, want %s %s", row.name, row.container, kind, mime, row.kind, row.mime)
		}
	}
}

func TestTitle(t *testing.T) {
	for name, want := range map[string]string{
		"A film.mp4": "A film", "b.tar.mp3": "b.tar", "film": "film", "Mr. Bean": "Mr. Bean", "x.MKV": "x", ".mp3": ".mp3",
	} {
		if got := (&Item{Name: name}).Title(); got != want {
			t.Errorf("the title of %q is %q, want %q", name, got, want)
		}
	}
	if got := (&Item{Name: "a.mp3"}).WithInfo(&probe.Info{Title: "Song"}).Title(); got != "Song" {
		t.Errorf("the title in the file is not used: %q", got)
	}
}
