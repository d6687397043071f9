package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fileServer is a server of others, or of ours, that a test kills and starts
// again at the same port.
type fileServer struct {
	t       testing.TB
	port    int
	program string
	args    []string
	env     []string
	cmd     *exec.Cmd
}

// freePort returns a port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// run starts the server and waits until it takes connections.
func (s *fileServer) run() {
	s.t.Helper()
	s.cmd = exec.Command(s.program, s.args...)
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, s.program+" takes connections", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends the server and what it has started, with nothing said to clients.
func (s *fileServer) kill() {
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	s.cmd.Wait()
}

const nasPassword = "hunter2 %/#?@"

// startSamba serves a folder as the share "films", to a user with nasPassword.
// It returns the lines for the config.
func startSamba(t testing.TB, folder string) (*fileServer, string) {
	need(t, "smbd", "smbpasswd")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	port, state := freePort(t), t.TempDir()
	var conf strings.Builder
	fmt.Fprintf(&conf, "[global]\nserver role = standalone server\ninterfaces = 127.0.0.1\nbind interfaces only = yes\nsmb ports = %d\n", port)
	fmt.Fprintf(&conf, "disable netbios = yes\nload printers = no\ndisable spoolss = yes\npassdb backend = smbpasswd:%s/smbpasswd\nlog file = %s/log\n", state, state)
	for _, dir := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir"} {
		name := filepath.Join(state, strings.ReplaceAll(dir, " ", "-"))
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&conf, "%s = %s\n", dir, name)
	}
	fmt.Fprintf(&conf, "[films]\npath = %s\n", folder)
	file := filepath.Join(state, "smb.conf")
	write(t, file, []byte(conf.String()))
	add := exec.Command("smbpasswd", "-c", file, "-s", "-a", me.Username)
	add.Stdin = strings.NewReader(nasPassword + "\n" + nasPassword + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("smbpasswd: %v\n%s", err, out)
	}
	s := &fileServer{t: t, port: port, program: "smbd", args: []string{"--foreground", "--no-process-group", "-s", file, "-l", state}}
	return s, fmt.Sprintf("url = \"smb://127.0.0.1:%d/films\"\nuser = %q\npassword = %q\n", port, me.Username, nasPassword)
}

// startNginx serves a folder as a plain listing.
func startNginx(t testing.TB, folder string) (*fileServer, string) {
	return nginx(t, folder, "autoindex on;")
}

// startWebDAV serves a folder with the module for PROPFIND.
func startWebDAV(t testing.TB, folder string) (*fileServer, string) {
	return nginx(t, folder, "dav_ext_methods PROPFIND OPTIONS;")
}

func nginx(t testing.TB, folder, how string) (*fileServer, string) {
	need(t, "nginx")
	port, state := freePort(t), t.TempDir()
	write(t, filepath.Join(state, "users"), []byte("ann:{PLAIN}"+nasPassword+"\n"))
	file := filepath.Join(state, "nginx.conf")
	write(t, file, []byte(strings.NewReplacer("DIR", state, "PORT", fmt.Sprint(port), "ROOT", folder, "HOW", how).Replace(`
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
daemon off; master_process off; pid DIR/pid; error_log stderr;
events { worker_connections 64; }
http {
	access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
	server { listen 127.0.0.1:PORT; location /films/ { alias ROOT/; auth_basic films; auth_basic_user_file DIR/users; HOW } }
}
`)))
	s := &fileServer{t: t, port: port, program: "nginx", args: []string{"-p", state, "-c", file, "-e", "stderr"}}
	return s, fmt.Sprintf("url = \"http://ann:%s@127.0.0.1:%d/films\"\n", strings.ReplaceAll(url.QueryEscape(nasPassword), "+", "%20"), port)
}

// startMuStServ serves a folder with another of us.
func startMuStServ(t testing.TB, folder string) (*fileServer, string) {
	need(t)
	port := freePort(t)
	config := filepath.Join(t.TempDir(), "m.toml")
	write(t, config, []byte("[ratelimit]\nunmeasured = \"off\"\n[[share]]\nname = \"films\"\npath = '"+folder+"'\n"))
	cmd := mustserv(t, "-config", config, "-listen", fmt.Sprintf("127.0.0.1:%d", port))
	s := &fileServer{t: t, port: port, program: cmd.Path, args: cmd.Args[1:], env: append(cmd.Env, "STATE_DIRECTORY="+t.TempDir())}
	return s, fmt.Sprintf("url = \"http://127.0.0.1:%d/media/films\"\n", port)
}

// TestStreamsSurvive kills a file server in mid-stream and starts it again:
// the client gets every byte, and never notices.
func TestStreamsSurvive(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		kind  string
		serve func(testing.TB, string) (*fileServer, string)
		cache string
	}{
		{"smb", startSamba, "off"},
		{"smb, cached", startSamba, "1 GiB"},
		{"nginx, listing", startNginx, "off"},
		{"nginx, listing, cached", startNginx, "1 GiB"},
		{"nginx, WebDAV", startWebDAV, "off"},
		{"MuStServ", startMuStServ, "off"},
	} {
		t.Run(row.kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			content := make([]byte, 48<<20)
			rand.NewChaCha8([32]byte{1}).Read(content)
			write(t, filepath.Join(dir, "nas", "film.mkv"), content)
			server, lines := row.serve(t, filepath.Join(dir, "nas"))
			server.run()
			if at := fmt.Sprintf("http://127.0.0.1:%d/media/films/film.mkv", server.port); row.kind == "MuStServ" {
				eventually(t, "the other has scanned its share", func() bool { return exists(t, at) })
			}
			t.Cleanup(func() { server.kill() })
			write(t, filepath.Join(dir, "m.toml"), fmt.Appendf(nil, "[ratelimit]\nunmeasured = \"off\"\n[cache]\nsize = %q\n[[share]]\nname = \"NAS\"\n%s", row.cache, lines))
			p := start(t, "-config", filepath.Join(dir, "m.toml"), "-listen", "127.0.0.1:0")
			film := p.url + "/media/NAS/film.mkv"
			eventually(t, "the film is there", func() bool { status, _ := get(t, p.url+"/browse/NAS/"); return status == 200 && exists(t, film) })
			times := 2
			if os.Getenv("MUSTSERV_LONG") != "" {
				times = 100
			}
			survived := 0
			for i := range times {
				at := time.Now().Add(-time.Duration(i+1) * time.Hour) // another file each time, so that none is cached
				if err := os.Chtimes(filepath.Join(dir, "nas", "film.mkv"), at, at); err != nil {
					t.Fatal(err)
				}
				if row.kind == "MuStServ" { // until then it would tell one time, and another after its start
					eventually(t, "the other has seen the file's new time", func() bool {
						_, body := get(t, fmt.Sprintf("http://127.0.0.1:%d/api/v1/items/films/film.mkv", server.port))
						return strings.Contains(body, at.UTC().Format(time.RFC3339))
					})
				}
				kill := rand.Int64N(int64(len(content)) / 3)
				before := time.Now()
				got, err := readAcross(film, kill, func() { server.kill(); server.run() })
				if err != nil || got != sha256.Sum256(content) {
					t.Errorf("time %d, killed at byte %d: %v after %v\n%s", i, kill, err, time.Since(before), p.stderr)
					continue
				}
				survived++
			}
			t.Logf("%d of %d streams survived", survived, times)
		})
	}
}

// exists reports whether a GET finds something.
func exists(t testing.TB, at string) bool {
	t.Helper()
	response, err := http.Head(at)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// readAcross reads all of a file and does something after so many bytes.
func readAcross(at string, after int64, do func()) (sum [32]byte, err error) {
	response, err := http.Get(at)
	if err != nil {
		return sum, err
	}
	defer response.Body.Close()
	hash := sha256.New()
	if _, err := io.CopyN(hash, response.Body, after); err != nil {
		return sum, err
	}
	do()
	n, err := io.Copy(hash, response.Body)
	if err == nil && after+n != response.ContentLength {
		err = fmt.Errorf("%d bytes of %d", after+n, response.ContentLength)
	}
	return [32]byte(hash.Sum(nil)), err
}

// A film that a NAS and a disk both have goes on from the disk when the NAS is
// switched off for good, and is still the same to players.
func TestCopyTakesOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	content := make([]byte, 48<<20)
	rand.NewChaCha8([32]byte{2}).Read(content)
	for _, place := range []string{"nas", "disk"} {
		write(t, filepath.Join(dir, place, "film.mkv"), content)
	}
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Chtimes(filepath.Join(dir, "nas", "film.mkv"), at, at.Add(700*time.Millisecond)))
	must(os.Chtimes(filepath.Join(dir, "disk", "film.mkv"), at, at)) // as a copy by FAT or HTTP
	nas, lines := startSamba(t, filepath.Join(dir, "nas"))
	nas.run()
	t.Cleanup(func() { nas.kill() })
	config := filepath.Join(dir, "m.toml")
	write(t, config, []byte("[ratelimit]\nunmeasured = \"off\"\n[cache]\nsize = \"off\"\n[[share]]\nname = \"S\"\n"+lines+"[[share]]\nname = \"S\"\npath = '"+filepath.Join(dir, "disk")+"'\n"))
	p := start(t, "-config", config, "-listen", "127.0.0.1:0")
	eventually(t, "both shares are scanned", func() bool {
		_, body := get(t, p.url+"/api/v1/shares")
		return strings.Count(body, `"items":1`) == 2
	})
	film := p.url + "/media/S/film.mkv"
	tag := func() string {
		response, err := http.Head(film)
		must(err)
		response.Body.Close()
		return response.Header.Get("ETag") + response.Header.Get("Last-Modified")
	}
	before := tag()
	got, err := readAcross(film, 10<<20, nas.kill)
	if err != nil || got != sha256.Sum256(content) {
		t.Errorf("the stream: %v", err)
	}
	eventually(t, "the NAS is known to be away", func() bool {
		_, body := get(t, p.url+"/api/v1/shares")
		return strings.Contains(body, `"unavailable"`) || tag() == "" // asking finds out
	})
	if after := tag(); after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}
