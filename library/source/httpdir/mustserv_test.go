package httpdir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mustserv/library/source"
)

// peer answers as a MuStServ does.
type peer struct {
	mu       sync.Mutex
	id       string
	folders  map[string]string // what the API answers, by path
	requests []string
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v1/items/")
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	p.requests = append(p.requests, strings.TrimSuffix(rest, "/")+"?"+r.URL.RawQuery)
	w.Header().Set(nodeHeader, p.id)
	for _, via := range r.Header.Values("Via") {
		if via == "1.1 mustserv-"+p.id {
			w.WriteHeader(http.StatusLoopDetected)
			return
		}
	}
	text, ok := p.folders[strings.TrimSuffix(rest, "/")]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	tag := `W/"` + versionIn(text) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprint(w, text)
}

func versionIn(text string) string {
	_, rest, _ := strings.Cut(text, `"version":"`)
	v, _, _ := strings.Cut(rest, `"`)
	return v
}

func (p *peer) set(path, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.folders[path] = text
}

func (p *peer) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := strings.Join(p.requests, " ")
	p.requests = nil
	return all
}

func folderJSON(path, version, node, folders, items string) string {
	return fmt.Sprintf(`{"path":%q,"name":"x","node":%q,"version":%q,"urls":{"page":"http://nas/browse/%s/"},"folders":[%s],"items":[%s]}`,
		path, node, version, path, folders, items)
}

func itemJSON(path, node string, size int) string {
	return fmt.Sprintf(`{"path":"?","node":%q,"name":"?","size":%d,"modified":"2026-01-02T03:04:05Z","urls":{"media":"x","page":"http://nas/watch/%s"},"measured":{"a":1}}`, node, size, path)
}

func newPeer() *peer {
	return &peer{id: "B", folders: map[string]string{
		"": folderJSON("", "1", "", folderJSON("Films", "2", "", "", "")+","+folderJSON("Ours", "3", "A", "", "")+","+folderJSON("Theirs", "4", "C", "", ""), ""),
		"Films": folderJSON("Films", "2", "", folderJSON("Films/sub", "5", "", "", ""),
			itemJSON("Films/%E9%20%23.mp3", "", 7)+","+itemJSON("Films/ours.mp3", "A", 7)+","+itemJSON("Films/a%2Fb.mp3", "", 7)),
		"Films/sub":           folderJSON("Films/sub", "5", "", "", itemJSON("Films/sub/x.mp3", "C", 9)),
		"Ours":                folderJSON("Ours", "3", "A", "", ""),
		"Films/%E9%20%23.mp3": itemJSON("Films/%E9%20%23.mp3", "", 7),
		"Films/new.mp3":       strings.Replace(itemJSON("Films/new.mp3", "", 7), `,"measured":{"a":1}`, "", 1),
	}}
}

func TestPeerLists(t *testing.T) {
	for _, path := range []string{"", "media/", "browse/"} {
		inBubbleAs(t, newPeer(), Us{ID: "A"}, path, func(t *testing.T, src source.Source) {
			root, err := src.List(t.Context(), ".")
			must(t, err)
			if got := named(root); got != "Films/ of B, Theirs/ of C" {
				t.Errorf("/%s lists %q", path, got)
			}
			films, err := src.List(t.Context(), "Films")
			must(t, err)
			if got := named(films); got != "sub/ of B, \xe9 #.mp3 of B" {
				t.Errorf("Films lists %q", got)
			}
			info, err := src.Stat(t.Context(), "Films/\xe9 #.mp3")
			if err != nil || info.Size() != 7 || info.IsDir() || !info.ModTime().Equal(films[1].ModTime()) {
				t.Errorf("Stat answers %v, %v", info, err)
			}
			if src.(source.Peer).Origin() != "B" {
				t.Error("the node is not known")
			}
		})
	}
}

func named(infos []fs.FileInfo) string {
	var all []string
	for _, i := range infos {
		name := i.Name()
		if i.IsDir() {
			name += "/"
		}
		all = append(all, fmt.Sprintf("%s of %v", name, i.Sys()))
	}
	slices.Sort(all)
	if len(all) == 2 && strings.HasPrefix(all[1], "sub/") {
		all[0], all[1] = all[1], all[0]
	}
	return strings.Join(all, ", ")
}

func TestPeerIsOurselves(t *testing.T) {
	for _, row := range []struct{ node, path string }{{"B", ""}, {"A", "media/Ours/"}} {
		inBubbleAs(t, newPeer(), Us{ID: row.node}, row.path, func(t *testing.T, src source.Source) {
			if _, err := src.List(t.Context(), "."); !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "can't be a share of itself") {
				t.Errorf("List answers %v", err)
			}
		})
	}
}

func TestPeerMeasured(t *testing.T) {
	inBubbleAs(t, newPeer(), Us{ID: "A"}, "", func(t *testing.T, src source.Source) {
		modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix()
		for _, row := range []struct {
			name           string
			size, modified int64
			want           error
		}{
			{"Films/\xe9 #.mp3", 7, modified, nil},
			{"Films/\xe9 #.mp3", 8, modified, source.ErrNotMeasured},
			{"Films/\xe9 #.mp3", 7, modified + 1, source.ErrNotMeasured},
			{"Films/new.mp3", 7, modified, source.ErrNotMeasured},
			{"Films", 0, 0, source.ErrNotMeasured},
			{"Films/missing.mp3", 7, modified, fs.ErrNotExist},
		} {
			text, err := src.(source.Peer).Measured(t.Context(), row.name, row.size, row.modified)
			if !errors.Is(err, row.want) || (err == nil) != (string(text) == `{"a":1}`) {
				t.Errorf("of %q, %d bytes: %s, %v", row.name, row.size, text, err)
			}
		}
	})
	inBubble(t, newFake(nil), func(t *testing.T, src source.Source) {
		if _, err := src.(source.Peer).Measured(t.Context(), "a.mp4", 0, 0); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("another server has measured: %v", err)
		}
		if _, err := src.(source.Watcher).Watch(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("another server is watched: %v", err)
		}
	})
}

func TestPeerWatch(t *testing.T) {
	p := newPeer()
	inBubbleAs(t, p, Us{ID: "A"}, "", func(t *testing.T, src source.Source) {
		w, err := src.(source.Watcher).Watch(t.Context())
		must(t, err)
		list := func(names ...string) {
			for _, name := range names {
				must(t, w.Add(name))
				_, err := src.List(t.Context(), name)
				must(t, err)
			}
			p.log()
		}
		expect := func(names ...string) {
			t.Helper()
			for _, want := range names {
				select {
				case got := <-w.Changes():
					if got != want {
						t.Errorf("%q has changed, want %q", got, want)
					}
				case <-time.After(2 * pollEvery):
					t.Fatalf("no change of %q is told", want)
				}
			}
		}
		list(".", "Films", "Films/sub")
		time.Sleep(pollEvery + time.Second)
		if log := p.log(); log != "?folders" {
			t.Errorf("while nothing changes the requests are %s", log)
		}
		p.set("", folderJSON("", "11", "", folderJSON("Films", "12", "", "", ""), ""))
		p.set("Films", folderJSON("Films", "12", "", folderJSON("Films/sub", "15", "", "", ""), ""))
		p.set("Films/sub", folderJSON("Films/sub", "15", "", "", ""))
		expect(".", "Films", "Films/sub")
		list(".", "Films", "Films/sub")
		time.Sleep(pollEvery + time.Second)
		if log := p.log(); log != "?folders" {
			t.Errorf("when all was listed the requests are %s", log)
		}
		p.mu.Lock()
		p.id = "" // another server is there now
		p.mu.Unlock()
		expect("")
		must(t, w.Close())
		if _, ok := <-w.Changes(); ok {
			t.Error("a closed watch tells of changes")
		}
	})
}

func FuzzEntries(f *testing.F) {
	for _, text := range newPeer().folders {
		f.Add(text)
	}
	f.Add(`{"folders":[{}],"items":[{"size":-1}],"size":"x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		n := nodeAt(&client{base: mustURL(t, "http://nas/")})
		readEntries(strings.NewReader(text), func(folder bool, e *nodeEntry) {
			if found, err := n.info(e.name(), folder, e); err == nil && found.size < 0 {
				t.Errorf("%q has %d bytes", found.name, found.size)
			}
			if name := e.name(); name != "" && (strings.ContainsAny(name, "/\x00") || name == "..") {
				t.Errorf("the name %q was listed", name)
			}
		})
	})
}

func TestEntriesAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"cut off": `{"folders":[{}]`, "no object": `[]`, "no list": `{"items":{}}`, "empty": "", "type": `{"size":"x"}`,
		"long": `{"name":"` + strings.Repeat("x", 2*maxEntry) + `"}`, "long item": `{"items":[{"name":"` + strings.Repeat("x", 2*maxEntry) + `"}]}`,
		"many": `{"items":[` + strings.Repeat("{},", maxEntries) + `{}]}`, "many members": "{" + strings.Repeat(`"a":1,`, maxEntry) + `"a":1}`,
	} {
		if e, err := readEntries(strings.NewReader(text), func(bool, *nodeEntry) {}); err == nil {
			t.Errorf("%s is taken for %v", name, e)
		}
	}
}

// All that is asked is signed, with what it is asked for.
func TestSigned(t *testing.T) {
	signature := func(r *http.Request) string {
		return r.Method + " " + r.URL.Path + " " + r.Header.Get("Range") + " " + r.Header.Get("Via")
	}
	us := Us{ID: "A", Sign: func(r *http.Request) { r.Header.Set("Signature", signature(r)) }}
	inBubbleAs(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := signature(r); r.Header.Get("Signature") != want {
			t.Errorf("%q is signed %q", want, r.Header.Get("Signature"))
		}
		http.ServeContent(w, r, "", time.Unix(1e9, 0), strings.NewReader("content"))
	}), us, "", func(t *testing.T, src source.Source) {
		f, err := src.Open(t.Context(), "a.mp4")
		must(t, err)
		defer f.Close()
		if got, err := io.ReadAll(f); err != nil || string(got) != "content" {
			t.Errorf("%q, %v", got, err)
		}
	})
}
