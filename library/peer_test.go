package library

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/source"
)

// nodeOf is a source that is another node's library.
type nodeOf struct {
	*memory
	origin   source.Origin
	measured func(name string) ([]byte, error)
}

func (n nodeOf) Origin() source.Origin { return n.origin }

func (n nodeOf) Measured(_ context.Context, name string, _, _ int64) ([]byte, error) {
	return n.measured(name)
}

// wrapped is a decorator.
type wrapped struct{ source.Source }

func (w wrapped) Unwrap() source.Source { return w.Source }

func startNode(t *testing.T, n nodeOf) *rig {
	t.Helper()
	r := start(t, index.New(), map[string]*memory{})
	r.env.openers[""] = func(string, source.Access) (source.Source, error) { return wrapped{n}, nil }
	r.Configure(testConfig(), []Share{{Name: "S", Place: "/m"}})
	settled()
	return r
}

func TestMeasurementsAreTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, err := index.Encode(index.Entry{Info: &probe.Info{Container: "mkv", Duration: 77}})
		if err != nil {
			t.Fatal(err)
		}
		m := newMemory(-1)
		for _, name := range []string{"known.mp4", "later.mp4", "other-version.mp4", "no-node.mp4", "d/known.mp4"} {
			m.put(name, "film", old())
		}
		answers := map[string]func() ([]byte, error){
			"known.mp4":         func() ([]byte, error) { return theirs, nil },
			"d/known.mp4":       func() ([]byte, error) { return theirs, nil },
			"other-version.mp4": func() ([]byte, error) { return []byte(`{"format":"another"}`), nil },
			"no-node.mp4":       func() ([]byte, error) { return nil, errors.ErrUnsupported },
			"later.mp4":         func() ([]byte, error) { return nil, source.ErrNotMeasured },
		}
		r := startNode(t, nodeOf{m, "B", func(name string) ([]byte, error) { return answers[name]() }})
		for name, duration := range map[string]float64{"known.mp4": 77, "d/known.mp4": 77, "other-version.mp4": 4, "no-node.mp4": 4} {
			if it := r.item("S/" + name); it.Info() == nil || it.Info().Duration != duration || it.Origin != "B" {
				t.Errorf("%s is %+v of %q", name, it.Info(), it.Origin)
			}
		}
		if it := r.item("S/later.mp4"); it.Info() != nil || it.Problem != "" {
			t.Errorf("what the node has still to measure is %+v, %q", it.Info(), it.Problem)
		}
		if n := r.probes.Load(); n != 2 {
			t.Errorf("%d files were measured here, want the 2 that must be", n)
		}
		m.set(func() { answers["later.mp4"] = answers["known.mp4"] })
		time.Sleep(testConfig().Quiet)
		settled()
		if it := r.item("S/later.mp4"); it.Info() == nil || it.Info().Duration != 77 {
			t.Errorf("later it is %+v", it.Info())
		}
	})
}

func TestOriginAndVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(-1)
		m.put("d/a.mp4", "film", old())
		m.put("e/b.mp4", "film", old())
		unsupported := func(string) ([]byte, error) { return nil, errors.ErrUnsupported }
		r := startNode(t, nodeOf{m, "B", unsupported})
		folder := func(path string) *Folder {
			_, f, err := r.Tree().Lookup(path)
			if err != nil || f == nil {
				t.Fatal(path, err)
			}
			return f
		}
		if f := folder("S/d"); f.Origin != "B" || folder("").Origin != "" {
			t.Errorf("the folder is of %q, all of %q", f.Origin, folder("").Origin)
		}
		root, d, e := folder("").Version(), folder("S/d").Version(), folder("S/e").Version()
		m.put("d/c.mp4", "film", old())
		r.Rescan()
		settled()
		if folder("").Version() == root || folder("S/d").Version() == d || folder("S/e").Version() != e {
			t.Error("a new file does not change the version of its folder and those above, or changes another one's")
		}
		time.Sleep(testConfig().Quiet) // until it is measured
		settled()
		again := startNode(t, nodeOf{m, "B", unsupported})
		if r.Tree().Root.Version() != again.Tree().Root.Version() {
			t.Error("another start has other versions")
		}
		same := &Folder{Items: []*Item{{Name: "ab"}, {Name: "c"}}}
		if other := (&Folder{Items: []*Item{{Name: "a"}, {Name: "bc"}}}); same.Version() == other.Version() {
			t.Error("other names have the same version")
		}
	})
}

// What two shares have in common is of another node only if both say so.
func TestOriginOfAUnion(t *testing.T) {
	ours := &Folder{Items: []*Item{{Name: "a", Available: true}}}
	theirs := &Folder{Origin: "B", Items: []*Item{{Name: "a", Origin: "B", Available: true}, {Name: "b", Origin: "B", Available: true}}}
	for _, parts := range [][]*Folder{{ours, theirs}, {theirs, ours}} {
		f := new(union).merge(parts)
		if f.Origin != "" || f.Items[0].Origin != "" || f.Items[1].Origin != "B" {
			t.Errorf("of %q, items of %q and %q", f.Origin, f.Items[0].Origin, f.Items[1].Origin)
		}
	}
}

// half is a cluster in which the files of some names belong to another node,
// which has measured one of them.
type half struct {
	mu    sync.Mutex
	asked []string
	known string
	text  []byte
}

func (h *half) Owns(path string) bool { return path[2] >= 'a' && path[2] < 'm' }

func (h *half) Measured(_ context.Context, path string, _ int64, _ time.Time) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, path)
	if path == h.known {
		return h.text, nil
	}
	return nil, errors.ErrUnsupported
}

func TestOwnFilesAreMeasuredFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text, err := index.Encode(index.Entry{Info: &probe.Info{Container: "mkv", Duration: 77}})
		if err != nil {
			t.Fatal(err)
		}
		m := newMemory(-1)
		for _, name := range []string{"0.mp4", "n.mp4", "z.mp4", "b.mp4"} {
			m.put(name, "film", old())
		}
		others := &half{known: "S/n.mp4", text: text}
		r := start(t, index.New(), map[string]*memory{"/m": m})
		r.env.others = others
		config := testConfig()
		config.Probes = 1
		r.Configure(config, []Share{{Name: "S", Place: "/m"}})
		settled()
		if got := strings.Join(others.asked, " "); got != "S/b.mp4 S/0.mp4 S/n.mp4 S/z.mp4" {
			t.Errorf("in the order %s", got)
		}
		if n := r.probes.Load(); n != 3 {
			t.Errorf("%d files were measured here, want 3", n)
		}
	})
}
