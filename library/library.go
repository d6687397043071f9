// Package library is the tree of all shares together: it scans and watches
// them, has their files measured, and answers what is where.
//
// Readers get an immutable Tree from Library.Tree and need no lock. Behind
// it, each share has one goroutine that lists folders and follows changes,
// and a few that measure files; see share.go, scan.go and measure.go. They
// change the share's own nodes; the library makes a new Tree of what has
// changed, at most ten times a second.
package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mustserv/library/index"
	"mustserv/library/probe"
	"mustserv/library/source"
)

// How often the library does what costs something.
const (
	publishEvery = 100 * time.Millisecond
	findMost     = 10 * time.Second // that somebody waits for the first scan
	saveEvery    = time.Minute
)

// ErrScanning says of what Find has not found that its share's first scan goes on.
var ErrScanning = errors.New("its share is still being scanned")

// Opener opens the source at a share's place.
type Opener func(place string, access source.Access) (source.Source, error)

// State says how a share is kept up to date.
type State string

// The states of a share.
const (
	Scanning    State = "scanning"    // its first scan, or the first after it came back, has not ended
	Watched     State = "watched"     // the system tells of changes
	Polled      State = "polled"      // looked through every so often
	Unavailable State = "unavailable" // its place does not answer
)

// ShareStatus is the health of one share.
type ShareStatus struct {
	Name, Place string
	Kind        string // what it is read from: "local", the scheme of its URL, or what the source says that it is
	State       State
	Reason      string        // why it is polled or unavailable, in words for a person
	Since       time.Time     // when the state began
	Items       int           // films and music
	Unmeasured  int           // items still to be measured
	Bytes       int64         // of the films and music
	LastScan    time.Time     // when all folders were last looked at; zero before they were
	ScanTook    time.Duration // how long that was
	Waiting     int           // streams that wait for it to answer
	Cache       source.CacheStats
}

// Options is what a Library is made of.
type Options struct {
	Config  Config
	Shares  []Share
	Openers map[string]Opener // by the scheme of a share's place; "" opens a local path
	Index   *index.Index      // nil for one in memory
	Log     *slog.Logger      // nil for none
	Others  Others            // nodes with the same shares; nil for none
	// Probe measures a file, as probe.Probe does; nil is probe.Probe.
	Probe func(ctx context.Context, r io.ReaderAt, size int64) (*probe.Info, error)
}

// Library is the union tree of all shares. Shares of one name appear as one
// folder, others side by side. All methods may be called concurrently.
type Library struct {
	env     *env
	tree    atomic.Pointer[Tree]
	changed chan struct{} // a share's nodes have changed; holds one
	group   sync.WaitGroup

	mu      sync.Mutex
	running context.Context // nil if not; Configure starts new shares under it
	shares  []*share

	publishing sync.Mutex
	unions     map[string]*union // by name of share
	differ     map[string]bool   // by name of share: it was said that contents differ
}

// New makes a library; it reads nothing before Run. The config is one that
// Validate finds nothing wrong with; a Rescan or Probes of 0 is the default.
func New(o Options) *Library {
	l := &Library{changed: make(chan struct{}, 1), unions: make(map[string]*union), differ: make(map[string]bool)}
	l.env = &env{
		openers: o.Openers,
		index:   o.Index,
		log:     o.Log,
		probe:   o.Probe,
		changed: l.change,
		others:  cmp.Or[Others](o.Others, alone{}),
		back:    new(bell),
	}
	if l.env.index == nil {
		l.env.index = index.New()
	}
	if l.env.log == nil {
		l.env.log = slog.New(slog.DiscardHandler)
	}
	if l.env.probe == nil {
		l.env.probe = probe.Probe
	}
	l.Configure(o.Config, o.Shares)
	return l
}

// Run keeps the library up to date until ctx ends, then saves the index and
// returns after every goroutine of it has ended. It is called once.
func (l *Library) Run(ctx context.Context) {
	l.mu.Lock()
	l.running = ctx
	for _, s := range l.shares {
		l.start(s)
	}
	l.mu.Unlock()
	l.group.Go(func() { l.publishChanges(ctx) })
	l.group.Go(func() { l.saveChanges(ctx) })
	<-ctx.Done()
	l.mu.Lock()
	l.running = nil
	l.mu.Unlock()
	l.group.Wait()
	l.save()
}

// start starts a share, under the lock.
func (l *Library) start(s *share) {
	ctx, cancel := context.WithCancel(l.running)
	s.stop = cancel
	l.group.Go(func() {
		defer cancel()
		s.run(ctx)
	})
}

// Configure takes over another config while Run goes on: shares whose name and
// place stay keep their tree. They are not scanned again, unless Config.Skip
// or the access to them is another. Streams of shares that are left out run to
// their end.
func (l *Library) Configure(c Config, shares []Share) {
	c = c.complete()
	l.mu.Lock()
	before := l.shares
	l.shares = nil
	for _, want := range shares {
		i := slices.IndexFunc(before, func(s *share) bool { return s.Name == want.Name && s.Place == want.Place })
		if i >= 0 {
			before[i].configure(want, &c)
			l.shares = append(l.shares, before[i])
			before = slices.Delete(slices.Clone(before), i, i+1)
			continue
		}
		s := newShare(want, &c, l.env)
		l.shares = append(l.shares, s)
		if l.running != nil {
			l.start(s)
		}
	}
	for _, gone := range before {
		gone.stop()
	}
	l.mu.Unlock()
	l.publish()
}

// Reopen has the sources of all shares but local ones opened anew, as after a
// change of their access.
func (l *Library) Reopen() {
	for _, s := range l.current() {
		if s.scheme() != "" {
			s.reopen(*s.access.Load())
		}
	}
}

// Tree returns the current snapshot; it is never nil.
func (l *Library) Tree() *Tree { return l.tree.Load() }

// Shares returns the health of every share, in the config's order. The tree
// is then at least as new as what it says.
func (l *Library) Shares() []ShareStatus {
	var all []ShareStatus
	for _, s := range l.current() {
		all = append(all, s.status())
	}
	l.publish()
	return all
}

// Find returns the item or the folder at a library path as it is now, as
// Tree.Lookup does. What is not there while its share is scanned for the first
// time may yet turn up: it waits for that, for ten seconds at most, and says
// ErrScanning then. Where ctx ends before, it returns its error.
func (l *Library) Find(ctx context.Context, path string) (*Item, *Folder, error) {
	item, folder, err := l.Tree().Lookup(path)
	if err == nil || l.scanned(path) {
		return item, folder, err
	}
	limited, cancel := context.WithTimeout(ctx, findMost)
	defer cancel()
	again := time.NewTicker(publishEvery)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-limited.Done():
			return nil, nil, fmt.Errorf("%q is not in the library yet: %w", path, cmp.Or(ctx.Err(), ErrScanning))
		}
		scanned := l.scanned(path)
		if item, folder, err = l.Tree().Lookup(path); err == nil || scanned {
			return item, folder, err
		}
	}
}

// scanned reports whether the tree has all that was there when the shares of a
// path were first looked at, or nobody is looking.
func (l *Library) scanned(path string) bool {
	name, _, _ := strings.Cut(path, "/")
	return !slices.ContainsFunc(l.current(), func(s *share) bool { return s.Name == name && s.begins() })
}

// Rescan looks through all shares again, now.
func (l *Library) Rescan() {
	for _, s := range l.current() {
		s.lookAgain()
	}
}

func (l *Library) current() []*share {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.shares)
}

// change asks for a new tree, soon.
func (l *Library) change() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *Library) publishChanges(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.changed:
			l.publish()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(publishEvery):
		}
	}
}

// publish makes a new tree if anything has changed.
func (l *Library) publish() {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	var names []string
	parts := make(map[string][]*Folder)
	for _, s := range l.current() {
		if parts[s.Name] == nil {
			names = append(names, s.Name)
		}
		parts[s.Name] = append(parts[s.Name], s.folder())
	}
	slices.SortFunc(names, CompareNames)
	root := &Folder{}
	unions := make(map[string]*union)
	for _, name := range names {
		unions[name] = l.unions[name]
		if unions[name] == nil {
			unions[name] = &union{differ: l.differs}
		}
		root.Folders = append(root.Folders, unions[name].merge(parts[name]))
	}
	l.unions = unions
	if old := l.tree.Load(); old != nil && slices.Equal(old.Root.Folders, root.Folders) {
		return
	}
	root.count()
	l.tree.Store(&Tree{Root: root})
}

// differs says once of each name that shares do not agree, not for each file:
// there may be many. Called while publishing.
func (l *Library) differs(path string) {
	name, _, _ := strings.Cut(path, "/")
	if l.differ[name] {
		return
	}
	l.differ[name] = true
	l.env.log.Warn("shares of one name have different files at the same path; that of the first is used; mustserv check finds more of them",
		"share", name, "path", path)
}

func (l *Library) saveChanges(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.save()
		}
	}
}

// Rest gives the memory back that only scanning and measuring take, unless a
// share does so, or what was found is not saved yet. It reports whether there
// was any. It is quick.
func (l *Library) Rest() bool { return !l.Working() && l.env.index.Rest() }

// Working reports whether a share is in its first scan, or measures files.
func (l *Library) Working() bool { return slices.ContainsFunc(l.current(), (*share).working) }

func (l *Library) save() {
	if err := l.env.index.Save(); err != nil {
		l.env.log.Warn("the index was damaged or not saved; what it lacks is measured again", "err", err)
	}
}
