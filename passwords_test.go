package main

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// betrays reports whether a text has a password that begins with "Sesame" in
// it, in whatever way somebody may write it.
func betrays(text string) bool {
	return strings.Contains(strings.ToLower(text), "sesame") ||
		strings.Contains(text, "U2VzYW1l") || // in base64
		strings.Contains(text, "YW5uOlNlc2FtZ") // the same with the user "ann:" before it
}

// rude listens and answers whatever it is asked with a refusal.
func rude(t *testing.T) net.Addr {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			c.Write([]byte("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
			c.Close()
		}
	}()
	return l.Addr()
}

// TestPasswordsAreShownNowhere runs the whole program with shares that don't
// let it in, don't answer, or answer rubbish, and with configs that are wrong,
// and looks for the passwords in all that it says.
func TestPasswordsAreShownNowhere(t *testing.T) {
	const inURL, inKey, inFile, inEnv = "Sesame-1%@:x", "Sesame-2#/?y", "Sesame-3 z", "Sesame-4é"
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "films", "a.mp4"), []byte("film"))
	write(t, filepath.Join(dir, "password"), []byte(inFile+"\n"))
	hosts := []string{rude(t).String(), closed.Addr().String(), "no-such-host.invalid"}
	var config strings.Builder
	config.WriteString("[[share]]\nname = \"Films\"\npath = '" + filepath.Join(dir, "films") + "'\n")
	for _, scheme := range strings.Split(strings.ReplaceAll(schemes(), "://", ""), ", ") {
		for _, host := range hosts {
			place := scheme + "://" + host + "/films"
			config.WriteString("[[share]]\nname = \"Films\"\nurl = \"" + strings.Replace(place, "://", "://ann:"+url.QueryEscape(inURL)+"@", 1) + "\"\n")
			for _, line := range []string{"password = '" + inKey + "'", "password_file = '" + filepath.Join(dir, "password") + "'", `password_env = "NAS_PASSWORD"`} {
				config.WriteString("[[share]]\nname = \"Films\"\nurl = \"" + place + "\"\nuser = \"ann\"\n" + line + "\n")
			}
		}
	}
	good, bad := filepath.Join(dir, "good.toml"), filepath.Join(dir, "bad.toml")
	write(t, good, []byte(config.String()))
	t.Setenv("NAS_PASSWORD", inEnv)
	look := func(t *testing.T, what, said string) {
		t.Helper()
		if betrays(said) {
			t.Errorf("%s shows a password:\n%s", what, said)
		}
	}
	run := func(args ...string) string {
		cmd := mustserv(t, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Run() // shares that can't be read are an error
		return out.String()
	}

	said := run("check", "-config", good)
	look(t, "check", said)
	for _, password := range []string{inURL, inKey, inFile, inEnv} {
		login := "ann:" + password
		for _, form := range []string{login, url.QueryEscape(login), strings.ToUpper(login), base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte(login))} {
			if !betrays("x " + form) {
				t.Errorf("this test does not know %s", form)
			}
		}
	}
	if n := strings.Count(said, "\nshare "); n < len(hosts)*4 {
		t.Errorf("check says something of %d shares only:\n%s", n, said)
	}
	for name, text := range map[string]string{
		"no quotes":        "[[share]]\nname = \"x\"\nurl = smb://ann:" + inURL + "@nas/films\nuser = \"ann\"\npassword = " + inKey + "\n",
		"not encoded":      "[[share]]\nname = \"x\"\nurl = \"smb://ann:" + inURL + "@nas/films\"\n",
		"as path":          "[[share]]\nname = \"x\"\npath = \"smb://ann:" + url.QueryEscape(inURL) + "@nas/films\"\n",
		"with a path":      "[[share]]\nname = \"x\"\npath = \"/\"\npassword = '" + inKey + "'\n",
		"mistyped":         "[[share]]\nname = \"x\"\nurl = \"smb://nas/x\"\npasword = '" + inKey + "'\n",
		"as environment":   "[[share]]\nname = \"x\"\nurl = \"smb://nas/x\"\nuser = \"ann\"\npassword_env = '" + inKey + "'\n",
		"as user, twice":   "[[share]]\nname = \"x\"\nurl = \"smb://ann:" + url.QueryEscape(inURL) + "@nas/x\"\nuser = \"ann\"\n",
		"unknown kind":     "[[share]]\nname = \"x\"\nurl = \"ftp://ann:" + url.QueryEscape(inURL) + "@nas/x\"\n",
		"escape in quotes": "[[share]]\nname = \"x\"\nurl = \"smb://nas/x\"\nuser = \"ann\"\npassword = \"\\q" + inKey + "\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, bad, []byte(text))
			said := run("check", "-config", bad)
			if !strings.Contains(said, "bad.toml:") {
				t.Errorf("check finds nothing wrong: %s", said)
			}
			look(t, "a mistake", said)
		})
	}
	look(t, "the command line", run("serve", "smb://ann:"+inURL+"@nas/films"))

	p := start(t, "-config", good, "-listen", "127.0.0.1:0")
	eventually(t, "all shares were tried", func() bool {
		_, body := get(t, p.url+"/api/v1/shares")
		return !strings.Contains(body, `"scanning"`)
	})
	for _, path := range []string{
		"/", "/status", "/browse/Films/", "/watch/Films/a.mp4", "/admin", "/media/", "/media/Films/", "/media/Films/none", "/playlist.m3u", "/metrics",
		"/api/v1/shares", "/api/v1/status", "/api/v1/sessions", "/api/v1/items/Films", "/api/v1/items/Films/a.mp4", "/api/v1/search?q=a",
	} {
		_, body := get(t, p.url+path)
		look(t, path, body)
	}
	write(t, good, []byte(config.String()+"[[share]]\nname = \"x\"\nurl = \"smb://ann:"+inURL+"@nas/films\"\n"))
	p.stderr.wait(t, "config not reloaded")
	look(t, "the log", p.stderr.String())
}
