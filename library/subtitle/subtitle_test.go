package subtitle

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

func TestConvert(t *testing.T) {
	const ass = "[Script Info]\nTitle: x\n\n[V4+ Styles]\nFormat: Name\nStyle: Default\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
	for _, row := range []struct{ name, format, file, want string }{
		{"srt", "srt", "1\n00:00:01,000 --> 00:00:02,500\nOne\nand two\n\n2\n01:02:03,004 --> 01:02:04,000\nThree\n",
			"00:00:01.000 --> 00:00:02.500\nOne\nand two\n\n01:02:03.004 --> 01:02:04.000\nThree\n"},
		{"lines of Windows, no end", "srt", "1\r\n00:00:01,000 --> 00:00:02,000\r\nOne", "00:00:01.000 --> 00:00:02.000\nOne\n"},
		{"loose times", "srt", "0:1.5-->0:2\nA\n\n00:00:03.04  -->  0:0:4,1 X1:10 Y1:20\nB\n",
			"00:00:01.500 --> 00:00:02.000\nA\n\n00:00:03.040 --> 00:00:04.100\nB\n"},
		{"tags", "srt", "00:01 --> 00:02\n<i>a <B>b</i> c</B> <font color=\"#fff\">d</font> x<y & <3 &amp; &lt;\n",
			"00:00:01.000 --> 00:00:02.000\n<i>a <b>b</b></i><b> c</b> d x&lt;y &amp; &lt;3 &amp; &lt;\n"},
		{"a tag left open", "srt", "00:01 --> 00:02\n<i>a\n\n00:03 --> 00:04\nb</i>\n",
			"00:00:01.000 --> 00:00:02.000\n<i>a</i>\n\n00:00:03.000 --> 00:00:04.000\nb\n"},
		{"a script", "srt", "00:01 --> 00:02\n<script>alert(1)</script>\n", "00:00:01.000 --> 00:00:02.000\n&lt;script&gt;alert(1)&lt;/script&gt;\n"},
		{"at the top", "srt", "00:01 --> 00:02\n{\\an8}a\n", "00:00:01.000 --> 00:00:02.000 line:0\na\n"},
		{"a number as text", "srt", "1\n00:01 --> 00:02\n42\n\n2\n00:03 --> 00:04\nb\n", "00:00:01.000 --> 00:00:02.000\n42\n\n00:00:03.000 --> 00:00:04.000\nb\n"},
		{"an arrow as text", "srt", "00:01 --> 00:02\nleft --> right\n", "00:00:01.000 --> 00:00:02.000\nleft → right\n"},
		{"not in order", "srt", "00:03 --> 00:04\nb\n\n00:01 --> 00:02\na\n", "00:00:01.000 --> 00:00:02.000\na\n\n00:00:03.000 --> 00:00:04.000\nb\n"},
		{"backwards in time, and empty", "srt", "00:03 --> 00:02\nb\n\n00:01 --> 00:02\n\n\n00:05 --> 00:06\na\n", "00:00:05.000 --> 00:00:06.000\na\n"},
		{"ass", "ass", ass + "Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,no\nDialogue: 0,0:00:01.50,0:00:02.25,Default,,0,0,0,,One, {\\i1}two{\\i0}\\Nthree{\\pos(1,2)}\n",
			"00:00:01.500 --> 00:00:02.250\nOne, <i>two</i>\nthree\n"},
		{"ass, drawing and place", "ass", ass + "Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}{\\an9\\b1}x\\hy\n",
			"00:00:01.000 --> 00:00:02.000 line:0\n<b>x\u00a0y</b>\n"},
		{"ssa in another order", "ssa", "[events]\nFormat: Marked, End, Start, Text\nDialogue: Marked=0,0:00:02.00,0:00:01.00,a, b\n", "00:00:01.000 --> 00:00:02.000\na, b\n"},
		{"vtt without its first line", "vtt", "00:01.000 --> 00:02.000\na\n", "00:00:01.000 --> 00:00:02.000\na\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out strings.Builder
			if err := Convert(&out, []byte(row.file), row.format, ""); err != nil {
				t.Fatal(err)
			}
			if want := "WEBVTT\n\n" + row.want; out.String() != want {
				t.Errorf("got\n%s\nwant\n%s", &out, want)
			}
		})
	}
	var out strings.Builder
	const vtt = "WEBVTT - notes\n\nSTYLE\n::cue { color: red }\n\n00:01.000 --> 00:02.000 align:left\n<v Ann>a\n"
	if err := Convert(&out, []byte("\ufeff"+strings.ReplaceAll(vtt, "\n", "\r\n")), "vtt", ""); err != nil || out.String() != vtt {
		t.Errorf("WebVTT is changed: %v\n%s", err, &out)
	}
	for name, file := range map[string]string{"empty": "", "garbage": "\x00\x01\x02", "no times": "1\n2\n3\n", "far away": "999999999999:00:00 --> 9999999999999:00:00\nx\n"} {
		for _, format := range []string{"srt", "ass", "vtt", "sub"} {
			if err := Convert(&out, []byte(file), format, ""); !errors.Is(err, ErrFormat) {
				t.Errorf("%s as %s: %v", name, format, err)
			}
		}
	}
}

func TestDecode(t *testing.T) {
	const (
		french  = "Où êtes-vous allé, cher garçon ? L'été à Genève, naïf."
		polish  = "Zażółć gęślą jaźń. Chcę łódź, mówię ci, jutro będzie źle."
		russian = "Привет, как дела? Мы едем на дачу, а вы куда собрались?"
		greek   = "Καλημέρα, τι κάνετε; Πηγαίνουμε στη θάλασσα το καλοκαίρι."
		hebrew  = "שלום, מה שלומך היום? אנחנו הולכים הביתה"
		arabic  = "مرحبا كيف حالك اليوم نحن ذاهبون إلى البيت"
		turkish = "Değil mi? Şimdi gidiyoruz, ığdır güzel."
		chinese = "你好，我们回家吧"
	)
	in := func(page *charmap.Charmap, text string) []byte {
		b, err := page.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	wide := func(text string, big, mark bool) (b []byte) {
		if mark {
			text = bom + text
		}
		for _, r := range text {
			if big {
				b = append(b, byte(r>>8), byte(r))
			} else {
				b = append(b, byte(r), byte(r>>8))
			}
		}
		return b
	}
	for _, row := range []struct {
		name     string
		file     []byte
		language string
		want     string
	}{
		{"UTF-8", []byte(chinese), "", chinese},
		{"UTF-8 with a mark", []byte(bom + french), "", french},
		{"UTF-8 whatever the language", []byte(russian), "ru", russian},
		{"UTF-8 with a broken byte", []byte(russian + "\xd0"), "", russian + "\ufffd"},
		{"UTF-16", wide(chinese, false, true), "", chinese},
		{"UTF-16, the other way", wide(chinese, true, true), "", chinese},
		{"UTF-16 without a mark", wide(french, false, false), "", french},
		{"UTF-16 without a mark, the other way", wide(french, true, false), "", french},
		{"western", in(charmap.Windows1252, french), "", french},
		{"Polish", in(charmap.Windows1250, polish), "", polish},
		{"Polish, said so", in(charmap.Windows1250, polish), "pl", polish},
		{"Russian", in(charmap.Windows1251, russian), "", russian},
		{"Russian, said so with more", in(charmap.Windows1251, russian), "RUS.forced", russian},
		{"Russian of Unix", in(charmap.KOI8R, russian), "", russian},
		{"Greek", in(charmap.Windows1253, greek), "", greek},
		{"Hebrew", in(charmap.Windows1255, hebrew), "", hebrew},
		{"Arabic", in(charmap.Windows1256, arabic), "", arabic},
		{"Turkish, said so", in(charmap.Windows1254, turkish), "tr", turkish},
		{"nothing", nil, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := decode(row.file, row.language); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func FuzzConvert(f *testing.F) {
	f.Add([]byte("1\n00:00:01,000 --> 00:00:02,500\n<i>One\n"), "srt", "")
	f.Add([]byte("[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,{\\p1\\an8}a\\Nb"), "ass", "ru")
	f.Add([]byte("WEBVTT\n\n00:01.000 --> 00:02.000\na"), "vtt", "")
	f.Add([]byte("\xff\xfe1\x00"), "srt", "")
	f.Fuzz(func(t *testing.T, file []byte, format, language string) {
		var out strings.Builder
		begun := time.Now()
		if Convert(&out, file, format, language) != nil {
			return
		}
		text := out.String()
		if !strings.HasPrefix(text, "WEBVTT") || !utf8.ValidString(text) {
			t.Errorf("no WebVTT: %q", text)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(file), took)
		}
	})
}
