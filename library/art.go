package library

import "strings"

// Pictures returns the pictures that lie in the folder as files: for each film
// and song the one of its own name, if there is one, and one for the folder as
// a whole, nil if there is none. Names count whatever their case.
func (f *Folder) Pictures() (own map[*Item]*Item, whole *Item) {
	byStem := make(map[string]*Item)
	for _, it := range f.Items {
		if it.Kind == Image {
			byStem[strings.ToLower(stem(it.Name))] = it
		}
	}
	if len(byStem) == 0 {
		return nil, nil
	}
	own = make(map[*Item]*Item)
	for _, it := range f.Items {
		if !it.Playable() {
			continue
		}
		name := strings.ToLower(stem(it.Name))
		for _, suffix := range []string{"", "-poster", "-thumb", ".cover"} {
			if picture := byStem[name+suffix]; picture != nil {
				own[it] = picture
				break
			}
		}
	}
	for _, name := range []string{"poster", "cover", "folder", "front", "album", "albumart"} { // as other servers have it
		if picture := byStem[name]; picture != nil {
			return own, picture
		}
	}
	return own, nil
}
