//go:build unix

package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mustserv/library/source"
	"mustserv/library/source/local"
	"mustserv/ratelimit"
)

// Where the second instance finds what it shares with the first.
const (
	envFiles = "MUSTSERV_TEST_CACHE_FILES"
	envCache = "MUSTSERV_TEST_CACHE_FOLDER"
)

const (
	sharedFiles = 12
	sharedSize  = 3*mib + 1000
)

// instance opens the shared cache over the shared files. It is so small that
// segments are always being deleted.
func instance(files, folder string) (source.Source, *Store, error) {
	c := config(folder)
	c.Size = Bound(32 * ratelimit.MiB)
	store, err := NewStore(c, nil)
	if err != nil {
		return nil, nil, err
	}
	src, err := local.Open(files)
	if err != nil {
		return nil, nil, err
	}
	return Wrap(src, "test://shared", store), store, nil
}

// readAny streams a part of one of the files, and checks every byte.
func readAny(src source.Source, rnd *rand.Rand) error {
	i := rnd.IntN(sharedFiles)
	file, err := src.Open(context.Background(), fmt.Sprint(i))
	if err != nil {
		return err
	}
	defer file.Close()
	from := int64(rnd.IntN(sharedSize))
	if rnd.IntN(3) > 0 {
		from = from / mib * mib
	}
	to := from + 1 + rnd.Int64N(sharedSize-from)
	got, _, err := stream(file, from, to)
	if err != nil {
		return err
	}
	if want := noise(byte(i), sharedSize)[from:]; len(got) < int(to-from) || !bytes.Equal(got, want[:len(got)]) {
		return fmt.Errorf("file %d from byte %d: %d bytes that differ", i, from, len(got))
	}
	return nil
}

// TestMain is also the second instance, which reads until it is killed.
func TestMain(m *testing.M) {
	if files := os.Getenv(envFiles); files != "" {
		src, _, err := instance(files, os.Getenv(envCache))
		for rnd := rand.New(rand.NewPCG(uint64(os.Getpid()), 1)); err == nil; {
			err = readAny(src, rnd)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// Of two instances on one folder, one is killed while it writes, again and
// again. Neither ever serves a damaged segment, and none is left.
func TestInstanceIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts itself for some seconds; left out with -short")
	}
	files, folder := t.TempDir(), t.TempDir()
	for i := range sharedFiles {
		must(t, os.WriteFile(filepath.Join(files, fmt.Sprint(i)), noise(byte(i), sharedSize), 0o644))
	}
	lasts := 4 * time.Second
	if os.Getenv("MUSTSERV_LONG") != "" {
		lasts = 5 * time.Minute
	}
	src, store, err := instance(files, folder)
	must(t, err)
	rnd := rand.New(rand.NewPCG(1, 2))
	kills, reads := 0, 0
	for end := time.Now().Add(lasts); time.Now().Before(end); kills++ {
		other := startSecond(t, files, folder)
		for killAt := time.Now().Add(time.Duration(50+rnd.IntN(500)) * time.Millisecond); time.Now().Before(killAt); reads++ {
			must(t, readAny(src, rnd))
		}
		other()
	}
	stats := source.CacheOf(src)
	t.Logf("killed %d times in %d reads here; %+v", kills, reads, stats)
	if kills == 0 || stats.Hits == 0 || stats.Misses == 0 {
		t.Error("the test has tried nothing")
	}
	must(t, store.Close(t.Context()))
	checkAll(t, folder)
}

// startSecond starts the second instance; the returned function kills it, and
// fails if it had found a mistake before.
func startSecond(t *testing.T, files, folder string) (kill func()) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	var out bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envFiles+"="+files, envCache+"="+folder)
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	return func() {
		t.Helper()
		cmd.Process.Kill()
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() >= 0 { // below 0: by a signal
			t.Fatalf("the other instance ended by itself: %v\n%s", err, &out)
		}
	}
}

// checkAll opens every segment in the folder.
func checkAll(t *testing.T, folder string) {
	t.Helper()
	names := files(t, folder)
	for _, name := range names {
		if !strings.HasSuffix(name, whole) {
			continue
		}
		b, err := os.ReadFile(name)
		must(t, err)
		h, err := parseHeader(b)
		if err != nil || len(b) != contentBegin+int(h.length) {
			t.Errorf("%s is damaged: %v", name, err)
		}
	}
	if len(names) == 0 {
		t.Error("nothing was kept")
	}
}
