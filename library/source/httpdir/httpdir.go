// Package httpdir reads a share from a web server: WebDAV, or the listings of
// folders that Apache, nginx, lighttpd, Caddy, Python's http.server and others
// make.
//
// Which of these a server speaks is found out at the first call. What it
// answers is data from outside: it is bounded, and no link in it leads out of
// the folder it is in. Times are to the second, as HTTP has them. Redirects
// are followed within the server only.
//
// Of the ways to log in, Basic is spoken. Digest is not: it takes MD5 and a
// second request, and TLS does better what it was made for.
package httpdir

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"mustserv/library/source"
)

// maxElement is how many bytes long an element of a name may be: more than
// any file system has, less than any server objects to.
const maxElement = 1024

// site is one web server's folder.
type site struct {
	*client
	node   *node        // what the server is if it is a MuStServ
	spoken chan dialect // holds the dialect that was found, nil before; whoever takes it puts one back
}

// dialect is how a server is asked for folders.
type dialect interface {
	// stat describes a file or folder.
	stat(ctx context.Context, name string) (*info, error)
	// list returns what is in a folder.
	list(ctx context.Context, name string) ([]fs.FileInfo, error)
	// at returns the client whose base the files are below.
	at() *client
}

var _ source.Source = (*site)(nil)

// Open returns the source of the folder at place, a URL with the scheme http
// or https. The server need not answer yet: as long as it does not, all calls
// return source.ErrUnavailable. A read of an open file that has become another
// one returns source.ErrChanged.
func Open(place string, a source.Access) (source.Source, error) { return As(Us{}, place, a) }

// Us is the node that reads. The zero value is none.
type Us struct {
	ID   string              // by which another MuStServ, and this one, know it
	Sign func(*http.Request) // signs what is asked of nodes that know its signature; nil signs nothing
}

// As is Open for a node.
func As(us Us, place string, a source.Access) (source.Source, error) {
	base, err := parsePlace(place)
	if err != nil {
		return nil, err
	}
	c, err := newClient(base, a)
	if err != nil {
		return nil, err
	}
	c.self, c.sign = source.Origin(us.ID), us.Sign
	s := &site{client: c, node: nodeAt(c), spoken: make(chan dialect, 1)}
	s.spoken <- nil
	return s, nil
}

// parsePlace returns the folder's URL, which ends with a slash. Its errors
// don't repeat the place: there may be a password in it.
func parsePlace(place string) (*url.URL, error) {
	base, err := url.Parse(place)
	if err != nil {
		return nil, fmt.Errorf("the share's url can't be understood: %w; it is to look like http://server/folder/", fs.ErrInvalid)
	}
	switch {
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "", base.Opaque != "":
		return nil, fmt.Errorf("the share's url is none of a web server: %w; it is to look like http://server/folder/", fs.ErrInvalid)
	case base.User != nil:
		return nil, fmt.Errorf("the share's url holds a user: %w; user and password have keys of their own", fs.ErrInvalid)
	case base.RawQuery != "" || base.ForceQuery || base.Fragment != "":
		return nil, fmt.Errorf("the share's url holds a ? or #: %w; in the name of a folder they are written %%3F and %%23", fs.ErrInvalid)
	}
	elements, ok := elementsOf(base)
	if !ok {
		return nil, fmt.Errorf("the share's url holds a path that no server has: %w", fs.ErrInvalid)
	}
	setPath(base, "/", elements, true)
	return base, nil
}

func (s *site) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	found, _, err := s.stat(ctx, "stat", name)
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (s *site) stat(ctx context.Context, op, name string) (found *info, at *client, err error) {
	err = s.in(ctx, op, name, func(d dialect) error {
		at = d.at()
		found, err = d.stat(ctx, name)
		return err
	})
	return found, at, err
}

func (s *site) List(ctx context.Context, name string) (infos []fs.FileInfo, err error) {
	err = s.in(ctx, "list", name, func(d dialect) error {
		infos, err = d.list(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return infos, nil
}

func (s *site) Open(ctx context.Context, name string) (source.File, error) {
	found, at, err := s.stat(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	if found.IsDir() {
		return nil, fmt.Errorf("open %q at %s: %w: not a regular file", name, s.base, fs.ErrInvalid)
	}
	return newFile(ctx, at, name, found), nil
}

func (s *site) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// in calls do with the server's dialect, and says in its error what was tried.
func (s *site) in(ctx context.Context, op, name string, do func(dialect) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !validName(name) {
		return fmt.Errorf("%s %q: %w", op, name, fs.ErrInvalid)
	}
	err := s.speak(ctx, do)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%s %q at %s: %w", op, name, s.base, err)
}

func validName(name string) bool {
	if !source.ValidName(name) || len(name) > 4*maxElement {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if len(element) > maxElement {
			return false
		}
	}
	return true
}

func (c *client) at() *client { return c }

// file returns the URL of a file, folder that of a folder.
func (c *client) file(name string) *url.URL   { return c.below(name, false) }
func (c *client) folder(name string) *url.URL { return c.below(name, true) }

func (c *client) below(name string, folder bool) *url.URL {
	u := *c.base
	if name != "." {
		setPath(&u, u.EscapedPath(), strings.Split(name, "/"), folder)
	}
	return &u
}

// baseName is the last element of a name.
func baseName(name string) string { return path.Base(name) }
