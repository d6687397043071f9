package probe

import (
	"cmp"

	"mustserv/ratelimit"
)

// Info is what a probe found out about one media file. It is not changed
// after Probe has returned it.
type Info struct {
	Container   string    `json:"container"`        // "mp4", "mp3", "flac", "wav", "ogg", "ogv", "aac" …
	Duration    float64   `json:"duration"`         // seconds
	Tracks      []Track   `json:"tracks,omitempty"` // audio, video and subtitle tracks, in the file's order
	Title       string    `json:"title,omitempty"`
	Artist      string    `json:"artist,omitempty"`
	Album       string    `json:"album,omitempty"`
	AlbumArtist string    `json:"album_artist,omitempty"` // whose the album is, where that is not the artist
	Year        int       `json:"year,omitempty"`
	Genre       string    `json:"genre,omitempty"`
	Disc        int       `json:"disc,omitempty"`     // of the album, that the song is on
	Number      int       `json:"number,omitempty"`   // of the song on that
	Codecs      string    `json:"codecs,omitempty"`   // RFC 6381, of all audio and video tracks, where the format tells: "avc1.64001f, mp4a.40.2"
	Chapters    []Chapter `json:"chapters,omitempty"` // by rising start
	Cover       *Cover    `json:"cover,omitempty"`    // the front picture, if there is one
	Curve       Curve     `json:"curve"`

	// Parts are the files that the manifest of a stream in segments refers to:
	// patterns (path.Match) relative to the manifest's folder.
	Parts []string `json:"parts,omitempty"`
}

// AlbumBy returns whose the album is; empty if the file does not tell.
func (i *Info) AlbumBy() string { return cmp.Or(i.AlbumArtist, i.Artist) }

// Chapter is a named place in the playing time.
type Chapter struct {
	Start float64 `json:"start"` // seconds
	Title string  `json:"title,omitempty"`
}

// Cover says where in the file a picture lies, so that it need not be kept.
type Cover struct {
	MIME   string `json:"mime"` // "image/jpeg", "image/png"
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"` // bytes
}

// Track is one track of a media file.
type Track struct {
	Kind     string  `json:"kind"`               // "video", "audio", "subtitle"
	Codec    string  `json:"codec"`              // "h264", "hevc", "aac", "mp3", "flac", "pcm" …
	Language string  `json:"language,omitempty"` // ISO 639, empty if not known
	Width    int     `json:"width,omitempty"`    // pixels
	Height   int     `json:"height,omitempty"`
	Frames   float64 `json:"frames,omitempty"` // pictures per second
	Channels int     `json:"channels,omitempty"`
	Hertz    int     `json:"hertz,omitempty"` // audio samples per second
}

// Curve sums up the schedule of a file: how many bytes a player must have by
// which media time. Cover pictures, subtitles, chapters and data are not in it:
// players do not wait for them. Of sound whose frames were not all looked at
// only Average is measured; Exact is false then, Lead is 0, and Peak and Rates
// come from a rule that serves all music.
type Curve struct {
	Average ratelimit.Rate `json:"average"` // of the bytes from the first sample to the last
	Peak    ratelimit.Rate `json:"peak"`    // highest within one second
	Lead    int64          `json:"lead"`    // k0: bytes that must be there before play can start, at the worst start
	Header  int64          `json:"header"`  // bytes before the first sample
	Trailer int64          `json:"trailer"` // bytes after the last sample
	Rates   []BurstRate    `json:"rates"`   // least rates, by rising burst
	Exact   bool           `json:"exact"`   // every sample was known

	// Shape is the mean rate of each of some equal parts of the playing time,
	// for a picture; nil where only the average is known. It is large beside
	// the rest and quickly found again, so nobody keeps it.
	Shape []ratelimit.Rate `json:"-"`

	// Schedule is kept no longer than Shape; empty where only the average is
	// known.
	Schedule Schedule `json:"-"`
}

// Schedule says by which playing time how much of a file must have come, for a
// player that reads it from its first byte on. The playing time is cut into
// cells of Cell seconds; Bytes are due with each, beyond those before.
type Schedule struct {
	Cell  float64 `json:"cell"`
	Bytes []int64 `json:"bytes"`
}

// Due returns the schedule of the file: the one that was found, or else one at
// the average rate, in cells of a second.
func (i *Info) Due() Schedule {
	if len(i.Curve.Schedule.Bytes) > 0 {
		return i.Curve.Schedule
	}
	s := Schedule{Cell: 1, Bytes: make([]int64, int(min(max(0, i.Duration), maxCells)))}
	for k := range s.Bytes {
		s.Bytes[k] = int64(i.Curve.Average.BytesPerSecond())
	}
	if len(s.Bytes) > 0 {
		s.Bytes[0] += i.Curve.Header
	}
	return s
}

// BurstRate is the least rate that never starves a player whose bucket holds
// Burst; the rate falls as the burst grows, and convexly.
type BurstRate struct {
	Burst ratelimit.Size `json:"burst"`
	Rate  ratelimit.Rate `json:"rate"`
}
