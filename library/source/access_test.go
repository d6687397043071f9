package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretIsShownNowhere(t *testing.T) {
	a := Access{User: "u", Password: "hunter2"}
	wrongVerbs := "%d %t" // vet would say so
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("in", "access", a, "password", a.Password)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("in", "access", a, "password", a.Password)
	for _, out := range []string{
		string(text), log.String(),
		fmt.Sprint(a), fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprintf("%s %q %x", a.Password, a.Password, a.Password), fmt.Sprintf(wrongVerbs, a.Password, a.Password),
	} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%q shows the password", out)
		}
	}
	if a.Password.Reveal() != "hunter2" {
		t.Error("and Reveal does not")
	}
}

func TestParseURL(t *testing.T) {
	for _, row := range []struct {
		name, text            string
		place, user, password string
	}{
		{"no user", "smb://nas/films", "smb://nas/films", "", ""},
		{"guest", "smb://guest@attic/films", "smb://attic/films", "guest", ""},
		{"password", "https://ann:hunter2@nas:8443/dav/", "https://nas:8443/dav/", "ann", "hunter2"},
		{"encoded password", "smb://a%40b:p%40%2F%23%3Fss%25@nas/films", "smb://nas/films", "a@b", "p@/#?ss%"},
		{"password with a colon", "smb://ann:a:b@nas/films", "smb://nas/films", "ann", "a:b"},
		{"IPv6", "smb://ann:x@[fd00::1]:1445/films", "smb://[fd00::1]:1445/films", "ann", "x"},
		{"IPv6 of a link", "http://[fe80::1%25eth0]/films", "http://[fe80::1%25eth0]/films", "", ""},
		{"space in the path", "smb://nas/My Films/Old ones", "smb://nas/My%20Films/Old%20ones", "", ""},
		{"encoded path", "smb://nas/50%25/a%2Fb%40c", "smb://nas/50%25/a%2Fb%40c", "", ""},
		{"any language", "smb://nas/Été", "smb://nas/%C3%89t%C3%A9", "", ""},
		{"scheme in capitals", "SMB://nas/films", "smb://nas/films", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			place, a, err := ParseURL(Secret(row.text))
			if err != nil || place != row.place || a.User != row.user || a.Password.Reveal() != row.password {
				t.Errorf("%q, %q, %q, %v", place, a.User, a.Password.Reveal(), err)
			}
		})
	}
}

// A password with characters that end another part of a URL would be taken
// for a port or a folder, and shown as such.
func TestParseURLRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"slash in the password":    "smb://ann:1/hunter2@nas/films",
		"hash in the password":     "smb://ann:1#hunter2@nas/films",
		"question in the password": "smb://ann:1?hunter2@nas/films",
		"percent in the password":  "smb://ann:%hunter2@nas/films",
		"space in the password":    "smb://ann: hunter2@nas/films",
		"slash, no number":         "smb://ann:hunter2/@nas/films",
		"no scheme":                "ann:hunter2@nas/films",
		"odd scheme":               "ann:hunter2 smb://nas/films",
		"no server":                "smb://ann:hunter2@/films",
		"nothing":                  "",
		"control character":        "smb://ann:hunter2\x01@nas/films",
	} {
		t.Run(name, func(t *testing.T) {
			place, a, err := ParseURL(Secret(text))
			if err == nil || strings.Contains(err.Error(), "hunter2") || place != "" || a != (Access{}) {
				t.Errorf("%q, %v, %v", place, a, err)
			}
		})
	}
}

func FuzzParseURL(f *testing.F) {
	for _, text := range []string{"smb://ann:hunter2@nas/films", "http://[fe80::1%25eth0]:80/a%2Fb", "smb://a:1/2@b/c", "x:y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place, _, err := ParseURL(Secret(text))
		if err != nil {
			return
		}
		again, a, err := ParseURL(Secret(place))
		if err != nil || again != place || a != (Access{}) {
			t.Errorf("%q is at %q, that at %q as %q: %v", text, place, again, a.User, err)
		}
	})
}
