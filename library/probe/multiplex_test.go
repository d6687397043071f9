package probe_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// busy is a film of quiet and busy stretches of ten seconds.
func busy(i int) int {
	if i/250%2 == 0 {
		return 1500 + i*37%1000
	}
	return 9000 + i*37%6000
}

func TestMultiplexes(t *testing.T) {
	xvid := probe.Track{Kind: "video", Codec: "mpeg4", Width: 320, Height: 240, Frames: 25}
	avc := probe.Track{Kind: "video", Codec: "h264", Width: 426, Height: 240, Frames: 25}
	hevc := avc
	hevc.Codec = "hevc"
	mpeg2 := probe.Track{Kind: "video", Codec: "mpeg2", Width: 352, Height: 288, Frames: 25}
	mpeg1 := mpeg2
	mpeg1.Codec = "mpeg1"
	ac3 := probe.Track{Kind: "audio", Codec: "ac3", Channels: 2, Hertz: 48000}
	english := ac3
	english.Language = "eng"
	pcm := probe.Track{Kind: "audio", Codec: "pcm", Channels: 1, Hertz: 8000}
	mp3 := probe.Track{Kind: "audio", Codec: "mp3", Channels: 1, Hertz: 8000}
	wmv := probe.Track{Kind: "video", Codec: "wmv2", Language: "de", Width: 320, Height: 240, Frames: 25}
	wma := probe.Track{Kind: "audio", Codec: "wma", Language: "de", Channels: 2, Hertz: 44100}
	const small, big, h264, sound = 10.0, 120.0, "avc1.640015", ", ac-3"
	for _, tt := range []struct {
		name      string
		data      []byte
		container string
		seconds   float64
		average   float64 // kbit/s, 0 for that of the whole file
		exact     bool
		codecs    string
		tracks    []probe.Track
		share     float64 // that is read at most
	}{
		{"avi", probetest.AVI(probetest.AVIOptions{}), "avi", small, 801, true, "", []probe.Track{xvid}, 0.03},
		{"avi with sound", probetest.AVI(probetest.AVIOptions{Audio: "pcm"}), "avi", small, 867, true, "", []probe.Track{xvid, pcm}, 0.03},
		{"avi with sound of changing rate", probetest.AVI(probetest.AVIOptions{Audio: "mp3"}), "avi", 10.01, 819, true, "", []probe.Track{xvid, mp3}, 0.03},
		{"avi counted from the begin", probetest.AVI(probetest.AVIOptions{Audio: "pcm", Index: "absolute"}), "avi", small, 867, true, "", []probe.Track{xvid, pcm}, 0.03},
		{"avi of OpenDML", probetest.AVI(probetest.AVIOptions{Audio: "pcm", Index: "open"}), "avi", small, 867, true, "", []probe.Track{xvid, pcm}, 0.03},
		{"avi without index", probetest.AVI(probetest.AVIOptions{Audio: "pcm", Index: "none"}), "avi", small, 867, true, "", []probe.Track{xvid, pcm}, 1.1},
		{"avi cut off", cut(probetest.AVI(probetest.AVIOptions{Audio: "pcm"}), 0.5), "avi", small / 2, 867, false, "", []probe.Track{xvid, pcm}, 1.1},
		{"avi long without index", probetest.AVI(probetest.AVIOptions{Seconds: 600, FrameSize: func(i int) int { return 3000 + i%2*2000 }, Index: "none"}), "avi", 600, 801, false, "", []probe.Track{xvid}, 0.45},
		{"ts", probetest.TS(probetest.MPEGOptions{Audio: true}), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts without sound", probetest.TS(probetest.MPEGOptions{}), "ts", small, 0, true, h264, []probe.Track{avc}, 1.1},
		{"ts of HEVC", probetest.TS(probetest.MPEGOptions{HEVC: true, Audio: true}), "ts", small, 0, true, "hvc1.1.6.L60.90" + sound, []probe.Track{hevc, english}, 1.1},
		{"ts with check sums", probetest.TS(probetest.MPEGOptions{Audio: true, Packet: 204}), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts behind junk", slices.Concat(make([]byte, 100), probetest.TS(probetest.MPEGOptions{Audio: true})), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts that jumps back", probetest.TS(probetest.MPEGOptions{Audio: true, Start: 1000, Jump: -600}), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts that jumps on", probetest.TS(probetest.MPEGOptions{Audio: true, Jump: 4000}), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts with a gap", probetest.TS(probetest.MPEGOptions{Audio: true, Jump: 10}), "ts", 20, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts whose clock runs over", probetest.TS(probetest.MPEGOptions{Audio: true, Start: 95440}), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts cut off", cut(probetest.TS(probetest.MPEGOptions{Audio: true}), 0.5), "ts", small / 2, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"ts without table of programs", noPrograms(probetest.TS(probetest.MPEGOptions{Audio: true})), "ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 2.2},
		{"ts scrambled", probetest.TS(probetest.MPEGOptions{Scrambled: true}), "ts", small, 0, false, "", []probe.Track{{Kind: "video", Codec: "h264"}}, 1.1},
		{"ts long", probetest.TS(probetest.MPEGOptions{Seconds: big, FrameSize: busy, Audio: true}), "ts", big, 0, false, h264 + sound, []probe.Track{avc, english}, 0.2},
		{"ts long that jumps back", probetest.TS(probetest.MPEGOptions{Seconds: big, FrameSize: busy, Audio: true, Start: 5000, Jump: -3000}), "ts", big, 0, false, h264 + sound, []probe.Track{avc, english}, 0.2},
		{"ts long scrambled", probetest.TS(probetest.MPEGOptions{Seconds: big, FrameSize: busy, Scrambled: true}), "ts", big, 0, false, "", []probe.Track{{Kind: "video", Codec: "h264"}}, 0.25},
		{"m2ts", probetest.TS(probetest.MPEGOptions{Audio: true, Packet: 192}), "m2ts", small, 0, true, h264 + sound, []probe.Track{avc, english}, 1.1},
		{"mpg", probetest.PS(probetest.MPEGOptions{Audio: true}), "mpg", small, 0, false, "mp4v.61" + sound, []probe.Track{mpeg2, ac3}, 1.1},
		{"mpg of MPEG-1", probetest.PS(probetest.MPEGOptions{Old: true}), "mpg", small, 0, false, "mp4v.6A", []probe.Track{mpeg1}, 1.1},
		{"mpg that jumps back", probetest.PS(probetest.MPEGOptions{Audio: true, Start: 1000, Jump: -600}), "mpg", small, 0, false, "mp4v.61" + sound, []probe.Track{mpeg2, ac3}, 1.1},
		{"mpg cut off", cut(probetest.PS(probetest.MPEGOptions{Audio: true}), 0.5), "mpg", small / 2, 0, false, "mp4v.61" + sound, []probe.Track{mpeg2, ac3}, 1.1},
		{"mpg long", probetest.PS(probetest.MPEGOptions{Seconds: big, FrameSize: busy, Audio: true}), "mpg", big, 0, false, "mp4v.61" + sound, []probe.Track{mpeg2, ac3}, 0.2},
		{"asf", probetest.ASF(probetest.ASFOptions{}), "asf", small, 1280, false, "", []probe.Track{wmv}, 0.02},
		{"asf of unknown length", probetest.ASF(probetest.ASFOptions{Unknown: true}), "asf", small, 1280, false, "", []probe.Track{wmv}, 0.05},
		{"asf cut off", cut(probetest.ASF(probetest.ASFOptions{}), 0.5), "asf", small / 2, 1280, false, "", []probe.Track{wmv}, 0.03},
		{"asf of sound", probetest.ASF(probetest.ASFOptions{Music: true}), "asf", small, 1280, false, "", []probe.Track{wma}, 0.02},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{data: tt.data}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			if info.Container != tt.container || !near(info.Duration, tt.seconds, 0.01) {
				t.Errorf("%s of %.3f s, want %s of %.3f", info.Container, info.Duration, tt.container, tt.seconds)
			}
			want := cmp.Or(tt.average, float64(len(tt.data))*8/1000/tt.seconds)
			if a := float64(info.Curve.Average) / 1000; !near(a, want, 0.02) {
				t.Errorf("average %.1f kbit/s, want %.1f", a, want)
			}
			if info.Curve.Exact != tt.exact || info.Codecs != tt.codecs || !slices.Equal(info.Tracks, tt.tracks) {
				t.Errorf("%+v", info)
			}
			if most := tt.share*float64(len(tt.data)) + 20<<10; float64(f.bytes) > most {
				t.Errorf("read %d bytes of %d in %d reads, want at most %.0f", f.bytes, len(tt.data), f.reads, most)
			}
		})
	}
}

// noPrograms makes empty packets of the tables of programs.
func noPrograms(stream []byte) []byte {
	stream = slices.Clone(stream)
	for p := stream; len(p) >= 188; p = p[188:] {
		if p[1]&0x1f == 0 && p[2] == 0 {
			p[1], p[2] = 0x1f, 0xff
		}
	}
	return stream
}

// TestSampledRates compares the rates of files that were read in part with
// those of the same film in MP4.
func TestSampledRates(t *testing.T) {
	const seconds = 120
	exact, err := probeBytes(t, probetest.MP4(probetest.MP4Options{Seconds: seconds, FrameSize: busy, Chunk: 0.04}))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"ts":        probetest.TS(probetest.MPEGOptions{Seconds: seconds, FrameSize: busy}),
		"m2ts":      probetest.TS(probetest.MPEGOptions{Seconds: seconds, FrameSize: busy, Packet: 192}),
		"scrambled": probetest.TS(probetest.MPEGOptions{Seconds: seconds, FrameSize: busy, Scrambled: true}),
		"spliced":   probetest.TS(probetest.MPEGOptions{Seconds: seconds, FrameSize: busy, Jump: -seconds / 2}),
		"mpg":       probetest.PS(probetest.MPEGOptions{Seconds: seconds, FrameSize: busy}),
		"asf":       probetest.ASF(probetest.ASFOptions{Seconds: seconds, FrameSize: busy}),
	} {
		t.Run(name, func(t *testing.T) {
			info, err := probeBytes(t, data)
			if err != nil {
				t.Fatal(err)
			}
			if info.Curve.Exact {
				t.Error("it is said to be exact")
			}
			// The multiplex makes the film larger all over.
			more := float64(info.Curve.Average) / float64(exact.Curve.Average)
			for _, burst := range []ratelimit.Size{256 * ratelimit.KiB, ratelimit.MiB} {
				p := ratelimit.DefaultPolicy()
				p.Burst, p.BurstMin, p.BurstMax = 0, burst, burst
				got := float64(info.Curve.Spec(p).Rate) / float64(exact.Curve.Spec(p).Rate) / more
				t.Logf("burst %v: %.3f of the exact rate", burst, got)
				most := 1.2
				if name == "scrambled" {
					most = 1.22 // the clock alone is trusted less
				}
				if got < 1 || got > most {
					t.Errorf("burst %v: %.3f of the exact rate, want 1 to %.2f", burst, got, most)
				}
			}
		})
	}
}

// TestOneWrongStamp tells that an error in a stamp is no jump.
func TestOneWrongStamp(t *testing.T) {
	good := probetest.TS(probetest.MPEGOptions{})
	want, err := probeBytes(t, good)
	if err != nil {
		t.Fatal(err)
	}
	at := len(good) / 2
	at += bytes.Index(good[at:], []byte{0, 0, 1, 0xe0})
	for _, to := range []byte{0x30, 0x33, 0x3f} {
		got, err := probeBytes(t, patch(good, at+14, []byte{to, 0x80, 0x01, 0, 1}))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Duration-want.Duration) > 0.05 {
			t.Errorf("% x: %.3f s, want %.3f", to, got.Duration, want.Duration)
		}
	}
}

func TestASFTexts(t *testing.T) {
	o := probetest.ASFOptions{Title: "Été", Artist: "A", Album: "B", Genre: "Rock", Year: "1999", Number: "3/12", Cover: []byte("\x89PNG picture")}
	data := probetest.ASF(o)
	info, err := probeBytes(t, data)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(info.Title, info.Artist, info.Album, info.Genre, info.Year, info.Number, info.Chapters)
	if want := "ÉtéABRock1999 3 [{2 Two}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if c := info.Cover; c == nil || c.MIME != "image/png" || !bytes.Equal(data[c.Offset:c.Offset+c.Size], o.Cover) {
		t.Errorf("cover %+v", info.Cover)
	}
}

func TestAVITitle(t *testing.T) {
	info, err := probeBytes(t, probetest.AVI(probetest.AVIOptions{Title: "A Film"}))
	if err != nil || info.Title != "A Film" {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestMultiplexMistakes(t *testing.T) {
	film := probetest.AVI(probetest.AVIOptions{Seconds: 1})
	open := probetest.AVI(probetest.AVIOptions{Seconds: 1, Index: "open"})
	stream, program, windows := probetest.TS(probetest.MPEGOptions{Seconds: 1}), probetest.PS(probetest.MPEGOptions{Seconds: 1}), probetest.ASF(probetest.ASFOptions{Seconds: 1})
	movi := bytes.Index(film, []byte("movi")) - 8
	index := bytes.Index(open, []byte("ix00"))
	about := bytes.Index(windows, []byte("\xa1\xdc\xab\x8c"))
	huge := []byte{0xff, 0xff, 0xff, 0xff}
	for _, tt := range []struct {
		name string
		data []byte
		want string // part of the error, empty for none
	}{
		{"avi without media", film[:movi], fmt.Sprintf(`avi: no list "movi" up to the end, byte %d`, movi)},
		{"avi without streams", patch(film, bytes.Index(film, []byte("hdrl")), []byte("hxxl")), "avi: no stream is described before byte"},
		{"avi at no rate", patch(patchBox(film, "strh", 4+20, make([]byte, 8)...), bytes.Index(film, []byte("avih"))+8, make([]byte, 4)), "avi: stream 0, described before byte "},
		{"avi of empty lists", slices.Concat([]byte("RIFF\x00\x10\x00\x00AVI "), bytes.Repeat([]byte("LIST\x00\x00\x00\x00hdrl"), 300)), "avi: list at byte 12: size 0 has no room for its type"},
		{"avi of empty chunks", slices.Concat([]byte("RIFF\x00\x00\x10\x00AVI "), bytes.Repeat([]byte("JUNK\x00\x00\x00\x00"), 3000)), "avi: more than 1000 chunks"},
		{"avi without chunks", patchBox(film, "movi", 0, make([]byte, 100)...)[:movi+100], "no chunk of sound or pictures from byte"},
		{"avi with an index of 4 GB", patchBox(film, "idx1", 0, huge...), ""},
		{"avi with an index elsewhere", patch(open, index, []byte("JUNK")), ""},
		{"avi with an index of wide entries", patch(open, index+8, huge), ""},
		{"ts without the table of the program", patchAll(stream, 188, 0x100, 1), "ts: no table of a program's tracks from byte 0 on"},
		{"ts without pictures", patchAll(stream, 188, 0x101, 1), "no time stamps"},
		{"ts with bytes lost", slices.Concat(stream[:188*20+50], stream[188*21:]), ""},
		{"mpg without packets", bytes.Repeat(program[:14], 100), "mpg: no packet of sound or pictures up to the end, byte 1400"},
		{"mpg with bytes lost", slices.Concat(program[:2048*3+50], program[2048*5+100:]), ""},
		{"asf cut off in the header", windows[:29], "asf: the header ends at byte 29"},
		{"asf with a header of 2^64 bytes", patch(windows, 16, slices.Concat(huge, huge)), "asf: header at byte 0: size 18446744073709551615 is past the end of the file"},
		{"asf with an object of no bytes", patch(windows, 30+16, make([]byte, 8)), "asf: object at byte 30: size 0 is smaller than its header"},
		{"asf with an object of 2^64 bytes", patch(windows, 30+16, slices.Concat(huge, huge)), "asf: object at byte 30: size 18446744073709551615 goes past byte"},
		{"asf with packets of no bytes", patch(windows, about+24+68, make([]byte, 8)), "packets of 0 to 0 bytes"},
		{"asf with packets of two sizes", patch(windows, about+24+68, []byte{1}), "packets of 3073 to 3200 bytes"},
		{"asf without its data", patch(windows, bytes.Index(windows, []byte("\x36\x26\xb2\x75")), huge), "is not that of the packets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && err == nil:
				t.Errorf("no error, but %+v", info)
			case err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
		})
	}
}

// patchAll gives packets of a stream another number.
func patchAll(b []byte, packet, from, to int) []byte {
	b = slices.Clone(b)
	for i := 0; i+packet <= len(b); i += packet {
		if int(b[i+1]&0x1f)<<8|int(b[i+2]) == from {
			b[i+1], b[i+2] = b[i+1]&0xe0|byte(to>>8), byte(to)
		}
	}
	return b
}

// TestFlippedBytesOfMultiplexes is a small part of what the fuzz tests do.
func TestFlippedBytesOfMultiplexes(t *testing.T) {
	tiny := func(int) int { return 100 }
	for _, data := range [][]byte{
		probetest.AVI(probetest.AVIOptions{Seconds: 0.4, FrameSize: tiny, Audio: "pcm"}),
		probetest.AVI(probetest.AVIOptions{Seconds: 0.4, FrameSize: tiny, Audio: "mp3", Index: "open"}),
		probetest.TS(probetest.MPEGOptions{Seconds: 0.4, FrameSize: tiny, Audio: true}),
		probetest.PS(probetest.MPEGOptions{Seconds: 0.4, FrameSize: tiny, Audio: true}),
		probetest.ASF(probetest.ASFOptions{Seconds: 0.4, FrameSize: tiny, Title: "T", Number: "1"}),
	} {
		for at := 0; at < min(len(data), 2500); at += 2 {
			for _, with := range []byte{0, 0xff} {
				harmless(t, patch(data, at, []byte{with}))
			}
			harmless(t, data[:at])
		}
	}
}

func FuzzAVI(f *testing.F) {
	o := probetest.AVIOptions{Seconds: 0.2, FrameSize: func(int) int { return 50 }, Audio: "mp3", Title: "T"}
	open, none := o, o
	open.Index, none.Index, none.Audio = "open", "none", "pcm"
	fuzz(f, probetest.AVI(o), probetest.AVI(open), probetest.AVI(none))
}

func FuzzTS(f *testing.F) {
	o := probetest.MPEGOptions{Seconds: 0.2, FrameSize: func(int) int { return 100 }, Audio: true}
	camera, jump := o, o
	camera.Packet, camera.HEVC, jump.Jump = 192, true, -100
	fuzz(f, probetest.TS(o), probetest.TS(camera), probetest.TS(jump))
}

func FuzzPS(f *testing.F) {
	o := probetest.MPEGOptions{Seconds: 0.2, FrameSize: func(int) int { return 100 }, Audio: true}
	old := o
	old.Old, old.Audio = true, false
	fuzz(f, probetest.PS(o), probetest.PS(old))
}

func FuzzASF(f *testing.F) {
	o := probetest.ASFOptions{Seconds: 0.2, FrameSize: func(int) int { return 100 }, Title: "T", Album: "A", Number: "1", Cover: []byte("picture")}
	music := o
	music.Music, music.Unknown = true, true
	fuzz(f, probetest.ASF(o), probetest.ASF(music))
}
