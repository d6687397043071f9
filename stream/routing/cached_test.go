package routing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const testSecret = "a secret of thirty-two characters"

func withSecret(c *Config) { c.Secret = testSecret }

// keeping is a node that keeps content of every file, and knows a secret.
func keeping(secret Secret, content []byte, how func(Cached) error) http.HandlerFunc {
	c := New(Options{Config: Config{Secret: secret}, ID: "node2", Log: slog.New(slog.DiscardHandler)})
	return func(w http.ResponseWriter, r *http.Request) {
		c.ServeCached(w, r, func(_ context.Context, f Cached, off, end int64) (io.ReadCloser, error) {
			if how != nil {
				if err := how(f); err != nil {
					return nil, err
				}
			}
			return io.NopCloser(bytes.NewReader(content[off:end])), nil
		})
	}
}

// ofNode2 is a file that belongs to node2 for this node, which has no secret
// of its own.
func ofNode2(c *Cluster, size int) Cached {
	f := Cached{Place: Fingerprint("http://nas/films"), Size: int64(size), Modified: 12345}
	for i := 0; f.Path == "" || c.Owns(f.Path); i++ {
		f.Path = fmt.Sprintf("Films/%d & more.mp4", i)
	}
	return f
}

func TestCachedElsewhere(t *testing.T) {
	content := []byte("0123456789")
	right := keeping(testSecret, content, nil)
	changed := func(how func(h http.Header, status *int, body *[]byte)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			right(answer, r)
			status, body := answer.Code, answer.Body.Bytes()
			how(answer.Header(), &status, &body)
			for key, values := range answer.Header() {
				w.Header()[key] = values
			}
			w.WriteHeader(status)
			w.Write(body)
		}
	}
	for _, row := range []struct {
		name   string
		node   http.HandlerFunc
		want   string
		rests  bool // it is not asked again at once
		config func(*Config)
		none   bool // it is not even asked
	}{
		{"the right bytes", right, "345", false, withSecret, false},
		{"no secret", right, "", false, nil, true},
		{"another secret", keeping(testSecret+"x", content, nil), "", true, withSecret, false},
		{"nothing of that place", keeping(testSecret, content, func(Cached) error { return fs.ErrNotExist }), "", true, withSecret, false},
		{"another version", keeping(testSecret, content, func(Cached) error { return ErrOther }), "", false, withSecret, false},
		{"its server is away", keeping(testSecret, content, func(Cached) error { return errors.New("away") }), "", true, withSecret, false},
		{"an old node", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "", true, withSecret, false},
		{"another ETag", changed(func(h http.Header, _ *int, _ *[]byte) { h.Set("ETag", `"1"`) }), "", true, withSecret, false},
		{"a weak ETag", changed(func(h http.Header, _ *int, _ *[]byte) { h.Set("ETag", "W/"+h.Get("ETag")) }), "", true, withSecret, false},
		{"another part", changed(func(h http.Header, _ *int, _ *[]byte) { h.Set("Content-Range", "bytes 4-6/10") }), "", true, withSecret, false},
		{"of a file of another size", changed(func(h http.Header, _ *int, _ *[]byte) { h.Set("Content-Range", "bytes 3-5/11") }), "", true, withSecret, false},
		{"more bytes", changed(func(h http.Header, _ *int, b *[]byte) { h.Set("Content-Length", "4"); *b = append(*b, 'x') }), "", true, withSecret, false},
		{"of no length", changed(func(h http.Header, _ *int, _ *[]byte) { h.Del("Content-Length") }), "", true, withSecret, false},
		{"encoded", changed(func(h http.Header, _ *int, _ *[]byte) { h.Set("Content-Encoding", "gzip") }), "", true, withSecret, false},
		{"all of the file", changed(func(_ http.Header, status *int, _ *[]byte) { *status = 200 }), "", true, withSecret, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			inStreet(t, 2, row.config, func(t *testing.T, c *Cluster, s *street, j *journal) {
				s.change(2, func(f *fake) { f.cached = row.node })
				f := ofNode2(c, len(content))
				ask := func() string {
					body, err := c.Cached(t.Context(), f, 3, 6)
					if err != nil {
						return ""
					}
					defer body.Close()
					got, _ := io.ReadAll(body)
					return string(got)
				}
				if got := ask(); got != row.want {
					t.Errorf("%q, want %q", got, row.want)
				}
				first := s.count("GET " + CachedPath)
				ask()
				if again := s.count("GET "+CachedPath) - first; (first == 0) != row.none || (again == 0) != (row.rests || row.none) {
					t.Errorf("asked %d and %d times", first, again)
				}
				time.Sleep(cachedRest)
				before := s.count("GET " + CachedPath)
				if ask(); s.count("GET "+CachedPath) == before && !row.none {
					t.Error("it is never asked again")
				}
				if j.count(testSecret) > 0 || (j.count("cache") > 0) != row.rests {
					t.Errorf("the log says %s", &j.text)
				}
			})
		})
	}
}

// Who is down, or drains, keeps nothing for others, and what is ours is ours.
func TestKeeperChanges(t *testing.T) {
	inStreet(t, 3, withSecret, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		keepers := func() map[string]int {
			found := make(map[string]int)
			for i := range 300 {
				id := "node1"
				if p := c.keeper(Cached{Path: fmt.Sprint("Films/", i), Place: "x"}); p != nil {
					id = p.ID
				}
				found[id]++
			}
			return found
		}
		drain := func(on bool) func(*fake) { return func(f *fake) { f.report.Told.Draining = on } }
		for _, row := range []struct {
			name string
			n    int
			how  func(*fake)
			want []string
		}{
			{"all are up", 2, drain(false), []string{"node1", "node2", "node3"}},
			{"one drains", 2, drain(true), []string{"node1", "node3"}},
			{"this one drains", 1, drain(true), []string{"node3"}},
			{"none is left", 3, func(f *fake) { f.dead = errors.New("refused") }, []string{"node1"}},
		} {
			s.change(row.n, row.how)
			time.Sleep(5 * time.Second)
			found := keepers()
			for _, id := range row.want {
				if found[id] < 60 {
					t.Errorf("%s: %v", row.name, found)
				}
			}
			if len(found) != len(row.want) {
				t.Errorf("%s: %v", row.name, found)
			}
		}
	})
}

// A file belongs to the node that the policy Content sends its viewers to.
func TestKeeperIsWhereViewersGo(t *testing.T) {
	config := func(c *Config) { c.Secret, c.Policy, c.Redirect = testSecret, Content, Always }
	inStreet(t, 3, config, func(t *testing.T, c *Cluster, s *street, _ *journal) {
		s.change(2, func(f *fake) { f.report.Told.Weight = 3 })
		time.Sleep(askEvery + time.Second)
		for i := range 100 {
			path := fmt.Sprint("Films/", i)
			base, _ := c.Route(t.Context(), Asked{Viewer: path, Item: path, Path: "/media/" + path, ETag: `"1"`})
			public := ""
			if p := c.keeper(Cached{Path: path, Place: "x"}); p != nil {
				public = p.Public
			}
			if base != public {
				t.Errorf("%s: viewers go to %q, %q keeps it", path, base, public)
			}
		}
	})
}

// breaking is a body that breaks off.
type breaking struct{ io.Reader }

func (b breaking) Close() error { return nil }

// A node that breaks off in an answer rests, too.
func TestAnswerBreaksOff(t *testing.T) {
	inStreet(t, 2, withSecret, func(t *testing.T, c *Cluster, s *street, j *journal) {
		s.change(2, func(f *fake) { f.cached = keeping(testSecret, make([]byte, 10), nil) })
		f := ofNode2(c, 10)
		body, err := c.Cached(t.Context(), f, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		body.(*cachedBody).ReadCloser = breaking{io.MultiReader(strings.NewReader("abc"), brokenReader{})}
		if got, err := io.ReadAll(body); string(got) != "abc" || err == nil {
			t.Errorf("%q, %v", got, err)
		}
		if c.keeper(f) != nil || j.count("broken pipe") != 1 {
			t.Errorf("it is asked again; the log says %s", &j.text)
		}
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Only so many answers are sent at a time; more wait, and leave.
func TestCachedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Config: Config{Secret: testSecret}, ID: "node2", Log: slog.New(slog.DiscardHandler)})
		var under, served atomic.Int64
		free := make(chan struct{})
		open := func(context.Context, Cached, int64, int64) (io.ReadCloser, error) {
			under.Add(1)
			<-free
			served.Add(1)
			return io.NopCloser(strings.NewReader("x")), nil
		}
		ctx, leave := context.WithCancel(t.Context())
		for i := range 2 * cachedAtOnce {
			r := httptest.NewRequest(http.MethodGet, CachedPath+"?"+Cached{Path: "a/b", Place: "c", Size: 1}.query(), nil)
			r.Header.Set("Range", "bytes=0-0")
			signer(testSecret).sign(r, time.Now())
			if i == 2*cachedAtOnce-1 {
				r = r.WithContext(ctx)
			}
			go c.ServeCached(httptest.NewRecorder(), r, open)
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		most := under.Load()
		close(free)
		synctest.Wait()
		if got := served.Load(); most != cachedAtOnce || got != 2*cachedAtOnce-1 {
			t.Errorf("%d at once, %d in all", most, got)
		}
	})
}

func TestCachedRequests(t *testing.T) {
	good := Cached{Path: "Films/a&b ü.mp4", Place: "abc", Size: 10 << 20, Modified: -5}
	for _, row := range []struct {
		name, query, ranges string
		ok                  bool
	}{
		{"as it is asked", good.query(), "bytes=0-4194303", true},
		{"the last byte", good.query(), "bytes=10485759-10485759", true},
		{"too much", good.query(), "bytes=0-4194304", false},
		{"beyond the end", good.query(), "bytes=10485759-10485760", false},
		{"backwards", good.query(), "bytes=7-6", false},
		{"no range", good.query(), "", false},
		{"to the end", good.query(), "bytes=7-", false},
		{"from the end", good.query(), "bytes=-7", false},
		{"two ranges", good.query(), "bytes=0-1,3-4", false},
		{"other units", good.query(), "items=0-1", false},
		{"no query", "", "bytes=0-1", false},
		{"a size that is none", strings.Replace(good.query(), "size=", "size=x", 1), "bytes=0-1", false},
	} {
		query, err := url.ParseQuery(row.query)
		if err != nil {
			t.Fatal(err)
		}
		if f, _, _, err := parseCached(query, row.ranges); (err == nil) != row.ok || row.ok && f != good {
			t.Errorf("%s: %+v, %v", row.name, f, err)
		}
	}
}

// FuzzCached reads what another node asks for.
func FuzzCached(f *testing.F) {
	f.Add(Cached{Path: "a/b", Place: "c", Size: 9, Modified: 7}.query(), "bytes=0-5")
	f.Add("size=-1&modified=x", "bytes=--")
	f.Fuzz(func(t *testing.T, text, ranges string) {
		query, _ := url.ParseQuery(text)
		c, off, end, err := parseCached(query, ranges)
		if err == nil && (off < 0 || end <= off || end > c.Size || end-off > cachedMost) {
			t.Errorf("bytes %d to %d of %+v", off, end, c)
		}
	})
}
