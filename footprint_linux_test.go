package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mustserv/library/probe/probetest"
)

// TestMemoryBudget starts the program as it is installed and waits until all
// is measured and it has come to rest: then it must be small. It must be soon
// again when players have begun.
func TestMemoryBudget(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers")
	}
	installed := install(t, ".")
	for _, row := range []struct {
		songs, players int
		budget         int64 // bytes
	}{
		{5, 0, 8 << 20},
		{1000, 0, 10 << 20}, // two kB a song, in a heap with gaps
		{5, 10, 10 << 20},
	} {
		t.Run(fmt.Sprint(row.songs, " songs, ", row.players, " players"), func(t *testing.T) {
			dir := t.TempDir()
			songs(t, dir, row.songs)
			write(t, filepath.Join(dir, "long.mp3"), probetest.MP3(300, 320))
			cmd := mustserv(t, "-listen", "127.0.0.1:0", dir)
			cmd.Path = installed
			began := time.Now()
			server := launch(t, cmd, t.TempDir())
			listens := time.Since(began)
			eventually(t, "measured", func() bool {
				_, body := get(t, server.url+"/api/v1/status")
				return strings.Contains(body, fmt.Sprintf(`"items":%d,`, row.songs+1)) && strings.Contains(body, `"unmeasured":0`)
			})
			pid := server.cmd.Process.Pid
			for range row.players {
				begin(t, server.url+"/media/"+filepath.Base(dir)+"/long.mp3")
			}
			working := memory(t, pid, "VmRSS")
			eventually(t, "at rest within its budget", func() bool { return memory(t, pid, "VmRSS") <= row.budget })
			t.Logf("listens after %v; at work %.1f MB, at rest %.1f MB, of which %.1f MB its own",
				listens, float64(working)/1e6, float64(memory(t, pid, "VmRSS"))/1e6, float64(rssAnon(t, pid))/1e6)
		})
	}
}

// begin starts a player, which pauses until the test ends.
func begin(t *testing.T, url string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	t.Cleanup(func() { response.Body.Close() })
}

// songs writes so many songs that have been there for long.
func songs(t *testing.T, dir string, n int) {
	t.Helper()
	song, old := probetest.MP3(2, 64), time.Now().Add(-time.Hour)
	for i := range n {
		name := filepath.Join(dir, strconv.Itoa(i/100), fmt.Sprintf("song %d.mp3", i))
		write(t, name, song)
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// install builds a package, or a file, as it is installed.
func install(t testing.TB, what string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, what)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return program
}

// BenchmarkRooms tells what each room, and what the larger packages that the
// rooms use, cost a program that does nothing with them: its file, its memory
// at the start, and what is done before main. What the linker leaves out of
// such a program is not in these figures.
func BenchmarkRooms(b *testing.B) {
	for _, path := range []string{
		"fmt", "log/slog", "encoding/json", "html/template", "net/http",
		"golang.org/x/text/unicode/norm", "github.com/BurntSushi/toml", "github.com/abema/go-mp4",
		"mustserv/ratelimit", "mustserv/library/probe", "mustserv/library", "mustserv/library/source/smb",
		"mustserv/stream/auth", "mustserv/stream", "mustserv/webui",
	} {
		b.Run(path, func(b *testing.B) {
			source := filepath.Join(b.TempDir(), "main.go")
			write(b, source, fmt.Appendf(nil, "package main\n\nimport (\n\t\"os\"\n\t_ %q\n)\n\n%s", path, idler))
			program := install(b, source)
			file, err := os.Stat(program)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				resident, init := atMain(b, program)
				b.ReportMetric(float64(resident)/1000, "kB-resident")
				b.ReportMetric(init.Seconds()*1000, "ms-init")
			}
			b.ReportMetric(float64(file.Size())/1000, "kB-file")
		})
	}
}

// idler says that it has come to main, and ends with its input.
const idler = `func main() {
	os.Stdout.WriteString("here")
	os.Stdin.Read(make([]byte, 1))
}
`

// atMain returns the memory of a program when it comes to main, and how long
// its packages took to be ready for it.
func atMain(b *testing.B, program string) (resident int64, init time.Duration) {
	b.Helper()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	cmd.Stderr = &trace
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := cmp.Or(err1, err2, cmd.Start()); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("here"))); err != nil {
		b.Fatal(err)
	}
	resident = memory(b, cmd.Process.Pid, "VmRSS")
	in.Close()
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(trace.String()) {
		var name, at string
		var ms float64
		if n, _ := fmt.Sscanf(line, "init %s @%s ms, %f ms clock", &name, &at, &ms); n == 3 {
			init += time.Duration(ms * float64(time.Millisecond))
		}
	}
	return resident, init
}
