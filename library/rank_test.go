package library

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
)

// tagged returns an item with a title, an artist and an album.
func tagged(path, title, artist, album string) *Item {
	name := path[strings.LastIndexByte(path, '/')+1:]
	it := &Item{Path: path, Name: name, Kind: Audio, Available: true, folded: foldKey(name)}
	return it.WithInfo(&probe.Info{Container: "mp3", Title: title, Artist: artist, Album: album})
}

func TestSearchBestFirst(t *testing.T) {
	of := func(path string, items ...*Item) *Folder {
		for _, it := range items {
			it.Path = path + "/" + it.Name
		}
		return &Folder{Path: path, Name: path[strings.LastIndexByte(path, '/')+1:], Items: items}
	}
	named := func(name string) *Item { return &Item{Name: name, Kind: Video, Available: true, folded: foldKey(name)} }
	tree := &Tree{Root: &Folder{Folders: []*Folder{
		of("Alien collection", named("extras.mp4")),
		of("Films", named("Cowboys and Aliens.mp4"), named("Inalienable.mp4"), named("The Alien Within.mp4"), named("Aliens.mp4"), named("Alien.mp4"), named("Alien 3.mp4"), named("Été.mp4")),
		of("Music", tagged("1.mp3", "Sea", "Aliénor", "Waves"), tagged("2.mp3", "Road", "Nobody", "My Alien"), tagged("3.mp3", "Love to Alien", "x", "y"), tagged("4.mp3", "Ete", "Nobody", "Sea of Roads")),
	}}}
	for _, row := range []struct{ query, want string }{
		{"alien", "Alien.mp4, Alien 3.mp4, The Alien Within.mp4, 3.mp3, Aliens.mp4, Cowboys and Aliens.mp4, 2.mp3, 1.mp3, Inalienable.mp4, extras.mp4"},
		{"ALIEN 3", "Alien 3.mp4, 3.mp3, 2.mp3, 1.mp3"},
		{"3 alien", "Alien 3.mp4, 3.mp3, 2.mp3, 1.mp3"},
		{"été", "Été.mp4, 4.mp3"},
		{"ete nobody", "4.mp3"},
		{"sea", "1.mp3, 4.mp3"},
		{"road nobody", "2.mp3, 4.mp3"},
		{"road films", ""},
		{"love music", "3.mp3"},
	} {
		t.Run(row.query, func(t *testing.T) {
			found := tree.Search(Query{Text: row.query})
			var got []string
			for _, it := range found.Items {
				got = append(got, it.Name)
			}
			if strings.Join(got, ", ") != row.want || found.Total != len(got) {
				t.Errorf("%d found: %s\nwant %s", found.Total, strings.Join(got, ", "), row.want)
			}
		})
	}
	all := tree.Search(Query{Text: "alien"}).Items
	var paged []*Item
	for offset := range len(all) + 1 {
		paged = append(paged, tree.Search(Query{Text: "alien", Offset: offset, Limit: 1}).Items...)
	}
	if !slices.Equal(all, paged) {
		t.Error("asked for one by one the results come in another order")
	}
}

// Artists, albums and folders are found by their names.
func TestSearchGroups(t *testing.T) {
	of := func(path string, folders []*Folder, items ...*Item) *Folder {
		f := &Folder{Path: path, Name: path[strings.LastIndexByte(path, '/')+1:], Folders: folders, Items: items}
		f.count()
		return f
	}
	song := func(artist, album string) *Item { return tagged("Music/song.mp3", "A song", artist, album) }
	film := &Item{Path: "Films/Sea/a.mp4", Name: "a.mp4", Kind: Video}
	note := &Item{Path: "Films/Seaside/a.jpg", Name: "a.jpg", Kind: Image}
	tree := &Tree{Root: of("", []*Folder{
		of("Films", []*Folder{of("Films/Sea", nil, film), of("Films/Seaside", nil, note)}),
		of("Music", []*Folder{
			of("Music/Zoë Marin", []*Folder{of("Music/Zoë Marin/La mer", nil, song("Zoë Marin", "La mer"), song("ZOË MARIN", "la mer"))}),
			of("Music/mixed", nil, song("The Seals", "Deep Sea"), song("Zoë Marin", "Overseas"), song("The Seals", "Deep Sea"), song("", "Undersea")),
		}),
	})}
	for _, row := range []struct {
		query Query
		want  string
	}{
		{Query{Text: "zoe"}, "artist Zoë Marin"},
		{Query{Text: "marin zoe"}, "artist Zoë Marin"},
		{Query{Text: "la MER"}, "album La mer of Zoë Marin"},
		{Query{Text: "mer zoe"}, "album La mer of Zoë Marin"},
		{Query{Text: "sea"}, "folder Films/Sea, album Deep Sea of The Seals, artist The Seals, album Overseas of Zoë Marin, album Undersea of "},
		{Query{Text: "sea", Kind: Audio}, "album Deep Sea of The Seals, artist The Seals, album Overseas of Zoë Marin, album Undersea of "},
		{Query{Text: "sea", Kind: Video}, ""},
		{Query{Text: "sea films"}, "folder Films/Sea"},
		{Query{Text: "song"}, ""},
		{Query{Text: ""}, ""},
		{Query{Text: "music"}, "folder Music"},
	} {
		t.Run(row.query.Text, func(t *testing.T) {
			row.query.Groups = 10
			var got []string
			for _, g := range tree.Search(row.query).Groups {
				switch {
				case g.Folder != nil:
					got = append(got, "folder "+g.Folder.Path)
				case g.Album != "":
					got = append(got, "album "+g.Album+" of "+g.Artist)
				default:
					got = append(got, "artist "+g.Artist)
				}
			}
			if strings.Join(got, ", ") != row.want {
				t.Errorf("found: %s\nwant   %s", strings.Join(got, ", "), row.want)
			}
			row.query.Groups = 1
			if best := tree.Search(row.query).Groups; len(best) != min(1, len(got)) {
				t.Errorf("%d groups, want one at most", len(best))
			}
		})
	}
}

func TestLatinFoldsAsAllElse(t *testing.T) {
	for i := range len(latin) {
		r := latinFirst + rune(i)
		got := string(appendParts(nil, string(r), r))
		if want := latin[i : i+1]; want != "?" && got != want || want == "?" && len(got) == 1 {
			t.Errorf("%c is %q by the rules, and %q by the table", r, got, want)
		}
	}
}

// BenchmarkSearchTagged100000 looks through songs with titles, artists and
// albums, a third of them with accents.
func BenchmarkSearchTagged100000(b *testing.B) {
	root := &Folder{}
	for i := range 8000 {
		f := &Folder{Path: fmt.Sprintf("Artist %d/Some album %d", i/5, i), Name: fmt.Sprintf("Some album %d", i)}
		for j := range 12 + i%2 {
			title := fmt.Sprintf("A song of some length %d", j)
			if j%3 == 0 {
				title = fmt.Sprintf("Un été de l'école où %d", j)
			}
			f.Items = append(f.Items, tagged(fmt.Sprintf("%s/%02d - %s.mp3", f.Path, j, title), title, fmt.Sprintf("Zoë %d", i/5), f.Name))
		}
		root.Folders = append(root.Folders, f)
	}
	tree := &Tree{Root: root}
	for _, text := range []string{"song", "ecole zoe 77", "nowhere", "some song length zoe"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tree.Search(Query{Text: text, Groups: 5})
			}
		})
	}
}
