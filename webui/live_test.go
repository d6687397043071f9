package webui

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mustserv/stream/auth"
)

// browser is the far end of an answer that goes on.
type browser struct {
	header http.Header
	mu     sync.Mutex
	status int
	got    strings.Builder
}

func (b *browser) Header() http.Header    { return b.header }
func (b *browser) WriteHeader(status int) { b.status = status }
func (b *browser) Flush()                 {}
func (b *browser) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got.Write(p)
}

// news returns what has come since it was last asked.
func (b *browser) news() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.got.Reset()
	return b.got.String()
}

// watch has a browser look at the status until leave is called, or the answer
// ends, which closes done.
func watch(h *Handler, role auth.Role) (b *browser, leave func(), done chan struct{}) {
	b, done = &browser{header: make(http.Header)}, make(chan struct{})
	ctx, leave := context.WithCancel(auth.With(context.Background(), auth.Identity{Role: role}))
	r := httptest.NewRequest("GET", "/status/events", nil).WithContext(ctx)
	go func() { defer close(done); h.ServeHTTP(b, r) }()
	return b, leave, done
}

// looking is a handler whose viewers and number of looks at its status are
// known.
func looking(t *testing.T) (h *Handler, viewers, looks *atomic.Int64) {
	viewers, looks = new(atomic.Int64), new(atomic.Int64)
	o := testOptions(testRoot())
	o.Admin = new(fakeDesk)
	o.Status = func() Status {
		looks.Add(1)
		return Status{Viewers: int(viewers.Load())}
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h, viewers, looks
}

func TestLiveStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, viewers, looks := looking(t)
		viewer, gone, _ := watch(h, auth.Viewer)
		admin, goneToo, _ := watch(h, auth.Admin)
		synctest.Wait()
		first, of := viewer.news(), admin.news()
		for _, want := range []string{"event: now\ndata: <p", "event: hour\ndata: ", "event: shares\ndata: <table"} {
			if !strings.Contains(first, want) {
				t.Errorf("a viewer is not told %q at once:\n%s", want, first)
			}
		}
		if strings.Contains(first, "/status/end") || !strings.Contains(of, "/status/end") {
			t.Error("only who may end a session gets a button for it")
		}
		if got := viewer.header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("its type is %q", got)
		}
		before := looks.Load()
		viewers.Store(7)
		time.Sleep(liveEvery + time.Millisecond)
		synctest.Wait()
		if got := looks.Load() - before; got != 1 {
			t.Errorf("%d looks for two browsers, want one", got)
		}
		if got := viewer.news(); !strings.Contains(got, "<b>7</b> viewers") || strings.Contains(got, "event: shares") {
			t.Errorf("not what has changed, and that only: %s", got)
		}
		time.Sleep(liveEvery)
		synctest.Wait()
		if got := viewer.news(); got != "" {
			t.Errorf("told again what it knows: %s", got)
		}
		time.Sleep(liveFor - 20*time.Second)
		synctest.Wait()
		if got := viewer.news(); !strings.Contains(got, ":\n\n") {
			t.Errorf("no sign of life: %q", got)
		}
		gone()
		goneToo()
		time.Sleep(liveEvery)
		synctest.Wait()
		before = looks.Load()
		time.Sleep(time.Hour)
		if looks.Load() != before {
			t.Error("somebody looks while nobody does")
		}
	})
}

func TestLiveStatusIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := looking(t)
		ctx, end := context.WithCancel(context.Background())
		go h.Run(ctx)
		for range liveMost {
			watch(h, auth.Viewer)
		}
		synctest.Wait()
		b, _, done := watch(h, auth.Viewer)
		<-done
		if b.status != http.StatusServiceUnavailable {
			t.Errorf("one too many gets %d", b.status)
		}
		end()                 // and with it all answers, else this test would not end,
		time.Sleep(liveEvery) // and the looking
	})
}

func TestLiveStatusEndsToAskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := looking(t)
		_, leave, done := watch(h, auth.Viewer)
		defer leave()
		begun := time.Now()
		<-done
		if got := time.Since(begun); got != liveFor {
			t.Errorf("it went on for %v", got)
		}
		time.Sleep(liveEvery)
	})
}

func TestLastHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, looks := looking(t)
		ctx, end := context.WithCancel(context.Background())
		go h.Run(ctx)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		end()
		samples := h.hour.samples(time.Now())
		if got, most := looks.Load(), int64(3*time.Hour/sampleEvery)+1; got > most {
			t.Errorf("%d looks in three hours, want %d", got, most)
		}
		if len(samples) != samplesMost || cap(h.hour.ring) > 2*samplesMost {
			t.Errorf("%d samples, room for %d", len(samples), cap(h.hour.ring))
		}
		for i := 1; i < len(samples); i++ {
			if samples[i].at.Sub(samples[i-1].at) != sampleEvery {
				t.Fatalf("sample %d is from %v, the one before from %v", i, samples[i].at, samples[i-1].at)
			}
		}
	})
}

func TestGraph(t *testing.T) {
	now := when()
	at := func(ago time.Duration, sent, reserved, capacity int64) sample {
		return sample{now.Add(-ago), sent, reserved, capacity}
	}
	for _, row := range []struct {
		name    string
		samples []sample
		want    *graph
	}{
		{"nothing", nil, nil},
		{"one point", []sample{at(0, 1, 1, 0)}, nil},
		{"rising", []sample{at(time.Hour, 0, 1e6, 0), at(0, 2e6, 2e6, 0)}, &graph{Span: time.Hour,
			Sent: "M0.0 160L0.0 160.0 720.0 0.0 V160Z", Reserved: "M0.0 80.0 720.0 0.0 ", Top: 2e6, Most: 2e6, Mean: 1e6}},
		{"level, with the capacity in sight", []sample{at(30*time.Minute, 3e6, 3e6, 5e6), at(20*time.Minute, 3e6, 3e6, 5e6), at(0, 3e6, 3e6, 6e6)}, &graph{Span: 30 * time.Minute,
			Sent: "M0.0 160L0.0 80.0 720.0 80.0 V160Z", Reserved: "M0.0 80.0 720.0 80.0 ", Capacity: "0.0", Top: 6e6, Most: 3e6, Mean: 3e6}},
		{"nobody, and a capacity far above", []sample{at(time.Hour, 0, 0, 1e9), at(0, 0, 0, 1e9)}, &graph{Span: time.Hour,
			Sent: "M0.0 160L0.0 160.0 720.0 160.0 V160Z", Reserved: "M0.0 160.0 720.0 160.0 ", Top: 1e6}},
	} {
		got := newGraph(row.samples)
		if (got == nil) != (row.want == nil) || got != nil && *got != *row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
	for high, want := range map[float64]int64{0: 1e6, 1e6: 1e6, 1.2e6: 2e6, 25e6: 30e6, 5e6: 6e6, 9e8: 1e9} {
		if got := roundTop(high); got != want {
			t.Errorf("above %v is %d, want %d", high, got, want)
		}
	}
}
