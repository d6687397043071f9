package library

import (
	"slices"
	"strings"
)

// Sidecar is a subtitle file that lies beside a film.
type Sidecar struct {
	Item     *Item
	Language string // what stands between the film's name and the extension, as "en" in film.en.srt; empty if nothing
	Format   string // extension in lower case: "srt", "ass", "vtt"
}

// Sidecars returns the subtitle files of each film in the folder: those whose
// name begins with the film's, whatever their case, up to the end or a dot.
// Pictures of text (sub, idx, sup) are left out.
func (f *Folder) Sidecars() map[*Item][]Sidecar {
	if !slices.ContainsFunc(f.Items, func(it *Item) bool { return it.Kind == Subtitle }) {
		return nil
	}
	films := make(map[string]*Item)
	for _, it := range f.Items {
		if it.Kind == Video {
			films[strings.ToLower(stem(it.Name))] = it
		}
	}
	all := make(map[*Item][]Sidecar)
	for _, it := range f.Items {
		format := extension(it.Name)
		if it.Kind != Subtitle || format != "srt" && format != "ass" && format != "ssa" && format != "vtt" {
			continue
		}
		if film, language := beside(films, strings.ToLower(stem(it.Name))); film != nil {
			all[film] = append(all[film], Sidecar{Item: it, Language: language, Format: format})
		}
	}
	return all
}

// beside finds the film whose name a subtitle's begins with, the longest
// first, and what is left of it.
func beside(films map[string]*Item, name string) (film *Item, language string) {
	for end := len(name); end > 0; end = strings.LastIndexByte(name[:end], '.') {
		if film := films[name[:end]]; film != nil {
			return film, strings.TrimPrefix(name[end:], ".")
		}
	}
	return nil, ""
}
