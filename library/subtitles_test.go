package library

import (
	"slices"
	"testing"
)

func TestSidecars(t *testing.T) {
	f := new(Folder)
	for _, name := range []string{"Film.mp4", "film.srt", "Film.en.srt", "Film.de.forced.ASS", "Film 2.srt", "Film.vtt", "Film.sub", "Other.srt", "Filmed.srt"} {
		kind, _ := byExtension(extension(name))
		f.Items = append(f.Items, &Item{Name: name, Kind: kind})
	}
	var got []string
	for _, s := range f.Sidecars()[f.Items[0]] {
		got = append(got, s.Item.Name+"|"+s.Language+"|"+s.Format)
	}
	if want := []string{"film.srt||srt", "Film.en.srt|en|srt", "Film.de.forced.ASS|de.forced|ass", "Film.vtt||vtt"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
