package webui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	liveEvery = 2 * time.Second  // between two looks, while somebody looks
	liveBeat  = 15 * time.Second // without news, for a sign that the connection is alive
	liveWrite = 10 * time.Second // for a browser to take what there is
	liveFor   = 15 * time.Minute // then a browser comes anew, and has to show again who it is
	liveMost  = 32               // browsers at a time
)

// liveParts are the parts of the status page that are told anew, by the names
// of their templates, which are the ids of their elements, too.
func liveParts() []string { return []string{"now", "hour", "nodes", "shares"} }

// view is for whom the parts are made.
type view struct {
	admin    bool
	language *tongue
}

// scene is the live parts at one moment, each as HTML.
type scene []string

// watcher is a browser that looks.
type watcher struct {
	view view
	news chan scene // the newest that it has not taken yet
}

// live tells browsers how things are. One goroutine looks for all of them,
// and only while there are any.
type live struct {
	mu       sync.Mutex
	watchers map[*watcher]bool
	looking  bool
	ended    chan struct{} // closed with the last of them
}

func newLive() *live {
	return &live{watchers: make(map[*watcher]bool), ended: make(chan struct{})}
}

// Run keeps the last hour for the status page. When ctx ends, so do the
// answers that are open only to tell what is new; call it once.
func (h *Handler) Run(ctx context.Context) {
	defer h.live.end()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		now := time.Now()
		s := h.Status()
		h.hour.add(sample{now, s.SentRate, s.Reserved, s.Capacity})
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.ended)
}

// join adds a browser, and has look do so from now on. It fails where there
// are too many.
func (l *live) join(v view, look func()) (*watcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.watchers) >= liveMost {
		return nil, errTooManyWatch
	}
	w := &watcher{v, make(chan scene, 1)}
	l.watchers[w] = true
	if !l.looking {
		l.looking = true
		go look()
	}
	return w, nil
}

func (l *live) leave(w *watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.watchers, w)
}

// all returns who looks; nobody is the end of looking.
func (l *live) all() (watchers []*watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.watchers {
		watchers = append(watchers, w)
	}
	l.looking = len(watchers) > 0
	return watchers
}

// look makes the parts anew for all who look, once for each view, until nobody
// does.
func (h *Handler) look() {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for range tick.C {
		watchers := h.live.all()
		if len(watchers) == 0 {
			return
		}
		page, made := h.statusPage(time.Now()), make(map[view]scene)
		for _, w := range watchers {
			if made[w.view] == nil {
				made[w.view] = h.scene(page, w.view)
			}
			w.offer(made[w.view])
		}
	}
}

// offer hands over a scene in place of one that was not taken in time.
func (w *watcher) offer(p scene) {
	select {
	case <-w.news:
	default:
	}
	w.news <- p // nobody else sends
}

// scene makes the live parts for a view.
func (h *Handler) scene(page statusPage, v view) (p scene) {
	page.Admin = v.admin
	t, err := h.pages[v.language.code]["status"]()
	for _, part := range liveParts() {
		var b bytes.Buffer
		if err == nil {
			err = t.ExecuteTemplate(&b, part, page)
		}
		p = append(p, b.String())
	}
	if err != nil {
		h.Log.Error("live status failed", "error", err)
	}
	return p
}

// watchStatus tells a browser what has changed on the status page, as
// server-sent events that are called like the parts.
func (h *Handler) watchStatus(w http.ResponseWriter, r *http.Request, _ string) error {
	me, err := h.live.join(view{h.isAdmin(r), h.tongue(r)}, h.look)
	if err != nil {
		return err
	}
	defer h.live.leave(me)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	until, cancel := context.WithTimeout(r.Context(), liveFor)
	defer cancel()
	me.offer(h.scene(h.statusPage(time.Now()), me.view))
	h.tell(until, w, me)
	return nil
}

// tell writes what is new until there is nobody who reads it, or who may.
func (h *Handler) tell(ctx context.Context, w http.ResponseWriter, me *watcher) {
	control := http.NewResponseController(w)
	beat := time.NewTicker(liveBeat)
	defer beat.Stop()
	var told scene
	for {
		var news scene
		select {
		case news = <-me.news:
		case <-beat.C:
		case <-h.live.ended:
			return
		case <-ctx.Done():
			return
		}
		control.SetWriteDeadline(time.Now().Add(liveWrite))
		if err := writeEvents(w, told, news); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		if news != nil {
			told = news
		}
	}
}

// writeEvents writes the parts that are not as they were told, or a comment
// where there are no news.
func writeEvents(w io.Writer, told, news scene) error {
	var b strings.Builder
	for i, part := range liveParts() {
		if news == nil || told != nil && told[i] == news[i] {
			continue
		}
		fmt.Fprintf(&b, "event: %s\n", part)
		for line := range strings.Lines(news[i]) {
			fmt.Fprintf(&b, "data: %s\n", strings.TrimRight(line, "\r\n"))
		}
		b.WriteString("\n")
	}
	if news == nil {
		b.WriteString(":\n\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
