package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os/user"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"mustserv/library/source"
)

// checkFolders is how many folders Check looks into for a film or music where
// it need not look into all.
const checkFolders = 1000

// Finding is what Check has found out about a share.
type Finding struct {
	Share   Share
	Kind    string   // as in ShareStatus, or what the source says of itself
	Entries int      // in its topmost folder
	Sample  string   // the film or music that could be read; empty if there is none
	Problem string   // why it can't be used, and what to do; empty if it can
	Notes   []string // what may not be as it is meant
}

// Check tries each share as Run would, all at the same time and each for no
// longer than limit, and changes nothing. It returns in the order of shares.
func Check(ctx context.Context, c Config, shares []Share, openers map[string]Opener, limit time.Duration) []Finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	trials := make([]trial, len(shares))
	var all sync.WaitGroup
	for i, s := range shares {
		whole := slices.ContainsFunc(shares, func(o Share) bool { return o.Name == s.Name && o != s })
		all.Go(func() {
			trials[i] = try(ctx, trial{config: &c, openers: openers, limit: limit, whole: whole, Finding: Finding{Share: s, Kind: s.kind(nil)}})
		})
	}
	all.Wait()
	compare(trials)
	found := make([]Finding, len(trials))
	for i, t := range trials {
		found[i] = t.Finding
	}
	return found
}

// trial is the check of one share.
type trial struct {
	Finding
	config  *Config
	openers map[string]Opener
	limit   time.Duration
	whole   bool             // another share has the same name
	files   map[string]state // films and music, by name within the share
	partly  bool             // there are more than these
}

// try runs a trial, and gives up on one that does not end: some calls of the
// system can't be interrupted.
func try(ctx context.Context, t trial) trial {
	done := make(chan trial, 1)
	go func(t trial) {
		t.run(ctx)
		done <- t
	}(t)
	late := time.NewTimer(t.limit + t.limit/10)
	defer late.Stop()
	select {
	case t = <-done:
	case <-late.C:
		t.Problem = t.silence()
	}
	return t
}

func (t *trial) silence() string {
	return fmt.Sprintf("it does not answer within %v; is its disk or server switched on, and the network up?", t.limit)
}

func (t *trial) run(ctx context.Context) {
	s := t.Share
	open := t.openers[s.scheme()]
	if open == nil {
		t.Problem = fmt.Sprintf("%q is no kind of place that can be read", s.scheme())
		return
	}
	src, err := open(s.Place, s.Access)
	if err != nil {
		t.Problem = explain(err, s)
		return
	}
	defer src.Close()
	t.Kind = s.kind(src)
	top, err := src.List(ctx, ".")
	switch {
	case err != nil && ctx.Err() != nil:
		t.Problem = t.silence()
		return
	case err != nil:
		t.Problem = explain(err, s)
		return
	}
	if t.Entries = len(top); t.Entries == 0 {
		t.Notes = append(t.Notes, "it is empty; is what should be there mounted, or is it another folder?")
		return
	}
	if err := t.walk(ctx, src); err != nil {
		t.Notes = append(t.Notes, explain(err, s))
	}
}

// walk looks through the share for films and music, and reads from the first.
func (t *trial) walk(ctx context.Context, src source.Source) (unreadable error) {
	t.files = make(map[string]state)
	todo := []string{"."}
	for looked := 0; len(todo) > 0; looked++ {
		if t.partly = ctx.Err() != nil || !t.whole && looked == checkFolders; t.partly {
			break
		}
		folder := todo[0]
		todo = todo[1:]
		infos, err := src.List(ctx, folder)
		if err != nil && ctx.Err() == nil {
			unreadable = cmp.Or(unreadable, err)
		}
		for _, info := range infos {
			name := path.Join(folder, info.Name())
			kind, _ := byExtension(extension(info.Name()))
			switch {
			case !validElement(info.Name()) || t.config.skips(info.Name()):
			case info.IsDir():
				if strings.Count(name, "/") < maxDepth {
					todo = append(todo, name)
				}
			case kind == Video || kind == Audio:
				t.files[name] = stateOf(info)
			}
			if t.Sample == "" && t.files[name] != (state{}) {
				if err := readable(ctx, src, name); err != nil {
					unreadable = cmp.Or(unreadable, err)
				} else if t.Sample = name; !t.whole {
					return unreadable
				}
			}
		}
	}
	if len(t.files) == 0 && unreadable == nil {
		t.Notes = append(t.Notes, "there is neither film nor music in it, as far as was looked")
	}
	return unreadable
}

// readable reads the beginning of a file.
func readable(ctx context.Context, src source.Source, name string) error {
	file, err := src.Open(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.ReadAt(make([]byte, 512), 0); err != nil && err != io.EOF {
		return fmt.Errorf("read %q: %w", name, err)
	}
	return nil
}

// compare notes where shares of one name have different files at one path.
func compare(trials []trial) {
	type taken struct {
		state
		by int
	}
	first := make(map[string]taken)
	for i := range trials {
		t := &trials[i]
		var differ []string
		for name, is := range t.files {
			at := t.Share.Name + "/" + name
			if was, ok := first[at]; !ok {
				first[at] = taken{is, i}
			} else if !was.is(is) {
				differ = append(differ, name)
			}
		}
		if len(differ) == 0 {
			continue
		}
		slices.SortFunc(differ, CompareNames)
		note := fmt.Sprintf("%d of its files, as %q, are other ones than a share of the same name further up has at that path; that one's are used", len(differ), differ[0])
		if t.partly {
			note = "at least " + note
		}
		t.Notes = append(t.Notes, note)
	}
}

// explain says what an error of a share means to who has to mend it.
func explain(err error, s Share) string {
	text := strings.TrimSuffix(err.Error(), ": "+source.ErrUnavailable.Error())
	if strings.HasPrefix(text, `list "." `) { // where, the finding says already
		_, text, _ = strings.Cut(text, ": ")
	}
	if hint := hint(err, s); hint != "" {
		text += "; " + hint
	}
	return text
}

func hint(err error, s Share) string {
	isLocal := s.scheme() == ""
	switch {
	case isUnknownHost(err):
		return "is the server's name spelled right? its IP address does as well"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the computer is on, but serves nothing at this port: is file sharing switched on there?"
	case errors.Is(err, fs.ErrPermission) && isLocal:
		return "allow it to be read by " + me()
	case errors.Is(err, fs.ErrPermission) && s.Access.User == "":
		return "no user and password are given: is a guest allowed there?"
	case errors.Is(err, source.ErrUnavailable) && isLocal:
		return "is it spelled right, and its disk mounted?"
	}
	return ""
}

func isUnknownHost(err error) bool {
	_, is := errors.AsType[*net.DNSError](err)
	return is
}

// me says as whom MuStServ runs.
func me() string {
	u, err := user.Current()
	if err != nil {
		return "the user that MuStServ runs as"
	}
	return fmt.Sprintf("the user %q, as whom MuStServ runs", u.Username)
}
