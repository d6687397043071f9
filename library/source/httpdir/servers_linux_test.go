package httpdir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"mustserv/library/source"
	"mustserv/library/source/sourcetest"
)

// need skips a test that needs what is not installed, or that -short leaves out.
func need(t testing.TB, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a real server; left out with -short")
	}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		} else if _, err := os.Stat(name); err == nil {
			continue
		}
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatalf("%s is not installed, and MUSTSERV_NO_SKIP is set", name)
		}
		t.Skipf("%s is not installed; with it, this test reads from a real server", name)
	}
}

// freePort returns a port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// process is a server that runs in the foreground, with its children.
type process struct {
	cmd *exec.Cmd
	out *os.File // what it says
	end sync.Once
}

// start starts a server and waits until it accepts connections.
func start(t testing.TB, port int, program string, args ...string) *process {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "output"))
	must(t, err)
	p := &process{cmd: exec.Command(program, args...), out: out}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	must(t, p.cmd.Start())
	t.Cleanup(p.stop)
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return p
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(out.Name())
			t.Fatalf("%s does not listen: %v\n%s", program, err, said)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// stop ends the server and its children as a power cut does.
func (p *process) stop() {
	p.end.Do(func() {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		p.cmd.Wait()
		p.out.Close()
	})
}

// openToAll lets servers that give up root in.
func openToAll(t testing.TB, dir string) {
	t.Helper()
	must(t, os.Chmod(dir, 0o777))
	if up := filepath.Dir(dir); strings.Contains(filepath.Base(up), "Test") {
		must(t, os.Chmod(up, 0o755))
	}
}

// writeConfig fills in the template of a config and returns its file.
func writeConfig(t testing.TB, dir, template string, values ...string) string {
	t.Helper()
	file := filepath.Join(dir, "config")
	must(t, os.WriteFile(file, []byte(strings.NewReplacer(values...).Replace(template)), 0o644))
	return file
}

const nginxConfig = `
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
load_module /usr/lib/nginx/modules/ngx_http_fancyindex_module.so;
daemon off; master_process off; pid DIR/pid; error_log stderr; worker_processes 1;
events { worker_connections 256; }
http {
	access_log DIR/access; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
	server {
		listen 127.0.0.1:PORT; location / { return 404; }
		location /html/ { alias ROOT/; autoindex on; }
		location /round/ { alias ROOT/; autoindex on; autoindex_exact_size off; }
		location /json/ { alias ROOT/; autoindex on; autoindex_format json; }
		location /fancy/ { alias ROOT/; fancyindex on; }
		location /dav/ { alias ROOT/; dav_ext_methods PROPFIND OPTIONS; }
	}
}
`

func startNginx(t testing.TB, dir, root string, port int) *process {
	config := writeConfig(t, dir, nginxConfig, "DIR", dir, "ROOT", root, "PORT", fmt.Sprint(port))
	return start(t, port, "nginx", "-p", dir, "-c", config, "-e", "stderr")
}

const apacheConfig = `
ServerRoot DIR
PidFile DIR/pid
Listen 127.0.0.1:PORT
ServerName localhost
User www-data
Group www-data
ErrorLog DIR/error
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule autoindex_module /usr/lib/apache2/modules/mod_autoindex.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
DavLockDB DIR/lock
DocumentRoot ROOT
ServerSignature On
Alias /plain ROOT
Alias /fancy ROOT
Alias /table ROOT
Alias /dav ROOT
<Directory ROOT>
	Options Indexes FollowSymLinks
	Require all granted
</Directory>
<Location /plain>
	IndexOptions None
</Location>
<Location /fancy>
	IndexOptions FancyIndexing
</Location>
<Location /table>
	IndexOptions FancyIndexing HTMLTable SuppressDescription
</Location>
<Location /dav>
	Dav On
</Location>
`

func startApache(t testing.TB, dir, root string, port int) *process {
	config := writeConfig(t, dir, apacheConfig, "DIR", dir, "ROOT", root, "PORT", fmt.Sprint(port))
	return start(t, port, "/usr/sbin/apache2", "-f", config, "-DFOREGROUND")
}

const lighttpdConfig = `
server.modules = ("mod_alias", "mod_rewrite", "mod_dirlisting", "mod_webdav")
server.document-root = "ROOT"
server.bind = "127.0.0.1"
server.port = PORT
server.stat-cache-engine = "disable"
# What is below a file is its PATH_INFO, and answered with the file.
url.rewrite-once = ("[.]mp3/" => "/none")
mimetype.assign = (".mp3" => "audio/mpeg", ".mp4" => "video/mp4", "" => "application/x-unknown")
alias.url = ("/html/" => "ROOT/", "/dav/" => "ROOT/")
$HTTP["url"] =~ "^/html/" { dir-listing.activate = "enable" }
$HTTP["url"] =~ "^/dav/" { webdav.activate = "enable" webdav.is-readonly = "enable" }
`

func startLighttpd(t testing.TB, dir, root string, port int) *process {
	config := writeConfig(t, dir, lighttpdConfig, "DIR", dir, "ROOT", root, "PORT", fmt.Sprint(port))
	return start(t, port, "/usr/sbin/lighttpd", "-D", "-f", config)
}

func startPython(t testing.TB, _, root string, port int) *process {
	return start(t, port, "python3", "-m", "http.server", "-b", "127.0.0.1", "-d", root, fmt.Sprint(port))
}

// share is a folder of links that a real server serves.
type share struct {
	server
	url, root string
	n         int
	running   *process
}

// open makes a source of dir.
func (s *share) open(t *testing.T, dir string) source.Source {
	t.Helper()
	openToAll(t, dir)
	if s.noLinks {
		base, _ := s.serve(t, dir)
		return openSource(t, base+s.paths[0], source.Access{})
	}
	s.n++
	link := fmt.Sprintf("folder %d", s.n)
	must(t, os.Symlink(dir, filepath.Join(s.root, link)))
	return openSource(t, s.url+url.PathEscape(link), source.Access{})
}

// serve starts the server for the folder root.
func (s server) serve(t testing.TB, root string) (url string, running *process) {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	openToAll(t, root)
	openToAll(t, dir)
	running = s.start(t, dir, root, port)
	return fmt.Sprintf("http://127.0.0.1:%d/", port), running
}

// hang stops the server, of a single process.
func (s *share) hang(t *testing.T, _ source.Source) (resume func()) {
	pid := s.running.cmd.Process.Pid
	must(t, syscall.Kill(pid, syscall.SIGSTOP))
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatal(status, err)
	}
	return func() { must(t, syscall.Kill(pid, syscall.SIGCONT)) }
}

// away makes a source of a server that is switched off.
func away(t *testing.T) source.Source {
	return openSource(t, fmt.Sprintf("http://127.0.0.1:%d/", freePort(t)), source.Access{})
}

// server is one kind of web server, and all the ways in which it lists.
type server struct {
	name    string
	start   func(t testing.TB, dir, root string, port int) *process
	program []string
	paths   []string
	hides   func(name string) bool
	many    int  // files in the largest folder, of which HTML takes a request each
	noLinks bool // it does not follow symbolic links
}

func servers() []server {
	dots := func(name string) bool { return strings.HasPrefix(name, ".") }
	noText := func(name string) bool { return !utf8.ValidString(name) }
	odd := func(name string) bool { return dots(name) || noText(name) || strings.ContainsAny(name, "\n\t") }
	nginx := []string{"nginx", "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so", "/usr/lib/nginx/modules/ngx_http_fancyindex_module.so"}
	lighttpd := []string{"/usr/sbin/lighttpd", "/usr/lib/lighttpd/mod_webdav.so"}
	return []server{
		{"nginx, JSON", startNginx, nginx, []string{"json"}, dots, 0, false},
		{"nginx, WebDAV", startNginx, nginx, []string{"dav"}, dots, 10_000, false},
		{"nginx, HTML", startNginx, nginx, []string{"html", "round", "fancy"}, dots, 500, false},
		{"apache, WebDAV", startApache, []string{"/usr/sbin/apache2"}, []string{"dav"}, nil, 10_000, false},
		{"apache, HTML", startApache, []string{"/usr/sbin/apache2"}, []string{"plain", "fancy", "table"}, nil, 500, false},
		{"lighttpd, WebDAV", startLighttpd, lighttpd, []string{"dav"}, odd, 10_000, true},
		{"lighttpd, HTML", startLighttpd, lighttpd, []string{"html"}, odd, 500, false},
		{"python", startPython, []string{"python3"}, []string{""}, noText, 500, false},
	}
}

// A server that is killed and started again gives the very next byte to a
// file that stayed open meanwhile.
func TestServerComesBack(t *testing.T) {
	need(t, servers()[0].program...)
	root, dir, port := t.TempDir(), t.TempDir(), freePort(t)
	content := pattern(4 << 20)
	must(t, os.WriteFile(filepath.Join(root, "a.mp4"), content, 0o644))
	server := startNginx(t, dir, root, port)
	for _, path := range []string{"html", "json", "dav"} {
		src := openSource(t, fmt.Sprintf("http://127.0.0.1:%d/%s", port, path), source.Access{})
		file, err := src.Open(t.Context(), "a.mp4")
		must(t, err)
		defer file.Close()
		for n := 0; n < len(content); {
			buf := make([]byte, 300_000)
			m, err := io.ReadFull(file, buf)
			if !bytes.Equal(buf[:m], content[n:n+m]) {
				t.Fatalf("/%s: other bytes at %d", path, n)
			}
			if n += m; err != nil && err != io.ErrUnexpectedEOF {
				t.Fatalf("/%s: after %d bytes: %v", path, n, err)
			}
			server.stop()
			if _, err := file.ReadAt(buf[:1], 0); !errors.Is(err, source.ErrUnavailable) {
				t.Errorf("/%s: without a server ReadAt answers %v", path, err)
			}
			if _, err := src.List(t.Context(), "."); !errors.Is(err, source.ErrUnavailable) {
				t.Errorf("/%s: without a server List answers %v", path, err)
			}
			server = startNginx(t, dir, root, port)
		}
	}
}

func TestContractOnRealServers(t *testing.T) {
	for _, row := range servers() {
		t.Run(row.name, func(t *testing.T) {
			need(t, row.program...)
			s := &share{server: row, root: t.TempDir()}
			var base string
			base, s.running = row.serve(t, s.root)
			for _, path := range row.paths {
				t.Run("/"+path, func(t *testing.T) {
					s.url = strings.TrimSuffix(base+path, "/") + "/"
					setup := sourcetest.Setup{Open: s.open, Away: away, Hides: row.hides, Many: row.many, FromStart: row.name == "python"}
					if os.Getenv("MUSTSERV_LONG") != "" && !row.noLinks && !strings.HasPrefix(row.name, "apache") {
						setup.Hang = s.hang
					}
					sourcetest.Run(t, setup)
				})
			}
		})
	}
}
