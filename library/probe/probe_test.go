package probe_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/library/probe/probetest"
	"mustserv/ratelimit"
)

// vbr is a bit rate that changes every second.
func vbr(i int) int { return []int{32, 128, 320}[i/40%3] }

// file is a file in memory that counts what is read of it.
type file struct {
	data  []byte
	bytes int64
	reads int
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	f.reads++
	n, err := bytes.NewReader(f.data).ReadAt(b, off)
	f.bytes += int64(n)
	return n, err
}

// probeBytes probes a file in memory.
func probeBytes(t testing.TB, data []byte) (*probe.Info, error) {
	t.Helper()
	return probe.Probe(t.Context(), bytes.NewReader(data), int64(len(data)))
}

func TestFiles(t *testing.T) {
	h264 := probe.Track{Kind: "video", Codec: "h264", Language: "eng", Width: 320, Height: 240, Frames: 25}
	aac := probe.Track{Kind: "audio", Codec: "aac", Language: "eng", Channels: 2, Hertz: 48000}
	mp3 := probe.Track{Kind: "audio", Codec: "mp3", Channels: 2, Hertz: 44100}
	tagged := probetest.MP3With(probetest.MP3Options{Seconds: 20, Kbits: vbr, Xing: true, ID3v2: 5000, ID3v1: true, Title: "Été"})
	for _, tt := range []struct {
		name      string
		data      []byte
		container string
		seconds   float64
		average   float64 // kbit/s
		exact     bool
		title     string
		tracks    []probe.Track
	}{
		{"mp4", probetest.MP4(probetest.MP4Options{Title: "A Film"}), "mp4", 10, 800, true, "A Film", []probe.Track{h264}},
		{"mp4 with sound", probetest.MP4(probetest.MP4Options{Audio: true}), "mp4", 10, 928, true, "", []probe.Track{h264, aac}},
		{"mp4 index at the end", probetest.MP4(probetest.MP4Options{Audio: true, MoovAtEnd: true}), "mp4", 10, 928, true, "", []probe.Track{h264, aac}},
		{"mp4 wide", probetest.MP4(probetest.MP4Options{Audio: true, Wide: true}), "mp4", 10, 928, true, "", []probe.Track{h264, aac}},
		{"mp4 wide at the end", probetest.MP4(probetest.MP4Options{Audio: true, Wide: true, MoovAtEnd: true}), "mp4", 10, 928, true, "", []probe.Track{h264, aac}},
		{"mp4 fragmented", probetest.MP4(probetest.MP4Options{Audio: true, Fragmented: true}), "mp4", 10, 933, true, "", []probe.Track{h264, aac}},
		{"mp4 interleaved badly", probetest.MP4(probetest.MP4Options{Audio: true, Chunk: 60}), "mp4", 10, 928, true, "", []probe.Track{h264, aac}},
		{"mp4 cut off", cut(probetest.MP4(probetest.MP4Options{Audio: true}), 0.5), "mp4", 5, 928, false, "", []probe.Track{h264, aac}},
		{"mp4 fragmented cut off", cut(probetest.MP4(probetest.MP4Options{Audio: true, Fragmented: true}), 0.5), "mp4", 5, 933, false, "", []probe.Track{h264, aac}},
		{"mp3", probetest.MP3(10, 128), "mp3", 10, 128, true, "", []probe.Track{mp3}},
		{"mp3 slow", probetest.MP3(10, 32), "mp3", 10, 32, true, "", []probe.Track{mp3}},
		{"mp3 fast", probetest.MP3(10, 320), "mp3", 10, 320, true, "", []probe.Track{mp3}},
		{"mp3 tagged", tagged, "mp3", 20, 153.1, false, "Été", []probe.Track{mp3}},
		{"mp3 VBRI", probetest.MP3With(probetest.MP3Options{Seconds: 20, Kbits: vbr, VBRI: true}), "mp3", 20, 153.1, false, "", []probe.Track{mp3}},
		{"mp3 without header", probetest.MP3With(probetest.MP3Options{Seconds: 20, Kbits: vbr}), "mp3", 20, 153.1, true, "", []probe.Track{mp3}},
		{"mp3 long without header", probetest.MP3With(probetest.MP3Options{Seconds: 600, Kbits: vbr}), "mp3", 600, 160, false, "", []probe.Track{mp3}},
		{"mp3 cut off", cut(tagged, 0.5), "mp3", 10, 153.1, false, "Été", []probe.Track{mp3}},
		{"mp3 behind junk", slices.Concat(make([]byte, 20000), probetest.MP3(10, 128)), "mp3", 10, 128, true, "", []probe.Track{mp3}},
		{"mp3 of one frame", probetest.MP3(0.01, 128), "mp3", 0.026, 128, true, "", []probe.Track{mp3}},
		{"flac", probetest.FLAC(10), "flac", 10, 706, false, "", []probe.Track{{Kind: "audio", Codec: "flac", Channels: 1, Hertz: 44100}}},
		{"flac of unknown length", clear(probetest.FLAC(10), 22, 4), "flac", 10, 706, false, "", []probe.Track{{Kind: "audio", Codec: "flac", Channels: 1, Hertz: 44100}}},
		{"flac cut off", cut(probetest.FLAC(10), 0.5), "flac", 5, 706, false, "", []probe.Track{{Kind: "audio", Codec: "flac", Channels: 1, Hertz: 44100}}},
		{"flac behind ID3", slices.Concat(tagged[:5000], probetest.FLAC(10)), "flac", 10, 706, false, "Été", []probe.Track{{Kind: "audio", Codec: "flac", Channels: 1, Hertz: 44100}}},
		{"wav", probetest.WAV(10, 44100, 2), "wav", 10, 1411.2, true, "", []probe.Track{{Kind: "audio", Codec: "pcm", Channels: 2, Hertz: 44100}}},
		{"wav cut off", cut(probetest.WAV(10, 8000, 1), 0.5), "wav", 5, 128, true, "", []probe.Track{{Kind: "audio", Codec: "pcm", Channels: 1, Hertz: 8000}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, tolerance := &file{data: tt.data}, 0.02
			if strings.Contains(tt.name, "long") {
				tolerance = 0.15 // it is judged by parts of it
			}
			info, err := probe.Probe(t.Context(), f, int64(len(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			if info.Container != tt.container || !near(info.Duration, tt.seconds, tolerance) {
				t.Errorf("%s of %.3f s, want %s of %.3f", info.Container, info.Duration, tt.container, tt.seconds)
			}
			if a := float64(info.Curve.Average) / 1000; !near(a, tt.average, tolerance) {
				t.Errorf("average %.1f kbit/s, want %.1f", a, tt.average)
			}
			if info.Curve.Exact != tt.exact || info.Title != tt.title || !slices.Equal(info.Tracks, tt.tracks) {
				t.Errorf("%+v", info)
			}
			if f.bytes > int64(len(tt.data))+90<<10 {
				t.Errorf("read %d of %d bytes", f.bytes, len(tt.data))
			}
		})
	}
}

// near compares with a tolerance.
func near(got, want, part float64) bool { return math.Abs(got-want) <= want*part }

// cut returns the first part of b.
func cut(b []byte, part float64) []byte { return b[:int(float64(len(b))*part)] }

// clear sets n bytes of b to 0.
func clear(b []byte, at, n int) []byte { return patch(b, at, make([]byte, n)) }

// patch puts bytes into b.
func patch(b []byte, at int, with []byte) []byte {
	b = slices.Clone(b)
	copy(b[at:], with)
	return b
}

// patchBox puts bytes into the first box of a kind, behind its type.
func patchBox(b []byte, kind string, at int, with ...byte) []byte {
	return patch(b, bytes.Index(b, []byte(kind))+4+at, with)
}

// mistake is a file that is not in order, and what Probe says about it.
type mistake struct {
	name string
	data []byte
	want string
}

// mistakes are files whose headers lie.
func mistakes() []mistake {
	film := probetest.MP4(probetest.MP4Options{Seconds: 2, Audio: true})
	parts := probetest.MP4(probetest.MP4Options{Seconds: 2, Audio: true, Fragmented: true})
	song, sound, wave := probetest.MP3With(probetest.MP3Options{Seconds: 2, ID3v2: 100}), probetest.FLAC(1), probetest.WAV(1, 8000, 1)
	moov := bytes.Index(film, []byte("moov")) - 4
	huge := []byte{0xff, 0xff, 0xff, 0xff}
	return []mistake{
		{"nothing", nil, "the file ends at byte 0"},
		{"text", []byte("this is no media file\n"), `"this is " at byte 0`},
		{"zeros", make([]byte, 100000), "not a known media container"},
		{"only 0xff", bytes.Repeat([]byte{0xff}, 100000), "not a known media container"},
		{"box of 4 GB", patch(film, moov, huge), fmt.Sprintf(`mp4: box "moov" at byte %d: size 4294967295 is past the end of the file (%d bytes)`, moov, len(film))},
		{"box of 3 bytes", patch(film, moov, []byte{0, 0, 0, 3}), fmt.Sprintf(`mp4: box "moov" at byte %d: size 3 is smaller than its header`, moov)},
		{"no moov", film[:moov], `mp4: no box "moov" up to the end, byte `},
		{"samples of 4 GB", patchBox(film, "stsz", 4, huge...), `table "stsz" has 50 samples of 4294967295 bytes`},
		{"4 G samples", patchBox(film, "stsz", 8, huge...), `table "stsz" has 4294967295 entries in 200 bytes`},
		{"4 G runs", patchBox(film, "stts", 4, huge...), `table "stts" has 4294967295 entries in 8 bytes`},
		{"run of 4 G samples", patchBox(film, "stts", 8, huge...), `table "stts" has a run of 4294967295 samples, of 50 in all`},
		{"4 G chunks", patchBox(film, "stco", 4, huge...), `table "stco" has 4294967295 entries`},
		{"first chunk is 0", patchBox(film, "stsc", 8, 0, 0, 0, 0), `table "stsc" does not begin with chunk 1`},
		{"chunks out of order", patchBox(film, "stsc", 8+12, 0, 0, 0, 1), `table "stsc" is out of order`},
		{"timescale 0", patchBox(film, "mdhd", 12, 0, 0, 0, 0), "its timescale is 0"},
		{"4 G samples in a fragment", patchBox(parts, "trun", 4, huge...), `box "trun" has 4294967295 entries`},
		{"only a fragment", parts[bytes.Index(parts, []byte("moof"))-4:], "a fragment without its moov box"},
		{"only the begin of a stream", parts[:bytes.Index(parts, []byte("moof"))-4], "no audio or video samples"},
		{"samples at no time", patchBox(parts, "tfhd", 8, 0x7f, 0xff, 0xff, 0xff), "are no bit rate that is played"},
		{"tag of 256 MB", patch(song, 6, []byte{0x7f, 0x7f, 0x7f, 0x7f}), "mp3: ID3v2 tag at byte 0: size 268435455 is past the end of the file"},
		{"tag of no valid size", patch(song, 6, huge), "its size ff ff ff ff is not valid"},
		{"metadata past the end", patch(sound, 43, huge[:3]), "flac: metadata block at byte 42: size 16777215 is past the end of the file"},
		{"0 Hz FLAC", clear(sound, 18, 3), "0 Hz"},
		{"FLAC without sound", sound[:62], "no sound after the metadata"},
		{"0 Hz WAV", clear(wave, 24, 8), `wav: chunk "fmt " at byte 12: 0 Hz`},
		{"WAV without sound", wave[:40], `wav: no "data" chunk`},
		{"empty fmt", patch(wave, 16, []byte{0, 0, 0, 0}), "at least 16 are needed"},
	}
}

func TestMistakes(t *testing.T) {
	for _, tt := range mistakes() {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			if err == nil {
				t.Fatalf("no error, but %+v", info)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
			known := strings.HasPrefix(err.Error(), "m") || strings.HasPrefix(err.Error(), "w") || strings.HasPrefix(err.Error(), "fl")
			if errors.Is(err, probe.ErrUnsupported) == known {
				t.Errorf("error %q: unsupported %v", err, !known)
			}
		})
	}
}

// harmless are files that are wrong in something that does not matter.
func TestTolerated(t *testing.T) {
	film := probetest.MP4(probetest.MP4Options{Seconds: 2, Audio: true, Title: "T"})
	huge := []byte{0xff, 0xff, 0xff, 0xff}
	udta := bytes.Index(film, []byte("ilst"))
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"tags of 4 GB", patch(film, udta-4, huge)},
		{"4 G samples in a chunk", patchBox(film, "stsc", 12, 0xff, 0xff, 0xff, 0xff)},
		{"odd bytes after the last box", append(slices.Clone(film), 0, 0, 0)},
		{"garbage after the fragments", append(probetest.MP4(probetest.MP4Options{Seconds: 2, Fragmented: true}), huge...)},
		{"mp3 with a Xing header of 0 frames", patchBox(probetest.MP3With(probetest.MP3Options{Xing: true}), "Xing", 4, 0, 0, 0, 0)},
		{"mp3 with a Xing header of 4 G frames", patchBox(probetest.MP3With(probetest.MP3Options{Xing: true}), "Xing", 4, huge...)},
		{"wav of 4 GB", patchBox(probetest.WAV(1, 8000, 1), "data", 0, huge...)},
		{"flac of 2^36 samples", patch(probetest.FLAC(1), 21, append([]byte{0xff}, huge...))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			info, err := probeBytes(t, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if info.Duration > 11 || info.Curve.Spec(ratelimit.DefaultPolicy()).Rate <= 0 {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestSameFilmSameRate(t *testing.T) {
	size := func(i int) int {
		if i%50 == 0 {
			return 60000
		}
		return 2000 + i*37%9000
	}
	var want ratelimit.TSpec
	for _, o := range []probetest.MP4Options{{}, {MoovAtEnd: true}, {Wide: true}} {
		o.Seconds, o.Audio, o.FrameSize = 30, true, size
		info, err := probeBytes(t, probetest.MP4(o))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Curve.Spec(ratelimit.DefaultPolicy()); want != (ratelimit.TSpec{}) && got != want {
			t.Errorf("%+v: %v, want %v", o, got, want)
		} else {
			want = got
		}
	}
}

// broken answers an error at some byte.
type broken struct {
	data  []byte
	at    int64
	err   error
	panic bool
}

func (f *broken) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) <= f.at {
		return copy(b, f.data[off:]), nil
	}
	if f.panic {
		panic("broken")
	}
	return 0, f.err
}

func TestReadErrors(t *testing.T) {
	away := errors.New("disk is away")
	for name, data := range map[string][]byte{
		"mp4":  probetest.MP4(probetest.MP4Options{MoovAtEnd: true}),
		"frag": probetest.MP4(probetest.MP4Options{Fragmented: true}),
		"mp3":  probetest.MP3(10, 128),
		"flac": probetest.FLAC(10),
		"wav":  probetest.WAV(10, 8000, 1),
	} {
		for _, at := range []int64{0, 8192, int64(len(data) / 2), int64(len(data) - 1)} {
			t.Run(fmt.Sprint(name, at), func(t *testing.T) {
				_, err := probe.Probe(t.Context(), &broken{data: data, at: at, err: away}, int64(len(data)))
				if at == 0 && err == nil || err != nil && !errors.Is(err, away) {
					t.Errorf("error %v, want %v", err, away)
				}
				_, err = probe.Probe(t.Context(), &broken{data: data, at: at, err: io.EOF}, int64(len(data)))
				if at == 0 && err == nil || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("a file that has shrunk: error %v", err)
				}
				_, err = probe.Probe(t.Context(), &broken{data: data, at: at, panic: true}, int64(len(data)))
				if at == 0 && err == nil || err != nil && !strings.Contains(err.Error(), "broken") {
					t.Errorf("a panic: error %v", err)
				}
			})
		}
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &file{data: probetest.WAV(1, 8000, 1)}
	if _, err := probe.Probe(ctx, f, int64(len(f.data))); !errors.Is(err, context.Canceled) || f.reads > 0 {
		t.Errorf("error %v after %d reads", err, f.reads)
	}
}

// harmless probes data as a fuzz test and checks what must hold for all input.
func harmless(t *testing.T, data []byte) {
	f := &file{data: data}
	info, err := probe.Probe(t.Context(), f, int64(len(data)))
	if f.bytes > 100<<20 {
		t.Errorf("read %d bytes", f.bytes)
	}
	if err != nil {
		if strings.Contains(err.Error(), "reader failed") {
			t.Error(err)
		}
		return
	}
	c := info.Curve
	if !(info.Duration >= 0 && info.Duration < 1e12) || c.Header < 0 || c.Trailer < 0 || c.Header+c.Trailer >= int64(len(data)) || c.Lead < 0 || c.Average <= 0 {
		t.Errorf("%d bytes: %+v", len(data), info)
	}
	for i, r := range c.Rates {
		if r.Rate < 0 || i > 0 && (r.Burst <= c.Rates[i-1].Burst || r.Rate > c.Rates[i-1].Rate) {
			t.Errorf("rates %+v", c.Rates)
		}
	}
	if s := c.Spec(ratelimit.DefaultPolicy()); s.Rate < c.Average || s.Burst < 256*ratelimit.KiB {
		t.Errorf("spec %+v of %+v", s, c)
	}
}

// fuzz runs a fuzz test with the mistakes and some files as seeds.
func fuzz(f *testing.F, files ...[]byte) {
	for _, data := range files {
		f.Add(data)
		f.Add(cut(data, 0.6))
	}
	for _, m := range mistakes() {
		if len(files) > 0 && bytes.HasPrefix(m.data, files[0][:3]) {
			f.Add(m.data)
		}
	}
	f.Fuzz(harmless)
}

func FuzzMP4(f *testing.F) {
	tiny := func(int) int { return 20 }
	o := probetest.MP4Options{Seconds: 0.3, FrameSize: tiny, Audio: true, Title: "T"}
	end, wide, frag := o, o, o
	end.MoovAtEnd, wide.Wide, frag.Fragmented = true, true, true
	fuzz(f, probetest.MP4(o), probetest.MP4(end), probetest.MP4(wide), probetest.MP4(frag))
}

func FuzzMP3(f *testing.F) {
	o := probetest.MP3Options{Seconds: 0.3, ID3v2: 100, ID3v1: true, Title: "T"}
	xing, vbri, plain := o, o, o
	xing.Xing, vbri.VBRI, plain.ID3v2 = true, true, 0
	ape := slices.Concat(probetest.MP3(0.2, 32), []byte("APETAGEX"), binary.LittleEndian.AppendUint32(nil, 2000), []byte{32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	fuzz(f, probetest.MP3With(o), probetest.MP3With(xing), probetest.MP3With(vbri), probetest.MP3With(plain), ape)
}

func FuzzFLAC(f *testing.F) {
	fuzz(f, probetest.FLAC(0.02), clear(probetest.FLAC(0.1), 22, 4))
}

func FuzzWAV(f *testing.F) {
	data := probetest.WAV(0.05, 8000, 2)
	fuzz(f, data, patch(data, 0, []byte("RF64\xff\xff\xff\xff")))
}

// TestFlippedBytes is a small part of what the fuzz tests do, in every run.
func TestFlippedBytes(t *testing.T) {
	o := probetest.MP4Options{Seconds: 0.5, FrameSize: func(int) int { return 20 }, Audio: true, Title: "T"}
	frag := o
	frag.Fragmented = true
	for _, data := range [][]byte{probetest.MP4(o), probetest.MP4(frag), probetest.MP3With(probetest.MP3Options{Seconds: 0.2, Xing: true, ID3v2: 100}), probetest.FLAC(0.02), probetest.WAV(0.02, 8000, 1)} {
		for at := 0; at < min(len(data), 2500); at += 2 {
			for _, with := range []byte{0, 0xff} {
				harmless(t, patch(data, at, []byte{with}))
			}
			harmless(t, data[:at])
		}
	}
}
