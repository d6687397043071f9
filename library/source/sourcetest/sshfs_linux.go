package sourcetest

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Mount is a network folder that is really mounted, with sshfs, and can be
// made to fail as those of a home do.
type Mount struct {
	Dir string // where it is mounted

	t       testing.TB
	from    string
	servers []*exec.Cmd // one each time it is mounted
}

// Mounted mounts the folder from for the length of the test. It is left out
// with -short and, unless MUSTSERV_NO_SKIP is set, where sshfs is not installed
// or may not mount.
func Mounted(t testing.TB, from string) *Mount {
	t.Helper()
	if testing.Short() {
		t.Skip("mounts with sshfs; left out with -short")
	}
	for _, program := range []string{"sshfs", "fusermount3", sftpServer} {
		if _, err := exec.LookPath(program); err != nil {
			skip(t, program+" is not installed; with it, this test uses a real network folder")
		}
	}
	m := &Mount{Dir: t.TempDir(), t: t, from: from}
	t.Cleanup(m.Unmount)
	m.Remount()
	return m
}

const sftpServer = "/usr/lib/openssh/sftp-server"

func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("MUSTSERV_NO_SKIP") != "" {
		t.Fatal(why + ", and MUSTSERV_NO_SKIP is set")
	}
	t.Skip(why)
}

// Remount mounts it (again). sshfs speaks to a server of files without any
// ssh between them.
func (m *Mount) Remount() {
	m.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() { served <- m.serve(listener) }()
	from, err := filepath.Abs(m.from)
	if err != nil {
		m.t.Fatal(err)
	}
	// No caching, so that what is asked for is asked of the server.
	mount := exec.Command("sshfs", "127.0.0.1:"+from, m.Dir, "-o", "directport="+strconv.Itoa(listener.Addr().(*net.TCPAddr).Port),
		"-o", "dir_cache=no,attr_timeout=0,entry_timeout=0,direct_io")
	var said bytes.Buffer
	mount.Stderr = &said
	if err := mount.Run(); err != nil {
		skip(m.t, "sshfs can't mount here: "+said.String())
	}
	if err := <-served; err != nil {
		m.t.Fatal(err)
	}
}

// serve starts the server of the first connection.
func (m *Mount) serve(listener net.Listener) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer file.Close()
	server := exec.Command(sftpServer)
	server.Stdin, server.Stdout = file, file
	if err := server.Start(); err != nil {
		return err
	}
	m.servers = append(m.servers, server)
	return nil
}

// Hang stops the server, so that all that is asked of the folder hangs, until
// the returned function is called.
func (m *Mount) Hang() (resume func()) {
	server := m.servers[len(m.servers)-1].Process
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		m.t.Fatal(err)
	}
	return func() { server.Signal(syscall.SIGCONT) }
}

// Unmount takes it away, also while it hangs or is in use.
func (m *Mount) Unmount() {
	if out, err := exec.Command("fusermount3", "-u", "-z", m.Dir).CombinedOutput(); err != nil && m.isMounted() {
		m.t.Errorf("fusermount3: %v: %s", err, out)
	}
	for _, server := range m.servers {
		if err := server.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			m.t.Error(err)
		}
		server.Wait()
	}
	m.servers = nil
	for end := time.Now().Add(patient); m.isMounted(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("%s stays mounted", m.Dir)
		}
	}
}

func (m *Mount) isMounted() bool {
	table, err := os.ReadFile("/proc/self/mountinfo")
	return err == nil && bytes.Contains(table, []byte(" "+m.Dir+" "))
}
