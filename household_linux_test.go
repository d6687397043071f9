package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mustserv/stream/load"
)

// These tests run three nodes in a network namespace, as three computers with
// one name behind dnsmasq.

// household is a network namespace with nodes, players, and dnsmasq for them.
type household struct {
	t         *testing.T
	namespace string
	folder    string // of films
	states    string // folder of what the nodes keep
	nodes     map[string]*program
}

const householdName = "media.home.arpa"

// nodeAddresses are of the nodes; dnsmasq is at householdDNS, and simulated players
// are at addresses from householdPlayers on.
var nodeAddresses = []string{"10.98.0.11", "10.98.0.12", "10.98.0.13"}

const (
	householdDNS     = "10.98.0.1"
	householdPlayers = "10.98.1.1"

	dnsmasq = "/usr/sbin/dnsmasq" // no part of everybody's PATH
)

// newHousehold starts dnsmasq and the nodes, and waits until all know of all. The
// lines are for their config; the folder "Films" holds what is served.
func newHousehold(t *testing.T, lines string, folder string) *household {
	t.Helper()
	need(t, "ip", dnsmasq, "dig", "curl", "setpriv")
	h := &household{t: t, namespace: fmt.Sprintf("mustserv-%d-%s", os.Getpid(), t.Name()), folder: folder, states: t.TempDir(), nodes: make(map[string]*program)}
	if out, err := exec.Command("ip", "netns", "add", h.namespace).CombinedOutput(); err != nil {
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatalf("no network namespace: %v %s", err, out)
		}
		t.Skipf("no network namespace, which takes root: %v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", h.namespace).Run() })
	resolv := filepath.Join("/etc/netns", h.namespace, "resolv.conf")
	write(t, resolv, []byte("nameserver "+householdDNS+"\n"))
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(resolv)) })
	h.do("ip", "link", "set", "lo", "up")
	h.do("ip", "route", "add", "local", "10.98.0.0/16", "dev", "lo") // all of them are of this computer
	names := []string{dnsmasq, "--keep-in-foreground", "--conf-file=/dev/null", "--user=", "--pid-file=", "--no-resolv", "--no-hosts", "--bind-interfaces",
		"--listen-address=" + householdDNS, "--all-servers"}
	h.do("ip", "addr", "add", householdDNS, "dev", "lo")
	for _, a := range nodeAddresses {
		h.do("ip", "addr", "add", a, "dev", "lo")
		names = append(names, "--server=/"+householdName+"/"+a+"#5300")
	}
	runPlayer(t, h.command(names...))
	for _, a := range nodeAddresses {
		h.start(a, lines)
	}
	for _, a := range nodeAddresses {
		eventually(t, a+" knows of all, and of all films", func() bool {
			status := h.status(a)
			return strings.Contains(status, `"unmeasured":0,"scanning":false`) && slices.Equal(h.lookUp(a, "5300"), nodeAddresses)
		})
	}
	return h
}

// start starts the node at an address, which knows what the one before it there
// kept. All have the same config, but that several are on one computer here.
func (h *household) start(address, lines string) {
	config := filepath.Join(h.t.TempDir(), "m.toml")
	write(h.t, config, []byte(fmt.Sprintf("[routing]\nnodes = [\"http://%s:8000\"]\n%s\n[routing.dns]\nname = %q\nlisten = \"%s:5300\"\n[library]\nquiet = \"100ms\"\n[[share]]\nname = \"Films\"\npath = '%s'\n",
		strings.Join(nodeAddresses, `:8000", "http://`), lines, householdName, address, h.folder)))
	node := mustserv(h.t, "-config", config, "-listen", address+":8000")
	cmd := h.command(node.Args...)
	cmd.Env, cmd.Dir = node.Env, node.Dir
	h.nodes[address] = launch(h.t, cmd, filepath.Join(h.states, address))
}

// command is one that runs in it.
func (h *household) command(args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", h.namespace}, args...)...)
}

// do runs a command in it, and returns what it prints.
func (h *household) do(args ...string) string {
	h.t.Helper()
	out, err := h.command(args...).Output()
	if err != nil {
		h.t.Fatalf("%q: %v", args, err)
	}
	return string(out)
}

// get asks a node for something; the answer is empty if there is none.
func (h *household) get(address, path string) string {
	out, _ := h.command("curl", "-s", "-m", "5", "http://"+address+":8000"+path).Output()
	return string(out)
}

func (h *household) status(address string) string { return h.get(address, "/api/v1/status") }

// lookUp returns the addresses that a DNS server has for the nodes' name.
func (h *household) lookUp(server, port string) []string {
	out, _ := h.command("dig", "+short", "+tries=1", "+time=2", "@"+server, "-p", port, householdName).Output()
	all := strings.Fields(string(out))
	slices.Sort(all)
	return all
}

// load lets simulated players play, and sends the report when they are done.
func (h *household) load(args ...string) <-chan load.Report {
	_, report := h.loadUntil(args...)
	return report
}

// loadUntil is load that may be ended before, by an interrupt.
func (h *household) loadUntil(args ...string) (*os.Process, <-chan load.Report) {
	h.t.Helper()
	cmd := mustserv(h.t, append([]string{"load", "-json", "-from", householdPlayers}, args...)...)
	inside := h.command(cmd.Args...)
	inside.Env, inside.Dir = cmd.Env, cmd.Dir
	var out, said bytes.Buffer
	inside.Stdout, inside.Stderr = &out, &said
	if err := inside.Start(); err != nil {
		h.t.Fatal(err)
	}
	done := make(chan load.Report, 1)
	go func() {
		inside.Wait()
		var r load.Report
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			h.t.Errorf("load: %v\n%s", err, &said)
		}
		done <- r
	}()
	h.t.Cleanup(func() { inside.Process.Kill() })
	return inside.Process, done
}

// steadyFilm makes a film of some seconds at 1.2 Mbit/s, under several names: a
// node takes players of one address that play one film for one viewer.
func steadyFilm(t *testing.T, seconds int, names ...string) string {
	t.Helper()
	need(t, "ffmpeg")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, names[0])
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=320x180:r=25:d=%d", seconds), "-c:v", "mpeg2video",
		"-b:v", "1M", "-minrate", "1M", "-maxrate", "1M", "-bufsize", "500k", "-muxrate", "1200k", "-f", "mpegts", first).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	for _, name := range names[1:] {
		if err := os.Link(first, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// dumps are players that write what they get into a file, instead of showing
// it: they come by it in the same way.
var dumps = map[string]func(url, file string) []string{
	"vlc": func(url, file string) []string {
		return []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
			"cvlc", "-vv", "--intf=dummy", "--no-one-instance", "--demux=dump", "--demuxdump-file=" + file, "--play-and-exit", url}
	},
	"mpv": func(url, file string) []string { return []string{"mpv", "--no-config", "--stream-dump=" + file, url} },
	"gstreamer": func(url, file string) []string {
		return []string{"gst-launch-1.0", "-q", "souphttpsrc", "location=" + url, "!", "filesink", "location=" + file}
	},
}

// dump is one of them that runs.
type dump struct {
	file string
	cmd  *exec.Cmd
	said bytes.Buffer
}

// startDump lets a player get the film of its name, and waits until it does.
func (h *household) startDump(name string) *dump {
	h.t.Helper()
	dir, err := os.MkdirTemp("", "mustserv-player") // not within what is for root only: VLC refuses to be root
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		h.t.Fatal(err)
	}
	d := &dump{file: filepath.Join(dir, "dump")}
	d.cmd = h.command(dumps[name]("http://"+householdName+":8000/media/Films/"+name+".ts", d.file)...)
	d.cmd.Stdout, d.cmd.Stderr, d.cmd.Dir = &d.said, &d.said, dir
	d.cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_CONFIG_HOME="+dir, "XDG_CACHE_HOME="+dir)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { d.cmd.Process.Kill(); d.cmd.Wait() })
	eventually(h.t, name+" gets something", func() bool { return d.size() > 0 })
	return d
}

// size is how much it has got.
func (d *dump) size() int64 {
	info, err := os.Stat(d.file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// dumpFrom lets a player play from one node: it is started anew until DNS has
// led it there.
func (h *household) dumpFrom(address, name string) *dump {
	h.t.Helper()
	for range 30 {
		d := h.startDump(name)
		if strings.Contains(h.get(address, "/api/v1/sessions"), name+".ts") {
			return d
		}
		d.cmd.Process.Kill()
		d.cmd.Wait()
	}
	h.t.Fatalf("%s is never led to %s", name, address)
	return nil
}

// TestANodeDies: players whose node is killed go on at another one, at the byte
// where they were; and DNS names it no more.
func TestANodeDies(t *testing.T) {
	t.Parallel()
	need(t, "vlc", "mpv", "gst-launch-1.0")
	const burst = 4                           // seconds of film that a player is ahead
	const ahead = (burst + 1) * 1_200_000 / 8 // bytes
	folder := steadyFilm(t, 40, "load.ts", "vlc.ts", "mpv.ts", "gstreamer.ts")
	want, err := os.ReadFile(filepath.Join(folder, "load.ts"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHousehold(t, fmt.Sprintf("[ratelimit]\nburst = \"%ds\"\nburst_min = \"64 KiB\"\nread_ahead = \"0s\"\n", burst), folder)
	victim := nodeAddresses[1]
	playing := make(map[string]*dump)
	for name := range dumps {
		playing[name] = h.dumpFrom(victim, name)
	}
	simulated := h.load("-n", "60", "-over", "1s", "-for", "10s", "-start", "1s", "-cache", "0s", "-buffer", "10s", "http://"+householdName+":8000/media/Films/load.ts")
	eventually(t, "all simulated players play", func() bool {
		viewers := 0
		for _, a := range nodeAddresses {
			viewers += strings.Count(h.get(a, "/api/v1/sessions"), "load.ts")
		}
		return viewers >= 60
	})
	had := make(map[string]int64)
	for name, d := range playing {
		had[name] = d.size()
	}
	if err := h.nodes[victim].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	died := time.Now()
	rest := slices.DeleteFunc(slices.Clone(nodeAddresses), func(a string) bool { return a == victim })
	for _, a := range rest {
		eventually(t, a+" names the dead node no more", func() bool { return slices.Equal(h.lookUp(a, "5300"), rest) })
	}
	if took := time.Since(died); took > 5*time.Second {
		t.Errorf("the nodes' DNS dropped a dead node after %v, want 5 s at most", took)
	} else {
		t.Logf("the nodes' DNS dropped the dead node after %v", took)
	}
	eventually(t, "dnsmasq names the dead node no more", func() bool { return slices.Equal(h.lookUp(householdDNS, "53"), rest) })
	t.Logf("dnsmasq dropped it after %v", time.Since(died))
	for name, d := range playing {
		eventually(t, name+" has got more than it can have had before", func() bool { return d.size() > had[name]+ahead })
		if got, err := os.ReadFile(d.file); err != nil || !bytes.HasPrefix(want, got) {
			t.Errorf("%s has other bytes, %v\n%s", name, err, d.said.Bytes()[max(0, d.said.Len()-4000):])
		}
		if !strings.Contains(h.get(rest[0], "/api/v1/sessions")+h.get(rest[1], "/api/v1/sessions"), name+".ts") {
			t.Errorf("%s is not at another node", name)
		}
	}
	r := <-simulated
	if r.Started != 60 || r.Failed > 0 || r.Broken == 0 {
		t.Errorf("simulated players: %d started, %d failed, %d connections broke", r.Started, r.Failed, r.Broken)
	}
	for _, each := range r.Each {
		if each.StallSeconds > burst {
			t.Errorf("a simulated player stalled for %.1f s", each.StallSeconds)
		}
	}
	t.Logf("%d connections broke, %d players stalled, for %.1f s in all", r.Broken, r.Stalled, r.StallSeconds)
}

// TestLeastLoadEvensOut: all players come to one node, which sends them on so
// that all have as much to do.
func TestLeastLoadEvensOut(t *testing.T) {
	t.Parallel()
	over, long := 8, 10 // seconds
	if os.Getenv("MUSTSERV_LONG") != "" {
		over, long = 50, 70
	}
	folder := steadyFilm(t, long+5, "load.ts")
	h := newHousehold(t, "policy = \"least_load\"\nredirect = \"always\"\n[ratelimit]\ncapacity = \"200 Mbit/s\"\nread_ahead = \"0s\"\n", folder)
	simulated := h.load("-n", "60", "-over", fmt.Sprint(over, "s"), "-for", fmt.Sprint(long, "s"), "http://"+nodeAddresses[0]+":8000/media/Films/load.ts")
	var viewers []int
	for all := 0; all < 60; time.Sleep(100 * time.Millisecond) {
		select {
		case r := <-simulated:
			t.Fatalf("it never came to 60 players at once: %+v", r.Total)
		default:
		}
		viewers, all = nil, 0
		for _, a := range nodeAddresses {
			n := h.viewers(a)
			viewers, all = append(viewers, n), all+n
		}
	}
	if slices.Max(viewers) > 60/3*12/10 {
		t.Errorf("viewers of the nodes: %v; none is to have more than 1.2 times the mean", viewers)
	}
	r := <-simulated
	if r.Smooth != 60 {
		t.Errorf("%d players of 60 played without a stall", r.Smooth)
	}
	t.Logf("viewers of the nodes: %v", viewers)
}

// viewers returns how many a node has.
func (h *household) viewers(address string) int {
	var status struct{ Viewers int }
	json.Unmarshal([]byte(h.status(address)), &status) // no answer, no viewers
	return status.Viewers
}
