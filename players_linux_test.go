package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests let real players play from a running server. What they need
// comes with Debian; .ci/run installs it.

// need skips where a program is not installed, except where nothing may skip.
func need(t testing.TB, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long; left out with -short")
	}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("MUSTSERV_NO_SKIP") != "" {
			t.Fatalf("%s is not installed, and MUSTSERV_NO_SKIP is set", name)
		}
		t.Skipf("%s is not installed; with it, this test lets a real player play", name)
	}
}

// films returns a folder with the same film in the containers that differ most
// in how players read them. They are made once.
func films(t *testing.T) string {
	t.Helper()
	need(t, "ffmpeg")
	dir, err := madeFilms()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var madeFilms = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "Films")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	first := filepath.Join(dir, "end.mp4")
	for _, args := range [][]string{
		{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=60", "-f", "lavfi", "-i", "sine=f=440:r=44100:d=60",
			"-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", first},
		{"-i", first, "-c", "copy", "-movflags", "+faststart", "start.mp4"},
		{"-i", first, "-c", "copy", "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "fragments.mp4"},
		{"-i", first, "-c", "copy", "film.mkv"},
		{"-i", first, "-c:v", "mpeg4", "-q:v", "8", "-c:a", "libmp3lame", "-b:a", "96k", "film.avi"},
		{"-f", "lavfi", "-i", "anoisesrc=r=44100:c=pink:a=0.5:d=30", "-f", "lavfi", "-i", "sine=f=300:r=44100:d=60",
			"-filter_complex", "amix=inputs=2:duration=longest", "-c:a", "libmp3lame", "-q:a", "4", "vbr.mp3"},
	} {
		cmd := exec.Command("ffmpeg", append([]string{"-v", "error", "-y"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("ffmpeg %v: %w: %s", args, err, out)
		}
	}
	return dir, nil
})

// player is a running player under control.
type player interface {
	position() (seconds float64, err error)
	pause() error // or go on
	seek(seconds float64) error
}

func TestPlayersPlayPauseAndSeek(t *testing.T) {
	t.Parallel()
	need(t, "vlc", "mpv", "audacious")
	server := start(t, "-listen", "127.0.0.1:0", films(t))
	eventually(t, "all found and measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":6`) && strings.Contains(body, `"unmeasured":0`)
	})
	all := []string{"end.mp4", "start.mp4", "fragments.mp4", "film.mkv", "film.avi", "vbr.mp3"}
	for name, of := range map[string]struct {
		start func(*testing.T, string) player
		files []string
	}{
		"vlc": {startVLC, all}, "mpv": {startMPV, all}, "audacious": {startAudacious, []string{"vbr.mp3"}},
	} {
		for _, file := range of.files {
			t.Run(name+"/"+file, func(t *testing.T) {
				t.Parallel()
				p := of.start(t, server.url+"/media/Films/"+file)
				reaches(t, p, 2)
				if err := p.pause(); err != nil {
					t.Fatal(err)
				}
				stands(t, p)
				if err := p.seek(40); err != nil {
					t.Fatal(err)
				}
				if err := p.pause(); err != nil {
					t.Fatal(err)
				}
				reaches(t, p, 42)
				if err := p.seek(10); err != nil {
					t.Fatal(err)
				}
				eventually(t, "back at the start", func() bool { at, err := p.position(); return err == nil && at > 9 && at < 40 })
				reaches(t, p, 12)
			})
		}
	}
}

// reaches waits until the player plays beyond a time.
func reaches(t *testing.T, p player, seconds float64) {
	t.Helper()
	eventually(t, fmt.Sprintf("playing beyond %v s", seconds), func() bool {
		at, err := p.position()
		return err == nil && at >= seconds
	})
}

// stands checks that a paused player stays where it is for a while, once it
// has heard of the pause.
func stands(t *testing.T, p player) {
	t.Helper()
	eventually(t, "standing still for three seconds", func() bool {
		before, err := p.position()
		time.Sleep(3 * time.Second) // the pause
		after, err2 := p.position()
		return err == nil && err2 == nil && after-before <= 0.5
	})
}

// vlc is controlled by its rc interface.
type vlc struct{ addr string }

func startVLC(t *testing.T, media string) player {
	t.Helper()
	addr := freeAddr(t)
	cmd := exec.Command("vlc", "-I", "dummy", "--no-color", "--extraintf", "rc", "--rc-host", addr,
		"--vout", "dummy", "--aout", "adummy", "--no-video-title-show", "--no-one-instance", media)
	asNobody(t, cmd)
	runPlayer(t, cmd)
	return vlc{addr}
}

// asNobody runs a program as an unprivileged user: VLC refuses to be root.
func asNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	home, err := os.MkdirTemp("", "mustserv-player")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	cmd.Dir = home
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

func runPlayer(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Args[0], out.Bytes()[max(0, out.Len()-2000):])
		}
	})
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask sends a command and returns the answer's first line.
func (v vlc) ask(command string) (string, error) {
	conn, err := net.DialTimeout("tcp", v.addr, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * time.Second))
	in := bufio.NewReader(conn)
	if _, err := in.ReadString('>'); err != nil { // the greeting
		return "", err
	}
	fmt.Fprintf(conn, "%s\n", command)
	answer, err := in.ReadString('>')
	return strings.TrimSpace(strings.TrimSuffix(answer, ">")), err
}

func (v vlc) position() (float64, error) {
	answer, err := v.ask("get_time")
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(answer, 64)
}

func (v vlc) pause() error         { _, err := v.ask("pause"); return err }
func (v vlc) seek(s float64) error { _, err := v.ask(fmt.Sprintf("seek %d", int(s))); return err }

// mpv is controlled by JSON on a socket.
type mpv struct{ socket string }

func startMPV(t *testing.T, media string) player {
	t.Helper()
	dir, err := os.MkdirTemp("", "mpv") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := mpv{filepath.Join(dir, "s")}
	runPlayer(t, exec.Command("mpv", "--no-config", "--vo=null", "--ao=null", "--input-ipc-server="+p.socket, media))
	return p
}

func (p mpv) ask(command ...any) (json.RawMessage, error) {
	conn, err := net.Dial("unix", p.socket)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * time.Second))
	if err := json.NewEncoder(conn).Encode(map[string]any{"command": command, "request_id": 7}); err != nil {
		return nil, err
	}
	for in := json.NewDecoder(conn); ; {
		var answer struct {
			ID    int             `json:"request_id"`
			Error string          `json:"error"`
			Data  json.RawMessage `json:"data"`
		}
		switch err := in.Decode(&answer); {
		case err != nil:
			return nil, err
		case answer.ID == 7 && answer.Error == "success":
			return answer.Data, nil
		case answer.ID == 7:
			return nil, fmt.Errorf("mpv: %v: %s", command, answer.Error)
		}
	}
}

func (p mpv) position() (at float64, err error) {
	data, err := p.ask("get_property", "time-pos")
	if err != nil {
		return 0, err
	}
	return at, json.Unmarshal(data, &at)
}

func (p mpv) pause() error         { _, err := p.ask("cycle", "pause"); return err }
func (p mpv) seek(s float64) error { _, err := p.ask("seek", s, "absolute"); return err }

// audacious, an heir of Winamp, is controlled by audtool over a message bus
// that nobody else is on.
type audacious struct{ bus *exec.Cmd }

func startAudacious(t *testing.T, media string) player {
	t.Helper()
	need(t, "audtool", "dbus-daemon")
	outputs, err := filepath.Glob("/usr/lib/*/audacious/Output/sdlout.so")
	if err != nil || len(outputs) == 0 {
		t.Fatal("audacious has no output that keeps time without a sound card: install audacious-plugins")
	}
	p := audacious{exec.Command("dbus-daemon", "--session", "--nofork")}
	asNobody(t, p.bus)
	socket := filepath.Join(p.bus.Dir, "bus")
	p.bus.Args = append(p.bus.Args, "--address=unix:path="+socket)
	p.bus.Env = append(p.bus.Env, "DBUS_SESSION_BUS_ADDRESS=unix:path="+socket, "SDL_AUDIODRIVER=dummy")
	runPlayer(t, p.bus)
	eventually(t, "a message bus", func() bool { _, err := os.Stat(socket); return err == nil })
	// Of a registry that is older than the plugins it only takes what is enabled.
	registry := p.command("sh", "-c", "mkdir audacious && cat >audacious/plugin-registry")
	registry.Stdin = strings.NewReader("format 11\noutput " + outputs[0] + "\nstamp 0\nversion 48\nflags 0\nname SDL Output\n" +
		"domain audacious-plugins\npriority 9\nabout 1\nconfig 0\nenabled 1\n")
	if out, err := registry.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	runPlayer(t, p.command("audacious", "-H", "-q", media))
	return p
}

// command returns a program that is on the bus.
func (p audacious) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir, cmd.SysProcAttr = p.bus.Env, p.bus.Dir, p.bus.SysProcAttr
	return cmd
}

func (p audacious) position() (float64, error) {
	answer, err := p.command("audtool", "current-song-output-length-frames").Output() // they are milliseconds
	if err != nil {
		return 0, err
	}
	ms, err := strconv.ParseFloat(strings.TrimSpace(string(answer)), 64)
	return ms / 1000, err
}

func (p audacious) pause() error { return p.command("audtool", "playback-pause").Run() }
func (p audacious) seek(s float64) error {
	return p.command("audtool", "playback-seek", strconv.Itoa(int(s))).Run()
}

// ffmpeg has no controls: it plays at real speed, is stopped for a while and
// goes on, and seeks in a second run. It ends with an error if one byte of
// what it decodes is not right.
func TestFFmpegPlaysPausesAndSeeks(t *testing.T) {
	t.Parallel()
	server := start(t, "-listen", "127.0.0.1:0", films(t))
	for _, file := range []string{"end.mp4", "start.mp4", "fragments.mp4", "film.mkv", "film.avi", "vbr.mp3"} {
		eventually(t, "found", func() bool { status, _ := get(t, server.url+"/watch/Films/"+file); return status == 200 })
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			media := server.url + "/media/Films/" + file
			play := func(args ...string) *exec.Cmd {
				return exec.Command("ffmpeg", append(append([]string{"-v", "error", "-xerror", "-nostdin"}, args...), "-f", "null", "-")...)
			}
			cmd := play("-re", "-i", media, "-t", "6")
			var out bytes.Buffer
			cmd.Stderr = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(3 * time.Second) // the pause
			cmd.Process.Signal(syscall.SIGCONT)
			if err := cmd.Wait(); err != nil || out.Len() > 0 {
				t.Errorf("play and pause: %v\n%s", err, &out)
			}
			if out, err := play("-ss", "40", "-i", media, "-t", "5").CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("seek: %v\n%s", err, out)
			}
		})
	}
}

// Players take the playlists as well.
func TestPlayersReadPlaylists(t *testing.T) {
	t.Parallel()
	need(t, "vlc", "mpv")
	server := start(t, "-listen", "127.0.0.1:0", films(t))
	eventually(t, "all found", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":6`)
	})
	for _, row := range []struct {
		name  string
		start func(*testing.T, string) player
		list  string
	}{
		{"vlc m3u", startVLC, "/playlist/Films.m3u"},
		{"vlc xspf", startVLC, "/playlist/Films.xspf"},
		{"vlc asx", startVLC, "/playlist/Films.asx"},
		{"mpv pls", startMPV, "/playlist/Films.pls"},
		{"mpv m3u8 of one item", startMPV, "/playlist/Films/end.mp4.m3u8"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			reaches(t, row.start(t, server.url+row.list), 1)
		})
	}
}

// TestBytesLeaveBySendfile counts the system calls of a running server.
func TestBytesLeaveBySendfile(t *testing.T) {
	need(t, "strace")
	dir := filepath.Join(t.TempDir(), "s")
	write(t, filepath.Join(dir, "film.mp4"), bytes.Repeat([]byte("0123456789abcdef"), 1<<18)) // 4 MiB, no media: sent at the default rate
	nas := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer nas.Close()
	config := filepath.Join(t.TempDir(), "m.toml")
	write(t, config, fmt.Appendf(nil, "[[share]]\nname = \"s\"\nurl = %q\n", nas.URL))
	for _, row := range []struct {
		name   string
		args   []string
		others int // bytes that may go another way: with the head, and where the burst is faster than the next segment is opened
	}{
		{"folder", []string{dir}, 512},
		{"cached file server", []string{"-config", config}, 256 << 10},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := start(t, append([]string{"-listen", "127.0.0.1:0"}, row.args...)...)
			eventually(t, "found", func() bool { status, _ := get(t, server.url+"/watch/s/film.mp4"); return status == 200 })
			get(t, server.url+"/media/s/film.mp4") // it is kept then
			bySendfile := traceSendfile(t, server)
			if _, body := get(t, server.url+"/media/s/film.mp4"); len(body) != 4<<20 {
				t.Fatalf("got %d bytes", len(body))
			}
			// strace writes a call when it has ended.
			eventually(t, "4 MiB by sendfile", func() bool { return bySendfile() >= 4<<20-row.others })
		})
	}
}

// traceSendfile has strace watch a server; the function it returns says how
// many bytes sendfile has sent since.
func traceSendfile(t *testing.T, server *program) func() int {
	t.Helper()
	log := filepath.Join(t.TempDir(), "calls")
	trace := exec.Command("strace", "-f", "-e", "trace=sendfile", "-o", log, "-p", strconv.Itoa(server.cmd.Process.Pid))
	said, err := trace.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := trace.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		trace.Process.Signal(os.Interrupt)
		trace.Wait()
	})
	if line, err := bufio.NewReader(said).ReadString('\n'); !strings.Contains(line, "attached") {
		t.Fatalf("strace: %q, %v", line, err)
	}
	go io.Copy(io.Discard, said)
	return func() (sent int) {
		text, err := os.ReadFile(log)
		if err != nil {
			return 0
		}
		for line := range strings.Lines(string(text)) {
			if _, result, ok := strings.Cut(line, " = "); ok && strings.Contains(line, "sendfile") {
				n, _ := strconv.Atoi(strings.Fields(result)[0]) // an error is no number
				sent += max(n, 0)
			}
		}
		return sent
	}
}

// TestBrowserPlays lets Chromium open the item pages and play.
func TestBrowserPlays(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	server := start(t, "-listen", "127.0.0.1:0", films(t))
	eventually(t, "all found and measured", func() bool {
		_, body := get(t, server.url+"/api/v1/status")
		return strings.Contains(body, `"items":6`) && strings.Contains(body, `"unmeasured":0`)
	})
	tab := startChromium(t)
	for _, file := range []string{"end.mp4", "vbr.mp3"} {
		t.Run(file, func(t *testing.T) {
			tab.open(server.url + "/watch/Films/" + url.PathEscape(file))
			tab.eval(`const m = document.querySelector("video, audio"); m.muted = true; m.play().then(() => "")`)
			at := func() float64 {
				s, _ := strconv.ParseFloat(tab.eval(`"" + document.querySelector("video, audio").currentTime`), 64)
				return s
			}
			eventually(t, "playing", func() bool { return at() > 1.5 })
			tab.eval(`document.querySelector("video, audio").currentTime = 45; ""`)
			eventually(t, "playing after a seek", func() bool { return at() > 46 })
			if got := tab.eval(`const e = document.querySelector("video, audio").error; e ? e.message : ""`); got != "" {
				t.Errorf("media error: %s", got)
			}
		})
	}
}
