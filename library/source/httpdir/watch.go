package httpdir

import (
	"context"
	"errors"
	"net/http"
	"path"
	"sync"
	"time"

	"mustserv/library/source"
)

// pollEvery is how often another MuStServ is asked whether anything has
// changed: one small request for all that is shared.
const pollEvery = 10 * time.Second

var _ source.Watcher = (*site)(nil)

// Watch watches another MuStServ; other servers can't tell of changes.
func (s *site) Watch(ctx context.Context) (source.Watch, error) {
	var n *node
	err := s.in(ctx, "watch", ".", func(d dialect) error {
		var ok bool
		if n, ok = d.(*node); !ok {
			return errors.ErrUnsupported
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.versions = make(map[string]string)
	n.mu.Unlock()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &watch{node: n, cancel: cancel, changes: make(chan string)}
	w.running.Go(func() { w.run(ctx) })
	return w, nil
}

// watch asks a node again and again for the version of the shared folder,
// which is another one when anything in it or below is, and then goes down to
// what has changed.
type watch struct {
	*node
	cancel  context.CancelFunc
	changes chan string
	running sync.WaitGroup
}

// Add watches a folder from when it was last listed.
func (w *watch) Add(string) error { return nil }

func (w *watch) Changes() <-chan string { return w.changes }

func (w *watch) Close() error {
	w.cancel()
	w.running.Wait()
	return nil
}

func (w *watch) run(ctx context.Context) {
	defer close(w.changes)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.look(ctx, "."); err != nil {
			w.tell(ctx, "") // to look through it says what is wrong
		}
	}
}

// look tells of a folder if it is not as it was listed, and of those below.
func (w *watch) look(ctx context.Context, name string) error {
	listed := w.listed(name)
	if listed == "" {
		return nil // it is still to be listed
	}
	answer, err := w.ask(ctx, name, "folders", http.Header{"If-None-Match": {`W/"` + listed + `"`}})
	if err != nil {
		return err
	}
	defer discard(answer)
	if answer.StatusCode == http.StatusNotModified {
		return nil
	}
	var below []string
	self, err := readEntries(answer.Body, func(_ bool, e *nodeEntry) {
		if sub := path.Join(name, e.name()); validName(sub) && e.Version != w.listed(sub) {
			below = append(below, sub)
		}
	})
	if err != nil || self.Version == listed {
		return err
	}
	w.tell(ctx, name)
	for _, sub := range below {
		if err := w.look(ctx, sub); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) tell(ctx context.Context, name string) {
	select {
	case w.changes <- name:
	case <-ctx.Done():
	}
}

// saw remembers the version of a folder that was listed.
func (n *node) saw(name, version string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.versions != nil {
		n.versions[name] = version
	}
}

func (n *node) listed(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.versions[name]
}
