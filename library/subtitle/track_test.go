package subtitle

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTrack(t *testing.T) {
	type text struct {
		start, length time.Duration
		data          string
	}
	const s = time.Second
	for _, row := range []struct {
		name, codec string
		texts       []text
		want        string
	}{
		{"nothing", "srt", nil, "WEBVTT\n"},
		{"srt", "srt", []text{{s, s, "One <i>two</i>\r\nthree & <four>"}, {3 * s, s, "\n \n"}, {5 * s, s, "Last"}},
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nOne <i>two</i>\nthree &amp; &lt;four&gt;\n\n00:00:05.000 --> 00:00:06.000\nLast\n"},
		{"plain", "text", []text{{0, s, "<i>as it is</i> --> {\\b1}"}}, "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n&lt;i&gt;as it is&lt;/i&gt; → {\\b1}\n"},
		{"ass", "ass", []text{{s, s, `7,0,Default,,0,0,0,,{\an8\b1}Up, and\Nbold`}}, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000 line:0\n<b>Up, and\nbold</b>\n"},
		{"webvtt", "webvtt", []text{{s, s, "<v Ann>Hi &amp; bye\n\nno --> cue"}}, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v Ann>Hi &amp; bye\nno → cue\n"},
		{"without length", "srt", []text{{s, 0, "until the next"}, {2 * s, 0, "for a while"}, {60 * s, 0, "at the end"}},
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nuntil the next\n\n00:00:02.000 --> 00:00:06.000\nfor a while\n\n00:01:00.000 --> 00:01:04.000\nat the end\n"},
		{"out of time", "srt", []text{{-s, s, "a"}, {s, -s, "b"}, {200 * time.Hour, s, "c"}}, "WEBVTT\n"},
		{"no text", "srt", []text{{0, s, "\x00\xff"}}, "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n\uFFFD\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got strings.Builder
			track := NewTrack(&got, row.codec)
			for _, x := range row.texts {
				if err := track.Text(x.start, x.length, []byte(x.data)); err != nil {
					t.Fatal(err)
				}
			}
			if err := track.Close(); err != nil || got.String() != row.want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got.String(), row.want)
			}
		})
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestTrackTellsWhatCannotBeWritten(t *testing.T) {
	track := NewTrack(full{}, "srt")
	if err := track.Text(0, time.Second, []byte("x")); err != nil {
		t.Errorf("before anything is written: %v", err)
	}
	if err := track.Close(); !errors.Is(err, errFull) {
		t.Errorf("at the end: %v", err)
	}
}

// FuzzTrack writes any text: what comes out holds no more cues than went in.
func FuzzTrack(f *testing.F) {
	f.Add("srt", "<i>x --> y")
	f.Add("ass", "1,2,3,4,5,6,7,8,{\\i1}x")
	f.Add("webvtt", "a\n\n00:01.000 --> 00:02.000\nb")
	f.Add("text", "\xff-->\r\n\r\n")
	f.Fuzz(func(t *testing.T, codec, text string) {
		var got strings.Builder
		track := NewTrack(&got, codec)
		if err := errors.Join(track.Text(0, time.Second, []byte(text)), track.Close()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got.String(), "-->"); n > 1 || strings.Count(got.String(), "\n\n") > 1 {
			t.Errorf("%d cues of one:\n%q", n, got.String())
		}
	})
}
