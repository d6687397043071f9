package probe

import (
	"math"
	"reflect"
	"testing"

	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

func packedFilm() *Info {
	return &Info{
		Container: "mp4", Duration: 5400.2, Title: "A film", Year: 1999, Codecs: "avc1.64001f, mp4a.40.2",
		Tracks: []Track{{Kind: "video", Codec: "h264", Width: 1280, Height: 720, Frames: 24000.0 / 1001}, {Kind: "audio", Codec: "aac", Language: "en", Channels: 2, Hertz: 48000}},
		Curve: Curve{
			Average: 1087123, Peak: 3120456, Lead: 80123, Header: 900123, Exact: true,
			Rates: []BurstRate{{1 << 18, 1490001}, {1 << 19, 1400321}, {1 << 20, 1398765}, {1 << 21, 1300123}, {1 << 22, 1200123}, {1 << 23, 1100123}},
		},
	}
}

// TestPack packs each field with each kind of value, also of a field that is
// added later.
func TestPack(t *testing.T) {
	odd := &Info{Title: "\xff\x00", Duration: math.Inf(1), Year: math.MinInt, Number: -1, Curve: Curve{Average: math.MaxInt64, Peak: math.MinInt64}}
	for n := range uint64(len(commonWords) / commonWidth) {
		odd.Parts = append(odd.Parts, commonWord(n), commonWord(n)+" ", "x"+commonWord(n))
	}
	var whole Info
	probetest.SetEach(&whole)
	for name, info := range map[string]*Info{"nil": nil, "nothing": {}, "film": packedFilm(), "odd": odd, "all": &whole} {
		t.Run(name, func(t *testing.T) {
			if got := info.Pack().Info(); !reflect.DeepEqual(got, info) {
				t.Errorf("%+v became %+v", info, got)
			}
			if info == nil {
				info = new(Info)
			}
			title, artist, album, albumArtist := info.Pack().Names()
			if info.Pack().Title() != info.Title || title != info.Title || artist != info.Artist || album != info.Album || albumArtist != info.AlbumArtist {
				t.Errorf("its names are %q, %q, %q and %q", title, artist, album, albumArtist)
			}
			head := info.Pack().Head()
			want := Info{Title: info.Title, Container: info.Container, Artist: info.Artist, Album: info.Album, AlbumArtist: info.AlbumArtist, Genre: info.Genre, Codecs: info.Codecs,
				Duration: info.Duration, Year: info.Year, Disc: info.Disc, Number: info.Number}
			if !reflect.DeepEqual(head, want) {
				t.Errorf("its head is %+v", head)
			}
		})
	}
	if n := len(packedFilm().Pack()); n > 144 {
		t.Errorf("a film takes %d bytes", n)
	}
}

// FuzzPacked unpacks anything: that it comes from Pack is no reason to trust it.
func FuzzPacked(f *testing.F) {
	f.Add(string(packedFilm().Pack()))
	f.Fuzz(func(t *testing.T, packed string) {
		if info := Packed(packed).Info(); info != nil {
			info.Curve.Spec(ratelimit.Policy{})
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	packed := packedFilm().Pack()
	b.ReportAllocs()
	b.ReportMetric(float64(len(packed)), "bytes")
	for b.Loop() {
		packed.Info()
	}
}
