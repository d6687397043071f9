package accounting

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func request(client, path string, offset int64) Request {
	return Request{
		Client: client, Path: path, UserAgent: "VLC/3.0", Line: "GET /media/" + path + " HTTP/1.1",
		Status: 206, Offset: offset, Needed: 2_000_000, Average: 1_000_000,
	}
}

// syncBuffer is a log that is read while sessions end.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestRequestsOfOneViewerAreOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, log := NewLedger(10*time.Second), new(syncBuffer)
		l.SetLog(log)
		a := l.Begin(request("10.0.0.1", "a", 0))
		a.Add(1000)
		b := l.Begin(request("10.0.0.1", "a", 500))
		b.Add(500)
		l.Begin(request("10.0.0.2", "a", 0)).Add(7)
		l.Begin(request("10.0.0.1", "b", 0)).Add(7)
		list := l.Sessions()
		if len(list) != 3 || list[0].ID != "1" || list[0].Bytes != 1500 || !list[0].Active {
			t.Fatalf("sessions %+v", list)
		}
		a.End()
		a.End() // twice is once
		b.End()
		time.Sleep(9 * time.Second)
		c := l.Begin(request("10.0.0.1", "a", 1000)) // back in time
		c.Add(100)
		time.Sleep(time.Minute)
		c.End()
		time.Sleep(9 * time.Second)
		if log.String() != "" {
			t.Fatalf("logged too early: %s", log)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), " 206 1600 ") {
			t.Fatalf("log: %q, want one line of 1600 bytes", log)
		}
		l.Close()
		if got := strings.Count(log.String(), "\n"); got != 3 {
			t.Errorf("%d lines after Close, want 3", got)
		}
		if got := l.Totals(); got.Sessions != 3 || got.Requests != 5 || got.Bytes != 1614 {
			t.Errorf("totals %+v", got)
		}
	})
}

func TestLogLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, log := NewLedger(time.Second), new(bytes.Buffer)
		l.SetLog(log)
		r := request("10.0.0.1", "a", 0)
		r.UserAgent, r.Referer = "evil\"\n1.2.3.4 - - agent", "http://x/\u202e"
		tr := l.Begin(r)
		tr.Add(250_000)
		time.Sleep(2 * time.Second)
		tr.End()
		l.Close()
		want := `^10\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /media/a HTTP/1\.1" 206 250000 "http://x/\\u202e" "evil\\"\\n1\.2\.3\.4 - - agent" 2\.000 2000000 1000000 -\n$`
		if !regexp.MustCompile(want).MatchString(log.String()) {
			t.Errorf("got  %q\nwant %s", log, want)
		}
	})
}

func TestRatesAndLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLedger(time.Second)
		tr := l.Begin(request("10.0.0.1", "a", 0))
		for range 300 { // 2 Mbit/s of a film of 1 Mbit/s
			tr.Add(25_000)
			time.Sleep(100 * time.Millisecond)
		}
		s := l.Sessions()[0]
		if math.Abs(float64(s.SentRate)/2e6-1) > 0.05 {
			t.Errorf("sent rate %d, want 2 Mbit/s", s.SentRate)
		}
		if math.Abs(s.Lead-30) > 0.5 {
			t.Errorf("lead %.1f s, want 30", s.Lead)
		}
		l.Begin(request("10.0.0.1", "a", 1<<30)).Add(125_000)
		if s = l.Sessions()[0]; math.Abs(s.Lead-1) > 0.1 {
			t.Errorf("lead after a seek %.1f s, want 1", s.Lead)
		}
		time.Sleep(time.Minute)
		if s = l.Sessions()[0]; s.SentRate != 0 || s.Lead != 0 {
			t.Errorf("after a silent minute: %+v", s)
		}
		if got := l.Totals().SentRate; got != 0 {
			t.Errorf("total rate after a silent minute: %d", got)
		}
	})
}

func TestStallsAndPauses(t *testing.T) {
	for _, row := range []struct {
		name   string
		then   func(*Transfer) // after ten seconds of play sent at once
		stalls int64
		lead   float64
	}{
		{"sent in time", func(tr *Transfer) { time.Sleep(8 * time.Second) }, 0, 3},
		{"sent too late", func(tr *Transfer) { time.Sleep(12 * time.Second) }, 1, 1},
		{"paused", func(tr *Transfer) { time.Sleep(12 * time.Second); tr.Paused(8 * time.Second) }, 0, 7},
		{"came back later", func(tr *Transfer) {
			tr.End()
			time.Sleep(12 * time.Second)
			tr.session.ledger.Begin(request("10.0.0.1", "a", 1_250_000))
		}, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := NewLedger(time.Minute)
				tr := l.Begin(request("10.0.0.1", "a", 0))
				tr.Add(1_250_000)
				row.then(tr)
				tr.Add(125_000)
				if s := l.Sessions()[0]; s.Stalls != row.stalls || math.Abs(s.Lead-row.lead) > 0.01 {
					t.Errorf("%d stalls, %.1f s ahead; want %d and %.1f", s.Stalls, s.Lead, row.stalls, row.lead)
				}
				if got := l.Totals().Stalls; got != row.stalls {
					t.Errorf("%d stalls in all, want %d", got, row.stalls)
				}
				l.Close()
			})
		})
	}
}

func TestSavedAndLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLedger(time.Minute)
		for _, row := range []struct {
			asked, sent int64
			open        time.Duration
			saved       int64
		}{
			{1_000_000, 1_000_000, time.Minute, 0},
			{1_000_000, 400_000, time.Minute, 600_000},
			{1_000_000_000, 100_000, 10 * time.Millisecond, 25_000},
			{0, 400_000, time.Minute, 0},
		} {
			before := l.Totals().Saved
			r := request("10.0.0.1", "a", 0)
			r.Size = row.asked
			tr := l.Begin(r)
			tr.Add(row.sent)
			time.Sleep(row.open)
			tr.Network(20*time.Millisecond, 2)
			tr.Network(30*time.Millisecond, 5)
			tr.End()
			if got := l.Totals().Saved - before; got != row.saved {
				t.Errorf("%+v: %d saved", row, got)
			}
		}
		if s := l.Sessions()[0]; s.RTT != 30*time.Millisecond || s.Retransmitted != 20 || s.Saved != 625_000 || l.Totals().Retransmitted != 20 {
			t.Errorf("%+v, in all %+v", s, l.Totals())
		}
		l.Close()
	})
}

// cuts counts how often it is asked to end something.
type cuts int

func (c *cuts) Cut() { *c++ }

func TestEndByAdmin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, log := NewLedger(time.Minute), new(syncBuffer)
		l.SetLog(log)
		var cut, before, other cuts
		r := request("10.0.0.1", "a", 0)
		r.User = "ann"
		gone, one, two := l.Begin(r), l.Begin(r), l.Begin(r)
		gone.OnCut(&before)
		gone.End()
		one.OnCut(&before)
		one.OnCut(&cut) // it has changed hands
		two.OnCut(&cut)
		one.Add(1000)
		l.Begin(request("10.0.0.2", "a", 0)).OnCut(&other)
		if _, ok := l.End("3"); ok {
			t.Error("a session that is not there was ended")
		}
		if was, ok := l.End("1"); !ok || was.User != "ann" || was.Bytes != 1000 || !was.Active {
			t.Errorf("ended %+v, %v", was, ok)
		}
		if cut != 2 || before != 0 || other != 0 {
			t.Errorf("cut %d times, %d before, %d others", cut, before, other)
		}
		if line := log.String(); !strings.HasPrefix(line, "10.0.0.1 - ann [") || !strings.HasSuffix(line, " admin\n") || strings.Count(line, "\n") != 1 {
			t.Errorf("log: %q", line)
		}
		one.OnCut(&cut) // the pacer has it only now
		if cut != 3 {
			t.Error("who comes too late is not told")
		}
		one.Add(5)
		one.End()
		two.End()
		one.OnCut(&cut)
		if cut != 3 {
			t.Error("cut after its end")
		}
		if got := l.Refused("10.0.0.1", "a"); got != refuseFor {
			t.Errorf("refused for %v", got)
		}
		if l.Refused("10.0.0.1", "b") != 0 || l.Refused("10.0.0.2", "a") != 0 {
			t.Error("others are refused")
		}
		if _, ok := l.End("1"); ok || len(l.Sessions()) != 1 {
			t.Error("the session is still there")
		}
		time.Sleep(refuseFor)
		if got := l.Refused("10.0.0.1", "a"); got != 0 {
			t.Errorf("still refused for %v", got)
		}
		l.End("2")
		if len(l.refused) != 1 {
			t.Errorf("%d are remembered, want the last only", len(l.refused))
		}
		l.Close()
	})
}

func BenchmarkAdd(b *testing.B) {
	l := NewLedger(time.Second)
	tr := l.Begin(request("10.0.0.1", "a", 0))
	b.ReportAllocs()
	for b.Loop() {
		tr.Add(1)
	}
}
