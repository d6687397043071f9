package library

import "testing"

func TestPictures(t *testing.T) {
	item := func(name string, kind Kind) *Item { return &Item{Name: name, Path: "s/" + name, Kind: kind} }
	f := &Folder{Items: []*Item{
		item("A.mp4", Video), item("b.mkv", Video), item("c.mp3", Audio), item("d.mp4", Video),
		item("a.JPG", Image), item("B-poster.png", Image), item("Folder.jpg", Image), item("Cover.jpg", Image), item("d.srt", Subtitle),
	}}
	own, whole := f.Pictures()
	for name, want := range map[string]string{"A.mp4": "a.JPG", "b.mkv": "B-poster.png", "c.mp3": "", "d.mp4": ""} {
		it, _ := byLabel(f.Items, name)
		got := ""
		if own[it] != nil {
			got = own[it].Name
		}
		if got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
	if whole == nil || whole.Name != "Cover.jpg" {
		t.Errorf("the folder has %v, want Cover.jpg", whole)
	}
	if own, whole := (&Folder{Items: []*Item{item("a.mp4", Video)}}).Pictures(); len(own) != 0 || whole != nil {
		t.Errorf("without pictures there are %v %v", own, whole)
	}
}

func byLabel(items []*Item, name string) (*Item, bool) {
	for _, it := range items {
		if it.Name == name {
			return it, true
		}
	}
	return nil, false
}
