package webui

import (
	"path"
	"slices"
	"strings"

	"mustserv/library"
	"mustserv/library/probe"
)

// row is one folder or item in a list, as it is shown.
type row struct {
	Icon         string  // name of the static file
	Kind         saying  // the icon in a word
	Name         string  // any bytes
	Tag          string  // what tells files of one name apart
	About        saying  // below the name; any bytes, nil for nothing
	Note         saying  // what is wrong with it; nil for nothing
	URL          string  // empty if it leads nowhere
	Duration     float64 // seconds; 0 if not known
	Size         int64   // bytes
	Rate         int64   // bit/s; 0 for folders
	Measured     bool
	Unmeasurable bool // it was tried
	Away         bool // cannot be played now
	Song         bool
}

func (h *Handler) itemRow(it *library.Item) row {
	rate, _ := h.Need(it)
	info := it.Info()
	r := row{
		Kind: say("film"), Name: it.Title(), About: verbatim(about(it, info)), Unmeasurable: it.Problem != "",
		Tag: strings.ToLower(strings.TrimPrefix(path.Ext(it.Name), ".")),
		URL: watchURL(it.Path), Size: it.Size, Rate: rate, Measured: info != nil, Away: !it.Available,
	}
	r.Icon = "video.svg"
	if it.Kind == library.Audio {
		r.Icon, r.Kind, r.Song = "audio.svg", say("song"), true
	}
	if info != nil {
		r.Duration = info.Duration
	}
	if r.Away {
		r.Note = say("does not answer")
	}
	return r
}

// about says what a title found in the file leaves open: whose it is, and
// which file.
func about(it *library.Item, info *probe.Info) string {
	if info == nil || info.Title == "" {
		return ""
	}
	parts := []string{info.Artist, info.Album, it.Name}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func folderRow(f *library.Folder) row {
	return row{
		Icon: "folder.svg", Kind: say("folder"), Name: f.Name, URL: browseURL(f.Path),
		About: contents(f), Size: f.Totals().Bytes,
	}
}

// contents says what a folder and those below it hold.
func contents(f *library.Folder) saying {
	files := counted(f.Totals().Items, "file", "files")
	if n := len(f.Folders); n > 0 {
		return commas(counted(n, "folder", "folders"), files)
	}
	return files
}

// playable returns the films and music in a folder; the pages show nothing else.
func playable(f *library.Folder) []*library.Item {
	beside := func(it *library.Item) bool { return !it.Playable() }
	if !slices.ContainsFunc(f.Items, beside) {
		return f.Items // a big folder is mostly like that
	}
	return slices.DeleteFunc(slices.Clone(f.Items), beside)
}
