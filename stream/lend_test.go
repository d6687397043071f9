package stream

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/stream/routing"
)

// host is a Router with a data node.
type host struct {
	elsewhere
	up bool
}

func (h *host) Lend(context.Context, routing.Asked) (string, bool) { return "http://host:8000", h.up }
func (h *host) Trusts(r *http.Request) bool                        { return r.Header.Get("Trusted") != "" }

func TestDataNodeSendsInOurName(t *testing.T) {
	inBubble(t, filmAndMore(), func(t *testing.T, s *Server, l *pipeListener) {
		h := &host{up: true}
		h.takes = func(routing.Asked) bool { return false }
		s.router, s.node = h, "guest"
		lendOne := func() (id string) {
			got := <-l.request(t, "GET", "10.0.0.1:1", "/media/s/film.mp4", "Range: bytes=5-\r\n")
			to, err := url.Parse(got.Header.Get("Location"))
			if err != nil || got.StatusCode != 307 || to.Host != "host:8000" || to.Path != "/media/s/film.mp4" || to.Query().Get(hopsKey) != "1" {
				t.Fatalf("%s to %v, %v", got.Status, to, err)
			}
			return strings.TrimPrefix(to.Query().Get(lentKey), "guest.")
		}
		state := func() [2]int64 { // streams with a grant, bytes booked
			synctest.Wait()
			return [2]int64{int64(s.control.Stats().Streams), s.ledger.Totals().Bytes}
		}
		id := lendOne()
		for _, row := range []struct {
			name string
			told []routing.Lent
			wait time.Duration
			want [2]int64
		}{
			{"before it is heard of", nil, 0, [2]int64{1, 0}},
			{"it begins", []routing.Lent{{ID: id, Range: 1, Status: 206, Offset: 5, Size: 1000}}, 0, [2]int64{1, 0}},
			{"some bytes", []routing.Lent{{ID: id, Range: 1, Sent: 300}}, 0, [2]int64{1, 300}},
			{"told twice", []routing.Lent{{ID: id, Range: 1, Sent: 300}}, 0, [2]int64{1, 300}},
			{"a jump", []routing.Lent{{ID: id, Range: 2, Status: 206, Offset: 700, Size: 300, Sent: 10}}, 0, [2]int64{1, 310}},
			{"nobody's", []routing.Lent{{ID: "made up", Range: 1, Sent: 1e9}, {ID: id, Range: 1, Sent: -1}}, 0, [2]int64{1, 310}},
			{"the first ends", []routing.Lent{{ID: id, Range: 1, Sent: 400, Ended: true}}, 0, [2]int64{1, 410}},
			{"the data node is silent", nil, lentSilent + time.Second, [2]int64{0, 410}},
			{"it comes again", []routing.Lent{{ID: id, Range: 3, Sent: 5}}, 0, [2]int64{1, 415}},
			{"and ends", []routing.Lent{{ID: id, Range: 3, Sent: 6, Ended: true}}, 0, [2]int64{0, 416}},
		} {
			for _, told := range row.told {
				s.hear(told)
			}
			time.Sleep(row.wait)
			if got := state(); got != row.want {
				t.Errorf("%s: %v, want %v", row.name, got, row.want)
			}
		}
		lendOne()
		if got := state(); got[0] != 1 {
			t.Errorf("%d streams, want that of who was sent on", got[0])
		}
		time.Sleep(lentSoon + time.Second)
		if got := state(); got[0] != 0 {
			t.Errorf("%d streams, though nobody came to the data node", got[0])
		}
		if got := <-l.request(t, "POST", "10.0.0.9:1", routing.LentPath, ""); got.StatusCode != 403 {
			t.Errorf("who is no node tells, and gets %s", got.Status)
		}
		if got := <-l.request(t, "POST", "10.0.0.9:1", routing.LentPath, "Trusted: yes\r\nContent-Length: 0\r\n"); got.StatusCode != 400 {
			t.Errorf("a node tells nothing, and gets %s", got.Status)
		}
		h.up = false
		if got := <-l.request(t, "GET", "10.0.0.1:2", "/media/s/film.mp4", "Range: bytes=5-9\r\n"); got.StatusCode != 206 {
			t.Errorf("without the data node: %s", got.Status)
		}
	})
}

// A player of many small files is never refused: it has had them before it is
// told that they have ended.
func TestManySmallFilesAreLent(t *testing.T) {
	files := make(map[string][]byte)
	for i := range 200 {
		files[fmt.Sprintf("%d.mp4", i)] = []byte("small")
	}
	inBubble(t, files, func(t *testing.T, s *Server, l *pipeListener) {
		s.router, s.node = &host{elsewhere: elsewhere{takes: func(routing.Asked) bool { return false }}, up: true}, "guest"
		for name := range files {
			if got := <-l.request(t, "GET", "10.0.0.1:1", "/media/s/"+name, ""); got.StatusCode != 307 {
				t.Fatalf("%s: %s", name, got.Status)
			}
		}
		if n, most := s.control.Stats().Streams, s.control.Config().StreamsPerClient; n != most {
			t.Errorf("%d streams are counted, at most %d may be", n, most)
		}
		time.Sleep(lentSoon + time.Second)
	})
}

func TestLoansAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l loans
		first := l.add(&loan{})
		time.Sleep(time.Millisecond)
		for i := range lentMost {
			l.add(&loan{viewer: strconv.Itoa(i)})
			l.add(&loan{viewer: strconv.Itoa(i)})
		}
		if _, kept := l.byID[first]; kept || len(l.byID) != lentMost {
			t.Errorf("%d viewers are known, the first too: %v", len(l.byID), kept)
		}
		time.Sleep(lentSoon)
	})
}
