package library

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/source"
)

// Kind says what an item is for.
type Kind string

// The kinds of items. Playlists of a share's own, subtitles, pictures and the
// segments of streams cut for HLS or DASH are items too, so that players that
// walk a folder or follow a manifest find them; films and music are Video and
// Audio.
const (
	Video    Kind = "video"
	Audio    Kind = "audio"
	Image    Kind = "image"
	Subtitle Kind = "subtitle"
	Playlist Kind = "playlist"
	Segment  Kind = "segment"
)

// Item is one media file in the library. It is immutable: a change of the
// file or a new measurement makes a new Item in a new Tree.
type Item struct {
	Path      string        // in the library, slash-separated, beginning with the share's name; its identity
	Name      string        // last element of Path, as the file system has it
	Kind      Kind          // by the name's extension, or by the content where that says otherwise
	MIME      string        // what Content-Type says
	Size      int64         // bytes
	Modified  time.Time     // when the file system says that it was last written
	Problem   string        // why it is not measured, in words for a person; empty while it is still to be measured
	Origin    source.Origin // the node that it is of, if that is another one alone
	Stream    *Item         // of a Segment, the manifest that it is played by, if that is known
	Available bool          // false while its share does not answer

	// Only its share reads and writes these, under its lock.
	examined bool // the content was looked at, or needs no look
	retry    bool // what was found may be different next time: the file could not be read
	wanted   bool // it waits to be examined, or is being so

	info   probe.Packed // empty if it is not measured (yet)
	folded string       // foldKey of Name
	from   *share
	also   *copies // nil if no other share has it
}

// Examine measures the item's file anew and returns the item with all that was
// found, also what is not kept: the shape of its bit rate. It does not wait
// for a share that is away. Errors are those of Open and of probe.Probe.
func (it *Item) Examine(ctx context.Context) (*Item, error) {
	file, err := it.OpenNow(ctx)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("examine %q: %w", it.Path, err)
	}
	info, err := it.from.probe(ctx, file, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("examine %q: %w", it.Path, err)
	}
	return it.WithInfo(info), nil
}

// Info returns what was measured; nil if it is not (yet). It is made anew by
// each call, in a microsecond: there may be very many items, and they keep it
// packed.
func (it *Item) Info() *probe.Info { return it.info.Info() }

// WithInfo returns a copy of the item with what was measured; nil for nothing.
func (it *Item) WithInfo(info *probe.Info) *Item {
	c := *it
	c.info = info.Pack()
	return &c
}

// measured reports whether there is an Info.
func (it *Item) measured() bool { return it.info != "" }

// Playable reports whether the item is a film or music.
func (it *Item) Playable() bool { return it.Kind == Video || it.Kind == Audio }

// Title returns the title found in the file, else its name without extension.
func (it *Item) Title() string {
	if title := it.info.Title(); title != "" {
		return title
	}
	return stem(it.Name)
}

// Head returns what the item's file tells of itself, up to the number on an
// album: a part of Info that is found in no time. It is empty where there is no
// Info.
func (it *Item) Head() probe.Info { return it.info.Head() }

// below returns the item's name within its share.
func (it *Item) below() string { return it.Path[len(it.from.Name)+1:] }

// is reports whether a file is in the state that the item was made of.
func (it *Item) is(info fs.FileInfo) bool {
	return it.Size == info.Size() && it.Modified.Equal(info.ModTime())
}

// same reports whether other is the same state of the same file.
func (it *Item) same(other *Item) bool {
	return it.Size == other.Size && it.Modified.Equal(other.Modified)
}

// state says which content the item stands for.
func (it *Item) state() state { return stateAt(it.Size, it.Modified) }

// told is the time that is told of the item, the same whatever the order of
// the shares and whether they answer.
func (it *Item) told() time.Time {
	if it.also != nil {
		return it.also.earliest
	}
	return it.Modified
}

// ModTime is the time that an open file of the item tells, too.
func (it *Item) ModTime() time.Time { return evenSecond(it.told()) }

// evenSecond returns a time in the steps that all file systems keep.
func evenSecond(t time.Time) time.Time { return time.Unix(t.Unix()&^1, 0) }

// key is the item's place in the index.
func (it *Item) key() index.Key {
	return index.Key{Share: it.from.Place, Path: it.below(), Size: it.Size, Modified: it.Modified.UnixNano()}
}

// unmeasured reports whether the item has still to be measured.
func (it *Item) unmeasured() bool { return it.Playable() && !it.measured() && it.Problem == "" }

// with returns a copy of the item with what was found out about it.
func (it *Item) with(e index.Entry) *Item {
	c := it.WithInfo(e.Info)
	c.examined, c.retry, c.wanted = true, false, false
	c.Problem = e.Problem
	switch {
	case e.Info != nil:
		c.Kind, c.MIME = byContent(c.Name, e.Info)
	case e.Kind == string(Playlist):
		c.Kind, c.MIME = Playlist, manifestMIME(Playlist)
	}
	return c
}

// label orders items by name.
func (it *Item) label() string { return it.Name }

// stem returns name without the extension of a media file.
func stem(name string) string {
	if ext := extension(name); ext != "" {
		if kind, _ := byExtension(ext); kind != "" {
			return name[:len(name)-len(ext)-1]
		}
	}
	return name
}
