package library

import (
	"bytes"
	"strings"
)

// Group is an artist, an album or a folder that a search finds by its name.
type Group struct {
	Artist string  // as the files tell it, any bytes; of an album: whose it is, empty if they don't tell
	Album  string  // empty for an artist
	Folder *Folder // nil for both; never the root
}

// name is what the group is called.
func (g Group) name() string {
	switch {
	case g.Folder != nil:
		return g.Folder.Name
	case g.Album != "":
		return g.Album
	}
	return g.Artist
}

// What a word costs in the name of a group, and what kind of group comes first
// among those that it costs as much in.
const (
	nameWhole = iota
	nameBegin
	nameInside // or beside it: in the artist of an album, in a folder above

	dearestName = nameInside
)

const (
	ofArtist = iota
	ofAlbum
	ofFolder
	groupKinds
)

// groups collects those that a search finds, each once.
type groups struct {
	words [][]byte
	whole []byte // all words
	most  int
	best  results[Group]
	seen  map[Group]bool // with names in small letters: files disagree
}

func newGroups(words [][]byte, whole []byte, most int) *groups {
	best := newResults[Group](most, (len(words)*dearestName+1)*places*groupKinds)
	return &groups{words, whole, most, best, make(map[Group]bool)}
}

// add adds a group that has all words in its name, or in what is beside that
// but for one of them at least. Both are folded.
func (g *groups) add(group Group, kind int, name, beside []byte) {
	sum, own := 0, false
	for _, w := range g.words {
		c := cost(name, w, [...]int{nameWhole, nameBegin, nameInside})
		own = own || c != noMatch
		if c == noMatch && bytes.Contains(beside, w) {
			c = nameInside
		}
		if c == noMatch {
			return
		}
		sum += c
	}
	place := elsewhere
	if bytes.Equal(name, g.whole) {
		place = isTitle
	} else if bytes.HasPrefix(name, g.words[0]) {
		place = beginsTitle
	}
	at := (sum*places+place)*groupKinds + kind
	if !own || !g.best.has(at) {
		return
	}
	if key := (Group{strings.ToLower(group.Artist), strings.ToLower(group.Album), group.Folder}); !g.seen[key] {
		g.seen[key] = true
		g.best.add(group, at)
	}
}

// page returns the best groups. A folder that is called like an artist or an
// album among them is most likely theirs, and left out.
func (g *groups) page() (groups []Group) {
	called := make(map[string]bool)
	for group := range g.seen {
		if group.Folder == nil {
			called[fold(group.name())] = true
		}
	}
	for _, group := range g.best.page(0, len(g.seen)) {
		if len(groups) < g.most && (group.Folder == nil || !called[fold(group.name())]) {
			groups = append(groups, group)
		}
	}
	return groups
}
