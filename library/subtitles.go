package library

import "strings"

// Sidecar is a subtitle file that lies beside a film.
type Sidecar struct {
	Item     *Item
	Language string // what stands between the film's name and the extension, as "en" in film.en.srt; empty if nothing
	Format   string // extension in lower case: "srt", "ass", "vtt"
}

// Sidecars returns the subtitle files that belong to an item of the folder:
// those whose names begin with its own, whatever their case. Pictures of text
// (sub, idx, sup) are left out.
func (f *Folder) Sidecars(it *Item) []Sidecar {
	var all []Sidecar
	name := strings.ToLower(stem(it.Name))
	for _, s := range f.Items {
		format := extension(s.Name)
		if s.Kind != Subtitle || format != "srt" && format != "ass" && format != "ssa" && format != "vtt" {
			continue
		}
		rest, ok := strings.CutPrefix(strings.ToLower(stem(s.Name)), name)
		if language, dotted := strings.CutPrefix(rest, "."); ok && (dotted || rest == "") {
			all = append(all, Sidecar{Item: s, Language: language, Format: format})
		}
	}
	return all
}
