package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/source"
)

// Waits of a share.
const (
	firstRetry  = time.Second // after its place did not answer; twice as long each time
	lastRetry   = 30 * time.Second
	listTimeout = time.Minute // for one folder
)

// env is what all shares of a library use.
type env struct {
	openers map[string]Opener
	index   *index.Index
	log     *slog.Logger
	probe   func(ctx context.Context, r io.ReaderAt, size int64) (*probe.Info, error)
	changed func() // a share's nodes have changed
	others  Others
	back    *bell // rings when a share answers again
}

// share keeps one share up to date, in a goroutine of its own: run.
type share struct {
	Share
	*env
	config atomic.Pointer[Config]
	access atomic.Pointer[source.Access]
	held   atomic.Int32  // streams that wait for it
	crowd  crowd         // files that streams are sent from
	ended  atomic.Bool   // it was taken out of the library
	again  chan struct{} // look through everything now; holds one
	nudge  chan struct{} // the times to wake up have changed; holds one
	stale  chan string   // folders that a reader found changed; holds some
	stop   func()        // set when it is started

	workers sync.WaitGroup // measuring

	// Only the goroutine of run uses these.
	watch   source.Watch   // nil if there is none
	noWatch string         // why there is none and none is tried
	opened  *source.Access // that the source was opened with; nil to have it opened anew
	poll    polling

	mu         sync.Mutex // guards the rest, and the nodes
	src        source.Source
	restart    func() // ends serve, to begin again
	root       *node
	state      State
	reason     string
	since      time.Time
	remembered bool // the nodes are from the index, and the share has not answered yet
	lastScan   time.Time
	scanTook   time.Duration
	gone       bool      // the index may know of files that are gone
	queue      []*Item   // to be measured now
	foreign    []*Item   // after these: they belong to other nodes, which may have measured them by then
	waiting    []waiting // to be measured once quiet
	active     int       // workers running

	manifests map[string]*Item // by name within the share
	linked    map[*node][]part // folders with parts of streams
	unlinked  bool             // these may have changed
}

func newShare(s Share, c *Config, e *env) *share {
	sh := &share{
		Share: s,
		env:   e,
		again: make(chan struct{}, 1),
		nudge: make(chan struct{}, 1),
		stale: make(chan string, 16),
		stop:  func() {},
		root:  &node{name: s.Name, path: s.Name},

		manifests: make(map[string]*Item),
		state:     Scanning,
		since:     time.Now(),
		gone:      true,
	}
	sh.config.Store(c.of(s))
	sh.access.Store(&s.Access)
	return sh
}

// run keeps the share up to date until ctx ends.
func (s *share) run(ctx context.Context) {
	defer s.close()
	defer s.ended.Store(true)
	s.remember()
	for wait := firstRetry; ; {
		scanned, err := s.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errRestart) {
			wait = firstRetry
			continue
		}
		s.lost(err)
		if errors.Is(err, source.ErrReopen) {
			s.opened = nil
		}
		if scanned {
			wait = firstRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-s.again: // somebody waits for it
			wait = firstRetry
		case <-time.After(wait):
			wait = min(2*wait, lastRetry)
		}
	}
}

// errRestart says that a share is to be served anew, not that it was lost.
var errRestart = errors.New("begin again")

// serve scans and follows the share until its place does not answer, or
// restart is called. It says whether it did before.
func (s *share) serve(ctx context.Context) (scanned bool, err error) {
	ctx, restart := context.WithCancel(ctx)
	defer restart()
	s.mu.Lock()
	s.restart = restart
	s.mu.Unlock()
	defer s.endWatch()
	if err = s.openSource(); err == nil {
		err = s.lookOver(ctx)
	}
	if err == nil {
		scanned, err = true, s.follow(ctx)
	}
	if ctx.Err() != nil {
		err = errRestart
	}
	return scanned, err
}

// openSource opens the source if it is not open, or was before reopen.
func (s *share) openSource() error {
	access := s.access.Load()
	if s.source() != nil && s.opened == access {
		return nil
	}
	s.close()
	s.noWatch = ""
	open := s.openers[s.scheme()]
	if open == nil {
		return fmt.Errorf("no way to read %s: unknown kind of place %q", s.Place, s.scheme())
	}
	src, err := open(s.Place, *access)
	if err != nil {
		return err
	}
	s.opened = access
	s.mu.Lock()
	s.src = src
	s.mu.Unlock()
	return nil
}

func (s *share) source() source.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src
}

// close waits for the workers and ends the source.
func (s *share) close() {
	s.workers.Wait()
	src := s.source()
	s.mu.Lock()
	s.src = nil
	s.mu.Unlock()
	if src != nil {
		if err := src.Close(); err != nil {
			s.log.Warn("a share was not closed", "share", s.Name, "place", s.Place, "err", err)
		}
	}
}

// open opens a file for a reader. If the share does not answer, it is looked at.
func (s *share) open(ctx context.Context, below string) (source.File, error) {
	src := s.source()
	if src == nil {
		return nil, fmt.Errorf("open %q in share %s: %w", below, s.Name, source.ErrUnavailable)
	}
	file, err := src.Open(ctx, below)
	if errors.Is(err, source.ErrUnavailable) && s.answers() {
		s.lookAgain()
	}
	return file, err
}

// answers reports whether the share is not known to be unavailable.
func (s *share) answers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state != Unavailable
}

// lookAgain asks for a scan of all folders.
func (s *share) lookAgain() { signal(s.again) }

// reopen has the source opened anew, soon; what is known of it stays.
func (s *share) reopen(a source.Access) {
	s.access.Store(&a)
	s.mu.Lock()
	restart := s.restart
	s.mu.Unlock()
	restart()
	if !s.answers() {
		s.lookAgain() // it waits for the next try
	}
}

// lookAt asks for a look at the folder of a file that is not as it was. If
// many ask, some are not heard: a file that is read again asks again.
func (s *share) lookAt(below string) {
	folder, _ := splitPath(below)
	select {
	case s.stale <- folder:
	default:
	}
}

// configure takes over another config.
func (s *share) configure(as Share, c *Config) {
	if *s.access.Load() != as.Access {
		s.reopen(as.Access)
	}
	before := s.config.Swap(c.of(as))
	if strings.Join(before.Skip, "\x00") != strings.Join(c.Skip, "\x00") {
		s.lookAgain()
	}
	signal(s.nudge)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// lost marks the share and its items as unavailable; they are kept.
func (s *share) lost(err error) {
	reason := strings.TrimSuffix(err.Error(), ": "+source.ErrUnavailable.Error())
	s.mu.Lock()
	first := s.state != Unavailable
	s.setState(Unavailable, reason)
	if first {
		s.root.setAvailable(false)
	}
	s.mu.Unlock()
	if first {
		s.log.Warn("a share is unavailable; it is tried again and again", "share", s.Name, "place", s.Place, "reason", reason)
		s.changed()
	}
}

// found is called when the share answers; it reports whether it did not before.
func (s *share) found() {
	s.mu.Lock()
	was := s.state == Unavailable
	if was {
		s.setState(Scanning, "")
	}
	if was || s.remembered {
		s.root.setAvailable(true)
		s.remembered = false
	}
	s.mu.Unlock()
	if was {
		s.back.ring()
		s.log.Info("a share is available again", "share", s.Name, "place", s.Place)
		s.changed()
	}
}

// setState is called under the lock.
func (s *share) setState(state State, reason string) {
	if s.state != state {
		s.since = time.Now()
	}
	s.state, s.reason = state, reason
}

func (s *share) status() ShareStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	totals := s.published().totals
	return ShareStatus{
		Name: s.Name, Place: s.Place, Kind: s.kind(s.src), Waiting: int(s.held.Load()), Cache: source.CacheOf(s.src),
		State: s.state, Reason: s.reason, Since: s.since,
		Items: totals.Items, Unmeasured: totals.Unmeasured, Bytes: totals.Bytes,
		LastScan: s.lastScan, ScanTook: s.scanTook,
	}
}

// folder publishes the share's nodes.
func (s *share) folder() *Folder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.published()
}

// published is called under the lock.
func (s *share) published() *Folder {
	if s.unlinked {
		s.link()
	}
	return s.root.folder()
}
