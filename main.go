// Command mustserv streams folders of films and music to the players of a
// home, each file at the pace that its player needs.
//
// This file only wires: sub-commands, the config file, and what is handed to
// whom. The rooms are library, stream, ratelimit and webui.
package main

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mustserv/library"
	"mustserv/library/index"
	"mustserv/library/source"
	"mustserv/library/source/cache"
	"mustserv/library/source/guard"
	"mustserv/library/source/httpdir"
	"mustserv/library/source/local"
	"mustserv/library/source/smb"
	"mustserv/ratelimit"
	"mustserv/stream"
	"mustserv/stream/accounting"
	"mustserv/stream/auth"
	"mustserv/stream/footprint"
	"mustserv/stream/load"
	"mustserv/stream/metrics"
	"mustserv/stream/routing"
	"mustserv/stream/routing/dns"
	"mustserv/webui"
	"mustserv/webui/resume"
	"mustserv/webui/settings"

	"golang.org/x/term"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or wrong config
)

const (
	sessionLinger = 15 * time.Second // a player that comes back within it goes on with its session
	configPoll    = time.Second      // a config is read when it stays as it is from one poll to the next
	nodesSettle   = time.Second      // before files are measured it should be known which nodes are up
	drainLeast    = 8 * time.Second  // until all nodes have heard that one ends, and DNS has forgotten it
	drainLook     = time.Second / 4  // whether the last viewer has gone
	cachePatience = 2 * time.Second  // at the end, for what is being fetched
	restAfter     = 3 * time.Second  // of having nothing to do, memory is given back
	gcPercent     = 50               // of the heap in use may be garbage: half of Go's own, for it costs nothing here
	passwordMax   = 4096             // bytes of a password that is typed or comes by a pipe
	checkLimit    = 15 * time.Second // for all shares, that are checked at the same time
)

//go:embed mustserv.toml
var manual settings.Manual // the annotated sample; never changed

const usage = `MuStServ streams folders of films and music, each file at the pace its player needs.

  mustserv [serve] [-config FILE] [-listen ADDR] [FOLDER ...]   share the folders or URLs, or what the config says
  mustserv probe [-json] [-svg PICTURE] FILE ...                what a file needs: rate, burst, duration
  mustserv check [-config FILE]                                 try the config and every share
  mustserv passwd [USER]                                        make a password for [[auth.user]] in the config
  mustserv load [-n N] [-for DURATION] [-json] URL ...          N simulated players: how many viewers the box and the link carry
  mustserv version

For example:  mustserv ~/Videos ~/Music
Then open http://localhost:8000/ in a browser, or http://localhost:8000/playlist.m3u in VLC.
`

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program; ctx ends it in order.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	command, rest := "serve", args
	if len(args) > 0 {
		switch args[0] {
		case "serve", "probe", "check", "load", "passwd", "version":
			command, rest = args[0], args[1:]
		case "help", "-h", "-help", "--help":
			command = "help"
		}
	}
	switch command {
	case "probe":
		return runProbe(ctx, rest, stdout, stderr)
	case "check":
		return runCheck(ctx, rest, stdout, stderr)
	case "passwd":
		return runPasswd(rest, stdin, stdout, stderr)
	case "load":
		return runLoad(ctx, rest, stdout, stderr)
	case "version":
		fmt.Fprintln(stdout, "mustserv", version())
		return exitDone
	case "help":
		fmt.Fprint(stdout, usage)
		return exitDone
	}
	return runServe(ctx, rest, stdout, stderr)
}

// flags returns a flag set that explains itself by text; parse answers with
// an exit status where it did not end well.
func flags(name, text string, stderr io.Writer) (set *flag.FlagSet, parse func([]string) (status int, ok bool)) {
	set = flag.NewFlagSet("mustserv "+name, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprint(stderr, text)
		set.PrintDefaults()
	}
	return set, func(args []string) (int, bool) {
		switch err := set.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			return exitDone, false
		case err != nil:
			return exitUsage, false
		}
		return exitDone, true
	}
}

// version returns the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = "commit " + s.Value[:min(12, len(s.Value))]
		}
	}
	return cmp.Or(v, "(devel)")
}

// --- serve ----------------------------------------------------------------

func runServe(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, parse := flags("serve", "mustserv serve shares folders until it is interrupted, for example: mustserv serve -listen :8080 ~/Videos\n", stderr)
	in := origin{}
	set.StringVar(&in.file, "config", "", "read this config `file`")
	set.StringVar(&in.listen, "listen", "", "listen on `address:port`, whatever the config says")
	if status, ok := parse(args); !ok {
		return status
	}
	footprint.Calm()
	in.folders = set.Args()
	config, err := in.load()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	tail := new(webui.Tail)
	app, err := build(in, config, slog.New(slog.NewTextHandler(io.MultiWriter(stderr, tail), nil)), tail)
	if err != nil {
		fmt.Fprintln(stderr, "mustserv:", err)
		return exitFailed
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // before anybody knows that there is somebody to signal
	defer signal.Stop(hangup)
	greet(stdout, config, app.server.Addr())
	return app.run(ctx, hangup)
}

// app is the running program.
type app struct {
	origin    origin
	node      string // id of this node
	version   string
	log       *slog.Logger
	config    atomic.Pointer[config]
	prints    atomic.Pointer[fingerprints] // of the config
	started   time.Time
	library   *library.Library
	control   *ratelimit.Controller
	ledger    *accounting.Ledger
	keeper    *auth.Keeper
	server    *stream.Server
	cluster   *routing.Cluster
	names     *dns.Server
	pages     *webui.Handler
	resume    *resume.Store
	accessLog *os.File  // nil for none
	worked    time.Time // when there was last something to do; zero since memory was given back
	played    played    // when rest looked last
	tail      *webui.Tail
	state     string                      // folder for what may be made again
	cache     atomic.Pointer[cache.Store] // nil for none
	applying  sync.Mutex                  // held while another config is applied
}

// build makes everything and starts to listen.
func build(in origin, c config, log *slog.Logger, tail *webui.Tail) (*app, error) {
	state, err := stateFolder()
	if err != nil {
		return nil, err
	}
	node, err := routing.OpenID(filepath.Join(state, "node"))
	if err != nil {
		return nil, err
	}
	measured, err := index.Open(filepath.Join(state, "index"))
	if err != nil {
		log.Warn("index damaged, measuring again", "error", err)
	}
	a := &app{
		origin: in, node: node, version: version(), log: log, tail: tail, state: state, started: time.Now(), worked: time.Now(),
		control: ratelimit.NewController(c.RateLimit),
		ledger:  accounting.NewLedger(sessionLinger),
	}
	key, err := auth.OpenKey(filepath.Join(state, "key"))
	if err != nil {
		return nil, err
	}
	a.keeper = auth.New(key, c.Auth)
	a.cluster = routing.New(routing.Options{Config: c.routing(), ID: node, Self: a.report, Log: log})
	a.names = dns.New(a.named, log)
	a.library = library.New(library.Options{
		Config: c.Library, Index: measured, Log: log, Openers: a.openers(), Others: others{a.cluster},
	})
	a.resume = resume.Open(filepath.Join(state, "resume"), log)
	a.pages, err = webui.New(webui.Options{
		Library: a.library, Sessions: a.ledger.Sessions, Status: a.status, Keeper: a.keeper, Resume: a.resume, Admin: desk{a}, Log: log,
		Sign:   func(r *http.Request, it *library.Item) string { return a.server.Signature(r, it) },
		Config: func() webui.Config { return a.config.Load().WebUI },
		Nodes:  a.cluster.Nodes,
		Need: func(it *library.Item) (rate, burst int64) {
			need := a.server.Need(it)
			return int64(need.Rate), int64(need.Burst)
		},
	})
	if err != nil {
		return nil, err
	}
	a.server = stream.New(stream.Options{
		Config: c.Stream, Library: a.library, Control: a.control, Ledger: a.ledger, Auth: a.keeper,
		Router: a.cluster, Pages: a.pages, Metrics: metrics.Handler(a.metrics), Cached: http.HandlerFunc(a.serveCached), Node: node, Log: log,
	})
	return a, a.apply(c)
}

// apply takes over a config: first all that can fail, then all that can't,
// so that an error leaves everything as it was.
func (a *app) apply(c config) error {
	shares, err := c.shares()
	if err != nil {
		return err
	}
	secure, err := stream.OpenTLS(c.Stream, filepath.Join(a.state, "acme"))
	if err != nil {
		return err
	}
	before := a.config.Load()
	store := a.cache.Load()
	if before == nil || c.Cache != before.Cache {
		if store, err = a.openCache(c.Cache); err != nil {
			return err
		}
	}
	var listener net.Listener
	if before == nil || c.Stream.Listen != before.Stream.Listen {
		l, err := stream.Listen(c.Stream.Listen)
		if err != nil {
			return fmt.Errorf("listen on %q: %w; is another server running there? -listen or [stream] listen takes another port", c.Stream.Listen, err)
		}
		listener = l
	}
	sockets, err := a.openDNS(before, c)
	if err != nil {
		if listener != nil {
			listener.Close()
		}
		return err
	}
	access, err := stream.OpenLog(c.Stream)
	if err != nil {
		if listener != nil {
			listener.Close()
		}
		if sockets != nil {
			sockets.Close()
		}
		return err
	}
	a.control.SetConfig(a.withLinkSpeed(c.RateLimit))
	a.control.SetShares(c.shareCapacity())
	a.keeper.SetConfig(c.Auth)
	a.cluster.SetConfig(c.routing())
	a.names.SetConfig(c.Routing.DNS)
	if sockets != nil || c.Routing.DNS.Name == "" {
		a.names.Serve(sockets)
	}
	a.prints.Store(c.fingerprints(shares))
	if old := a.cache.Swap(store); old != store {
		a.library.Reopen()
	}
	a.library.Configure(c.Library, shares)
	a.server.SetConfig(c.Stream, secure)
	a.config.Store(&c)
	if listener != nil {
		a.server.Listen(listener)
	}
	a.setAccessLog(access)
	return nil
}

// openDNS listens where a config wants DNS answered and the one before did not.
func (a *app) openDNS(before *config, c config) (*dns.Sockets, error) {
	wanted := c.Routing.DNS
	if wanted.Name == "" || before != nil && before.Routing.DNS.Name != "" && before.Routing.DNS.Listen == wanted.Listen {
		return nil, nil
	}
	return dns.Listen(wanted.Listen)
}

// withLinkSpeed asks the system where the capacity is "auto". What it can't
// tell is no limit.
func (a *app) withLinkSpeed(c ratelimit.Config) ratelimit.Config {
	if c.Capacity != ratelimit.Auto {
		return c
	}
	name, speed, err := ratelimit.LinkSpeed()
	if err != nil {
		a.log.Warn("capacity not known, everybody is admitted", "error", err)
	} else {
		a.log.Info("capacity of the link", "interface", name, "speed", speed)
	}
	c.Capacity = ratelimit.Capacity(speed)
	return c
}

// openCache returns the cache of a config, nil if there is to be none.
func (a *app) openCache(c cache.Config) (*cache.Store, error) {
	if c.Size == 0 {
		return nil, nil
	}
	c.Folder = cmp.Or(c.Folder, filepath.Join(a.state, "cache"))
	store, err := cache.NewStore(c, a.log)
	if err == nil {
		store.Join(neighbours{a})
	}
	return store, err
}

// openers are those of all kinds, with what file servers and network mounts
// send kept in the cache that there is when a share is opened.
func (a *app) openers() map[string]library.Opener {
	all := openers(httpdir.Us{ID: a.node, Sign: a.cluster.Sign})
	for scheme, open := range all {
		all[scheme] = func(place string, access source.Access) (source.Source, error) {
			src, err := open(place, access)
			if store := a.cache.Load(); err == nil && store != nil && far(src) {
				src = cache.Wrap(src, place, store)
			}
			return src, err
		}
	}
	return all
}

// setAccessLog writes to f from now on and closes the file before; nil is
// none.
func (a *app) setAccessLog(f *os.File) {
	if f == nil {
		a.ledger.SetLog(nil)
	} else {
		a.ledger.SetLog(f)
	}
	if a.accessLog != nil {
		a.accessLog.Close()
	}
	a.accessLog = f
}

// run serves until ctx ends, then ends in order.
func (a *app) run(ctx context.Context, hangup <-chan os.Signal) int {
	libraryCtx, endLibrary := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { a.cluster.Run(libraryCtx) })
	running.Go(func() {
		settle, cancel := context.WithTimeout(libraryCtx, nodesSettle)
		defer cancel()
		a.cluster.Settle(settle)
		a.library.Run(libraryCtx)
	})
	running.Go(func() { a.resume.Run(libraryCtx) })
	pagesCtx, endPages := context.WithCancel(ctx)
	defer endPages()
	go a.pages.Run(pagesCtx)
	status := a.watch(ctx, hangup)
	endPages() // browsers that watch the status would hold the shutdown up
	patience := a.config.Load().Stream.ShutdownTimeout
	shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	a.drain(shutdown)
	if err := a.server.Shutdown(shutdown); err != nil {
		a.log.Info("running streams cut off", "after", patience)
	}
	a.names.Serve(nil)
	a.ledger.Close()
	endLibrary()
	running.Wait()
	a.closeCache()
	a.setAccessLog(nil)
	return status
}

// closeCache has the cache leave nothing behind that another instance would
// wait for. What hangs on a file server is not waited for long: it ends with
// the program.
func (a *app) closeCache() {
	if store := a.cache.Load(); store != nil {
		ctx, cancel := context.WithTimeout(context.Background(), cachePatience)
		defer cancel()
		store.Close(ctx)
	}
}

// drain lets the other nodes have the viewers, if there are any: it sends on
// who comes, until the others and their DNS have heard that this node ends, and
// nobody is left. It returns when ctx ends at the latest.
func (a *app) drain(ctx context.Context) {
	a.server.Drain(true)
	began, look := time.Now(), time.NewTicker(drainLook)
	defer look.Stop()
	for a.cluster.Elsewhere() && (time.Since(began) < drainLeast || a.control.Stats().Streams > 0) {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// watch reloads on hangup and when the config file is saved, until ctx ends
// or the listener fails.
func (a *app) watch(ctx context.Context, hangup <-chan os.Signal) int {
	poll := time.NewTicker(configPoll)
	defer poll.Stop()
	file := settings.NewWatch(a.origin.found)
	for {
		select {
		case <-ctx.Done():
			return exitDone
		case err := <-a.server.Failed():
			a.log.Error("listener failed", "error", err)
			return exitFailed
		case <-hangup:
			file.Seen()
			a.reload()
		case <-poll.C:
			if file.Saved() {
				a.reload()
			}
			a.rest(time.Now())
		}
	}
}

// played changes with every request for media, and with the end of one.
type played struct {
	requests int64
	streams  int
}

// rest gives memory back when there has been nothing to do for a while: all
// files are measured, and nobody begins to play anything. Streams that go on
// need next to none of it.
func (a *app) rest(now time.Time) {
	paced, before := a.control.Stats(), a.played
	a.played = played{a.ledger.Totals().Requests, paced.Streams}
	playing := a.played != before || paced.Streams == 0 && paced.Reserved > 0 // for one who comes back at once, as from segment to segment
	switch {
	case playing || a.library.Working() || a.library.Rest():
		a.worked = now
	case !a.worked.IsZero() && now.Sub(a.worked) >= restAfter:
		a.worked = time.Time{}
		footprint.Shrink()
	}
}

// reload is a transaction: on any mistake the running config stays.
func (a *app) reload() {
	a.applying.Lock()
	defer a.applying.Unlock()
	c, err := a.origin.load()
	if err == nil {
		err = a.apply(c)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			a.log.Error("config not reloaded, the one before stays", "mistake", strings.TrimSpace(line))
		}
		return
	}
	a.log.Info("config reloaded", "file", a.origin.found())
}

// --- admin ----------------------------------------------------------------

// desk is what the admin pages do with the running program.
type desk struct{ *app }

var _ webui.Admin = desk{}

func (d desk) Log() []string { return d.tail.Lines() }

func (d desk) EndSession(id string) (accounting.Session, bool) { return d.ledger.End(id) }

func (d desk) Rescan() { d.library.Rescan() }

func (d desk) Drain(on bool) { d.server.Drain(on) }

func (d desk) Draining() bool { return d.server.Draining() }

func (d desk) TryShare(ctx context.Context, s webui.NewShare) (string, error) {
	block := share{Name: s.Name, Login: source.Login{User: s.User, Password: source.Secret(s.Password)}}
	if strings.Contains(s.Place, "://") {
		block.URL = source.Secret(s.Place)
	} else {
		block.Path = s.Place
	}
	made, err := block.resolve()
	if err != nil {
		return "", err
	}
	found := library.Check(ctx, d.config.Load().Library, []library.Share{made}, openers(httpdir.Us{ID: d.node, Sign: d.cluster.Sign}), checkLimit)[0]
	if found.Problem != "" {
		return "", errors.New(found.Problem)
	}
	said := fmt.Sprintf("%s can be read, %d entries at its top.", made.Place, found.Entries)
	if found.Sample != "" {
		said += " For example " + found.Sample + "."
	}
	return strings.Join(append([]string{said}, found.Notes...), " "), nil
}

func (d desk) ReadConfig() (settings.File, error) {
	if len(d.origin.folders) > 0 {
		return settings.File{}, errors.New("MuStServ was started with folders on its command line, so no config file is in use")
	}
	file := d.origin.found()
	if file == "" {
		dir, err := os.UserConfigDir()
		if err != nil {
			return settings.File{}, fmt.Errorf("find a place for a config: %w; start MuStServ with -config FILE", err)
		}
		return settings.File{Name: filepath.Join(dir, "mustserv", "mustserv.toml"), Text: string(manual)}, nil
	}
	return settings.ReadFile(file)
}

func (d desk) CheckConfig(text string) []settings.Mistake {
	_, mistakes := parseConfig(text)
	return mistakes
}

func (d desk) SaveConfig(text, hash string) error {
	d.applying.Lock()
	defer d.applying.Unlock()
	before, err := d.ReadConfig()
	if err != nil {
		return err
	}
	if before.Hash != hash {
		return settings.ErrOvertaken
	}
	c, mistakes := parseConfig(text)
	if len(mistakes) > 0 {
		return fmt.Errorf("line %d, column %d: %s", mistakes[0].Line, mistakes[0].Column, mistakes[0].Text)
	}
	if c, err = d.origin.complete(c); err != nil {
		return err
	}
	running := *d.config.Load()
	return before.Replace(text, func() error { return d.apply(c) }, func() error { return d.apply(running) })
}

func (a *app) status() webui.Status {
	totals, paced := a.ledger.Totals(), a.control.Stats()
	host, _ := os.Hostname() // the page does without
	return webui.Status{
		Version: a.version, Node: host, Uptime: time.Since(a.started),
		Viewers: paced.Viewers, Capacity: int64(paced.Capacity), Reserved: int64(paced.Reserved), SentRate: totals.SentRate,
		Free: int64(paced.Free), Waiting: paced.Waiting, Lent: int64(paced.Lent),
		Told: a.told(),
	}
}

// others are the other nodes as the library knows them.
type others struct{ *routing.Cluster }

var _ library.Others = others{}

func (o others) Measured(ctx context.Context, path string, size int64, modified time.Time) ([]byte, error) {
	text, err := o.Cluster.Measured(ctx, library.EscapePath(path), size, modified)
	switch {
	case errors.Is(err, routing.ErrPending):
		return nil, source.ErrNotMeasured
	case err != nil:
		return nil, errors.ErrUnsupported
	}
	return text, nil
}

func (o others) Owns(path string) bool { return o.Cluster.Owns(library.EscapePath(path)) }

// report is what the cluster counts on of this node.
func (a *app) report() routing.Report {
	paced := a.control.Stats()
	return routing.Report{
		Viewers: paced.Viewers, Capacity: int64(paced.Capacity), Reserved: int64(paced.Reserved), Free: int64(paced.Free),
		Waiting: paced.Waiting, SentRate: a.ledger.Totals().SentRate, Version: a.version, Told: a.told(),
	}
}

// told is what the other nodes want to know, too.
func (a *app) told() routing.Told {
	c := a.config.Load()
	if c == nil { // not even the first is applied
		return routing.Told{}
	}
	prints := a.prints.Load()
	return routing.Told{
		Draining: a.server.Draining(), Weight: c.Routing.Weight, URL: c.Routing.URL, Now: time.Now().Unix(),
		Shares: prints.shares, Signing: prints.signing, Nodes: prints.nodes,
	}
}

// neighbours are the other nodes as the cache knows them.
type neighbours struct{ *app }

var _ cache.Others = neighbours{}

func (n neighbours) Have(v cache.Version) bool { return n.cluster.CachedElsewhere(n.cached(v)) }

func (n neighbours) Read(ctx context.Context, v cache.Version, off, end int64) (io.ReadCloser, error) {
	return n.cluster.Cached(ctx, n.cached(v), off, end)
}

// cached is how nodes name a version of a file.
func (n neighbours) cached(v cache.Version) routing.Cached {
	f := routing.Cached{Place: routing.Fingerprint(v.Place), Size: v.Size, Modified: v.Time}
	f.Path = n.prints.Load().names[f.Place] + "/" + v.Path
	return f
}

// serveCached answers another node out of the cache.
func (a *app) serveCached(w http.ResponseWriter, r *http.Request) {
	a.cluster.ServeCached(w, r, func(ctx context.Context, f routing.Cached, off, end int64) (io.ReadCloser, error) {
		store, place := a.cache.Load(), a.prints.Load().places[f.Place]
		_, path, _ := strings.Cut(f.Path, "/")
		if store == nil || place == "" {
			return nil, fs.ErrNotExist
		}
		from, err := store.Open(ctx, cache.Version{Place: place, Path: path, Size: f.Size, Time: f.Modified}, off, end)
		if errors.Is(err, source.ErrChanged) {
			err = routing.ErrOther
		}
		return from, err
	})
}

// fingerprints of a config are how other nodes see whether it is like theirs.
type fingerprints struct {
	shares, signing, nodes string
	places                 map[string]string // of shares, by fingerprint
	names                  map[string]string // of these
}

func (c config) fingerprints(shares []library.Share) *fingerprints {
	var names, keys []string
	for _, s := range c.Share {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	if len(c.Auth.User) > 0 {
		keys = append(keys, string(c.Auth.Key))
	}
	for _, u := range c.Auth.User {
		keys = append(keys, u.Name, u.Password)
	}
	nodes := slices.Sorted(slices.Values(c.Routing.Nodes))
	prints := &fingerprints{
		shares: routing.Fingerprint(slices.Compact(names)...), signing: routing.Fingerprint(keys...), nodes: routing.Fingerprint(nodes...),
		places: make(map[string]string), names: make(map[string]string),
	}
	for _, s := range slices.Backward(shares) { // the first one of a place counts
		print := routing.Fingerprint(s.Place)
		prints.places[print], prints.names[print] = s.Place, s.Name
	}
	return prints
}

// named returns the nodes as DNS answers with them.
func (a *app) named() []dns.Node {
	nodes := a.cluster.Nodes()
	weights := a.config.Load().Routing.Policy.Weights(nodes)
	list := make([]dns.Node, len(nodes))
	for i, n := range nodes {
		list[i] = dns.Node{Addresses: []netip.Addr{n.Addr.Addr()}, Alive: n.Up || n.Self, Draining: n.Draining || n.Resting, Weight: weights[i]}
	}
	return list
}

func (a *app) metrics() []metrics.Family {
	totals, paced := a.ledger.Totals(), a.control.Stats()
	return append([]metrics.Family{
		metrics.One(metrics.Counter, "mustserv_sent_bytes_total", "Bytes of items sent.", float64(totals.Bytes)),
		metrics.One(metrics.Counter, "mustserv_sessions_total", "Sessions begun.", float64(totals.Sessions)),
		metrics.One(metrics.Counter, "mustserv_requests_total", "Requests that sent bytes of items.", float64(totals.Requests)),
		metrics.One(metrics.Counter, "mustserv_saved_bytes_total", "Bytes that players left, and that a server without pacing would have sent.", float64(totals.Saved)),
		metrics.One(metrics.Counter, "mustserv_suspected_stalls_total", "Times that players must have waited for bytes.", float64(totals.Stalls)),
		metrics.One(metrics.Counter, "mustserv_retransmitted_segments_total", "Segments of streams that the network lost.", float64(totals.Retransmitted)),
		metrics.One(metrics.Gauge, "mustserv_sent_bits_per_second", "Sent over the last seconds.", float64(totals.SentRate)),
		metrics.One(metrics.Gauge, "mustserv_viewers", "Viewers with an open stream.", float64(paced.Viewers)),
		metrics.One(metrics.Gauge, "mustserv_streams", "Open streams.", float64(paced.Streams)),
		metrics.One(metrics.Gauge, "mustserv_reserved_bits_per_second", "Sum of the viewers' rates.", float64(paced.Reserved)),
		metrics.One(metrics.Gauge, "mustserv_capacity_bits_per_second", "Of the link; 0 if it is not known.", float64(paced.Capacity)),
		metrics.One(metrics.Gauge, "mustserv_free_bits_per_second", "Of the capacity, for more viewers; 0 if it is not known.", float64(paced.Free)),
		metrics.One(metrics.Gauge, "mustserv_waiting_viewers", "Viewers that wait until the link has room.", float64(paced.Waiting)),
		metrics.One(metrics.Gauge, "mustserv_lent_bytes", "Sent to viewers before they need it, because the link has room.", float64(paced.Lent)),
		metrics.One(metrics.Counter, "mustserv_measured_elsewhere_total", "Files that another node had measured.", float64(a.cluster.Taken())),
		metrics.One(metrics.Gauge, "mustserv_uptime_seconds", "Since the start.", time.Since(a.started).Seconds()),
		metrics.One(metrics.Gauge, "go_goroutines", "Goroutines that there are.", float64(runtime.NumGoroutine())),
	}, slices.Concat(
		metrics.Each("mustserv_share_", shareFigures(), a.library.Shares(), shareLabels),
		metrics.Each("mustserv_node_", nodeFigures(), a.cluster.Nodes(), nodeLabels),
	)...)
}

// nodeFigures are how this node sees the others.
func nodeFigures() []metrics.Figure[routing.Node] {
	return []metrics.Figure[routing.Node]{
		metrics.Of(metrics.Gauge, "up", "1 where a node answers.", func(n routing.Node) float64 { return metrics.Bool(n.Up) }),
		metrics.Of(metrics.Gauge, "free_bits_per_second", "Of a node's capacity, for more viewers; 0 if it has no limit.", func(n routing.Node) float64 { return float64(n.Free) }),
		metrics.Of(metrics.Gauge, "clock_seconds", "That a node's clock goes ahead.", func(n routing.Node) float64 { return n.Skew.Seconds() }),
		metrics.Of(metrics.Counter, "routed_total", "Viewers that were sent to a node.", func(n routing.Node) float64 { return float64(n.Sent) }),
	}
}

func nodeLabels(_ int, n routing.Node) []metrics.Label {
	return []metrics.Label{{Name: "node", Value: n.URL}}
}

// shareFigures are those of each share.
func shareFigures() []metrics.Figure[library.ShareStatus] {
	return []metrics.Figure[library.ShareStatus]{
		metrics.Of(metrics.Gauge, "items", "Films and music in a share.", func(s library.ShareStatus) float64 { return float64(s.Items) }),
		metrics.Of(metrics.Gauge, "bytes", "Size of these.", func(s library.ShareStatus) float64 { return float64(s.Bytes) }),
		metrics.Of(metrics.Gauge, "unmeasured", "Items of a share still to be measured.", func(s library.ShareStatus) float64 { return float64(s.Unmeasured) }),
		metrics.Of(metrics.Gauge, "available", "1 where a share answers.", func(s library.ShareStatus) float64 { return metrics.Bool(s.State != library.Unavailable) }),
		metrics.Of(metrics.Gauge, "scan_seconds", "How long the last scan of all folders took.", func(s library.ShareStatus) float64 { return s.ScanTook.Seconds() }),
		metrics.Of(metrics.Gauge, "waiting_streams", "Streams that wait for a share to answer.", func(s library.ShareStatus) float64 { return float64(s.Waiting) }),
		metrics.Of(metrics.Counter, "cache_hits_total", "Reads that the disk cache of a share could answer.", func(s library.ShareStatus) float64 { return float64(s.Cache.Hits) }),
		metrics.Of(metrics.Counter, "cache_misses_total", "Reads that it could not.", func(s library.ShareStatus) float64 { return float64(s.Cache.Misses) }),
		metrics.Of(metrics.Counter, "cache_from_nodes_total", "Segments of files that came from the cache of another node.", func(s library.ShareStatus) float64 { return float64(s.Cache.FromOthers) }),
		metrics.Of(metrics.Counter, "cache_for_nodes_total", "Segments, or parts of them, that another node has read from the cache.", func(s library.ShareStatus) float64 { return float64(s.Cache.ForOthers) }),
	}
}

// shareLabels numbers the shares, too: several may have one name.
func shareLabels(i int, s library.ShareStatus) []metrics.Label {
	return []metrics.Label{{Name: "share", Value: s.Name}, {Name: "number", Value: strconv.Itoa(i + 1)}, {Name: "kind", Value: s.Kind}}
}

// greet says what is shared and where a person can open it.
func greet(w io.Writer, c config, addr net.Addr) {
	shares, _ := c.shares() // it was applied
	for _, s := range shares {
		fmt.Fprintf(w, "Sharing %s from %s\n", s.Name, s.Place)
	}
	scheme := "http://"
	if c.Stream.Secure() {
		scheme = "https://"
	}
	for _, host := range stream.Hosts(addr) {
		base := scheme + host
		fmt.Fprintf(w, "Open    %s/   in a browser\n        %s/playlist.m3u   in VLC, Winamp, Kodi and others\n", base, base)
	}
}

// stateFolder returns the folder for what may be made again, and makes it.
func stateFolder() (string, error) {
	dir := os.Getenv("STATE_DIRECTORY")
	if dir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			dir, err := os.UserCacheDir()
			if err != nil {
				return "", fmt.Errorf("find a folder for the index: %w; set STATE_DIRECTORY", err)
			}
			base = dir
		}
		dir = filepath.Join(base, "mustserv")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder for the index: %w; set STATE_DIRECTORY to one that can be written", err)
	}
	return dir, nil
}

// --- check and probe ------------------------------------------------------

func runCheck(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, parse := flags("check", "mustserv check tries a config and each of its shares, for example: mustserv check -config mustserv.toml\n", stderr)
	in := origin{}
	set.StringVar(&in.file, "config", "", "read this config `file`")
	if status, ok := parse(args); !ok {
		return status
	}
	if set.NArg() > 0 {
		fmt.Fprintf(stderr, "mustserv check: %q is too much; the file is given as -config FILE\n", set.Arg(0))
		return exitUsage
	}
	c, err := in.load()
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	fmt.Fprintln(stdout, "config:", cmp.Or(in.found(), "none found, the built-in one is used"))
	shares, err := c.shares()
	if err != nil {
		fmt.Fprintln(stderr, "mustserv:", err)
		return exitUsage
	}
	status := exitDone
	if c.RateLimit.Capacity == ratelimit.Auto {
		if name, speed, err := ratelimit.LinkSpeed(); err != nil {
			fmt.Fprintln(stderr, err)
			status = exitFailed
		} else {
			fmt.Fprintf(stdout, "capacity: %s by %s\n", speed, name)
		}
	}
	for _, f := range library.Check(ctx, c.Library, shares, openers(httpdir.Us{}), checkLimit) {
		if f.Problem != "" {
			fmt.Fprintf(stderr, "share %q: %s: %s\n", f.Share.Name, f.Share.Place, f.Problem)
			status = exitFailed
			continue
		}
		fmt.Fprintf(stdout, "share %q: %s can be read, %d entries at its top (%s)", f.Share.Name, f.Share.Place, f.Entries, f.Kind)
		if f.Sample != "" {
			fmt.Fprintf(stdout, ", for example %s", f.Sample)
		}
		fmt.Fprintln(stdout)
		for _, note := range f.Notes {
			fmt.Fprintf(stderr, "share %q: %s: %s\n", f.Share.Name, f.Share.Place, note)
		}
	}
	return status
}

func runProbe(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, parse := flags("probe", "mustserv probe measures files, for example: mustserv probe film.mp4\n", stderr)
	asJSON := set.Bool("json", false, "print one JSON object a line")
	svg := set.String("svg", "", "draw the bit rate of one file into this SVG `file`")
	if status, ok := parse(args); !ok {
		return status
	}
	if set.NArg() == 0 {
		fmt.Fprintln(stderr, "mustserv probe: no file given, for example: mustserv probe film.mp4")
		return exitUsage
	}
	if *svg != "" && set.NArg() != 1 {
		fmt.Fprintln(stderr, "mustserv probe: -svg draws one file, for example: mustserv probe -svg film.svg film.mp4")
		return exitUsage
	}
	print := printTable(stdout, stderr)
	if *asJSON {
		print = printJSON(stdout)
	}
	status, policy := exitDone, ratelimit.DefaultPolicy()
	for _, file := range set.Args() {
		item, err := library.Measure(ctx, file)
		if err != nil {
			status = exitFailed
			print(file, webui.Facts{}, err)
			continue
		}
		need := item.Info().Curve.Spec(policy)
		print(file, webui.FactsOf(item, int64(need.Rate), int64(need.Burst)), nil)
		if *svg == "" {
			continue
		}
		if err := drawFile(*svg, item, need); err != nil {
			fmt.Fprintln(stderr, "mustserv:", err)
			status = exitFailed
		}
	}
	return status
}

// drawFile draws what an item needs into an SVG file.
func drawFile(name string, item *library.Item, need ratelimit.TSpec) error {
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("draw the bit rate: %w", err)
	}
	return errors.Join(webui.WriteChart(file, item, int64(need.Rate), int64(need.Burst)), file.Close())
}

// printJSON prints what is known of a file as one line, in the words of the
// JSON API.
func printJSON(stdout io.Writer) func(file string, f webui.Facts, err error) {
	out := json.NewEncoder(stdout)
	return func(file string, f webui.Facts, err error) {
		if err != nil {
			out.Encode(map[string]string{"file": file, "error": err.Error()})
			return
		}
		out.Encode(struct {
			File string `json:"file"`
			webui.Facts
		}{file, f})
	}
}

// printTable prints a line for each file, in columns.
func printTable(stdout, stderr io.Writer) func(file string, f webui.Facts, err error) {
	const columns = "%-9s  %10s  %13s  %13s  %13s  %10s  %-9s  %s\n"
	headed := false
	return func(file string, f webui.Facts, err error) {
		if err != nil {
			fmt.Fprintln(stderr, "mustserv:", err)
			return
		}
		if !headed {
			headed = true
			fmt.Fprintf(stdout, columns, "CONTAINER", "SECONDS", "AVERAGE", "PEAK", "RATE", "BURST", "MEASURED", "FILE")
		}
		measured := "estimate"
		if f.Bitrate.Exact {
			measured = "exact"
		}
		b := f.Bitrate
		fmt.Fprintf(stdout, columns, f.Container, fmt.Sprintf("%.1f", f.Duration), ratelimit.Rate(b.Average), ratelimit.Rate(b.Peak),
			ratelimit.Rate(b.Rate), ratelimit.Size(b.Burst), measured, file)
	}
}

// --- passwd ---------------------------------------------------------------

func runPasswd(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	set, parse := flags("passwd", "mustserv passwd reads a password and prints the block that lets its user in, for example: mustserv passwd -role admin ann\n", stderr)
	role := auth.Viewer
	set.Func("role", `"viewer", or "admin", who may also change the config (default "viewer")`, func(text string) error {
		role = auth.Role(text)
		return nil
	})
	if status, ok := parse(args); !ok {
		return status
	}
	if set.NArg() > 1 {
		fmt.Fprintf(stderr, "mustserv passwd: %q is too much; the password is asked for\n", set.Arg(1))
		return exitUsage
	}
	password, err := askPassword(stdin, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "mustserv passwd:", err)
		return exitFailed
	}
	hash, err := auth.Hash(password)
	if err != nil {
		fmt.Fprintln(stderr, "mustserv passwd:", err)
		return exitFailed
	}
	user := auth.User{Name: cmp.Or(set.Arg(0), "viewer"), Password: hash, Role: role}
	if err := user.Validate(); err != nil {
		fmt.Fprintln(stderr, "mustserv passwd:", err)
		return exitUsage
	}
	fmt.Fprintf(stdout, "[[auth.user]]\nname = %q\npassword = %q\nrole = %q\n", user.Name, user.Password, user.Role)
	return exitDone
}

// askPassword reads one line, unseen where somebody types it.
func askPassword(stdin io.Reader, stderr io.Writer) (string, error) {
	fmt.Fprint(stderr, "Password: ")
	var line []byte
	var err error
	if file, ok := stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		line, err = term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(stderr)
	} else {
		line, err = bufio.NewReader(io.LimitReader(stdin, passwordMax)).ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	password := strings.TrimRight(string(line), "\r\n")
	if err == nil && password == "" {
		err = errors.New("no password was given; type it, or pipe it in")
	}
	return password, err
}

// --- load -----------------------------------------------------------------

const loadUsage = `mustserv load plays films to simulated players and says how many of them the server and the link carry.

  mustserv load -n 50 http://192.168.1.20:8000/media/Films/a.mp4       50 players of one film, for 30 s
  mustserv load -n 50 -for 5m -seek 20s URL URL                        of two films, jumping about every 20 s
  mustserv load -n 50 -curve a.mp4 http://other:80/a.mp4               a server that is no MuStServ: of the film as it is here
  mustserv load -mode drain -n 32 URL                                  read as fast as it comes
  mustserv load -n 50 -from 192.168.1.100 URL                          from 50 addresses that this machine has

MuStServ takes all players of one film at one address for one viewer. On the machine of the server itself, at
http://127.0.0.1:8000/, each player has an address of its own; elsewhere -from names the first of as many as there
are players. Exit status 1 says that not all of them played without a stall.

`

func runLoad(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set, parse := flags("load", loadUsage, stderr)
	o, ahead := load.DefaultOptions(), ratelimit.Size(load.DefaultOptions().BufferBytes)
	var promised ratelimit.Rate
	set.IntVar(&o.Players, "n", o.Players, "`players`")
	set.DurationVar(&o.For, "for", o.For, "how long, as 5m")
	set.DurationVar(&o.Over, "over", o.Over, "begin spread over this time")
	mode := set.String("mode", "play", "`play` at the film's pace, or drain: read as fast as it comes, over and over")
	asJSON := set.Bool("json", false, "print one JSON object, also with what came of each player")
	var curves []string
	set.Func("curve", "what the film needs: a copy of it on this machine, or its address on a MuStServ (`FILE or URL`); once for all films or once for each",
		func(place string) error { curves = append(curves, place); return nil })
	set.TextVar(&promised, "rate", promised, `at which the server says it sends, as "5 Mbit/s"; by default what a MuStServ says`)
	set.DurationVar(&o.Start, "start", o.Start, "of the film that a player has before it plays")
	set.DurationVar(&o.Cache, "cache", o.Cache, "that pass from the first byte on before it plays, as VLC's network-caching")
	set.DurationVar(&o.Buffer, "buffer", o.Buffer, "of the film that it reads ahead")
	set.TextVar(&ahead, "buffer-size", ahead, "bytes that it reads ahead at most, as \"32 MiB\"")
	set.DurationVar(&o.Seek, "seek", o.Seek, "mean time between jumps to a random place; 0s is none")
	set.BoolVar(&o.Reconnect, "reconnect", o.Reconnect, "go on at the same byte after a broken connection, as VLC does")
	set.DurationVar(&o.Silence, "silence", o.Silence, "after so long without a byte a connection counts as broken, as 15s; 0s is never, as VLC")
	set.TextVar(&o.From, "from", o.From, "`address` of the first player; the next has the next one")
	if status, ok := parse(args); !ok {
		return status
	}
	o.BufferBytes, o.Drain = int64(ahead), *mode == "drain"
	if len(curves) > 1 && len(curves) != set.NArg() {
		fmt.Fprintf(stderr, "mustserv load: %d films, but -curve is given %d times; give it once for all or once for each\n", set.NArg(), len(curves))
		return exitUsage
	}
	if set.NArg() == 0 || !o.Drain && *mode != "play" {
		fmt.Fprintln(stderr, "mustserv load: an address and -mode play or drain are wanted, for example: mustserv load -n 50 http://192.168.1.20:8000/media/Films/a.mp4")
		return exitUsage
	}
	var err error
	if o.Targets, err = load.Targets(ctx, set.Args(), curves, o.Drain, measureForLoad); err != nil {
		fmt.Fprintln(stderr, "mustserv load:", err)
		return exitFailed
	}
	for i := range o.Targets {
		if promised > 0 {
			o.Targets[i].Rate = promised.BytesPerSecond()
		}
	}
	report, err := load.Run(ctx, o)
	if err != nil {
		fmt.Fprintln(stderr, "mustserv load:", err)
		return exitUsage
	}
	if *asJSON {
		err = json.NewEncoder(stdout).Encode(report)
	} else {
		err = report.Print(stdout)
	}
	if err != nil || report.Smooth < report.Players {
		return exitFailed
	}
	return exitDone
}

// measureForLoad returns what a film needs of which there is a copy here.
func measureForLoad(ctx context.Context, name string) (*load.Curve, error) {
	item, err := library.Measure(ctx, name)
	if err != nil {
		return nil, err
	}
	due := item.Info().Due()
	return load.NewCurve(due.Cell, due.Bytes)
}

// --- config ---------------------------------------------------------------

// config is the whole config file: a table for each room, which owns what it
// means.
type config struct {
	Share     []share          `toml:"share"`
	Stream    stream.Config    `toml:"stream"`
	RateLimit ratelimit.Config `toml:"ratelimit"`
	Library   library.Config   `toml:"library"`
	Cache     cache.Config     `toml:"cache"`
	Routing   nodes            `toml:"routing"`
	Auth      auth.Config      `toml:"auth"`
	WebUI     webui.Config     `toml:"webui"`
}

// nodes is the [routing] table, with the one of DNS within it.
type nodes struct {
	routing.Config
	DNS dns.Config `toml:"dns"`
}

// share is a [[share]] block: a folder of this computer, or one of a file
// server and how that lets us in.
type share struct {
	Name string        `toml:"name"`
	Path string        `toml:"path"`
	URL  source.Secret `toml:"url"` // there may be a password in it
	source.Login
	Rescan   time.Duration  `toml:"rescan"`
	Capacity ratelimit.Rate `toml:"capacity"`
}

func defaultConfig() config {
	return config{
		Stream: stream.DefaultConfig(), RateLimit: ratelimit.DefaultConfig(),
		Library: library.DefaultConfig(), Cache: cache.DefaultConfig(), Routing: nodes{routing.DefaultConfig(), dns.DefaultConfig()}, Auth: auth.DefaultConfig(), WebUI: webui.DefaultConfig(),
	}
}

// routing returns the config of the cluster, with a secret if the nodes have
// anything in common to make one of.
func (c config) routing() routing.Config {
	r := c.Routing.Config
	r.Secret = cmp.Or(r.Secret, routing.Derive(string(c.Auth.Key)))
	return r
}

// shares returns the shares as the library has them, with passwords as they
// are now where these are kept elsewhere.
func (c config) shares() ([]library.Share, error) {
	list := make([]library.Share, len(c.Share))
	for i, s := range c.Share {
		var err error
		if list[i], err = s.resolve(); err != nil {
			return nil, fmt.Errorf("share %q: %w", s.Name, err)
		}
	}
	return list, nil
}

// shareCapacity returns what the shares of a name can deliver: as each may
// have every film, the least that one of them is said to.
func (c config) shareCapacity() map[string]ratelimit.Rate {
	least := make(map[string]ratelimit.Rate)
	for _, s := range c.Share {
		if before, ok := least[s.Name]; s.Capacity > 0 && (!ok || s.Capacity < before) {
			least[s.Name] = s.Capacity
		}
	}
	return least
}

// resolve returns the share as the library has it. Its error has one for each
// mistake, which begins with the key.
func (s share) resolve() (library.Share, error) {
	made := library.Share{Name: s.Name, Place: cmp.Or(s.Path, s.URL.String()), Rescan: s.Rescan}
	var errs []error
	switch {
	case s.URL != "" && s.Path != "":
		errs = append(errs, errors.New("url can't stand beside path; two blocks of the same name appear as one folder"))
	case s.URL != "":
		var err error
		if made.Place, made.Access, err = source.ParseURL(s.URL); err != nil {
			errs, made.Place = append(errs, fmt.Errorf("url %w", err)), s.URL.String()
		} else if err := tryOpen(made.Place); err != nil {
			errs = append(errs, fmt.Errorf("url %w", err))
		}
		errs = append(errs, unjoin(s.Login.AddTo(&made.Access))...)
	case strings.Contains(s.Path, "://"):
		errs = append(errs, errors.New("path is for folders of this computer; a file server is given as url"))
	case s.Path != "":
		for _, key := range s.Login.Keys() {
			errs = append(errs, fmt.Errorf("%s is for a url; a path is read as the user that MuStServ runs as", key))
		}
	}
	return made, errors.Join(append(errs, unjoin(made.Validate())...)...)
}

// openers returns how each kind of place is read, by what the URL begins
// with; "" is a folder of this computer.
func openers(us httpdir.Us) map[string]library.Opener {
	web := func(place string, a source.Access) (source.Source, error) { return httpdir.As(us, place, a) }
	return map[string]library.Opener{
		"":    openLocal,
		"smb": smb.Open, "http": web, "https": web,
	}
}

// far reports whether a source's files are of another computer.
func far(src source.Source) bool {
	switch src.(type) {
	case *local.Folder, hostFolder:
		return false
	}
	return true
}

// hostFolder is a folder of a virtual machine's host.
type hostFolder struct {
	source.Source
	mount local.Mount
}

func (h hostFolder) Describe() string { return h.mount.String() }

// openLocal opens a folder of this computer; one on a network mount may hang.
func openLocal(place string, _ source.Access) (source.Source, error) {
	folder, err := local.Open(place)
	if err != nil {
		return nil, err
	}
	mount := folder.Mount()
	if !mount.Network() {
		return folder, nil
	}
	guarded := guard.Wrap(folder, guard.Options{What: mount.String()})
	if mount.Host() {
		return hostFolder{guarded, mount}, nil
	}
	return guarded, nil
}

// tryOpen says what is wrong with a URL; no server is asked.
func tryOpen(place string) error {
	scheme, _, _ := strings.Cut(place, "://")
	open := openers(httpdir.Us{})[scheme]
	if open == nil {
		return fmt.Errorf("begins with %q; MuStServ reads %s", scheme+"://", schemes())
	}
	src, err := open(place, source.Access{})
	if err != nil {
		return fmt.Errorf("can't be used: %w", err)
	}
	return src.Close()
}

// schemes says which URLs are known.
func schemes() string {
	var list []string
	for _, scheme := range slices.Sorted(maps.Keys(openers(httpdir.Us{}))) {
		if scheme != "" {
			list = append(list, scheme+"://")
		}
	}
	return strings.Join(list, ", ")
}

// validate returns what each room says is wrong, keyed by the place in the
// file: "stream.listen", "share[0].name".
func (c config) validate() []settings.Mistake {
	var all []settings.Mistake
	collect := func(table string, err error) {
		for _, e := range unjoin(err) {
			key, _, _ := strings.Cut(e.Error(), " ")
			all = append(all, settings.Mistake{Key: table + "." + key, Text: e.Error()})
		}
	}
	for i, s := range c.Share {
		_, err := s.resolve()
		collect(fmt.Sprintf("share[%d]", i), err)
	}
	collect("stream", c.Stream.Validate())
	collect("ratelimit", c.RateLimit.Validate())
	collect("library", c.Library.Validate())
	collect("cache", c.Cache.Validate())
	collect("routing", c.Routing.Config.Validate())
	collect("routing.dns", c.Routing.DNS.Validate())
	if c.Routing.DNS.Name != "" && len(c.Routing.Nodes) == 0 {
		collect("routing.dns", errors.New("name needs [routing] nodes, whose addresses are the answer"))
	}
	if len(c.Routing.Nodes) > 0 && len(c.Auth.User) > 0 && c.Auth.Key == "" {
		collect("routing", errors.New("nodes need [auth] key where there are users: with one key on all nodes, who is let in at one is let in at each"))
	}
	if c.Routing.DataNode != "" && c.routing().Secret == "" {
		collect("routing", errors.New("data_node needs a secret: the two nodes sign what they tell each other; [routing] secret or [auth] key, the same on both"))
	}
	collect("auth", c.Auth.Validate())
	for i, u := range c.Auth.User {
		collect(fmt.Sprintf("auth.user[%d]", i), u.Validate())
	}
	collect("webui", c.WebUI.Validate())
	return all
}

// parseConfig decodes over the defaults, and returns all that is wrong.
func parseConfig(text string) (config, []settings.Mistake) {
	c := defaultConfig()
	mistakes := manual.Decode(text, &c, func() []settings.Mistake { return c.validate() }) // as decoded: a method value would keep the defaults
	return c, mistakes
}

func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// origin is where the config comes from; a reload asks it again.
type origin struct {
	file    string   // -config
	listen  string   // -listen
	folders []string // instead of the config's shares
}

// found returns the config file that counts, or "" where there is none.
func (o origin) found() string {
	if file := cmp.Or(o.file, os.Getenv("MUSTSERV_CONFIG")); file != "" {
		return file
	}
	places := []string{"mustserv.toml"}
	if dir, err := os.UserConfigDir(); err == nil { // $XDG_CONFIG_HOME where there is such a thing
		places = append(places, filepath.Join(dir, "mustserv", "mustserv.toml"))
	}
	for _, file := range append(places, "/etc/mustserv/mustserv.toml") {
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			return file
		}
	}
	return ""
}

// load reads and validates the config. Its error has a line for each mistake.
func (o origin) load() (config, error) {
	c, text, file := defaultConfig(), "", o.found()
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("mustserv: read the config: %w", err)
		}
		text = string(data)
	}
	c, mistakes := parseConfig(text)
	if len(mistakes) > 0 {
		return c, settings.Errors(file, mistakes)
	}
	return o.complete(c)
}

// complete adds to a config what the command line says, and what is shared
// where nothing is said.
func (o origin) complete(c config) (config, error) {
	if o.listen != "" {
		c.Stream.Listen = o.listen
		if err := c.Stream.Validate(); err != nil {
			return c, fmt.Errorf("mustserv: -%w", err)
		}
	}
	if len(o.folders) > 0 {
		c.Share = nil
	}
	for _, folder := range o.folders {
		s, err := folderShare(folder)
		if err != nil {
			return c, err
		}
		c.Share = append(c.Share, s)
	}
	if len(c.Share) == 0 {
		c.Share = defaultShares()
	}
	return c, nil
}

// folderShare is the share of a folder or a URL on the command line, named
// like it.
func folderShare(folder string) (share, error) {
	if strings.Contains(folder, "://") {
		return urlShare(source.Secret(folder))
	}
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() {
		return share{}, fmt.Errorf("mustserv: %q is neither a command (serve, probe, check, passwd, load, version) nor a folder that can be read nor a URL", folder)
	}
	full, err := filepath.Abs(folder)
	if err != nil {
		return share{}, fmt.Errorf("mustserv: folder %q: %w", folder, err)
	}
	name := filepath.Base(full)
	if strings.ContainsAny(name, `/\`) { // the root of a disk
		name = "Files"
	}
	return share{Name: name, Path: full}, nil
}

// urlShare is the share of a folder on a file server, or of the server itself.
func urlShare(place source.Secret) (share, error) {
	s := share{Name: "Files", URL: place}
	made, err := s.resolve()
	if err != nil {
		return s, fmt.Errorf("mustserv: the %w", err)
	}
	u, err := url.Parse(made.Place)
	if err != nil {
		return s, fmt.Errorf("mustserv: the url of %s: %w", made.Place, err)
	}
	if s.Name = path.Base(u.Path); len(s.Name) <= 1 { // ".", "/"
		s.Name = u.Hostname()
	}
	return s, nil
}

// defaultShares are the user's folders for films and music, or else the
// current one.
func defaultShares() []share {
	var list []share
	if home, err := os.UserHomeDir(); err == nil {
		for _, name := range []string{"Music", "Videos", "Movies"} {
			if s, err := folderShare(local.UserFolder(home, name)); err == nil {
				list = append(list, s)
			}
		}
	}
	if len(list) == 0 {
		if s, err := folderShare("."); err == nil {
			list = append(list, s)
		}
	}
	return list
}
