package smb

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mustserv/library/source"
)

const password = "correct horse 5taple"

// samba is an smbd of a test's own, on a port of loopback, with the shares
// "open" (for guests too), "closed", "sealed" (encrypted only) and "signed"
// (of a server that signs all), all of one folder.
type samba struct {
	t      testing.TB
	folder string // what is shared
	state  string
	user   string
	port   string
	cmd    *exec.Cmd
}

func need(t testing.TB, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server; left out with -short")
	}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatalf("%s is not installed, and MUSTSERV_NO_SKIP is set", name)
		}
		t.Skipf("%s is not installed; with it, this test reads from a real server", name)
	}
}

// startSamba starts an smbd; more are lines for the section [global].
func startSamba(t testing.TB, more ...string) *samba {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	need(t, "smbd", "smbpasswd")
	me, err := user.Current()
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	s := &samba{t: t, folder: t.TempDir(), state: t.TempDir(), user: me.Username, port: port}
	must(t, os.WriteFile(s.file("smb.conf"), []byte(s.config(more)), 0o644))
	add := exec.Command("smbpasswd", "-c", s.file("smb.conf"), "-s", "-a", s.user)
	add.Stdin = strings.NewReader(password + "\n" + password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("smbpasswd: %v\n%s", err, out)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *samba) file(name string) string { return filepath.Join(s.state, name) }

func (s *samba) config(more []string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "[global]\nserver role = standalone server\ninterfaces = 127.0.0.1\nbind interfaces only = yes\nsmb ports = %s\n", s.port)
	b.WriteString("disable netbios = yes\nmap to guest = Bad User\nload printers = no\ndisable spoolss = yes\nserver min protocol = SMB2_02\n")
	fmt.Fprintf(&b, "guest account = %s\npassdb backend = smbpasswd:%s\n", s.user, s.file("smbpasswd"))
	for _, folder := range []string{"private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir"} {
		name := s.file(strings.ReplaceAll(folder, " ", "-"))
		must(s.t, os.MkdirAll(name, 0o755))
		fmt.Fprintf(&b, "%s = %s\n", folder, name)
	}
	fmt.Fprintf(&b, "log file = %s\n%s\n", s.file("smbd.log"), strings.Join(more, "\n"))
	for name, lines := range map[string]string{"open": "guest ok = yes", "closed": "", "sealed": "smb encrypt = required"} {
		fmt.Fprintf(&b, "[%s]\npath = %s\n%s\n", name, s.folder, lines)
	}
	return b.String()
}

// start starts smbd and waits until it takes connections.
func (s *samba) start() {
	s.t.Helper()
	s.cmd = exec.Command("smbd", "--foreground", "--no-process-group", "-s", s.file("smb.conf"), "-l", s.state)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	must(s.t, s.cmd.Start())
	for deadline := time.Now().Add(20 * time.Second); ; {
		if c, err := net.Dial("tcp", "127.0.0.1:"+s.port); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(s.file("smbd.log"))
			s.t.Fatalf("smbd does not answer\n%s", log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// signal sends a signal to smbd and the processes it has for its clients.
func (s *samba) signal(sig syscall.Signal) {
	if err := syscall.Kill(-s.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.t.Error(err)
	}
}

func (s *samba) kill() {
	s.signal(syscall.SIGKILL)
	s.cmd.Wait()
}

func (s *samba) place(share, folder string) string {
	return "smb://127.0.0.1:" + s.port + "/" + share + "/" + folder
}

func (s *samba) write(name, content string) {
	s.t.Helper()
	full := filepath.Join(s.folder, name)
	must(s.t, os.MkdirAll(filepath.Dir(full), 0o755))
	must(s.t, os.WriteFile(full, []byte(content), 0o644))
}

// as is the access of the one user.
func (s *samba) as() source.Access { return source.Access{User: s.user, Password: password} }

func openShare(t testing.TB, place string, a source.Access) source.Source {
	t.Helper()
	src, err := Open(place, a)
	must(t, err)
	t.Cleanup(func() { src.Close() })
	return src
}
