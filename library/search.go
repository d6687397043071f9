package library

import (
	"bytes"
	"math"
	"strings"
	"unicode"
)

// Limits of a search.
const (
	maxQuery     = 1000 // bytes that are looked at
	maxWords     = 16
	maxResults   = 1000
	maxGroups    = 100
	usualResults = 100
)

// Query is what Search looks for.
type Query struct {
	Text   string // words, all of which must be in the item's names, whatever their case and accents; of at most 1000 bytes and 16 words
	Kind   Kind   // only this kind; empty for films and music
	Offset int    // skip so many results
	Limit  int    // return at most so many, up to 1000; 0 is 100
	Groups int    // and at most so many artists, albums and folders, up to 100
}

// Found is what Search has found.
type Found struct {
	Total  int     // items that match
	Items  []*Item // the asked part of them
	Groups []Group // artists and albums of music, and folders; best first
}

// Search returns how many items match, the asked part of them, and the groups
// that have the words in their names.
//
// For an item, each word must be in the title, the file's name, the artist, the
// album, its artist, or the name of a folder above. Best come first: whole words
// before their begins before other parts of words, and titles before artists and
// albums before folders; those that match alike are in the tree's order.
//
// For a group, one word at least must be in its own name, and all others there,
// in the album's artist or in a folder above. There are none without a word, and
// only those that hold what is asked for.
func (t *Tree) Search(q Query) Found {
	s := search{kind: q.Kind}
	for _, w := range wordsOf(q.Text) {
		s.words = append(s.words, []byte(w))
	}
	s.whole = bytes.Join(s.words, []byte(" "))
	offset, limit := min(max(q.Offset, 0), math.MaxInt32-maxResults), min(q.Limit, maxResults)
	if limit <= 0 {
		limit = usualResults
	}
	s.results = newResults[*Item](offset+limit, (len(s.words)*dearest+1)*places)
	if q.Groups > 0 && len(s.words) > 0 {
		s.groups = newGroups(s.words, s.whole, min(q.Groups, maxGroups))
	}
	s.folder(t.Root, make([]int, len(s.words)))
	found := Found{Total: s.results.total, Items: s.results.page(offset, limit)}
	if s.groups != nil {
		found.Groups = s.groups.page()
	}
	return found
}

// wordsOf returns the words that a text asks for.
func wordsOf(text string) []string {
	folded := fold(text[:min(len(text), maxQuery)])
	words := strings.FieldsFunc(folded, func(r rune) bool { return r == '/' || unicode.IsSpace(r) })
	return words[:min(len(words), maxWords)]
}

// search goes through the tree once. It copies each text folded before it
// looks for the words in it.
type search struct {
	words   [][]byte
	whole   []byte // all words
	kind    Kind
	results results[*Item]
	groups  *groups // nil if nobody wants them

	path          []byte // folded path of the folder, with a slash behind
	text          []byte // folded title and name of the item, a line each
	title, name   []byte // in it
	artist, album credit
	albumArtist   credit // empty where that is the artist
	credited      []int  // what each word costs in these
	last          Group  // that was looked at
}

// credit is an artist or album, which neighbours often share, and what each
// word costs in it.
type credit struct {
	raw    string
	folded []byte
	costs  []int
}

// set tells whether it is another one now.
func (c *credit) set(raw string, words [][]byte) bool {
	if raw == c.raw && c.costs != nil {
		return false
	}
	c.raw, c.folded, c.costs = raw, appendFolded(c.folded[:0], raw), c.costs[:0]
	for _, w := range words {
		c.costs = append(c.costs, cost(c.folded, w, [...]int{creditWhole, creditBegin, creditInside}))
	}
	return true
}

// folder looks through a folder. The costs are those of the words in its path.
func (s *search) folder(f *Folder, costs []int) {
	before := len(s.path)
	if f.Path != "" {
		s.path = append(appendFolded(s.path, f.Name), '/')
		if s.groups != nil && s.kind == "" && f.totals.Items > 0 {
			s.groups.add(Group{Folder: f}, ofFolder, s.path[before:len(s.path)-1], s.path[:before])
		}
	}
	for i, w := range s.words {
		costs[i] = cost(s.path, w, [...]int{folderWhole, folderBegin, folderInside})
	}
	for _, it := range f.Items {
		if s.wants(it) {
			s.item(it, costs)
		}
	}
	below := make([]int, len(costs))
	for _, sub := range f.Folders {
		s.folder(sub, below)
	}
	s.path = s.path[:before]
}

func (s *search) wants(it *Item) bool {
	if s.kind == "" {
		return it.Playable()
	}
	return it.Kind == s.kind
}

// item adds an item if it matches.
func (s *search) item(it *Item, costs []int) {
	s.fold(it)
	if s.groups != nil && it.Kind == Audio {
		s.credits()
	}
	sum := 0
	for i, w := range s.words {
		best := min(costs[i], s.credited[i])
		if bytes.Contains(s.text, w) {
			title := [...]int{titleWhole, titleBegin, titleInside}
			best = min(best, cost(s.title, w, title), cost(s.name, w, title))
		}
		if best == noMatch {
			return
		}
		sum += best
	}
	s.results.add(it, sum*places+s.place(it))
}

// credits adds the album of an item, and whose it is, if they match.
func (s *search) credits() {
	of := &s.artist
	if s.albumArtist.raw != "" {
		of = &s.albumArtist
	}
	artist, album := Group{Artist: of.raw}, Group{Artist: of.raw, Album: s.album.raw}
	if album == s.last {
		return
	}
	s.last = album
	if artist.Artist != "" {
		s.groups.add(artist, ofArtist, of.folded, nil)
	}
	if album.Album != "" {
		s.groups.add(album, ofAlbum, s.album.folded, of.folded)
	}
}

// fold takes the texts of an item.
func (s *search) fold(it *Item) {
	title, artist, album, albumArtist := it.info.Names()
	s.text = append(appendFolded(s.text[:0], title), '\n')
	end := len(s.text)
	if it.folded != "" {
		s.text = append(s.text, it.folded...)
	} else {
		s.text = appendFolded(s.text, it.Name)
	}
	s.title, s.name = s.text[:end-1], s.text[end:]
	a, b, c := s.artist.set(artist, s.words), s.album.set(album, s.words), s.albumArtist.set(albumArtist, s.words)
	if !a && !b && !c {
		return
	}
	s.credited = s.credited[:0]
	for i := range s.words {
		s.credited = append(s.credited, min(s.artist.costs[i], s.album.costs[i], s.albumArtist.costs[i]))
	}
}

// Places of the words in a title, best first.
const (
	isTitle = iota
	beginsTitle
	elsewhere
	places
)

// place says where in the title the words stand that an item matches.
func (s *search) place(it *Item) int {
	title := s.title
	if len(title) == 0 {
		title = s.name
	}
	switch {
	case len(s.words) == 0 || !bytes.HasPrefix(title, s.words[0]):
		return elsewhere
	case len(title) == len(s.whole) || len(s.title) == 0 && len(title)-len(s.whole) == len(it.Name)-len(stem(it.Name)):
		if bytes.HasPrefix(title, s.whole) {
			return isTitle
		}
	}
	return beginsTitle
}
