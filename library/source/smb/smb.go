// Package smb reads a share from a Windows or Samba file server, over SMB 2 or
// 3 and without a mount.
//
// A share has one connection, made when it is first used and again whenever
// it has broken; files that are open go on reading over the new one. The
// server decides about signing and encryption. What it does not answer within
// ten seconds is source.ErrUnavailable.
//
// Symbolic links that Samba follows by itself look like what they lead to, and
// stay within the server's share. A folder that holds itself in this way is
// listed once. Links that the client would have to follow (Windows' reparse
// points) are left out: they may lead anywhere.
package smb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/cloudsoda/go-smb2"

	"mustserv/library/source"
)

const (
	listStep   = 1024    // entries taken from a listing at a time
	maxEntries = 1 << 20 // of one folder: beyond, the server is not believed
)

type share struct {
	link *link
	root string // folder in the server's share, "." is all of it
	ids  folderIDs
}

var _ source.Source = (*share)(nil)

// Open returns the source of a folder of a file server, its place written
// smb://host[:port]/share[/folder]. The user may be "DOMAIN\user" or
// "DOMAIN;user"; none is a guest. Open does not connect: a server that is away
// is found out, and found again, by the calls.
func Open(place string, a source.Access) (source.Source, error) {
	at, err := parse(place)
	if err != nil {
		return nil, fmt.Errorf("open SMB share: %w: %w", fs.ErrInvalid, err)
	}
	return &share{link: newLink(at, a), root: at.root}, nil
}

// place is where a source lies.
type place struct {
	host, port  string
	share, root string
}

// String is the place as its URL, readable rather than encoded.
func (p place) String() string {
	host := p.host
	if p.port != "445" {
		host = net.JoinHostPort(p.host, p.port)
	}
	return "smb://" + host + "/" + path.Join(p.share, p.root)
}

// parse reads the URL of a place. Its errors don't repeat the URL: a password
// may have been put in it.
func parse(text string) (place, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "smb" || u.Hostname() == "":
		return place{}, errors.New("not of the form smb://server/share/folder")
	case u.User != nil:
		return place{}, errors.New("user and password don't belong in the server's URL here")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return place{}, errors.New("a # in a folder's name is written %23 in its URL; ? can't be in one")
	}
	p := place{host: u.Hostname(), port: u.Port()}
	if p.port == "" {
		p.port = "445"
	}
	p.share, p.root, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	if p.root == "" {
		p.root = "."
	}
	if p.share == "" || p.share == "." || !valid(p.share) || !valid(p.root) {
		return place{}, errors.New("not of the form smb://server/share/folder, or a name that no share or folder can have")
	}
	return p, nil
}

func (s *share) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	return in(ctx, s, "stat", name, func(on *session, remote string) (fs.FileInfo, error) {
		return look(on.share, remote)
	}, nil)
}

func (s *share) List(ctx context.Context, name string) ([]fs.FileInfo, error) {
	return in(ctx, s, "list", name, func(on *session, remote string) ([]fs.FileInfo, error) {
		return s.list(on.share, name, remote)
	}, nil)
}

func (s *share) Open(ctx context.Context, name string) (source.File, error) {
	open := func(on *session, remote string) (*handle, error) { return openFile(on, remote) }
	h, err := in(ctx, s, "open", name, open, func(h *handle) { h.file.Close() })
	if err != nil {
		return nil, err
	}
	return newFile(ctx, s.link, h), nil
}

func (s *share) Close() error {
	s.link.release()
	return nil
}

// in does something with the file or folder called name, and says in its
// error what was tried. What drop closes is the result of who waits no more.
func in[T any](ctx context.Context, s *share, op, name string, do func(*session, string) (T, error), drop func(T)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if !valid(name) {
		return none, fmt.Errorf("%s %q: %w: a name that is not possible over SMB", op, name, fs.ErrInvalid)
	}
	v, err := call(ctx, s.link, func(on *session) (T, error) { return do(on, remote(s.root, name)) }, drop)
	if err != nil && ctx.Err() != nil {
		return none, ctx.Err()
	}
	if err != nil {
		return none, fmt.Errorf("%s %q in %v: %w", op, name, s.link.at, err)
	}
	return v, nil
}

// look describes what is called name. What the server does not follow by
// itself, but still calls a reparse point when it is followed, is one that
// only stores its bytes in an unusual way.
func look(on *smb2.Share, name string) (fs.FileInfo, error) {
	got, err := on.Lstat(name)
	if err == nil && isReparse(got) {
		if got, err = on.Stat(name); err == nil && !isReparse(got) {
			return nil, fmt.Errorf("%w: a link", fs.ErrNotExist)
		}
	}
	if err != nil {
		return nil, err
	}
	return describe(got), nil
}

func (s *share) list(on *smb2.Share, name, remote string) ([]fs.FileInfo, error) {
	above, err := s.ids.trail(on, s.root, name)
	if err != nil {
		return nil, err
	}
	dir, err := openHere(on, remote)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if got, err := dir.Stat(); err != nil || !got.IsDir() {
		return nil, cmp.Or(err, fmt.Errorf("%w: not a folder", fs.ErrInvalid))
	}
	var infos []fs.FileInfo
	for len(infos) < maxEntries {
		entries, err := dir.Readdir(listStep)
		for _, entry := range entries {
			if !isLink(entry) && !(entry.IsDir() && above[idOf(entry)]) {
				infos = append(infos, describe(entry))
				s.ids.note(path.Join(name, entry.Name()), entry)
			}
		}
		if err == io.EOF {
			return infos, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("more than %d entries", maxEntries)
}

// openHere opens what is called name, and refuses what a link led to.
func openHere(on *smb2.Share, name string) (*smb2.File, error) {
	f, err := on.Open(name)
	if err == nil && f.Name() != name {
		f.Close()
		return nil, fmt.Errorf("%w: behind a link", fs.ErrNotExist)
	}
	return f, err
}
