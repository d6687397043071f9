package webui

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestNumbersForPeople(t *testing.T) {
	e := english()
	for _, c := range []struct{ got, want string }{
		{e.size(0), "0 bytes"}, {e.size(1023), "1023 bytes"}, {e.size(1024), "1 KiB"}, {e.size(1536), "1.5 KiB"}, {e.size(734003200), "700 MiB"},
		{e.size(1 << 41), "2 TiB"}, {e.size(1<<20 - 1), "1 MiB"}, {e.size(math.MaxInt64), "8192 PiB"}, {e.size(-1), "-1 bytes"},
		{e.rate(999), "999 bit/s"}, {e.rate(1490000), "1.5 Mbit/s"}, {e.rate(999_999), "1 Mbit/s"}, {e.rate(25_000_000), "25 Mbit/s"}, {e.rate(128_000), "128 kbit/s"},
		{clock(0), ""}, {clock(-1), ""}, {clock(math.NaN()), ""}, {clock(0.4), "0:00"}, {clock(59.6), "1:00"}, {clock(200.5), "3:21"},
		{clock(5400.2), "1:30:00"}, {clock(math.Inf(1)), "277777:46:40"},
		{e.span(-time.Second), "0 s"}, {e.span(59 * time.Second), "59 s"}, {e.span(time.Hour - 1), "59 min"}, {e.span(25 * time.Hour), "25 h 0 min"}, {e.span(93 * time.Hour), "3 days 21 h"},
		{e.count(0, "file", "files"), "0 files"}, {e.count(1, "file", "files"), "1 file"}, {e.count(1234567, "file", "files"), "1,234,567 files"},
		{capital(""), ""}, {capital("été"), "Été"}, {capital("\xffx"), "\xffx"},
		{playerName("VLC/3.0.24 LibVLC/3.0.24"), "VLC 3.0.24"}, {playerName("Lavf/59.27.100"), "Lavf 59.27.100"}, {playerName(""), ""},
		{playerName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox 140.0"},
		{playerName("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15"), "Safari 17.4"},
		{playerName(strings.Repeat("x", 999)), strings.Repeat("x", 60)},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestVisibleText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\nb": "a\uFFFDb", "a\xffb": "a\uFFFDb", "\x00\x1b\x7f\u0085\u2028": "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD", "אב\u200F": "אב\u200F", "\u202Ex": "\u202Ex",
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) is %q, want %q", in, got, want)
		}
	}
	if got := plain("\u202Ea\u2066b\nc"); got != "ab\uFFFDc" {
		t.Errorf("plain leaves %q", got)
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for _, title := range []string{"", " \t", strings.Repeat("x", 201)} {
		if err := (Config{Title: title}).Validate(); err == nil || !strings.Contains(err.Error(), "title") {
			t.Errorf("title %q: %v", title, err)
		}
	}
}
