package webui

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"mustserv/library"
	"mustserv/library/probe"
)

type watchPage struct {
	Name, Artist   string // any bytes
	Path, Album    string // so are these
	Type, Codecs   string // MIME type with the codecs (RFC 6381), as browsers are asked, and these alone
	Crumbs         []crumb
	Audio          bool
	Media, MIME    string // what the player plays
	Poster         string // empty if there is none
	Tracks         []track
	Hint           saying // why a browser may not play it; nil if it may
	Notice         saying // nil for none
	Facts          []fact
	Rates          []bar
	Chart          string // picture of the bit rate; empty if there is none
	Burst          int64
	Exact          bool
	Problem        string // why it is not measured
	Links          []link // absolute, to copy
	M3U, Download  string
	QR             string // address of the picture that leads a telephone here
	Measured       bool
	Chapters       []Chapter
	Previous, Next *link
	At             float64 // seconds, where the user stopped
	Resume         string  // where to tell that; empty if the browser keeps it
	Songs          string  // where the dock finds it; empty if it is none
}

type fact struct {
	Name, Value saying
	URL         string // where there is more of it; mostly empty
}

// bar is a rate beside others, for a picture of them.
type bar struct {
	Name    saying
	Rate    int64
	Percent int // of the highest
	Ours    bool
}

// watch shows an item, with a player.
func (h *Handler) watch(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	switch {
	case err != nil:
		return err
	case at.folder != nil:
		return redirect(w, browseURL(at.path))
	case at.slash:
		return fs.ErrNotExist
	}
	return h.render(w, r, http.StatusOK, "watch", verbatim(at.item.Title()), h.watchPage(r, at.item))
}

func (h *Handler) watchPage(r *http.Request, it *library.Item) watchPage {
	p := watchPage{
		Name: it.Title(), Path: it.Path, Type: it.MIME, Crumbs: crumbs(it.Path), Audio: it.Kind == library.Audio,
		Media: mediaURL(it.Path), MIME: it.MIME, Hint: hint(it.MIME), Problem: capital(it.Problem),
		Facts: facts(it), QR: "/qr?to=" + url.QueryEscape(watchURL(it.Path)), M3U: playlistURL(it.Path, "m3u"), Download: mediaURL(it.Path) + "?download",
		Links: slices.Concat([]link{{say("File"), origin(r) + h.Sign(r, it) + mediaURL(it.Path)}}, playlists(origin(r), it.Path)),
	}
	if !it.Available {
		p.Notice = say("The share of this file does not answer. It cannot be played until that is back.")
	}
	if info := it.Info(); info != nil {
		p.Measured, p.Artist, p.Album, p.Exact = true, info.Artist, info.Album, info.Curve.Exact
		p.Codecs, p.Type = info.Codecs, typeOf(it.MIME, info.Codecs)
		for _, c := range info.Chapters {
			p.Chapters = append(p.Chapters, Chapter{c.Start, c.Title})
		}
		p.Chart = "/chart/" + library.EscapePath(it.Path)
	}
	beside := h.companyOf(it)
	p.Tracks = beside.tracksOf(it)
	if _, ok := beside.art(it); ok {
		p.Poster = artURL(it.Path)
	}
	p.Rates, p.Burst = h.rates(it)
	p.Previous, p.Next = h.neighbours(it)
	p.At, p.Resume = h.stopped(r, it)
	if p.Audio {
		p.Songs = songsURL(it.Path)
	}
	return p
}

// rates compares what the item needs with what it takes on average and at most.
func (h *Handler) rates(it *library.Item) ([]bar, int64) {
	need, burst := h.Need(it)
	bars := []bar{{say("Paced at"), need, 0, true}}
	if info := it.Info(); info != nil {
		c := info.Curve
		bars = []bar{{say("Average"), int64(c.Average), 0, false}, bars[0], {say("Peak, over 1 s"), int64(c.Peak), 0, false}}
	}
	bars = slices.DeleteFunc(bars, func(b bar) bool { return b.Rate <= 0 })
	highest := int64(1)
	for _, b := range bars {
		highest = max(highest, b.Rate)
	}
	for i := range bars {
		bars[i].Percent = int(max(1, float64(bars[i].Rate)/float64(highest)*100))
	}
	return bars, burst
}

// neighbours returns the items beside it in its folder, nil at the ends.
func (h *Handler) neighbours(it *library.Item) (previous, next *link) {
	_, folder, err := h.lookup(parent(it.Path))
	if err != nil || folder == nil {
		return nil, nil
	}
	items := playable(folder)
	i := slices.IndexFunc(items, func(other *library.Item) bool { return other.Path == it.Path })
	if i > 0 {
		previous = linkTo(items[i-1])
	}
	if i >= 0 && i < len(items)-1 {
		next = linkTo(items[i+1])
	}
	return previous, next
}

func linkTo(it *library.Item) *link { return &link{verbatim(it.Title()), watchURL(it.Path)} }

// facts lists what is known of an item.
func facts(it *library.Item) []fact {
	all := []fact{{Name: say("File"), Value: verbatim(it.Name)}}
	add := func(name, value saying) {
		if value != nil && value != verbatim("") {
			all = append(all, fact{Name: name, Value: value})
		}
	}
	if info := it.Info(); info != nil {
		all = append(all, creditsOf(it, info)...)
		if info.Year != 0 {
			add(say("Year"), verbatim(strconv.Itoa(info.Year)))
		}
		add(say("Genre"), verbatim(info.Genre))
		if info.Disc != 0 {
			add(say("Disc"), verbatim(strconv.Itoa(info.Disc)))
		}
		if info.Number != 0 {
			add(say("Number"), verbatim(strconv.Itoa(info.Number)))
		}
		add(say("Duration"), verbatim(clock(info.Duration)))
		add(say("Picture"), picture(info))
		add(say("Container"), verbatim(info.Container))
		add(say("Tracks"), verbatim(tracks(info)))
		add(say("Codecs"), verbatim(info.Codecs))
	}
	add(say("Size"), sized(it.Size))
	add(say("Type"), verbatim(it.MIME))
	if !it.Modified.IsZero() {
		add(say("Changed"), dated(it.Modified))
	}
	return all
}

// creditsOf says of an item whose it is. A song leads to its album, and to all
// of whose that is.
func creditsOf(it *library.Item, info *probe.Info) []fact {
	of := info.AlbumBy()
	all := []fact{
		{say("Artist"), verbatim(info.Artist), musicURL(of, "")},
		{say("Album"), verbatim(info.Album), musicURL(of, info.Album)},
		{say("Album artist"), verbatim(info.AlbumArtist), musicURL(of, "")},
	}
	if info.AlbumArtist != "" {
		all[0].URL = "" // with one song among those of others
	}
	if it.Kind != library.Audio {
		all[0].URL, all[1].URL, all[2].URL = "", "", ""
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == verbatim("") })
}

// picture returns the resolution of the largest video track; nil if there is
// none.
func picture(info *probe.Info) saying {
	width, height, frames := 0, 0, 0.0
	for _, t := range info.Tracks {
		if t.Width*t.Height > width*height {
			width, height, frames = t.Width, t.Height, t.Frames
		}
	}
	if width == 0 {
		return nil
	}
	if frames > 0 {
		return say("%d × %d, %s pictures per second", width, height, decimal(frames))
	}
	return verbatim(fmt.Sprintf("%d × %d", width, height))
}

// tracks lists the codecs: "h264, aac (en), aac (fr)".
func tracks(info *probe.Info) string {
	var all []string
	for _, t := range info.Tracks {
		s := t.Codec
		if s == "" {
			s = t.Kind
		}
		if t.Language != "" && t.Language != "und" {
			s += " (" + t.Language + ")"
		}
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

// hint says which types hardly any browser plays, so that nobody waits for a
// player that stays black.
func hint(mime string) saying {
	switch mime {
	case "video/x-msvideo", "video/avi", "video/x-ms-wmv", "video/x-ms-asf", "video/x-flv", "video/mp2t", "video/mpeg",
		"video/vnd.dlna.mpeg-tts", "audio/x-ms-wma", "audio/aiff", "audio/x-aiff", "audio/ac3", "audio/vnd.dolby.dd-raw",
		"audio/x-ape", "audio/x-wavpack", "application/dash+xml", "application/vnd.rn-realmedia":
		return say("Most browsers cannot play this type of file by themselves.")
	}
	return nil
}
