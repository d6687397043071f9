package resume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func when(minutes int) time.Time {
	return time.Date(2026, 1, 2, 3, minutes, 0, 0, time.UTC)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func paths(places []Place) string {
	var all []string
	for _, p := range places {
		all = append(all, p.Path)
	}
	return strings.Join(all, " ")
}

func put(t *testing.T, s *Store, user string, p Place) {
	t.Helper()
	if err := s.Put(user, p); err != nil {
		t.Fatal(err)
	}
}

func TestPlaces(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "resume")
	s := Open(dir, quiet())
	put(t, s, "ann", Place{"F/a.mp4", 60, 600, when(1)})
	put(t, s, "ann", Place{"F/b\xff.mp4", 70, 600, when(2)})
	put(t, s, "ann", Place{"F/c.mp4", 80, 0, when(3)})
	put(t, s, "ann", Place{"F/a.mp4", 90, 600, when(4)})
	put(t, s, "bob", Place{"F/a.mp4", 10, 600, when(5)})
	if got := paths(s.Places("ann")); got != "F/a.mp4 F/c.mp4 F/b\xff.mp4" {
		t.Errorf("ann has %q", got)
	}
	if p, ok := s.Place("ann", "F/a.mp4"); !ok || p.At != 90 {
		t.Errorf("ann is at %+v, %v", p, ok)
	}
	s.save()
	again := Open(dir, quiet())
	if got := paths(again.Places("ann")); got != "F/a.mp4 F/c.mp4 F/b\xff.mp4" {
		t.Errorf("after a start ann has %q", got)
	}
	if p, ok := again.Place("bob", "F/a.mp4"); !ok || p != (Place{"F/a.mp4", 10, 600, when(5)}) {
		t.Errorf("after a start bob is at %+v, %v", p, ok)
	}
	if got := again.Places("eve"); len(got) > 0 {
		t.Errorf("eve has %v", got)
	}
	put(t, again, "ann", Place{"F/a.mp4", 590, 600, when(6)}) // the credits
	put(t, again, "ann", Place{"F/c.mp4", 0, 600, when(6)})
	again.Forget("ann", "F/b\xff.mp4")
	again.Forget("ann", "F/nothing")
	if got := again.Places("ann"); len(got) > 0 {
		t.Errorf("of what is over is left %v", got)
	}
}

func TestPlacesAreBounded(t *testing.T) {
	s := Open(t.TempDir(), quiet())
	for i := range Most + 10 {
		put(t, s, "ann", Place{fmt.Sprint(i), 60, 600, when(i)})
	}
	all := s.Places("ann")
	if len(all) != Most || all[0].Path != fmt.Sprint(Most+9) || all[Most-1].Path != "10" {
		t.Errorf("%d places, from %q to %q", len(all), all[0].Path, all[len(all)-1].Path)
	}
	for _, p := range []Place{
		{"", 1, 1, when(0)}, {"a", -1, 1, when(0)}, {"a", math.NaN(), 1, when(0)}, {"a", 1, math.Inf(1), when(0)},
		{"a", 1, -1, when(0)}, {"a", mostSeconds + 1, 0, when(0)}, {strings.Repeat("a", mostPath+1), 1, 1, when(0)},
	} {
		if err := s.Put("ann", p); !errors.Is(err, ErrPlace) {
			t.Errorf("%.40v is taken: %v", p, err)
		}
	}
	if file := filepath.Join(s.dir, "x"); len(file) > 0 { // the largest that there can be
		var most []Place
		for i := range Most {
			most = append(most, Place{strings.Repeat("\xff", mostPath-4) + fmt.Sprintf("%04d", i), 1.0 / 3, 1.0 / 7, when(i).Add(1)})
		}
		if err := write(file, "ann", most); err != nil {
			t.Fatal(err)
		}
		if got, err := read(file, "ann"); err != nil || len(got) != Most {
			t.Errorf("the largest file: %d places, %v", len(got), err)
		}
	}
}

func TestDamagedFilesCountAsNone(t *testing.T) {
	dir := t.TempDir()
	s := Open(dir, quiet())
	put(t, s, "ann", Place{"a", 1, 100, when(1)})
	s.save()
	good, err := os.ReadFile(s.file("ann"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "cut off": string(good[:len(good)/2]), "garbage": "\x00\xff", "another user's": strings.Replace(string(good), "YW5u", "Ym9i", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(s.file("ann"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
			if got := s.Places("ann"); len(got) > 0 || !strings.Contains(log.String(), "lost") {
				t.Errorf("%v; the log says %s", got, &log)
			}
			put(t, s, "ann", Place{"a", 2, 100, when(2)})
			s.save()
			if got := Open(dir, quiet()).Places("ann"); len(got) != 1 || got[0].At != 2 {
				t.Errorf("then %v is kept", got)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRunSavesNowAndThenAndAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := Open(dir, quiet())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		put(t, s, "ann", Place{"a", 1, 100, when(1)})
		time.Sleep(saveEvery + time.Second)
		synctest.Wait()
		if got := Open(dir, quiet()).Places("ann"); len(got) != 1 {
			t.Errorf("after a minute %v is on the disk", got)
		}
		put(t, s, "ann", Place{"b", 1, 100, when(2)})
		cancel()
		<-done
		if got := Open(dir, quiet()).Places("ann"); len(got) != 2 {
			t.Errorf("at the end %v is on the disk", got)
		}
	})
}

func TestWhatCannotBeSavedIsLogged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := Open(filepath.Join(file, "below"), slog.New(slog.NewTextHandler(&log, nil)))
	put(t, s, "ann", Place{"a", 1, 100, when(1)})
	if s.save(); !strings.Contains(log.String(), "not saved") {
		t.Errorf("the log says %q", &log)
	}
}

// FuzzParse reads any file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"user":"YW5u","places":[{"path":"YQ==","at":1,"duration":2,"when":"2026-01-02T03:04:05Z"}]}`))
	f.Add([]byte(`{"places":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		places, err := parse(text, "ann")
		if err != nil && places != nil {
			t.Error("places of a damaged file")
		}
	})
}
