package metrics

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	families := []Family{
		One(Counter, "sent_bytes_total", "All that\nwas sent.", 1e12),
		{Name: "share_items", Help: `Back\slash.`, Type: Gauge, Samples: []Sample{
			{Labels: []Label{{"share", "Films \"a\"\n\\"}, {"place", "/x\xff"}}, Value: 2.5},
			{Labels: []Label{{"share", "b"}}, Value: -1},
		}},
		{Name: "empty", Help: "None.", Type: Gauge},
	}
	want := `# HELP sent_bytes_total All that\nwas sent.
# TYPE sent_bytes_total counter
sent_bytes_total 1e+12
# HELP share_items Back\\slash.
# TYPE share_items gauge
share_items{share="Films \"a\"\n\\",place="/x` + "\uFFFD" + `"} 2.5
share_items{share="b"} -1
# HELP empty None.
# TYPE empty gauge
`
	var got strings.Builder
	if err := Write(&got, families); err != nil || got.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got.String(), want)
	}
}

func TestEach(t *testing.T) {
	type thing struct {
		name string
		up   bool
	}
	figures := []Figure[thing]{
		Of(Gauge, "up", "Whether it is.", func(one thing) float64 { return Bool(one.up) }),
		Of(Counter, "letters_total", "Of its name.", func(one thing) float64 { return float64(len(one.name)) }),
	}
	labels := func(i int, one thing) []Label { return []Label{{"name", one.name}, {"number", strconv.Itoa(i)}} }
	const want = `# HELP node_up Whether it is.
# TYPE node_up gauge
node_up{name="a",number="0"} 1
node_up{name="bc",number="1"} 0
# HELP node_letters_total Of its name.
# TYPE node_letters_total counter
node_letters_total{name="a",number="0"} 1
node_letters_total{name="bc",number="1"} 2
`
	for want, things := range map[string][]thing{want: {{"a", true}, {"bc", false}}, "": nil} {
		var got strings.Builder
		if err := Write(&got, Each("node_", figures, things, labels)); err != nil || got.String() != want {
			t.Errorf("got %v\n%s\nwant\n%s", err, got.String(), want)
		}
	}
}

func TestHandler(t *testing.T) {
	h := Handler(func() []Family { return []Family{One(Gauge, "x", "X.", 1)} })
	for _, method := range []string{"GET", "HEAD"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/metrics", nil))
		if w.Header().Get("Content-Type") != ContentType || (w.Body.Len() == 0) != (method == "HEAD") {
			t.Errorf("%s: %v %q", method, w.Header(), w.Body)
		}
	}
}
