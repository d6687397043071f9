package smb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"testing"

	"github.com/cloudsoda/go-smb2"

	"mustserv/library/source"
)

func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"smb://nas/films":                  "smb://nas/films",
		"smb://nas/films/":                 "smb://nas/films",
		"smb://nas:445/films/a/b":          "smb://nas/films/a/b",
		"smb://10.0.0.2:4450/My%20Films":   "smb://10.0.0.2:4450/My Films",
		"smb://[::1]:4450/films/Été":       "smb://[::1]:4450/films/Été",
		"smb://nas/films/100%23":           "smb://nas/films/100#",
		"smb://nas":                        "",
		"smb://nas/":                       "",
		"smb:///films":                     "",
		"http://nas/films":                 "",
		"/srv/films":                       "",
		"smb://nas/films/../secret":        "",
		"smb://nas/films/%2e%2e/secret":    "",
		"smb://nas/films/a%5c..%5c..":      "",
		"smb://nas/films/a%00":             "",
		"smb://nas/films/c:stream":         "",
		"smb://nas/films?x":                "",
		"smb://nas/films#1":                "",
		"smb://me:hunter2@nas/films":       "",
		"smb://me@nas/films":               "",
		"smb://me:hunt:er2@nas:port/films": "",
		"smb://%zz/films":                  "",
	} {
		got, err := parse(text)
		if (err == nil) != (want != "") || (err == nil && got.String() != want) {
			t.Errorf("parse(%q) = %v, %v; want %q", text, got, err, want)
		}
		if _, err := Open(text, source.Access{}); want == "" && (!errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "hunt")) {
			t.Errorf("Open(%q) answers %v", text, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		".": `films`, "a": `films\a`, "a b/日本.mp4": `films\a b\日本.mp4`, "é/e\u0301": "films\\é\\e\u0301",
		`a\b`: "", "a:b": "", "a*": "", "a?": "", `a"`: "", "a<": "", "a>b": "", "a|b": "", "a\n": "", "a\xff": "", "../a": "", "": "",
	} {
		if valid(name) != (want != "") {
			t.Errorf("valid(%q) = %v", name, valid(name))
		}
		if want != "" && remote("films", name) != want {
			t.Errorf("remote(%q) = %q, want %q", name, remote("films", name), want)
		}
	}
	if got := remote(".", "."); got != "" {
		t.Errorf("the share itself is called %q", got)
	}
}

func TestAccounts(t *testing.T) {
	for text, want := range map[string][2]string{
		"": {"", ""}, "ann": {"", "ann"}, `HOME\ann`: {"HOME", "ann"}, "HOME;ann": {"HOME", "ann"}, "ann@home.example": {"", "ann@home.example"},
	} {
		if domain, user := account(text); domain != want[0] || user != want[1] {
			t.Errorf("account(%q) = %q, %q", text, domain, user)
		}
	}
}

// What servers say has a meaning that callers can tell apart.
func TestStatus(t *testing.T) {
	for code, want := range map[status]error{
		nameNotFound: fs.ErrNotExist, pathNotFound: fs.ErrNotExist, deletePending: fs.ErrNotExist, notFolder: fs.ErrNotExist, stoppedOnLink: fs.ErrNotExist,
		nameInvalid: fs.ErrInvalid, nameTooLong: fs.ErrInvalid, fileIsFolder: fs.ErrInvalid,
		accessDenied: fs.ErrPermission, sharingViolation: fs.ErrPermission, logonFailure: fs.ErrPermission, accountDisabled: fs.ErrPermission,
		passwordExpired: fs.ErrPermission, accountRestriction: fs.ErrPermission,
		badNetworkName: source.ErrUnavailable, pathNotCovered: source.ErrUnavailable,
	} {
		err := fmt.Errorf("read: %w", &smb2.ResponseError{Code: uint32(code)})
		if got := statusOf(err).meaning(); !errors.Is(got, want) {
			t.Errorf("status %#x means %v, want %v", uint32(code), got, want)
		}
		if endsSession(err) {
			t.Errorf("status %#x ends the session", uint32(code))
		}
	}
	for _, err := range []error{
		&smb2.ResponseError{Code: uint32(sessionDeleted)}, &smb2.TransportError{Err: io.EOF}, &smb2.InvalidResponseError{Message: "broken"},
	} {
		if !endsSession(err) {
			t.Errorf("%v does not end the session", err)
		}
	}
}

// Only links that a server leaves to its clients are links for us.
func TestLinksOfWindows(t *testing.T) {
	for name, row := range map[string]struct {
		attributes, tag uint32
		link            bool
	}{
		"file":             {0x20, 0, false},
		"folder":           {attributeFolder, 0, false},
		"symbolic link":    {attributeReparse, 0xA000000C, true},
		"junction":         {attributeReparse | attributeFolder, 0xA0000003, true},
		"deduplicated":     {attributeReparse, 0x80000013, false},
		"in the cloud":     {attributeReparse, 0x9000001A, false},
		"tag without flag": {0x20, 0xA000000C, false},
	} {
		if got := isLink(&smb2.FileStat{FileAttributes: row.attributes, ReparsePointTag: row.tag}); got != row.link {
			t.Errorf("%s: link is %v", name, got)
		}
	}
}

// A server that is away is found out by the calls, and not asked again at once.
func TestBackoff(t *testing.T) {
	src, err := Open("smb://nas/films", source.Access{User: "me", Password: "hunter2"})
	must(t, err)
	defer src.Close()
	dials := 0
	src.(*share).link.connect = func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, errors.New("connection refused")
	}
	for range 100 {
		_, err := src.List(t.Context(), ".")
		if !errors.Is(err, source.ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "hunter2") {
			t.Fatalf("List answers %v", err)
		}
	}
	if dials > 3 {
		t.Errorf("dialled %d times for 100 calls", dials)
	}
}

// FuzzServer is a server that answers anything.
func FuzzServer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("SSH-2.0-OpenSSH\r\n"))
	f.Add([]byte("\x00\x00\x00\x40\xfeSMB" + strings.Repeat("\x00", 60)))
	f.Add([]byte("\x00\x00\x00\x05\xfeSMB\x01" + "\x00\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x83\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01" + strings.Repeat("\x00", 45) + "\x41\x00\x01\x00\x11\x03\x02\x00" + strings.Repeat("\x01", 60)))
	f.Fuzz(func(t *testing.T, answer []byte) {
		src, err := Open("smb://nas/films", source.Access{User: "me", Password: "hunter2"})
		must(t, err)
		defer src.Close()
		src.(*share).link.connect = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go io.Copy(io.Discard, far)
			go func() {
				far.Write(answer)
				far.Close()
			}()
			return near, nil
		}
		if _, err := src.Stat(t.Context(), "a"); !errors.Is(err, source.ErrUnavailable) {
			t.Errorf("Stat answers %v", err)
		}
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
