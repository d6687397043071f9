package library

import (
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	for _, row := range []struct{ path, escaped string }{
		{"", ""},
		{"Films", "Films"},
		{"Films/A B.mp4", "Films/A%20B.mp4"},
		{"Movies/Été/x.mp4", "Movies/%C3%89t%C3%A9/x.mp4"},
		{"M/new\nline.mp3", "M/new%0Aline.mp3"},
		{"M/bad-\xff.mp3", "M/bad-%FF.mp3"},
		{"M/percent%20+plus#hash?q=1&x.mp3", "M/percent%2520%2Bplus%23hash%3Fq%3D1%26x.mp3"},
		{`M/back\slash.mp3`, "M/back%5Cslash.mp3"},
		{"M/-_.~", "M/-_.~"},
		{"M/...", "M/..."},
	} {
		if got := EscapePath(row.path); got != row.escaped {
			t.Errorf("EscapePath(%q) = %q, want %q", row.path, got, row.escaped)
		}
		got, slash, err := ParsePath(row.escaped)
		if err != nil || got != row.path || slash != (row.path == "") {
			t.Errorf("ParsePath(%q) = %q, %v, %v", row.escaped, got, slash, err)
		}
		if row.path != "" {
			if got, slash, err = ParsePath(row.escaped + "/"); err != nil || got != row.path || !slash {
				t.Errorf("ParsePath(%q) = %q, %v, %v", row.escaped+"/", got, slash, err)
			}
		}
	}
}

func TestParsePathOthersForms(t *testing.T) {
	for escaped, want := range map[string]string{
		"a+b":           "a+b",
		"%41/%e9":       "A/\xe9",
		"it's(1)!*$,;=": "it's(1)!*$,;=",
		"raw é":         "raw é",
	} {
		if got, _, err := ParsePath(escaped); err != nil || got != want {
			t.Errorf("ParsePath(%q) = %q, %v; want %q", escaped, got, err, want)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for _, escaped := range []string{
		"/", "//", "/a", "a//b", "a//", ".", "..", "a/..", "a/../b", "../a", "a/./b", "%2e%2e/a", "a/%2E%2e", "%2e",
		"a%2Fb", "a%2f..%2fb", "%2fetc", "nul%00", "%", "%4", "%zz", "a/%",
	} {
		if got, _, err := ParsePath(escaped); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("ParsePath(%q) = %q, %v; want fs.ErrInvalid", escaped, got, err)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"", "a/b", "%2e%2e/x", "a%2Fb", "%00", "%c3%a9/", "a//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		path, _, err := ParsePath(escaped)
		if err != nil {
			return
		}
		for element := range strings.SplitSeq(path, "/") {
			if path != "" && !validElement(element) {
				t.Fatalf("ParsePath(%q) lets %q through", escaped, element)
			}
		}
		again := EscapePath(path)
		if got, _, err := ParsePath(again); err != nil || got != path {
			t.Fatalf("%q became %q by way of %q, %v", path, got, again, err)
		}
		if u, err := url.Parse("http://h/media/" + again); err != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "/media/"+path {
			t.Fatalf("as a URL %q means %v, %v", again, u, err)
		}
	})
}
