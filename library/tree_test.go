package library

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe"
)

// plant makes a share's tree of items with these library paths, as a scan does.
func plant(paths ...string) *node {
	share, _, _ := strings.Cut(paths[0], "/")
	root := &node{name: share, path: share}
	for _, path := range paths {
		elements := strings.Split(path, "/")
		n := root
		for _, name := range elements[1 : len(elements)-1] {
			sub, ok := byName(n.subs, name)
			if !ok {
				sub = &node{up: n, name: name, path: n.path + "/" + name}
				i, _ := slices.BinarySearchFunc(n.subs, name, func(e *node, name string) int { return CompareNames(e.name, name) })
				n.subs = slices.Insert(n.subs, i, sub)
			}
			n = sub
		}
		name := path[len(n.path)+1:]
		kind, mime := byExtension(extension(name))
		it := &Item{Path: path, Name: name, Kind: kind, MIME: mime, Size: 10, Available: true, folded: foldKey(name)}
		i, _ := slices.BinarySearchFunc(n.items, name, func(e *Item, name string) int { return CompareNames(e.Name, name) })
		n.items = slices.Insert(n.items, i, it)
	}
	return root
}

func treeOf(paths ...string) *Tree {
	root := &Folder{}
	byShare := map[string][]string{}
	for _, p := range paths {
		share, _, _ := strings.Cut(p, "/")
		byShare[share] = append(byShare[share], p)
	}
	for _, of := range byShare {
		root.Folders = append(root.Folders, plant(of...).folder())
	}
	slices.SortFunc(root.Folders, func(a, b *Folder) int { return CompareNames(a.Name, b.Name) })
	root.count()
	return &Tree{Root: root}
}

func pathsOf(f *Folder) (paths []string) {
	for it := range f.All {
		paths = append(paths, it.Path)
	}
	return paths
}

func TestLookup(t *testing.T) {
	tree := treeOf("F/a.mp4", "F/B.mp4", "F/sub/Track 10.mp3", "F/sub/Track 2.mp3", "F/sub/track 2.mp3", "G/new\nline.mp3", "G/\xff.mp3", "F/Sub/x.mp3")
	for _, path := range []string{"F/a.mp4", "F/B.mp4", "F/sub/Track 10.mp3", "F/sub/Track 2.mp3", "F/sub/track 2.mp3", "G/new\nline.mp3", "G/\xff.mp3", "F/Sub/x.mp3"} {
		if it, f, err := tree.Lookup(path); err != nil || f != nil || it.Path != path {
			t.Errorf("Lookup(%q) = %v, %v, %v", path, it, f, err)
		}
	}
	for _, path := range []string{"", "F", "G", "F/sub", "F/Sub"} {
		if it, f, err := tree.Lookup(path); err != nil || it != nil || f.Path != path {
			t.Errorf("Lookup(%q) = %v, %v, %v", path, it, f, err)
		}
	}
	for _, path := range []string{"/", "F/", "/F", "F//a.mp4", "F/../F", "..", ".", "x", "f", "F/A.mp4", "F/a.mp4/", "F/a.mp4/x", "F/sub/..", "F/\x00"} {
		if it, f, err := tree.Lookup(path); !errors.Is(err, fs.ErrNotExist) || it != nil || f != nil {
			t.Errorf("Lookup(%q) = %v, %v, %v; want fs.ErrNotExist", path, it, f, err)
		}
	}
}

func TestAllIsInOrder(t *testing.T) {
	tree := treeOf("F/b.mp4", "F/A.mp4", "F/sub 10/x.mp3", "F/sub 2/y.mp3", "F/sub 2/deep/z.mp3", "a/q.mp3")
	want := []string{"a/q.mp3", "F/A.mp4", "F/b.mp4", "F/sub 2/y.mp3", "F/sub 2/deep/z.mp3", "F/sub 10/x.mp3"}
	if got := pathsOf(tree.Root); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	n := 0
	for range tree.Root.All {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("All went on to %d items", n)
	}
}

func TestTotals(t *testing.T) {
	tree := treeOf("F/a.mp4", "F/a.srt", "F/s/b.mp3", "F/pictures/c.jpg")
	if got, want := tree.Root.Totals(), (Totals{Items: 2, Unmeasured: 2, Bytes: 20}); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	if _, f, err := tree.Lookup("F/pictures"); err != nil || f.Totals() != (Totals{}) {
		t.Errorf("a folder of pictures: %v, %v", f, err)
	}
}

// What has not changed must be the same in the next tree.
func TestPublishSharesWhatIsUnchanged(t *testing.T) {
	root := plant("F/a/1.mp3", "F/a/deep/2.mp3", "F/b/3.mp3", "F/b/4.mp3")
	before := root.folder()
	if root.folder() != before {
		t.Error("an unchanged tree is made again")
	}
	n, _ := root.find("b")
	changed := *n.items[0]
	changed.Size = 99
	n.replace(&changed)
	after := root.folder()
	if after == before || after.Folders[0] != before.Folders[0] || after.Folders[1] == before.Folders[1] {
		t.Error("not just the changed folders are new")
	}
	if before.Folders[1].Items[0].Size != 10 || after.Folders[1].Items[0].Size != 99 {
		t.Error("the old tree was changed")
	}
	n.drop()
	if got := pathsOf(root.folder()); !slices.Equal(got, []string{"F/a/1.mp3", "F/a/deep/2.mp3"}) {
		t.Errorf("after a folder was dropped: %q", got)
	}
	if len(pathsOf(after)) != 4 {
		t.Error("the tree before was changed")
	}
}

func TestUnion(t *testing.T) {
	a, b := plant("F/x.mp4", "F/sub/1.mp3", "F/only a/q.mp3"), plant("F/x.mp4", "F/y.mp4", "F/sub/2.mp3", "F/only b/q.mp3")
	b.items[0].Size++ // another film
	var differ []string
	u := &union{differ: func(path string) { differ = append(differ, path) }}
	merge := func() *Folder { return u.merge([]*Folder{a.folder(), b.folder()}) }
	first := merge()
	want := []string{"F/x.mp4", "F/y.mp4", "F/only a/q.mp3", "F/only b/q.mp3", "F/sub/1.mp3", "F/sub/2.mp3"}
	if got := pathsOf(first); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if first.Items[0] != a.items[0] {
		t.Error("the first share has no preference")
	}
	if !slices.Equal(differ, []string{"F/x.mp4"}) {
		t.Errorf("told of different contents of %q", differ)
	}
	if merge() != first {
		t.Error("an unchanged union is made again")
	}
	n, _ := b.find("sub")
	changed := *n.items[0]
	n.replace(&changed)
	second := merge()
	if second.Folders[0] != first.Folders[0] || second.Folders[2] == first.Folders[2] {
		t.Error("not just the changed folders are new")
	}
	a.setAvailable(false)
	if it := merge().Items[0]; !it.Available || it != b.items[0] {
		t.Error("an item that is available elsewhere is not taken from there")
	}
}

func TestUnionOfCopies(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1_000_000_000, 0).Add(time.Duration(ms) * time.Millisecond) }
	film := &probe.Info{Container: "mp4"}
	type copied struct {
		size int64
		at   int
		away bool
		info *probe.Info
	}
	for _, row := range []struct {
		name      string
		copies    []copied
		first     int // whose item it is
		united    int // copies
		told      int
		available bool
		info      *probe.Info
	}{
		{"one", []copied{{size: 1}}, 0, 1, 0, true, nil},
		{"equal", []copied{{size: 1}, {size: 1}}, 0, 2, 0, true, nil},
		{"other size", []copied{{size: 1}, {size: 2}}, 0, 1, 0, true, nil},
		{"two seconds apart", []copied{{size: 1, at: 1500}, {size: 1, at: -500}}, 0, 2, -500, true, nil},
		{"the other way round", []copied{{size: 1, at: -500}, {size: 1, at: 1500}}, 0, 2, -500, true, nil},
		{"further apart", []copied{{size: 1, at: 2001}, {size: 1}}, 0, 1, 2001, true, nil},
		{"the first is away", []copied{{size: 1, at: 3, away: true}, {size: 1, at: 5}}, 0, 2, 3, true, nil},
		{"all are away", []copied{{size: 1, away: true}, {size: 2, away: true}, {size: 1, away: true}}, 0, 2, 0, false, nil},
		{"the first of its kind is away", []copied{{size: 1, away: true}, {size: 2}}, 1, 1, 0, true, nil},
		{"its copy is there", []copied{{size: 1, away: true}, {size: 2}, {size: 1}}, 0, 2, 0, true, nil},
		{"the second is measured", []copied{{size: 1}, {size: 1, info: film}}, 0, 2, 0, true, film},
		{"another film is measured", []copied{{size: 1}, {size: 2, info: film}, {size: 1}}, 0, 2, 0, true, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			var same []*Item
			for _, c := range row.copies {
				it := &Item{Path: "F/x", Size: c.size, Modified: at(c.at), Available: !c.away}
				same = append(same, it.WithInfo(c.info))
			}
			got := new(union).unite(same)
			united := 1
			if got.also != nil {
				united = len(got.also.items)
			}
			first := same[row.first]
			if got.Size != first.Size || !got.Modified.Equal(first.Modified) || united != row.united || got.Available != row.available || got.info != row.info.Pack() {
				t.Errorf("%d united: %+v", united, got)
			}
			if !got.told().Equal(at(row.told)) {
				t.Errorf("its time is told as %v, want %v", got.told(), at(row.told))
			}
		})
	}
}

func TestUnionOfFileAndFolder(t *testing.T) {
	a, b := plant("F/x/1.mp3", "F/y.mp3"), plant("F/x", "F/y.mp3/2.mp3")
	b.items[0].Kind = Audio
	got := pathsOf(new(union).merge([]*Folder{a.folder(), b.folder()}))
	if want := []string{"F/x/1.mp3", "F/y.mp3/2.mp3"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSearch(t *testing.T) {
	tree := treeOf("Films/Été/Amélie (2001).mp4", "Films/Été/Amélie (2001).srt", "Films/cafe\u0301.mp4", "Films/café.mp4",
		"Music/Straße/Sigur Rós - Hoppípolla.mp3", "Music/ŁÓDŹ.mp3", "Music/日本 語/ファイル.mp3", "Music/bad\xff.mp3", "Music/ÆØÅ.mp3")
	for _, row := range []struct {
		query Query
		want  int
	}{
		{Query{Text: ""}, 8},
		{Query{Text: "  "}, 8},
		{Query{Text: "AMELIE"}, 1},
		{Query{Text: "ete amelie"}, 1},
		{Query{Text: "amelie ete films 2001"}, 1},
		{Query{Text: "amelie music"}, 0},
		{Query{Text: "café"}, 2},
		{Query{Text: "CAFE"}, 2},
		{Query{Text: "cafe\u0301"}, 2},
		{Query{Text: "strasse ros"}, 1},
		{Query{Text: "straße"}, 1},
		{Query{Text: "lodz"}, 1},
		{Query{Text: "日本"}, 1},
		{Query{Text: "ﾌｧｲﾙ"}, 1},
		{Query{Text: "aeoa"}, 1},
		{Query{Text: "bad\xff"}, 1},
		{Query{Text: "films/ete"}, 1},
		{Query{Text: "amelie", Kind: Subtitle}, 1},
		{Query{Text: "amelie", Kind: Audio}, 0},
		{Query{Text: "", Kind: Audio}, 5},
		{Query{Text: strings.Repeat("é ", 5000)}, 5}, // cut, also within a character
	} {
		found := tree.Search(row.query)
		if found.Total != row.want || len(found.Items) != row.want {
			t.Errorf("%.40q (%s): %d found, %d returned; want %d", row.query.Text, row.query.Kind, found.Total, len(found.Items), row.want)
		}
	}
}

func TestSearchPages(t *testing.T) {
	var paths []string
	for i := range 1500 {
		paths = append(paths, fmt.Sprintf("F/%d.mp3", i))
	}
	tree := treeOf(paths...)
	for _, row := range []struct {
		offset, limit int
		first         string
		count         int
	}{
		{0, 0, "0.mp3", 100}, {0, 5000, "0.mp3", 1000}, {10, 3, "10.mp3", 3}, {1499, 10, "1499.mp3", 1}, {1500, 10, "", 0},
		{-5, -5, "0.mp3", 100}, {1 << 30, 1, "", 0},
	} {
		found := tree.Search(Query{Offset: row.offset, Limit: row.limit})
		if found.Total != 1500 || len(found.Items) != row.count || (row.count > 0 && found.Items[0].Name != row.first) {
			t.Errorf("offset %d, limit %d: total %d, %d items", row.offset, row.limit, found.Total, len(found.Items))
		}
	}
}

func FuzzSearch(f *testing.F) {
	tree := treeOf("Films/Été/Amélie (2001).mp4", "Music/bad\xff.mp3", "Music/cafe\u0301.mp3")
	f.Add("amelie", "Amélie")
	f.Add("\xff", "\u0301")
	f.Fuzz(func(t *testing.T, text, name string) {
		tree.Search(Query{Text: text, Groups: 3})
		if folded := fold(name); len(folded) > 40*len(name)+10 {
			t.Errorf("%q becomes %d bytes", name, len(folded))
		}
		if !validElement(name) || len(name) > 500 || len(strings.Fields(name)) > maxWords {
			return
		}
		it := &Item{Path: "S/" + name, Name: name, Kind: Video, folded: foldKey(name)}
		root := &Folder{Folders: []*Folder{{Path: "S", Name: "S", Items: []*Item{it}}}}
		if n := (&Tree{Root: root}).Search(Query{Text: name}).Total; n != 1 {
			t.Errorf("%q is not found by its own name", name)
		}
	})
}

// bigTree has 100 000 items in 1000 folders, a tenth of them with accents.
func bigTree() (*node, *Tree) {
	const folders, each = 1000, 100
	root := &node{name: "Films", path: "Films"}
	from := &share{Share: Share{Name: "Films"}}
	for i := range folders {
		n := &node{up: root, name: fmt.Sprintf("Director number %d", i)}
		n.path = root.path + "/" + n.name
		for j := range each {
			name := fmt.Sprintf("Film %d of the year %d (Directors Cut).mp4", j, 1900+i%120)
			if j%10 == 0 {
				name = fmt.Sprintf("Été %d à l'école %d.mp4", j, i)
			}
			path := n.path + "/" + name
			n.items = append(n.items, &Item{Path: path, Name: path[len(n.path)+1:], Kind: Video, MIME: "video/mp4", Size: 1 << 30, Available: true, folded: foldKey(name), from: from})
		}
		slices.SortFunc(n.items, func(a, b *Item) int { return CompareNames(a.Name, b.Name) })
		root.subs = append(root.subs, n)
	}
	top := &Folder{Folders: []*Folder{root.folder()}}
	top.count()
	return root, &Tree{Root: top}
}

func BenchmarkSearch100000(b *testing.B) {
	_, tree := bigTree()
	for _, text := range []string{"directors 1999", "ecole ete 77", "nowhere", "film director cut year"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tree.Search(Query{Text: text, Groups: 5})
			}
		})
	}
}

func BenchmarkLookup100000(b *testing.B) {
	_, tree := bigTree()
	var paths []string
	for it := range tree.Root.All {
		paths = append(paths, it.Path)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, _, err := tree.Lookup(paths[i%len(paths)]); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
}

func BenchmarkTreeMemory100000(b *testing.B) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var root *node
	var tree *Tree
	for b.Loop() {
		root, tree = bigTree()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/100_000, "heap-B/item")
	runtime.KeepAlive(root)
	runtime.KeepAlive(tree)
}

func TestLookupDoesNotAllocate(t *testing.T) {
	tree := treeOf("F/a.mp4", "F/sub/deep/Track 10.mp3")
	if n := testing.AllocsPerRun(100, func() { tree.Lookup("F/sub/deep/Track 10.mp3") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Two shares with the same 100 000 films: what it costs beyond the shares.
func BenchmarkUnion100000(b *testing.B) {
	first, _ := bigTree()
	second, _ := bigTree()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var out *union
	for b.Loop() {
		out = new(union)
		out.merge([]*Folder{first.folder(), second.folder()})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/100_000, "heap-B/item")
	runtime.KeepAlive(out)
}
