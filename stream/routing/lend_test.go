package routing

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestDataNodeIsLent(t *testing.T) {
	inStreet(t, 2, func(c *Config) { c.DataNode, c.Secret = c.Nodes[1], "a secret of thirty-two characters" }, func(t *testing.T, c *Cluster, s *street, j *journal) {
		lend := func(path string, hops int) string {
			base, _ := c.Lend(t.Context(), Asked{Viewer: "v", Path: path, ETag: `"1"`, Hops: hops})
			return base
		}
		for _, row := range []struct {
			name string
			how  func(*fake)
			path string
			hops int
			want string
		}{
			{"it has the item", func(*fake) {}, "/media/a", 0, at(2)},
			{"it is known to have it", func(f *fake) { f.etag = "" }, "/media/a", 0, at(2)},
			{"it has it not", func(*fake) {}, "/media/b", 0, ""},
			{"it has another one", func(f *fake) { f.etag = `"2"` }, "/media/b", 0, ""},
			{"it has it now", func(f *fake) { f.etag = `"1"` }, "/media/b", 0, at(2)},
			{"from another node", func(*fake) {}, "/media/a", 1, ""},
			{"it drains", func(f *fake) { f.report.Told.Draining = true }, "/media/a", 0, ""},
			{"it is dead", func(f *fake) { f.report.Told.Draining, f.dead = false, errors.New("refused") }, "/media/a", 0, ""},
			{"it is back", func(f *fake) { f.dead = nil }, "/media/a", 0, at(2)},
		} {
			s.change(2, row.how)
			time.Sleep(2 * askEvery)
			if got := lend(row.path, row.hops); got != row.want {
				t.Errorf("%s: to %q, want %q\n%s", row.name, got, row.want, &j.text)
			}
		}
		if err := c.Tell(t.Context(), "node2", []Lent{{ID: "x"}}); err != nil || s.count("POST "+LentPath) != 1 {
			t.Errorf("told %d times, %v", s.count("POST "+LentPath), err)
		}
		for _, stranger := range []string{"node1", "node9", ""} { // itself, and who is not in the list
			if c.Tell(t.Context(), stranger, nil) == nil {
				t.Errorf("node %q is told", stranger)
			}
		}
	})
}

// FuzzLent reads what may be signed, but is of a node that lies.
func FuzzLent(f *testing.F) {
	f.Add(`[{"id":"a","range":1,"sent":5,"ended":true}]`)
	f.Add(`[{"sent":-1}]`)
	f.Add(`{`)
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", LentPath, strings.NewReader(body))
		r.Header.Set(digestHeader, digest([]byte(body)))
		list, err := ReadLent(r)
		if err != nil && list != nil {
			t.Errorf("%v with %v", list, err)
		}
		r = httptest.NewRequest("POST", LentPath, strings.NewReader(body+"x"))
		r.Header.Set(digestHeader, digest([]byte(body)))
		if _, err := ReadLent(r); err == nil {
			t.Error("another body passes")
		}
	})
}
