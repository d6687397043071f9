package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
)

// scratch is a folder for what several tests use; it goes when they end.
var scratch string

// atOnce is how many of the tests that may run at a time do so, whatever the
// number of processors: they wait for players that play in real time.
const atOnce = 6

// TestMain lets the test binary be mustserv itself, so that tests start the
// real program, race detector and all.
func TestMain(m *testing.M) {
	if os.Getenv("MUSTSERV_TEST_RUN") != "" {
		main()
	}
	runTogether(atOnce)
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin") // where servers lie that are not for everybody
	var err error
	if scratch, err = os.MkdirTemp("", "mustserv-test"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// runTogether lets so many tests run at a time, unless the command line says
// how many, as for fuzzing.
func runTogether(n int) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		flag.Set("test.parallel", strconv.Itoa(max(n, runtime.GOMAXPROCS(0)))) // the flag is there
	}
}

// program is a running mustserv.
type program struct {
	url    string
	cmd    *exec.Cmd
	stderr *lines
	ended  chan error
}

// start runs mustserv on a free port, with its state in a folder of its own,
// and returns when it listens.
func start(t testing.TB, args ...string) *program {
	t.Helper()
	return startIn(t, t.TempDir(), args...)
}

func startIn(t testing.TB, state string, args ...string) *program {
	t.Helper()
	return launch(t, mustserv(t, args...), state)
}

// launch runs a command that is mustserv, and returns when it listens.
func launch(t testing.TB, cmd *exec.Cmd, state string) *program {
	t.Helper()
	p := &program{cmd: cmd, stderr: newLines(), ended: make(chan error, 1)}
	p.cmd.Env = append(p.cmd.Env, "STATE_DIRECTORY="+state)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill(); <-p.ended })
	greeting := bufio.NewScanner(stdout)
	for greeting.Scan() {
		if m := regexp.MustCompile(`^Open +(https?://[^/]*:\d+)`).FindStringSubmatch(greeting.Text()); m != nil {
			p.url = m[1]
			break
		}
	}
	go func() { io.Copy(io.Discard, stdout); p.ended <- p.cmd.Wait() }()
	if p.url == "" {
		t.Fatalf("mustserv did not say where it listens; it said: %s", p.stderr)
	}
	return p
}

// mustserv is the command that runs this program.
func mustserv(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "MUSTSERV_TEST_RUN=1", "MUSTSERV_CONFIG=", "HOME="+home, "XDG_CONFIG_HOME="+home)
	cmd.Dir = home // where no mustserv.toml lies
	return cmd
}

// lines keeps what a program writes and lets a test wait for a line.
type lines struct {
	ch   chan string
	text bytes.Buffer
	part string
}

func newLines() *lines { return &lines{ch: make(chan string, 10000)} }

// Write is called by one goroutine.
func (l *lines) Write(p []byte) (int, error) {
	l.part += string(p)
	for {
		line, rest, ok := strings.Cut(l.part, "\n")
		if !ok {
			return len(p), nil
		}
		l.part = rest
		l.ch <- line
	}
}

func (l *lines) wait(t testing.TB, says string) string {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case line := <-l.ch:
			l.text.WriteString(line + "\n")
			if strings.Contains(line, says) {
				return line
			}
		case <-timeout:
			t.Fatalf("waited for %q, got:\n%s", says, l.text.String())
		}
	}
}

// String returns what has been read so far.
func (l *lines) String() string {
	for {
		select {
		case line := <-l.ch:
			l.text.WriteString(line + "\n")
		case <-time.After(100 * time.Millisecond):
			return l.text.String()
		}
	}
}

// eventually waits until ok; the program under test gives no event for it.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour) // as if it had been there before: nobody waits for more
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.wav"), probetest.WAV(1, 8000, 1))
	write(t, filepath.Join(dir, "bad.toml"), []byte("[stream]\nlisten = 1\n"))
	write(t, filepath.Join(dir, "gone.toml"), []byte("[[share]]\nname = \"a\"\npath = \"/does/not/exist\"\n"))
	write(t, filepath.Join(dir, "good.toml"), []byte("[[share]]\nname = \"a\"\npath = '"+dir+"'\n"))
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, row := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // a part of each
	}{
		{"version", []string{"version"}, 0, "mustserv ", ""},
		{"help", []string{"help"}, 0, "For example:", ""},
		{"-h", []string{"-h"}, 0, "For example:", ""},
		{"serve -h", []string{"serve", "-h"}, 0, "", "for example: mustserv serve"},
		{"probe -h", []string{"probe", "-h"}, 0, "", "for example: mustserv probe"},
		{"check -h", []string{"check", "-h"}, 0, "", "for example: mustserv check"},
		{"load -h", []string{"load", "-h"}, 0, "", "mustserv load -n 50 http://192"},
		{"load nothing", []string{"load"}, 2, "", "for example: mustserv load"},
		{"load in no mode", []string{"load", "-mode", "crawl", "http://127.0.0.1:1/media/a"}, 2, "", "-mode play or drain"},
		{"load nobody", []string{"load", "http://127.0.0.1:1/media/a"}, 1, "", "refused"},
		{"load with a mistake", []string{"load", "-n", "0", "-curve", at("a.wav"), "http://127.0.0.1:1/a"}, 2, "", "0 players"},
		{"load what is no film", []string{"load", "-curve", at("bad.toml"), "http://127.0.0.1:1/a"}, 1, "", "bad.toml"},
		{"unknown flag", []string{"-prot", "80"}, 2, "", "flag provided but not defined: -prot"},
		{"mistyped command", []string{"sevre"}, 2, "", `"sevre" is neither a command (serve, probe, check, passwd, load, version) nor a folder`},
		{"wrong address", []string{"-listen", "8000", dir}, 2, "", `listen = "8000": must be "address:port"`},
		{"missing config", []string{"-config", at("none.toml")}, 2, "", "none.toml"},
		{"wrong config", []string{"-config", at("bad.toml")}, 2, "", `bad.toml:2:1: listen must be text in quotes; for example: listen = ":8000"`},
		{"check a wrong config", []string{"check", "-config", at("bad.toml")}, 2, "", "bad.toml:2:1: "},
		{"check a missing folder", []string{"check", "-config", at("gone.toml")}, 1, "config: ", `share "a": `},
		{"check a good config", []string{"check", "-config", at("good.toml")}, 0, `share "a": ` + dir + " can be read, 4 entries", ""},
		{"check too much", []string{"check", "x"}, 2, "", "too much"},
		{"probe", []string{"probe", at("a.wav")}, 0, "wav", ""},
		{"probe JSON", []string{"probe", "-json", at("a.wav")}, 0, `"container":"wav"`, ""},
		{"probe nothing", []string{"probe"}, 2, "", "no file given"},
		{"probe no media", []string{"probe", at("bad.toml")}, 1, "", "bad.toml"},
		{"probe no media, JSON", []string{"probe", "-json", at("bad.toml")}, 1, `"error":`, ""},
		{"probe a missing file", []string{"probe", at("none.mp4")}, 1, "", "none.mp4"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			cmd := mustserv(t, row.args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if status := cmd.ProcessState.ExitCode(); status != row.status {
				t.Errorf("status %d (%v), want %d", status, err, row.status)
			}
			if !strings.Contains(stdout.String(), row.stdout) || !strings.Contains(stderr.String(), row.stderr) {
				t.Errorf("stdout %q, want %q; stderr %q, want %q", &stdout, row.stdout, &stderr, row.stderr)
			}
			if row.stderr == "" && stderr.Len() > 0 {
				t.Errorf("stderr %q, want nothing", &stderr)
			}
		})
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film := probetest.MP4(probetest.MP4Options{Seconds: 2, FPS: 25, Audio: true})
	write(t, filepath.Join(dir, "Films", "Été", "a b.mp4"), film)
	p := start(t, "-listen", "127.0.0.1:0", filepath.Join(dir, "Films"))
	eventually(t, "the film is measured", func() bool {
		_, body := get(t, p.url+"/api/v1/items/Films/%C3%89t%C3%A9/a%20b.mp4")
		return strings.Contains(body, `"container":"mp4"`)
	})
	if status, body := get(t, p.url+"/media/Films/%C3%89t%C3%A9/a%20b.mp4"); status != 200 || body != string(film) {
		t.Errorf("media: %d, %d bytes", status, len(body))
	}
	for path, part := range map[string]string{
		"/":                                    "Films",
		"/browse/Films/":                       "Été",
		"/watch/Films/%C3%89t%C3%A9/a%20b.mp4": "<video",
		"/media/":                              `<a href="Films/">Films/</a>`,
		"/playlist.m3u":                        p.url + "/media/Films/%C3%89t%C3%A9/a%20b.mp4",
		"/api/v1/status":                       `"unmeasured":0`,
		"/api/v1/sessions":                     `"path":"Films/Été/a b.mp4"`,
		"/healthz":                             "ok",
		"/readyz":                              "ok",
		"/metrics":                             "mustserv_sessions_total 1",
	} {
		if status, body := get(t, p.url+path); status != 200 || !strings.Contains(body, part) {
			t.Errorf("%s: %d, without %q: %s", path, status, part, body)
		}
	}
}

// TestLoad: simulated players play from the real program, which says what they
// need, and takes each for a viewer of its own.
func TestLoad(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "Films")
	film := probetest.MP4(probetest.MP4Options{Seconds: 3, FPS: 25, Audio: true})
	write(t, filepath.Join(dir, "a.mp4"), film)
	p := start(t, "-listen", "127.0.0.1:0", dir)
	eventually(t, "the film is measured", func() bool {
		_, body := get(t, p.url+"/api/v1/status")
		return strings.Contains(body, `"items":1,"unmeasured":0`)
	})
	for name, extra := range map[string][]string{
		"what the server says": nil, "a copy": {"-curve", filepath.Join(dir, "a.mp4")}, "an address": {"-curve", p.url + "/media/Films/a.mp4"},
	} {
		args := append([]string{"load", "-json", "-n", "5", "-over", "0s"}, append(extra, p.url+"/media/Films/a.mp4")...)
		answer, err := mustserv(t, args...).Output()
		if want := `"players":5,"started":5,"smooth":5,"failed":0,`; err != nil || !bytes.Contains(answer, []byte(want)) ||
			!bytes.Contains(answer, fmt.Appendf(nil, `"bytes":%d,`, 5*len(film))) {
			t.Errorf("%s: %s, %v", name, answer, err)
		}
	}
	if _, body := get(t, p.url+"/api/v1/sessions"); runtime.GOOS == "linux" && strings.Count(body, `"client":"127.1.0.`) != 5 {
		t.Errorf("sessions of five viewers: %s", body)
	}
}

// A second start over an unchanged folder measures nothing: the folder may
// even not be readable any more.
func TestMeasurementsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir, state := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.wav"), probetest.WAV(3, 8000, 1))
	p := startIn(t, state, "-listen", "127.0.0.1:0", dir)
	item := "/api/v1/items/" + filepath.Base(dir) + "/a.wav"
	measured := func(p *program) bool {
		_, body := get(t, p.url+item)
		return strings.Contains(body, `"duration":3`)
	}
	eventually(t, "measured", func() bool { return measured(p) })
	p.cmd.Process.Signal(os.Interrupt)
	if err := <-p.ended; err != nil {
		t.Fatalf("%v: %s", err, p.stderr)
	}
	p.ended <- nil
	// Other content of the same size and time shows where the figures come from.
	info, err := os.Stat(filepath.Join(dir, "a.wav"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.wav"), make([]byte, info.Size()))
	if err := os.Chtimes(filepath.Join(dir, "a.wav"), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	p = startIn(t, state, "-listen", "127.0.0.1:0", dir)
	eventually(t, "known from the index", func() bool { return measured(p) })
}

func TestReloadOnSave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "mustserv.toml")
	for _, name := range []string{"one", "two"} {
		write(t, filepath.Join(dir, name, name+".wav"), probetest.WAV(1, 8000, 1))
	}
	share := func(name string) string {
		return "[[share]]\nname = \"" + name + "\"\npath = '" + filepath.Join(dir, name) + "'\n"
	}
	write(t, config, []byte(share("one")))
	p := start(t, "-config", config, "-listen", "127.0.0.1:0")
	found := func(path string) bool { status, _ := get(t, p.url+path); return status == 200 }
	eventually(t, "first share", func() bool { return found("/media/one/one.wav") })

	write(t, config, []byte(share("one")+share("two")+"[webui]\ntitle = \"Our films\"\n"))
	eventually(t, "second share", func() bool { return found("/media/two/two.wav") })
	if _, page := get(t, p.url+"/"); !strings.Contains(page, "Our films") {
		t.Error("the title is not taken over")
	}
	write(t, config, []byte(share("two")+"[stream]\nlisen = \":1\"\n"))
	p.stderr.wait(t, `unknown key \"lisen\" in [stream], did you mean \"listen\"`)
	if !found("/media/one/one.wav") {
		t.Error("a config with a mistake was applied")
	}
	write(t, config, []byte(share("two")))
	eventually(t, "first share gone", func() bool { return !found("/media/one/one.wav") })
}

// A player that waits for room comes in as soon as the config has more of it.
func TestCapacityIsRaisedOnSave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "mustserv.toml")
	for _, name := range []string{"a.wav", "b.wav"} {
		write(t, filepath.Join(dir, "s", name), probetest.WAV(60, 44100, 2)) // 1.5 Mbit/s
	}
	capacity := func(text string) {
		write(t, config, []byte("[[share]]\nname = \"s\"\npath = '"+filepath.Join(dir, "s")+"'\n[ratelimit]\ncapacity = \""+text+"\"\n"))
	}
	capacity("2 Mbit/s")
	p := start(t, "-config", config, "-listen", "127.0.0.1:0")
	status := func(part string) func() bool {
		return func() bool { _, body := get(t, p.url+"/api/v1/status"); return strings.Contains(body, part) }
	}
	eventually(t, "measured", status(`"items":2,"unmeasured":0`))
	first, err := http.Get(p.url + "/media/s/a.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Body.Close()
	second := make(chan *http.Response, 1)
	go func() {
		response, err := http.Get(p.url + "/media/s/b.wav")
		if err != nil {
			close(second)
			return
		}
		second <- response
	}()
	eventually(t, "second player waits", status(`"waiting":1`))
	capacity("auto")
	p.stderr.wait(t, "capacity") // of which card, or that there is none that tells
	capacity("10 Mbit/s")
	response := <-second
	if response == nil || response.StatusCode != 200 {
		t.Fatalf("second player: %+v", response)
	}
	response.Body.Close()
}

// Who watches something of a share that is taken out sees it to its end.
func TestRemovedShareFinishesItsStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "mustserv.toml")
	film := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // more than fits into the kernel
	write(t, filepath.Join(dir, "gone", "film.mkv"), film)
	write(t, filepath.Join(dir, "stays", "a.wav"), probetest.WAV(1, 8000, 1))
	share := func(name string) string {
		return "[[share]]\nname = \"" + name + "\"\npath = '" + filepath.Join(dir, name) + "'\n"
	}
	write(t, config, []byte("[ratelimit]\nunmeasured = \"off\"\n"+share("gone")+share("stays")))
	p := start(t, "-config", config, "-listen", "127.0.0.1:0")
	found := func(path string) bool { status, _ := get(t, p.url+path); return status == 200 }
	eventually(t, "both shares", func() bool { return found("/browse/gone/") && found("/media/stays/a.wav") })
	eventually(t, "the film is looked at", func() bool {
		_, body := get(t, p.url+"/api/v1/status")
		return strings.Contains(body, `"scanning":false`) && strings.Contains(body, `"unmeasured":0`)
	})
	response, err := http.Get(p.url + "/media/gone/film.mkv")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	write(t, config, []byte("[ratelimit]\nunmeasured = \"off\"\n"+share("stays")))
	eventually(t, "the share is gone", func() bool { return !found("/browse/gone/") })
	if got, err := io.ReadAll(response.Body); err != nil || !bytes.Equal(got, film) {
		t.Errorf("%d bytes of %d, %v", len(got), len(film), err)
	}
	if found("/media/gone/film.mkv") || !found("/media/stays/a.wav") {
		t.Error("what is shared is not what the config says")
	}
}

func TestOrderlyEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "s", "a.mp4"), probetest.MP4(probetest.MP4Options{Seconds: 60, FPS: 25, FrameSize: func(int) int { return 20000 }}))
	write(t, filepath.Join(dir, "m.toml"), []byte("[stream]\nshutdown_timeout = \"500ms\"\naccess_log = '"+filepath.Join(dir, "access.log")+"'\n[[share]]\nname = \"s\"\npath = '"+filepath.Join(dir, "s")+"'\n"))
	p := start(t, "-config", filepath.Join(dir, "m.toml"), "-listen", "127.0.0.1:0")
	eventually(t, "measured", func() bool {
		_, body := get(t, p.url+"/api/v1/status")
		return strings.Contains(body, `"unmeasured":0`) && strings.Contains(body, `"items":1`)
	})
	response, err := http.Get(p.url + "/media/s/a.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	p.cmd.Process.Signal(os.Interrupt)
	if n, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Errorf("the stream went on to its end, %d bytes, though it was to be cut after 500ms", n)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	p.ended <- nil
	log, err := os.ReadFile(filepath.Join(dir, "access.log"))
	if err != nil || !strings.Contains(string(log), `"GET /media/s/a.mp4 HTTP/1.1" 200 `) {
		t.Errorf("access log %q, %v", log, err)
	}
}
