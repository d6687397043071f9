// Package webui is what people see of the library in a browser, and what
// programs read of it: the pages, the player, and the JSON API under /api/v1/.
//
// Pages are rendered here, on the server; they work without scripts, in a
// narrow window and in old browsers, and load nothing from elsewhere. Names of
// files are bytes of strangers: they reach a page only as escaped text.
package webui

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"mustserv/library"
	"mustserv/stream/accounting"
	"mustserv/stream/auth"
	"mustserv/stream/routing"
	"mustserv/webui/resume"
)

// Library is what the pages need of the library. Its methods are called for
// each request, concurrently; only Find may wait, until ctx ends.
type Library interface {
	Tree() *library.Tree
	Find(ctx context.Context, path string) (*library.Item, *library.Folder, error)
	Shares() []library.ShareStatus
}

// Status is what the server says of itself. Rates are in bits per second.
type Status struct {
	Version  string
	Node     string        // name of this instance
	Uptime   time.Duration //
	Viewers  int           // clients that play something now
	Capacity int64         // of the link; 0 if it has no limit
	Reserved int64         // for viewers
	Free     int64         // that more viewers can get; 0 if there is no capacity
	Waiting  int           // viewers until there is room
	Lent     int64         // bytes that viewers got early because there was room
	SentRate int64         // over the last seconds
	Told     routing.Told  // for other nodes
}

// Options is what a Handler is made of; all but Log, Keeper, Sign, Resume, Admin and Nodes must be there. The
// functions are called for each request, concurrently, and must not wait.
type Options struct {
	Library  Library
	Sessions func() []accounting.Session
	Status   func() Status
	Need     func(*library.Item) (rate, burst int64)   // bit/s and bytes of the bucket that the item gets
	Keeper   *auth.Keeper                              // who may log in; nil if nobody need
	Sign     func(*http.Request, *library.Item) string // what stands before the path of an item's address so that a player is let in; nil is nothing
	Resume   *resume.Store                             // nil keeps nobody's places
	Admin    Admin                                     // nil leaves the admin pages out
	Nodes    func() []routing.Node                     // that serve together, with this one; nil is none
	Config   func() Config                             // asked anew each time, so that it can change
	Log      *slog.Logger
}

func (o Options) missing() error {
	if o.Library == nil || o.Sessions == nil || o.Status == nil || o.Need == nil || o.Config == nil {
		return errors.New("make web pages: an option is missing")
	}
	return nil
}

// Handler answers for the pages, the static files and the JSON API. It may be
// used concurrently.
type Handler struct {
	Options
	static  statics
	tongues map[string]*tongue // by code, as are the pages
	pages   map[string]pages
	packer  packer
	live    *live
	hour    hour

	shelving sync.Mutex // held while the library is put in order
	shelved  *shelf
	renewing bool // another one is being made
	orders   orders
	reading  chan struct{} // holds a token for each who reads texts out of a film
}

var _ http.Handler = (*Handler)(nil)

// New makes a Handler. It fails if an option is missing.
func New(o Options) (*Handler, error) {
	if err := o.missing(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Keeper == nil {
		o.Keeper = auth.New(nil, auth.Config{})
	}
	if o.Sign == nil {
		o.Sign = func(*http.Request, *library.Item) string { return "" }
	}
	if o.Admin != nil {
		o.Admin = veiled{o.Admin}
	}
	s, err := loadStatics()
	if err != nil {
		return nil, err
	}
	h := &Handler{Options: o, static: s, tongues: tongues(), pages: make(map[string]pages), live: newLive(), reading: make(chan struct{}, textReaders)}
	for code, t := range h.tongues {
		h.pages[code] = newPages(s, t)
	}
	return h, nil
}
