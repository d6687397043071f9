package library

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/library/source"
)

// stuck is a source whose calls never end.
type stuck struct{ *memory }

func (stuck) List(context.Context, string) ([]fs.FileInfo, error) { select {} }

// TestCheck tries shares as they may be, by place.
func TestCheck(t *testing.T) {
	good := newMemory(0)
	good.put("Films/a.mp4", "film", old())
	good.put("notes.doc", "", old())
	unreadable := newMemory(0)
	unreadable.put("a.mp4", "film", old())
	unreadable.refused["a.mp4"] = fmt.Errorf("open: %w", fs.ErrPermission)
	fails := func(err error) source.Source {
		m := newMemory(0)
		m.refused["."] = err
		return m
	}
	gone := func(err error) error { return fmt.Errorf("list: %w: %w", err, source.ErrUnavailable) }
	for _, row := range []struct {
		name, place string
		source      source.Source
		want        string // beginning of the problem or note, or the sample
		hint        string
	}{
		{"good", "/x", good, "Films/a.mp4", ""},
		{"empty", "/x", newMemory(0), "it is empty", "mounted"},
		{"only what is no media", "/x", func() source.Source { m := newMemory(0); m.put("a.txt", "", old()); return m }(), "there is neither film", ""},
		{"unreadable file", "/x", unreadable, "open: permission denied", "as whom MuStServ runs"},
		{"unreadable folder", "/x", fails(gone(fs.ErrPermission)), "list: permission denied", "as whom MuStServ runs"},
		{"no folder", "/x", fails(gone(fs.ErrNotExist)), "list: file does not exist", "its disk mounted"},
		{"host not found", "smb://nas/x", fails(gone(&net.DNSError{Err: "no such host", Name: "nas"})), "list: lookup nas: no such host", "spelled right"},
		{"refused", "smb://nas/x", fails(gone(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})), "list: dial", "file sharing switched on"},
		{"no guests", "smb://nas/x", fails(fs.ErrPermission), "permission denied", "no user and password"},
		{"said where", "smb://nas/x", fails(fmt.Errorf("list %q in smb://nas/x: no share of this name: %w", ".", source.ErrUnavailable)), "no share of this name", ""},
		{"unknown kind", "gopher://nas/x", good, `"gopher" is no kind`, ""},
		{"hangs", "/x", stuck{good}, "it does not answer within 1s", "switched on"},
	} {
		t.Run(row.name, func(t *testing.T) {
			opener := func(string, source.Access) (source.Source, error) { return row.source, nil }
			openers := map[string]Opener{"": opener, "smb": opener, "https": opener}
			found := Check(t.Context(), testConfig(), []Share{{Name: "S", Place: row.place}}, openers, time.Second)
			got := strings.Join(append(found[0].Notes, found[0].Problem, found[0].Sample), "")
			if !strings.HasPrefix(got, row.want) || !strings.Contains(got, row.hint) || strings.Contains(got, "unavailable") {
				t.Errorf("got %q, want %q … %q", got, row.want, row.hint)
			}
		})
	}
}

func TestCheckComparesSharesOfOneName(t *testing.T) {
	at := old()
	a, b, c := newMemory(0), newMemory(0), newMemory(0)
	for name, m := range map[string]*memory{"a": a, "b": b} {
		m.put("same.mp4", "film", at)
		m.put("Sub/differs.mp4", "film by "+name, at.Add(time.Duration(len(name+m.files["same.mp4"].content))))
		m.put("only "+name+".mp4", "film", at)
	}
	b.put("Sub/differs.mp4", "another", at)
	c.put("same.mp4", "not of this name", at)
	sources := map[string]source.Source{"/a": a, "/b": b, "/c": c}
	openers := map[string]Opener{"": func(place string, _ source.Access) (source.Source, error) { return sources[place], nil }}
	found := Check(t.Context(), testConfig(), []Share{{Name: "S", Place: "/a"}, {Name: "O", Place: "/c"}, {Name: "S", Place: "/b"}}, openers, 10*time.Second)
	for i, want := range []string{"", "", `1 of its files, as "Sub/differs.mp4", `} {
		if got := strings.Join(found[i].Notes, ""); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("of %s: %q", found[i].Share.Place, got)
		}
	}
}

// One share that hangs takes no time from the others, nor much of ours.
func TestCheckTakesNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := newMemory(0)
		shares := []Share{{Name: "A", Place: "/a"}, {Name: "B", Place: "/b"}}
		openers := map[string]Opener{"": func(place string, _ source.Access) (source.Source, error) {
			if place == "/a" {
				return waits{slow}, nil
			}
			return slow, nil
		}}
		before := time.Now()
		found := Check(t.Context(), testConfig(), shares, openers, 10*time.Second)
		if took := time.Since(before); took > 11*time.Second || found[0].Problem == "" || found[1].Problem != "" {
			t.Errorf("after %v: %+v", took, found)
		}
	})
}

// waits is a source whose calls end with the context.
type waits struct{ *memory }

func (waits) List(ctx context.Context, _ string) ([]fs.FileInfo, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
