package smb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	server := startSamba(t)
	tests := 0
	sourcetest.Run(t, func(t *testing.T, files map[string]string) source.Source {
		tests++
		folder := fmt.Sprintf("test %d", tests)
		must(t, os.Mkdir(filepath.Join(server.folder, folder), 0o755))
		for name, content := range files {
			// Samba lists names that Windows can't have under others.
			if !valid(name) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, "CON.mp3") {
				t.Skipf("SMB has no names such as %q", name)
			}
			server.write(filepath.Join(folder, name), content)
		}
		return openShare(t, server.place("open", strings.ReplaceAll(folder, " ", "%20")), source.Access{})
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

func TestManyEntries(t *testing.T) {
	server := startSamba(t)
	const many = 100_000
	must(t, os.Mkdir(filepath.Join(server.folder, "many"), 0o755))
	first := filepath.Join(server.folder, "many", "first.mp3")
	must(t, os.WriteFile(first, nil, 0o644))
	for i := range many - 1 { // links are quickly made
		if i%30_000 == 29_999 { // more than ext4 allows of one file
			first = fmt.Sprintf("%s%d", first, i)
			must(t, os.WriteFile(first, nil, 0o644))
			continue
		}
		must(t, os.Link(first, filepath.Join(server.folder, "many", fmt.Sprintf("%06d film.mp4", i))))
	}
	src := openShare(t, server.place("open", ""), source.Access{})
	start := time.Now()
	infos, err := src.List(t.Context(), "many")
	if err != nil || len(infos) != many {
		t.Errorf("%d entries, %v", len(infos), err)
	}
	t.Logf("%d entries in %v", len(infos), time.Since(start).Round(time.Millisecond))
}

func TestHugeFile(t *testing.T) {
	server := startSamba(t)
	const size = 5<<30 + 7
	server.write("huge.mkv", "")
	must(t, os.Truncate(filepath.Join(server.folder, "huge.mkv"), size))
	f, err := os.OpenFile(filepath.Join(server.folder, "huge.mkv"), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("the end"), size-7)
	must(t, err)
	must(t, f.Close())
	src := openShare(t, server.place("open", ""), source.Access{})
	if info, err := src.Stat(t.Context(), "huge.mkv"); err != nil || info.Size() != size {
		t.Errorf("Stat answers %v, %v", info, err)
	}
	file := openIn(t, src, "huge.mkv")
	buf := make([]byte, 100)
	if n, err := file.ReadAt(buf, size-7); string(buf[:n]) != "the end" {
		t.Errorf("ReadAt answers %q, %v", buf[:n], err)
	}
	if n, err := file.ReadAt(buf, 4<<30-50); n != 100 || err != nil {
		t.Errorf("ReadAt across 4 GiB answers %d, %v", n, err)
	}
}

func TestFileShrinks(t *testing.T) {
	server := startSamba(t)
	server.write("a.mp4", strings.Repeat("x", 10_000))
	file := openIn(t, openShare(t, server.place("open", ""), source.Access{}), "a.mp4")
	must(t, os.Truncate(filepath.Join(server.folder, "a.mp4"), 100))
	if n, err := file.ReadAt(make([]byte, 1000), 0); n != 100 || err == nil {
		t.Errorf("ReadAt across the new end answers %d, %v", n, err)
	}
	if n, err := file.ReadAt(make([]byte, 1000), 5000); n != 0 || err == nil {
		t.Errorf("ReadAt behind the new end answers %d, %v", n, err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != 100 {
		t.Errorf("Stat answers %v, %v", info, err)
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

func TestServerHangs(t *testing.T) {
	server := startSamba(t)
	server.write("a.mp4", strings.Repeat("x", 1<<20))
	src := openShare(t, server.place("open", ""), source.Access{})
	src.(*share).link.patience = 500 * time.Millisecond
	file, other := openIn(t, src, "a.mp4"), openIn(t, src, "a.mp4")
	server.signal(syscall.SIGSTOP)
	defer server.signal(syscall.SIGCONT)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := src.Stat(ctx, "a.mp4"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stat under a context answers %v", err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := other.ReadAt(make([]byte, 10), 0)
		ended <- err
	}()
	must(t, other.Close())
	if err := <-ended; !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the read of a file that is closed ends with %v", err)
	}
	if _, err := file.ReadAt(make([]byte, 10), 0); !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "500ms") {
		t.Errorf("ReadAt answers %v", err)
	}
	if _, err := src.List(t.Context(), "."); !errors.Is(err, source.ErrUnavailable) {
		t.Errorf("List answers %v", err)
	}
	server.signal(syscall.SIGCONT)
	eventually(t, func() error { _, err := file.ReadAt(make([]byte, 10), 0); return err })
	eventually(t, func() error { _, err := src.List(t.Context(), "."); return err })
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
