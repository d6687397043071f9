package smb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mustserv/library/source"
	"mustserv/library/source/sourcetest"
)

func TestContract(t *testing.T) {
	server := startSamba(t, "[all]", "path = /", "guest ok = yes", "hosts allow = 127.0.0.1")
	sourcetest.Run(t, sourcetest.Setup{
		Open: func(t *testing.T, dir string) source.Source {
			place := url.URL{Path: strings.TrimPrefix(dir, "/")}
			src := openShare(t, server.place("all", place.EscapedPath()), source.Access{})
			src.(*share).link.patience = 5 * time.Second
			return src
		},
		Hang: func(*testing.T, source.Source) func() {
			server.signal(syscall.SIGSTOP)
			return func() { server.signal(syscall.SIGCONT) }
		},
		Away: func(t *testing.T) source.Source {
			return openShare(t, "smb://127.0.0.1:1/open", source.Access{})
		},
		// Samba lists names that Windows can't have under others.
		Many:  times(20_000, 100_000),
		Hides: func(name string) bool { return !valid(name) || name == "..." || name == "CON.mp3" },
	})
}

func TestAccess(t *testing.T) {
	server := startSamba(t)
	signed := startSamba(t, "server signing = mandatory")
	// Samba's own default: an unknown user is refused, nobody is a guest.
	nobody := startSamba(t, "map to guest = Never")
	old := startSamba(t, "server max protocol = SMB2_02")
	for _, s := range []*samba{server, signed, nobody, old} {
		s.write("Été/日本 語 🎬.mp4", "content")
	}
	me := server.as()
	domain := source.Access{User: `WORKGROUP\` + me.User, Password: password}
	wrong := source.Access{User: me.User, Password: password + "x"}
	for _, row := range []struct {
		name   string
		place  string
		access source.Access
		kind   error // nil: it is let in
		words  string
	}{
		{"guest", server.place("open", ""), source.Access{}, nil, ""},
		{"guest where nobody is one", nobody.place("open", ""), source.Access{}, nil, ""},
		{"guest of a closed share", server.place("closed", ""), source.Access{}, fs.ErrPermission, "right to read"},
		{"guest of a sealed share", server.place("sealed", ""), source.Access{}, fs.ErrPermission, "right to read"},
		{"guest where all is signed", signed.place("open", ""), source.Access{}, nil, ""},
		{"user", server.place("closed", ""), me, nil, ""},
		{"user with a domain", server.place("closed", ""), domain, nil, ""},
		{"user, encrypted", server.place("sealed", ""), me, nil, ""},
		{"user, signed", signed.place("closed", ""), me, nil, ""},
		{"user, SMB 2.0", old.place("closed", ""), me, nil, ""},
		{"wrong password", server.place("closed", ""), wrong, fs.ErrPermission, "check both"},
		{"no such share", server.place("nothing", ""), me, source.ErrUnavailable, "no share of this name"},
		{"no such folder", server.place("closed", "nothing"), me, fs.ErrNotExist, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			src := openShare(t, row.place, row.access)
			infos, err := src.List(t.Context(), ".")
			if !errors.Is(err, row.kind) || (err != nil && !strings.Contains(err.Error(), row.words)) {
				t.Errorf("List answers %v, want %v with %q", err, row.kind, row.words)
			}
			for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v %#v", src, src)} {
				if strings.Contains(text, password) {
					t.Errorf("%s shows the password", text)
				}
			}
			if row.kind != nil {
				return
			}
			if len(infos) != 1 || infos[0].Name() != "Été" {
				t.Errorf("listed %v", infos)
			}
			if got, err := read(t, src, "Été/日本 語 🎬.mp4"); err != nil || got != "content" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

// A server that hangs up on one new connection is asked once more, and one that
// always does is not asked again and again.
func TestHungUp(t *testing.T) {
	server := startSamba(t)
	server.write("a.mp3", "content")
	for _, row := range []struct {
		name        string
		hangs       int // up on so many connections
		dials, want int
	}{{"once", 1, 2, 1}, {"always", 100, 2, 0}} {
		t.Run(row.name, func(t *testing.T) {
			src := openShare(t, server.place("closed", ""), server.as())
			link, dials := src.(*share).link, 0
			dial := link.connect
			link.connect = func(ctx context.Context, network, address string) (net.Conn, error) {
				if dials++; dials > row.hangs {
					return dial(ctx, network, address)
				}
				return dial(ctx, network, hangUp(t))
			}
			infos, err := src.List(t.Context(), ".")
			if len(infos) != row.want || dials != row.dials || (err == nil) != (row.want > 0) {
				t.Errorf("after %d dials, %d entries, %v", dials, len(infos), err)
			}
		})
	}
}

// hangUp returns an address where one connection is taken, and then closed.
func hangUp(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	go func() {
		defer listener.Close()
		if c, err := listener.Accept(); err == nil {
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c) // closed before all is read, it would be reset
			c.Close()
		}
	}()
	return listener.Addr().String()
}

// Samba follows links by itself: a tree that holds itself must have an end.
func TestLinks(t *testing.T) {
	server := startSamba(t)
	server.write("share/real/sub/a.mp3", "inside")
	server.write("outside/secret", "secret")
	at := func(name string) string { return filepath.Join(server.folder, name) }
	for name, target := range map[string]string{
		"share/in.mp3":        "real/sub/a.mp3",
		"share/dangling":      "nowhere",
		"share/loop":          ".",
		"share/real/up":       "..",
		"share/real/sub/back": "../../real",
		"share/far":           server.state,
	} {
		must(t, os.Symlink(target, at(name)))
	}
	must(t, syscall.Mkfifo(at("share/pipe"), 0o644))
	for _, share := range []string{"share", ""} {
		src := openShare(t, server.place("open", share), source.Access{})
		var all []string
		walk(t, src, ".", &all)
		slices.Sort(all)
		got := strings.Join(all, " ")
		if want := "in.mp3 real real/sub real/sub/a.mp3"; share == "share" && got != want {
			t.Errorf("a walk finds %q, want %q", got, want)
		}
		// From a folder below, nothing is remembered of those above.
		infos, err := openShare(t, server.place("open", share), source.Access{}).List(t.Context(), strings.TrimPrefix("share/real/sub", share+"/"))
		if err != nil || len(infos) != 1 {
			t.Errorf("List of a folder below answers %v, %v", infos, err)
		}
	}
	src := openShare(t, server.place("open", "share"), source.Access{})
	for _, name := range []string{"dangling", "far/smb.conf", "pipe"} {
		if got, err := read(t, src, name); err == nil && got != "" {
			t.Errorf("%s reads %q, %v", name, got, err)
		}
	}
}

func walk(t *testing.T, src source.Source, folder string, all *[]string) {
	infos, err := src.List(t.Context(), folder)
	if len(*all) > 100 || err != nil {
		t.Fatalf("List(%q) after %d others: %v", folder, len(*all), err)
	}
	for _, info := range infos {
		name := strings.TrimPrefix(folder+"/"+info.Name(), "./")
		if info.Name() == "pipe" {
			continue // Samba calls it a file, and an empty one
		}
		*all = append(*all, name)
		if info.IsDir() {
			walk(t, src, name, all)
		}
	}
}

// A file may be read, and is closed at the server, after its source is.
func TestConnectionEnds(t *testing.T) {
	server := startSamba(t)
	server.write("a.mp3", "content")
	src, err := Open(server.place("open", ""), source.Access{})
	must(t, err)
	l := src.(*share).link
	file, err := src.Open(t.Context(), "a.mp3")
	must(t, err)
	s := l.now
	must(t, src.Close())
	if s.isBroken() {
		t.Fatal("the connection has ended under an open file")
	}
	must(t, file.Close())
	select {
	case <-s.ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the connection is still open")
	}
	if _, err := file.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadAt of a closed file answers %v", err)
	}
	if err := file.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a second Close answers %v", err)
	}
}

// eventually calls until there is no error; it may only say unavailable.
func eventually(t *testing.T, call func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := call()
		if err == nil {
			return
		}
		if !errors.Is(err, source.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
