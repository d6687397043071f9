package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// quick is the hash of a password with few iterations.
func quick(t *testing.T, password string) string {
	t.Helper()
	h, err := hashWith(password, []byte("saltsaltsaltsalt"), 2)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func house(t *testing.T) (*Keeper, *clock, Config) {
	c := DefaultConfig()
	c.User = []User{{"ann", quick(t, "sesame"), Admin}, {"bob", quick(t, "öffne dich"), Viewer}}
	time0 := &clock{t: time.Date(2026, 5, 1, 12, 30, 0, 0, time.UTC)}
	k := New([]byte(strings.Repeat("k", keyMin)), c)
	k.now = time0.now
	return k, time0, c
}

func TestHash(t *testing.T) {
	made, err := Hash("geheim")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Hash("geheim")
	if made == again {
		t.Error("two hashes of one password are the same: no salt")
	}
	parsed, err := parseHash(made)
	if err != nil || !parsed.is("geheim") || parsed.is("Geheim") {
		t.Errorf("%s: %v", made, err)
	}
	for _, bad := range []string{"", "geheim", "$$$", "bcrypt$1$YWFhYWFhYWE$YQ", made + "$", strings.Replace(made, "600000", "0", 1),
		strings.Replace(made, "600000", "99999999999", 1), strings.Replace(made, "600000", "x", 1), made[:len(made)-3]} {
		if _, err := parseHash(bad); err == nil {
			t.Errorf("%q passes for a hash", bad)
		}
	}
}

func TestCheck(t *testing.T) {
	k, _, _ := house(t)
	for _, row := range []struct {
		name, user, password string
		want                 Role
		err                  error
	}{
		{"admin", "ann", "sesame", Admin, nil},
		{"again, from memory", "ann", "sesame", Admin, nil},
		{"viewer", "bob", "öffne dich", Viewer, nil},
		{"wrong password", "ann", "öffne dich", Nobody, ErrWrong},
		{"no such user", "eve", "sesame", Nobody, ErrWrong},
		{"nothing", "", "", Nobody, ErrWrong},
		{"parts moved", "an", "nsesame", Nobody, ErrWrong},
	} {
		t.Run(row.name, func(t *testing.T) {
			who, err := k.Check(t.Context(), "192.0.2.1", row.user, row.password)
			if who.Role != row.want || !errors.Is(err, row.err) {
				t.Errorf("%+v, %v", who, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.hashing <- struct{}{} // somebody else's is being checked
	if _, err := k.Check(ctx, "192.0.2.1", "eve", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone still waits: %v", err)
	}
}

func TestWrongPasswordsAreLimitedByAddress(t *testing.T) {
	k, clock, _ := house(t)
	try := func(addr string) error {
		_, err := k.Check(t.Context(), addr, "ann", "guess")
		return err
	}
	for i := range attemptsBurst {
		if err := try("192.0.2.1"); !errors.Is(err, ErrWrong) {
			t.Fatalf("attempt %d: %v", i+1, err)
		}
	}
	tooMany := &TooMany{}
	if err := try("192.0.2.1"); !errors.As(err, &tooMany) || tooMany.Wait != attemptsEvery {
		t.Errorf("one too many: %v, wait %v", err, tooMany.Wait)
	}
	if _, err := k.Check(t.Context(), "192.0.2.1", "ann", "sesame"); !errors.Is(err, ErrTooMany) {
		t.Errorf("now the right one counts: %v", err)
	}
	if err := try("192.0.2.2"); !errors.Is(err, ErrWrong) {
		t.Errorf("another address: %v", err)
	}
	clock.pass(attemptsEvery)
	if _, err := k.Check(t.Context(), "192.0.2.1", "ann", "sesame"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	var a attempts
	now := time.Now()
	for i := range 3 * attemptsKnown {
		a.wrong(time.Duration(i).String(), now)
	}
	if len(a.known) > attemptsKnown {
		t.Errorf("%d addresses are kept, want at most %d", len(a.known), attemptsKnown)
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", "nonsense": "nonsense",
	} {
		if got := network(addr); got != want {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
}

func TestIdentify(t *testing.T) {
	k, clock, config := house(t)
	request := func(cookie *http.Cookie) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		return r
	}
	identify := func(r *http.Request) Role {
		who, err := k.Identify(r, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		return who.Role
	}
	ann := k.Session(Identity{"ann", Admin}, true)
	if !ann.HttpOnly || !ann.Secure || ann.SameSite != http.SameSiteLaxMode || ann.Path != "/" {
		t.Errorf("the cookie is %+v", ann)
	}
	basic := request(nil)
	basic.SetBasicAuth("bob", "öffne dich")
	forged := *ann
	forged.Value = strings.Replace(ann.Value, encode([]byte("ann")), encode([]byte("bob")), 1)
	later := *ann
	later.Value = strings.Replace(ann.Value, ".6", ".7", 1)
	for _, row := range []struct {
		name string
		r    *http.Request
		want Role
	}{
		{"nobody", request(nil), Nobody},
		{"session", request(ann), Admin},
		{"basic", basic, Viewer},
		{"another user's name", request(&forged), Nobody},
		{"another expiry", request(&later), Nobody},
		{"nonsense", request(&http.Cookie{Name: cookieName, Value: "x.y.z"}), Nobody},
		{"logged out", request(NoSession(false)), Nobody},
	} {
		if got := identify(row.r); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	if k.Renew(request(ann)) != nil {
		t.Error("a fresh session is renewed")
	}
	clock.pass(config.Session * 2 / 3)
	renewed := k.Renew(request(ann))
	if renewed == nil {
		t.Fatal("an old session is not renewed")
	}
	clock.pass(config.Session / 2)
	if identify(request(ann)) != Nobody || identify(request(renewed)) != Admin {
		t.Error("a session does not end when it should")
	}
	config.User[0].Password = quick(t, "another")
	k.SetConfig(config)
	if identify(request(renewed)) != Nobody {
		t.Error("a new password does not end the sessions")
	}
}

func TestSignedURLs(t *testing.T) {
	k, clock, config := house(t)
	ann := Identity{"ann", Admin}
	item := k.Sign(ann, "Films/a.mp4", false)
	folder := k.Sign(Identity{"bob", Viewer}, "Films/hls/master.m3u8", true)
	for _, row := range []struct {
		name, token, path, user string
		err                     error
	}{
		{"as signed", item, "Films/a.mp4", "ann", nil},
		{"another item", item, "Films/b.mp4", "", ErrWrong},
		{"its folder", item, "Films", "", ErrWrong},
		{"the manifest", folder, "Films/hls/master.m3u8", "bob", nil},
		{"a segment", folder, "Films/hls/1.ts", "bob", nil},
		{"a segment below", folder, "Films/hls/720p/1.ts", "bob", nil},
		{"beside the stream", folder, "Films/a.mp4", "", ErrWrong},
		{"a folder with a longer name", folder, "Films/hls2/1.ts", "", ErrWrong},
		{"changed", item[:len(item)-1] + "_", "Films/a.mp4", "", ErrWrong},
		{"empty", "", "Films/a.mp4", "", ErrWrong},
		{"a session", k.Session(ann, false).Value, "Films/a.mp4", "", ErrWrong},
	} {
		who, err := k.Signed(row.token, row.path)
		if who.User != row.user || !errors.Is(err, row.err) || who.Role == Admin {
			t.Errorf("%s: %+v, %v", row.name, who, err)
		}
	}
	clock.pass(10 * time.Minute)
	if again := k.Sign(ann, "Films/a.mp4", false); again != item {
		t.Error("the URL of one hour changes")
	}
	clock.pass(config.URL - 10*time.Minute)
	if _, err := k.Signed(item, "Films/a.mp4"); err != nil {
		t.Errorf("within its time: %v", err)
	}
	clock.pass(roundURL)
	if _, err := k.Signed(item, "Films/a.mp4"); !errors.Is(err, ErrExpired) {
		t.Errorf("after its time: %v", err)
	}
	other := New([]byte(strings.Repeat("x", keyMin)), config)
	if _, err := other.Signed(item, "Films/a.mp4"); !errors.Is(err, ErrWrong) {
		t.Errorf("with another key: %v", err)
	}
	config.Key = Key(strings.Repeat("x", keyMin))
	k.SetConfig(config)
	if _, err := k.Signed(item, "Films/a.mp4"); !errors.Is(err, ErrWrong) {
		t.Errorf("with another key in the config: %v", err)
	}
	if who, err := k.Signed(other.Sign(ann, "a", false), "a"); err != nil && !errors.Is(err, ErrExpired) {
		t.Errorf("of a node with the same key: %+v, %v", who, err)
	}
	config.User = config.User[1:]
	k.SetConfig(config)
	if _, err := k.Signed(k.Sign(ann, "a", false), "a"); !errors.Is(err, ErrWrong) {
		t.Errorf("of a removed user: %v", err)
	}
}

func TestOpenKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	first, err := OpenKey(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(file)
	if err != nil || string(again) != string(first) {
		t.Errorf("the key is not kept: %v", err)
	}
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the key: %v", info.Mode())
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil { // as a full disk leaves it
		t.Fatal(err)
	}
	if made, err := OpenKey(file); err != nil || len(made) < keyMin {
		t.Errorf("after an empty file: %d bytes, %v", len(made), err)
	}
	if _, err := OpenKey(filepath.Join(file, "below")); err == nil {
		t.Error("a key that can't be kept is no error")
	}
}

func TestValidate(t *testing.T) {
	good := User{"ann", quick(t, "x"), Viewer}
	for _, row := range []struct {
		name   string
		change func(*User)
		key    string // of the mistake
	}{
		{"good", func(*User) {}, ""},
		{"no name", func(u *User) { u.Name = "" }, "name"},
		{"colon", func(u *User) { u.Name = "a:b" }, "name"},
		{"newline", func(u *User) { u.Name = "a\nb" }, "name"},
		{"plain password", func(u *User) { u.Password = "sesame" }, "password"},
		{"role", func(u *User) { u.Role = "root" }, "role"},
	} {
		u := good
		row.change(&u)
		err := u.Validate()
		if (row.key == "") != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), row.key) || err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	if err := (Config{Key: "short"}).Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 || strings.Contains(err.Error(), "short\"") {
		t.Errorf("three mistakes: %v", err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

func FuzzTokens(f *testing.F) {
	k := New([]byte(strings.Repeat("k", keyMin)), Config{User: []User{{"ann", "pbkdf2-sha256$2$c2FsdHNhbHQ$" + encode(make([]byte, hashSize)), Admin}}, URL: time.Hour, Session: time.Hour})
	f.Add(k.Sign(Identity{User: "ann"}, "a/b", true), "a/c")
	f.Add("YW5u.ffffffffffff.AAAA", "")
	f.Fuzz(func(t *testing.T, text, path string) {
		who, err := k.Signed(text, path)
		if (err == nil) != (who.User == "ann") {
			t.Errorf("%+v, %v", who, err)
		}
		k.session(text)
	})
}
