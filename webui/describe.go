package webui

import (
	"encoding/json"
	"strconv"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
)

// Facts is what the API, and probe -json, tell of a media file wherever it
// lies. What is not known is left out.
type Facts struct {
	Name        string     `json:"name"`
	Kind        string     `json:"kind"`
	MIME        string     `json:"mime"`
	Size        int64      `json:"size"`               // bytes
	Modified    *time.Time `json:"modified,omitempty"` // UTC
	Duration    float64    `json:"duration,omitempty"` // seconds
	Container   string     `json:"container,omitempty"`
	Tracks      []Track    `json:"tracks,omitempty"`
	Bitrate     *Bitrate   `json:"bitrate,omitempty"` // of films and music
	Title       string     `json:"title,omitempty"`   // found in the file
	Artist      string     `json:"artist,omitempty"`
	Album       string     `json:"album,omitempty"`
	AlbumArtist string     `json:"album_artist,omitempty"` // where that is not the artist
	Year        int        `json:"year,omitempty"`
	Genre       string     `json:"genre,omitempty"`
	Disc        int        `json:"disc,omitempty"`   // of its album
	Number      int        `json:"number,omitempty"` // on that
	Codecs      string     `json:"codecs,omitempty"` // RFC 6381
	Chapters    []Chapter  `json:"chapters,omitempty"`
	Cover       bool       `json:"cover,omitempty"`   // there is a picture in the file
	Problem     string     `json:"problem,omitempty"` // why it is not measured, in words
}

// Chapter is a named place in the playing time.
type Chapter struct {
	Start float64 `json:"start"` // seconds
	Title string  `json:"title,omitempty"`
}

// Track is one track of a media file.
type Track struct {
	Kind     string  `json:"kind"`
	Codec    string  `json:"codec,omitempty"`
	Language string  `json:"language,omitempty"`
	Width    int     `json:"width,omitempty"` // pixels
	Height   int     `json:"height,omitempty"`
	Frames   float64 `json:"frame_rate,omitempty"` // pictures per second
	Channels int     `json:"channels,omitempty"`
	Hertz    int     `json:"hertz,omitempty"` // audio samples per second
}

// Bitrate is the token bucket that a file gets, with what was measured if it
// was. Rates are in bits per second, Burst in bytes.
type Bitrate struct {
	Average int64 `json:"average,omitempty"`
	Peak    int64 `json:"peak,omitempty"`
	Rate    int64 `json:"rate"`
	Burst   int64 `json:"burst"`
	Exact   bool  `json:"exact"` // every sample was known
}

// FactsOf describes an item that gets a bucket of rate, in bits per second,
// and burst, in bytes.
func FactsOf(it *library.Item, rate, burst int64) Facts {
	f := Facts{
		Name: it.Name, Kind: string(it.Kind), MIME: it.MIME, Size: it.Size,
		Modified: known(it.Modified), Problem: it.Problem,
	}
	if it.Playable() {
		f.Bitrate = &Bitrate{Rate: rate, Burst: burst}
	}
	if info := it.Info(); info != nil {
		f.measured(info)
	}
	return f
}

func (f *Facts) measured(i *probe.Info) {
	f.Duration, f.Container = finite(i.Duration), i.Container
	f.Title, f.Artist, f.Album, f.Year = i.Title, i.Artist, i.Album, i.Year
	f.AlbumArtist, f.Disc = i.AlbumArtist, i.Disc
	f.Genre, f.Number, f.Codecs, f.Cover = i.Genre, i.Number, i.Codecs, i.Cover != nil
	for _, c := range i.Chapters {
		f.Chapters = append(f.Chapters, Chapter{Start: finite(c.Start), Title: c.Title})
	}
	for _, t := range i.Tracks {
		f.Tracks = append(f.Tracks, Track{
			Kind: t.Kind, Codec: t.Codec, Language: t.Language,
			Width: t.Width, Height: t.Height, Frames: finite(t.Frames), Channels: t.Channels, Hertz: t.Hertz,
		})
	}
	if f.Bitrate != nil {
		f.Bitrate.Average, f.Bitrate.Peak, f.Bitrate.Exact = int64(i.Curve.Average), int64(i.Curve.Peak), i.Curve.Exact
	}
}

// itemJSON is an item in the API. JSON holds only valid text, so of a path
// with other bytes only the addresses say all.
type itemJSON struct {
	Path string `json:"path"`
	Facts
	Node      string          `json:"node,omitempty"`     // id of the node that it is of, if that is another one
	Measured  json.RawMessage `json:"measured,omitempty"` // for other nodes: all that was found out, as the index has it
	Available bool            `json:"available"`
	Subtitles []subtitleJSON  `json:"subtitles,omitempty"` // files beside it
	URLs      urlsJSON        `json:"urls"`
	Curve     *curveJSON      `json:"curve,omitempty"` // only where it is asked for
}

// curveJSON says how many bytes more must have come by each cell of the playing
// time, of Cell seconds, for a player that reads the file from its begin.
type curveJSON struct {
	Cell  float64 `json:"cell"`
	Bytes []int64 `json:"bytes"`
}

// subtitleJSON is a subtitle file beside a film, or a track within it.
type subtitleJSON struct {
	Name     string `json:"name,omitempty"` // of the file
	Language string `json:"language,omitempty"`
	Format   string `json:"format"`
	Media    string `json:"media,omitempty"` // its address
	Track    *int   `json:"track,omitempty"` // which of the film's tracks, from 0 on
	VTT      string `json:"vtt"`             // its address as WebVTT
}

// folderJSON is a folder in the API, without what it holds.
type folderJSON struct {
	Path    string   `json:"path"`
	Name    string   `json:"name"`
	Node    string   `json:"node,omitempty"` // id of the node that it is of, if that is another one
	Version string   `json:"version"`        // another one when anything in it or below is
	URLs    urlsJSON `json:"urls"`
}

// urlsJSON holds absolute addresses.
type urlsJSON struct {
	Media string `json:"media"`
	Page  string `json:"page"`
	M3U   string `json:"m3u"`
	Art   string `json:"art,omitempty"`
}

func (h *Handler) describeItem(origin string, it *library.Item, beside company) itemJSON {
	var rate, burst int64
	if it.Playable() {
		rate, burst = h.Need(it)
	}
	answer := itemJSON{Path: it.Path, Node: string(it.Origin), Facts: FactsOf(it, rate, burst), Available: it.Available, URLs: urlsJSON{
		Media: origin + mediaURL(it.Path), Page: origin + watchURL(it.Path), M3U: origin + playlistURL(it.Path, "m3u"),
	}}
	answer.Subtitles = describeSubtitles(origin, it, beside.subtitles[it])
	if _, ok := beside.art(it); ok {
		answer.URLs.Art = origin + artURL(it.Path)
	}
	return answer
}

// describeSubtitles lists the subtitle files beside a film, and the tracks of
// texts within.
func describeSubtitles(origin string, it *library.Item, sidecars []library.Sidecar) []subtitleJSON {
	var all []subtitleJSON
	for _, s := range sidecars {
		all = append(all, subtitleJSON{Name: s.Item.Name, Language: s.Language, Format: s.Format, Media: origin + mediaURL(s.Item.Path), VTT: origin + subtitlesURL(s.Item.Path)})
	}
	for n, t := range textTracks(it) {
		all = append(all, subtitleJSON{Language: t.Language, Format: t.Codec, Track: &n, VTT: origin + trackURL(it.Path, n)})
	}
	return all
}

func describeFolder(origin string, f *library.Folder) folderJSON {
	return folderJSON{
		f.Path, f.Name, string(f.Origin), version(f),
		urlsJSON{Media: origin + listingURL(f.Path), Page: origin + browseURL(f.Path), M3U: origin + playlistURL(f.Path, "m3u")},
	}
}

// groupJSON is an artist, an album or a folder that a search has found.
type groupJSON struct {
	Kind   string `json:"kind"` // artist, album, folder
	Name   string `json:"name"`
	Artist string `json:"artist,omitempty"` // of an album, if he is known
	Path   string `json:"path,omitempty"`   // of a folder
	Page   string `json:"page"`             // absolute address
}

func describeGroup(origin string, g library.Group) groupJSON {
	switch {
	case g.Folder != nil:
		return groupJSON{Kind: "folder", Name: g.Folder.Name, Path: g.Folder.Path, Page: origin + browseURL(g.Folder.Path)}
	case g.Album != "":
		return groupJSON{Kind: "album", Name: g.Album, Artist: g.Artist, Page: origin + musicURL(g.Artist, g.Album)}
	}
	return groupJSON{Kind: "artist", Name: g.Artist, Page: origin + musicURL(g.Artist, "")}
}

func version(f *library.Folder) string { return strconv.FormatUint(f.Version(), 36) }
