package probe

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// boxed returns a box around its parts.
func boxed(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(words(uint32(len(body)+8)), []byte(kind), body)
}

func TestOldText(t *testing.T) {
	for want, b := range map[string]string{
		"Été":                "\xc9t\xe9",
		"Füße – „Über“ 5 €":  "F\xfc\xdfe \x96 \x84\xdcber\x93 5 \x80",
		"UTF-8: Été":         "UTF-8: Été",
		"Ленинград":          "\xcb\xe5\xed\xe8\xed\xe3\xf0\xe0\xe4",
		"ДДТ":                "\xc4\xc4\xd2",
		"Мы":                 "\xcc\xfb",
		"Кино - Live №1":     "\xca\xe8\xed\xee - Live \xb91",
		"Ёлка":               "\xa8\xeb\xea\xe0",
		"À la Maison":        "\xc0 la Maison",
		"Sigur Rós & Björk":  "Sigur R\xf3s & Bj\xf6rk",
		"plain":              "plain\x00rest \xff",
		"Ça va, Noël! Ää éè": "\xc7a va, No\xebl! \xc4\xe4 \xe9\xe8",
	} {
		if got := oldText([]byte(b)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if a, b := len([]rune(windows1252)), len([]rune(windows1251)); a != 32 || b != 64 {
		t.Errorf("the code pages have %d and %d characters", a, b)
	}
}

func TestGenres(t *testing.T) {
	for text, want := range map[string]string{
		"Rock": "Rock", "17": "Rock", "(17)": "Rock", "(17)Hard": "Hard", "(147)": "Synthpop", "(148)": "", "0": "Blues", "(RX)": "(RX)", "": "", "(": "(",
	} {
		if got := id3Genre(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// id3 returns a tag of a version around frames.
func id3(version, flags byte, frames ...[]byte) []byte {
	body := slices.Concat(frames...)
	n := len(body)
	return slices.Concat([]byte{'I', 'D', '3', version, 0, flags, 0, byte(n >> 14 & 127), byte(n >> 7 & 127), byte(n & 127)}, body)
}

// id3In returns a frame; its name tells whether it is one of version 2.
func id3In(name string, flags byte, body string) []byte {
	if len(name) == 3 {
		return slices.Concat([]byte(name), []byte{0, byte(len(body) >> 8), byte(len(body))}, []byte(body))
	}
	return slices.Concat([]byte(name), words(uint32(len(body))), []byte{0, flags}, []byte(body))
}

func TestID3(t *testing.T) {
	const jpeg = "\xff\xd8\xff\xe0 picture"
	chapter := "ch1\x00\x00\x00\x03\xe8\x00\x00\x07\xd0\xff\xff\xff\xff\xff\xff\xff\xff" + string(id3In("TIT2", 0, "\x03One"))
	front := Info{Title: "T", Cover: &Cover{"image/jpeg", 0, int64(len(jpeg))}}
	for _, tt := range []struct {
		name string
		tag  []byte
		want Info
	}{
		{"texts", id3(3, 0, id3In("TIT2", 0, "\x00\xc9t\xe9"), id3In("TPE1", 0, "\x00\xcb\xe5\xed\xe8"), id3In("TALB", 0, "\x01\xff\xfeA\x00"),
			id3In("TYER", 0, "\x002006"), id3In("TCON", 0, "\x00(17)"), id3In("TRCK", 0, "\x003/12")),
			Info{Title: "Été", Artist: "Лени", Album: "A", Year: 2006, Genre: "Rock", Number: 3}},
		{"version 2", id3(2, 0, id3In("TT2", 0, "\x00T"), id3In("TCO", 0, "\x00Pop"), id3In("TRK", 0, "\x007"), id3In("PIC", 0, "\x00JPG\x03d\x00"+jpeg)),
			Info{Title: "T", Genre: "Pop", Number: 7, Cover: front.Cover}},
		{"album of many", id3(3, 0, id3In("TPE1", 0, "\x03A"), id3In("TPE2", 0, "\x03Many"), id3In("TPOS", 0, "\x032/2")), Info{Artist: "A", AlbumArtist: "Many", Disc: 2}},
		{"album of one", id3(2, 0, id3In("TP2", 0, "\x00A"), id3In("TP1", 0, "\x00A"), id3In("TPA", 0, "\x001")), Info{Artist: "A", Disc: 1}},
		{"compilation", id3(3, 0, id3In("TPE1", 0, "\x03A"), id3In("TCMP", 0, "\x031")), Info{Artist: "A", AlbumArtist: VariousArtists}},
		{"no compilation", id3(2, 0, id3In("TP1", 0, "\x00A"), id3In("TCP", 0, "\x000")), Info{Artist: "A"}},
		{"compilation of one", id3(3, 0, id3In("TPE1", 0, "\x03A"), id3In("TPE2", 0, "\x03A"), id3In("TCMP", 0, "\x031")), Info{Artist: "A"}},
		{"artist of the album only", id3(3, 0, id3In("TPE2", 0, "\x03Many")), Info{Artist: "Many"}},
		{"picture", id3(3, 0, id3In("APIC", 0, "\x00image/png\x00\x04back\x00"+jpeg), id3In("APIC", 0, "\x01image/jpg\x00\x03\xff\xfed\x00\x00\x00"+jpeg), id3In("TIT2", 0, "\x03T")), front},
		{"picture by link", id3(3, 0, id3In("APIC", 0, "\x00-->\x00\x03\x00http://example.org/a.jpg"), id3In("TIT2", 0, "\x03T")), Info{Title: "T"}},
		{"compressed", id3(4, 0, id3In("TIT2", 8, "\x03T"), id3In("TPE1", 0, "\x03A")), Info{Artist: "A"}},
		{"length in front", id3(4, 0, id3In("TIT2", 1, "\x00\x00\x00\x02\x03T")), Info{Title: "T"}},
		{"zeros in a frame", id3(4, 0, id3In("TIT2", 2, "\x01\xff\x00\xfeT\x00")), Info{Title: "T"}},
		{"zeros in the tag", id3(3, 0x80, id3In("TIT2", 0, "\x01\xff\xfeT\x00"), []byte{})[:0], Info{}},
		{"extended header", id3(3, 0x40, words(6), make([]byte, 6), id3In("TIT2", 0, "\x03T")), Info{Title: "T"}},
		{"extended header of version 4", id3(4, 0x40, words(6), make([]byte, 2), id3In("TIT2", 0, "\x03T")), Info{Title: "T"}},
		{"chapters", id3(4, 0, id3In("CHAP", 0, chapter)), Info{Chapters: []Chapter{{1, "One"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got tags
			in := newInput(t.Context(), bytes.NewReader(tt.tag), int64(len(tt.tag)))
			if _, err := skipID3(in, &got); err != nil {
				t.Fatal(err)
			}
			var info Info
			got.fill(&info)
			if info.Cover != nil && tt.want.Cover != nil {
				if at := info.Cover.Offset; string(tt.tag[at:at+info.Cover.Size]) != jpeg {
					t.Errorf("the picture is at byte %d", at)
				}
				info.Cover.Offset = 0
			}
			if !reflect.DeepEqual(info, tt.want) {
				t.Errorf("%+v, want %+v", info, tt.want)
			}
		})
	}
	// A zero after each 0xff of the whole tag; sizes are those without.
	plain := id3In("TIT2", 0, "\x01\xff\xfeT\x00")
	tag := id3(3, 0x80, bytes.ReplaceAll(plain, []byte{0xff}, []byte{0xff, 0}))
	var got tags
	if _, err := skipID3(newInput(t.Context(), bytes.NewReader(tag), int64(len(tag))), &got); err != nil || got.title != "T" {
		t.Errorf("%q %v", got.title, err)
	}
}

func TestMP4Tags(t *testing.T) {
	const png = "\x89PNG\r\n\x1a\n picture"
	data := func(kind uint32, b string) []byte { return boxed("data", words(kind, 0), []byte(b)) }
	chapters := slices.Concat([]byte{1, 0, 0, 0, 0, 0, 0, 0, 2}, binary.BigEndian.AppendUint64(nil, 0), []byte("\x03One"), binary.BigEndian.AppendUint64(nil, 75000000), []byte("\x03Two"))
	for _, cover := range []string{png, png + strings.Repeat("x", 4<<20)} {
		udta := boxed("udta", boxed("chpl", chapters), boxed("meta", words(0), boxed("hdlr", make([]byte, 25)), boxed("ilst",
			boxed("covr", data(14, cover)), boxed("\xa9nam", data(1, "T")), boxed("trkn", data(0, "\x00\x00\x00\x03\x00\x0c\x00\x00")), boxed("gnre", data(0, "\x00\x12")))))
		in := newInput(t.Context(), bytes.NewReader(udta), int64(len(udta)))
		f := &mp4File{in: in}
		if err := f.children(extent{0, in.size}, f.userData); err != nil {
			t.Fatal(err)
		}
		var info Info
		f.tags.fill(&info)
		want := Info{Title: "T", Number: 3, Genre: "Rock", Chapters: []Chapter{{0, "One"}, {7.5, "Two"}},
			Cover: &Cover{"image/png", int64(bytes.Index(udta, []byte(png))), int64(len(cover))}}
		if !reflect.DeepEqual(info, want) {
			t.Errorf("%+v %+v, want %+v", info, info.Cover, want)
		}
		if read := maxRead - in.left; read > 3*window {
			t.Errorf("%d bytes were read of tags with a picture of %d", read, len(cover))
		}
	}
}

func TestFLACPicture(t *testing.T) {
	const png = "\x89PNG\r\n\x1a\n picture"
	block := slices.Concat(words(3, 9), []byte("image/png"), words(1), []byte("d"), words(10, 10, 24, 0, uint32(len(png))), []byte(png))
	for n := range len(block) {
		var got tags
		got.flacPicture(block[:n], 50, int64(len(block)))
		if got.cover != nil && (got.cover.Size != int64(len(png)) || got.cover.Offset != 50+int64(len(block)-len(png))) {
			t.Errorf("%d bytes: %+v", n, got.cover)
		}
		if (got.cover != nil) != (n >= len(block)-len(png)+8) {
			t.Errorf("%d bytes: %+v", n, got.cover)
		}
	}
}

func TestCodecString(t *testing.T) {
	video := func(code string, config []byte) []byte { return boxed(code, make([]byte, 78), config) }
	audio := func(config []byte) []byte { return boxed("mp4a", make([]byte, 28), config) }
	for _, tt := range []struct {
		entry []byte
		want  string
	}{
		{video("avc1", boxed("avcC", []byte{1, 0x64, 0, 0x1f})), "avc1.64001f"},
		{video("avc1", nil), "avc1"},
		{video("hvc1", boxed("hvcC", []byte{1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93})), "hvc1.1.6.L93.b0"},
		{video("hev1", boxed("hvcC", []byte{1, 0x62, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 150})), "hev1.A2.4.H150"},
		{video("dvh1", boxed("dvcC", []byte{1, 0, 10, 0x35})), "dvh1.05.06"},
		{video("av01", boxed("av1C", []byte{0x81, 0x04, 0x0c, 0})), "av01.0.04M.08"},
		{video("av01", boxed("av1C", []byte{0x81, 0x2d, 0xcc, 0})), "av01.1.13H.10"},
		{video("vp09", boxed("vpcC", []byte{1, 0, 0, 0, 2, 31, 0xa0, 0})), "vp09.02.31.10"},
		{video("mp4v", boxed("esds", words(0), []byte{3, 30, 0, 1, 0, 4, 22, 0x20, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 0, 0, 1, 0xb0, 9})), "mp4v.20.9"},
		{audio(boxed("esds", words(0), []byte{3, 25, 0, 1, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0x11, 0x90})), "mp4a.40.2"},
		{audio(boxed("esds", words(0), []byte{3, 25, 0, 1, 0, 4, 17, 0x40, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0xf9, 0x40})), "mp4a.40.42"},
		{audio(boxed("esds", words(0), []byte{3, 25, 0, 1, 0, 4, 17, 0x6b, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), "mp4a.6b"},
		{audio(nil), "mp4a"},
		{boxed("Opus", make([]byte, 28)), "opus"},
		{boxed("ac-3", make([]byte, 28)), "ac-3"},
		{boxed("ms\x00U", make([]byte, 28)), ""},
	} {
		for n := 8; n < len(tt.entry); n++ {
			codecString(string(tt.entry[4:8]), tt.entry[:n]) // must not panic
		}
		if got := codecString(string(tt.entry[4:8]), tt.entry); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// The whole of which a song is a part is an album, and its artist is that of
// the album.
func TestMatroskaSong(t *testing.T) {
	texts := mkvTexts{
		part:  []mkvText{{"title", "Song"}, {"artist", "Anna"}, {"tracknumber", "3"}},
		whole: []mkvText{{"title", "Sampler"}, {"artist", "Many"}, {"disc", "2"}},
	}
	for _, tt := range []struct {
		name  string
		texts mkvTexts
		want  Info
	}{
		{"song of an album", texts, Info{Title: "Song", Artist: "Anna", Album: "Sampler", AlbumArtist: "Many", Disc: 2, Number: 3}},
		{"song of an album of one", mkvTexts{part: []mkvText{{"title", "Song"}}, whole: texts.whole}, Info{Title: "Song", Artist: "Many", Album: "Sampler", Disc: 2}},
		{"film", mkvTexts{whole: texts.whole[:2]}, Info{Title: "Sampler", Artist: "Many"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got Info
			tt.texts.fill(&got, tags{})
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestSongNumber(t *testing.T) {
	for text, want := range map[string]int{"3": 3, "3/12": 3, " 07 /9": 7, "": 0, "A1": 0, "-1": 0, "99999999999": 0} {
		if got := songNumber(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
