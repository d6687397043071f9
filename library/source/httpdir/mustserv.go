package httpdir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"mustserv/library/source"
)

// nodeHeader names the node that has made an answer.
const nodeHeader = "MuStServ-Node"

// errOurselves says that a share leads in a circle.
var errOurselves = fmt.Errorf("this is the MuStServ that reads the share, by way of others or right away: it can't be a share of itself: %w", source.ErrUnavailable)

// node is another MuStServ: it lists by its API, which also tells what it has
// measured and what has changed, and sends files below /media.
//
// Folders and files that it has from us are left out, and so are those that
// we get from it over others: nodes that share each other's libraries have
// each file once.
type node struct {
	*client        // at /media of the folder
	api     string // URL of the folder in the API

	mu       sync.Mutex
	origin   source.Origin     // id of the node
	versions map[string]string // of the folders as they were listed last; nil unless somebody watches
}

// nodeAt returns the node that the share's place would be of: it may be that
// of a listing below /media, of a page below /browse, or of the server.
func nodeAt(c *client) *node {
	elements, _ := elementsOf(c.base)
	root, rest := elements, []string(nil)
	for i, e := range elements {
		if e == "media" || e == "browse" {
			root, rest = elements[:i], elements[i+1:]
			break
		}
	}
	at := func(middle ...string) *url.URL {
		u := *c.base
		setPath(&u, "/", append(append(append([]string(nil), root...), middle...), rest...), true)
		return &u
	}
	media := *c
	media.base = at("media")
	return &node{client: &media, api: at("api", "v1", "items").String()}
}

// ask asks the API for a file or folder; the query says what for.
func (n *node) ask(ctx context.Context, name, query string, header http.Header) (*http.Response, error) {
	u, err := url.Parse(n.api)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrInvalid, err)
	}
	if name != "." {
		setPath(u, u.EscapedPath(), strings.Split(name, "/"), false)
	}
	u.RawQuery = query
	answer, err := n.do(ctx, http.MethodGet, u, header, "")
	if name == "." && errors.Is(err, fs.ErrNotExist) { // it may be another server now
		return nil, fmt.Errorf("%w as a MuStServ: %w", errNotSpoken, err)
	}
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	id := source.Origin(answer.Header.Get(nodeHeader))
	switch {
	case id == "" || (kind != "application/json" && answer.StatusCode != http.StatusNotModified):
		err = fmt.Errorf("%w as a MuStServ", errNotSpoken)
	case id == n.self:
		err = errOurselves
	}
	if err != nil {
		discard(answer)
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.origin = id
	return answer, nil
}

func (n *node) stat(ctx context.Context, name string) (*info, error) {
	answer, err := n.ask(ctx, name, "folders", nil)
	if err != nil {
		return nil, err
	}
	defer discard(answer)
	e, err := readEntries(answer.Body, func(bool, *nodeEntry) {})
	switch {
	case err != nil:
		return nil, err
	case name == "." && e.Node == n.self && n.self != "":
		return nil, errOurselves
	}
	return n.info(baseName(name), e.Size == nil, e)
}

func (n *node) list(ctx context.Context, name string) ([]fs.FileInfo, error) {
	answer, err := n.ask(ctx, name, "", nil)
	if err != nil {
		return nil, err
	}
	defer discard(answer)
	var infos []fs.FileInfo
	self, err := readEntries(answer.Body, func(folder bool, e *nodeEntry) {
		if found, err := n.info(e.name(), folder, e); err == nil && validName(found.name) && !strings.ContainsRune(found.name, '/') {
			infos = append(infos, found)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case self.Size != nil:
		return nil, fmt.Errorf("%w: not a folder", fs.ErrInvalid)
	case self.Node == n.self && n.self != "":
		return nil, errOurselves
	}
	n.saw(name, self.Version)
	return infos, nil
}

// nodeEntry is a folder or an item of the API.
type nodeEntry struct {
	Path     string          `json:"path"`
	Node     source.Origin   `json:"node"`    // nothing for that of the server
	Version  string          `json:"version"` // of a folder
	Size     *int64          `json:"size"`    // of an item
	Modified time.Time       `json:"modified"`
	Measured json.RawMessage `json:"measured"`
	URLs     struct {
		Page string `json:"page"`
	} `json:"urls"`
}

// name returns the last element of the path, from the address of the page:
// the path is text, and names may be other bytes.
func (e *nodeEntry) name() string {
	u, err := url.Parse(e.URLs.Page)
	if err != nil {
		return ""
	}
	elements, ok := elementsOf(u)
	if !ok || len(elements) == 0 {
		return ""
	}
	return elements[len(elements)-1]
}

// info describes an entry. What is ours is none: it is not to come back.
func (n *node) info(name string, folder bool, e *nodeEntry) (*info, error) {
	// Below /media a MuStServ tells even seconds, for all file systems to agree.
	found := &info{name: name, folder: folder, modified: toSecond(e.Modified), blurred: true, origin: e.Node}
	if e.Node == "" {
		n.mu.Lock()
		found.origin = n.origin
		n.mu.Unlock()
	}
	if !folder && e.Size != nil {
		found.size = *e.Size
	}
	if (n.self != "" && found.origin == n.self) || found.size < 0 || (!folder && e.Size == nil) {
		return nil, fmt.Errorf("it is not of that server: %w", fs.ErrNotExist)
	}
	return found, nil
}

// readEntries reads an answer of the API, and calls yield for each folder and
// item in a folder.
func readEntries(body io.Reader, yield func(folder bool, e *nodeEntry)) (*nodeEntry, error) {
	in := &reader{body: body, left: maxEntry}
	d := json.NewDecoder(in)
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("%w as a MuStServ", errNotSpoken)
	}
	members := make(map[string]json.RawMessage)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, readError(err)
		}
		if key == "folders" || key == "items" {
			err = eachEntry(d, in, func(e *nodeEntry) { yield(key == "folders", e) })
		} else {
			var value json.RawMessage
			err = d.Decode(&value)
			members[key.(string)] = value
		}
		if err != nil {
			return nil, readError(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, readError(err)
	}
	return gather(members)
}

// gather makes an entry of its members.
func gather(members map[string]json.RawMessage) (*nodeEntry, error) {
	text, err := json.Marshal(members)
	if err != nil {
		return nil, readError(err)
	}
	var e nodeEntry
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, readError(err)
	}
	return &e, nil
}

func eachEntry(d *json.Decoder, in *reader, yield func(*nodeEntry)) error {
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		return errors.Join(errors.New("no list where one is to be"), err)
	}
	for d.More() {
		var e nodeEntry
		if err := d.Decode(&e); err != nil {
			return err
		}
		yield(&e)
		if err := in.next(); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// measured asks what the node has found out about a file.
func (n *node) measured(ctx context.Context, name string, size, modified int64) ([]byte, error) {
	answer, err := n.ask(ctx, name, "measured", nil)
	if err != nil {
		return nil, err
	}
	defer discard(answer)
	e, err := readEntries(answer.Body, func(bool, *nodeEntry) {})
	switch {
	case err != nil:
		return nil, err
	case e.Size == nil || *e.Size != size || toSecond(e.Modified).Unix() != modified:
		return nil, fmt.Errorf("%w: it is another file now", source.ErrNotMeasured)
	case len(e.Measured) == 0:
		return nil, source.ErrNotMeasured
	}
	return e.Measured, nil
}

var _ source.Peer = (*site)(nil)

// Origin returns the id of the other MuStServ, if that is one.
func (s *site) Origin() source.Origin {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	return s.node.origin
}

// Measured returns what another MuStServ has found out about a file.
func (s *site) Measured(ctx context.Context, name string, size, modified int64) (text []byte, err error) {
	err = s.in(ctx, "ask for what was measured of", name, func(d dialect) error {
		n, ok := d.(*node)
		if !ok {
			return errors.ErrUnsupported
		}
		text, err = n.measured(ctx, name, size, modified)
		return err
	})
	return text, err
}
