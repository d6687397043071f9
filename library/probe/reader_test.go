package probe

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// words returns numbers of 32 bits, big-endian, as tables have them.
func words(v ...uint32) []byte {
	var b []byte
	for _, w := range v {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

func TestParseFrame(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    [4]byte
		want mpegFrame
		ok   bool
	}{
		{"MPEG-1 layer III", [4]byte{0xff, 0xfb, 0x90, 0x00}, mpegFrame{false, 3, 128, 44100, true, 1152, 417}, true},
		{"padded", [4]byte{0xff, 0xfb, 0x92, 0xc0}, mpegFrame{false, 3, 128, 44100, false, 1152, 418}, true},
		{"with check sum", [4]byte{0xff, 0xfa, 0xe4, 0x40}, mpegFrame{false, 3, 320, 48000, true, 1152, 960}, true},
		{"layer II", [4]byte{0xff, 0xfd, 0xa0, 0x00}, mpegFrame{false, 2, 192, 44100, true, 1152, 626}, true},
		{"layer I", [4]byte{0xff, 0xff, 0xc4, 0x00}, mpegFrame{false, 1, 384, 48000, true, 384, 384}, true},
		{"MPEG-2 layer III", [4]byte{0xff, 0xf3, 0x80, 0xc0}, mpegFrame{true, 3, 64, 22050, false, 576, 208}, true},
		{"MPEG-2 layer II", [4]byte{0xff, 0xf5, 0x80, 0xc0}, mpegFrame{true, 2, 64, 22050, false, 1152, 417}, true},
		{"MPEG-2.5 layer III", [4]byte{0xff, 0xe3, 0x28, 0xc0}, mpegFrame{true, 3, 16, 8000, false, 576, 144}, true},
		{"free format", [4]byte{0xff, 0xfb, 0x00, 0x00}, mpegFrame{false, 3, 0, 44100, true, 1152, 0}, true},
		{"ADTS", [4]byte{0xff, 0xf1, 0x50, 0x80}, mpegFrame{}, false},
		{"reserved version", [4]byte{0xff, 0xeb, 0x90, 0x00}, mpegFrame{}, false},
		{"bit rate 15", [4]byte{0xff, 0xfb, 0xf0, 0x00}, mpegFrame{}, false},
		{"reserved sampling rate", [4]byte{0xff, 0xfb, 0x9c, 0x00}, mpegFrame{}, false},
		{"no sync", [4]byte{0xff, 0x1b, 0x90, 0x00}, mpegFrame{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := parseFrame(tt.b[:]); ok != tt.ok || ok && got != tt.want {
				t.Errorf("%+v %v, want %+v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestID3Text(t *testing.T) {
	for name, b := range map[string][]byte{
		"latin 1":       []byte("\x00\xc9t\xe9\x00rest"),
		"UTF-16 little": []byte("\x01\xff\xfe\xc9\x00t\x00\xe9\x00\x00\x00x\x00"),
		"UTF-16 big":    []byte("\x01\xfe\xff\x00\xc9\x00t\x00\xe9"),
		"UTF-16BE":      []byte("\x02\x00\xc9\x00t\x00\xe9"),
		"UTF-8":         []byte("\x03Été\x00rest"),
	} {
		if got := id3Text(b); got != "Été" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLanguage(t *testing.T) {
	for code, want := range map[[3]byte]string{
		{'e', 'n', 'g'}: "eng", {5, 14, 7}: "eng", {'u', 'n', 'd'}: "", {21, 14, 4}: "", {0, 0, 0}: "", {31, 31, 31}: "",
	} {
		if got := language(code); got != want {
			t.Errorf("%v: %q, want %q", code, got, want)
		}
	}
}

func TestEditShift(t *testing.T) {
	for _, tt := range []struct {
		name string
		elst []byte
		want float64
	}{
		{"none", nil, 0},
		{"priming", words(0, 1, 5000, 1024, 1<<16), -1024.0 / 48000},
		{"delay", words(0, 2, 2500, 0xffffffff, 1<<16, 5000, 0, 1<<16), 2.5},
		{"delay and priming", words(0, 2, 2500, 0xffffffff, 1<<16, 5000, 4800, 1<<16), 2.4},
		{"wide", words(1<<24, 2, 0, 2500, 0xffffffff, 0xffffffff, 1<<16, 0, 5000, 0, 4800, 1<<16), 2.4},
		{"4 G entries", words(0, 0xffffffff, 2500, 0xffffffff, 1<<16), 0},
		{"cut off", words(0, 1, 5000), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := editShift(tt.elst, 1000, 48000); math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("%g, want %g", got, tt.want)
			}
		})
	}
}

// layTables makes a file of tables, with a megabyte of media behind them, and
// returns where each lies.
func layTables(t *testing.T, tables ...[]byte) (in *input, at []extent) {
	t.Helper()
	file := append(slices.Concat(tables...), make([]byte, 1<<20)...)
	end := int64(0)
	for _, b := range tables {
		at = append(at, extent{end, end + int64(len(b))})
		end += int64(len(b))
	}
	return newInput(t.Context(), bytes.NewReader(file), int64(len(file))), at
}

func TestUncompressedSound(t *testing.T) {
	for _, tt := range []struct {
		name                             string
		size, packetSamples, packetBytes int64
		want                             int64 // bytes in all
	}{
		{"true size", 4, 0, 0, 44100 * 4},
		{"true size and packets", 4, 1, 4, 44100 * 4},
		{"size 1", 1, 1, 4, 44100 * 4},
		{"packets of 64 samples", 1, 64, 68, 10 * 69 * 68},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// QuickTime counts samples of one 44100th of a second each, in chunks of 4410.
			in, at := layTables(t, words(0, 1, 44100, 1), words(0, uint32(tt.size), 44100), words(0, 1, 1, 4410, 1),
				words(0, 10, 0, 1e5, 2e5, 3e5, 4e5, 5e5, 6e5, 7e5, 8e5, 9e5))
			track := &mp4Track{
				Track: Track{Kind: "audio", Codec: "pcm"}, timescale: 44100, times: at[0], sizes: at[1], chunks: at[2], places: at[3],
				packetSamples: tt.packetSamples, packetBytes: tt.packetBytes,
			}
			f := &mp4File{in: in, curve: newCurve(in.size)}
			if err := f.list(track); err != nil {
				t.Fatal(err)
			}
			c := f.curve
			if c.payload != tt.want || math.Abs(c.seconds()-1) > 1e-6 || c.start != 0 || c.end != 9e5+tt.want/10 {
				t.Errorf("%d bytes from %d to %d in %g s, want %d", c.payload, c.start, c.end, c.seconds(), tt.want)
			}
		})
	}
}

func TestSampleSizes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		packed bool
		stsz   []byte
		want   []int64
	}{
		{"32 bits", false, words(0, 0, 3, 7, 70000, 9), []int64{7, 70000, 9}},
		{"all equal", false, words(0, 5, 3), []int64{5, 5, 5}},
		{"16 bits", true, words(0, 16, 2, 7<<16|9), []int64{7, 9}},
		{"8 bits", true, words(0, 8, 4, 0x01020304), []int64{1, 2, 3, 4}},
		{"4 bits", true, words(0, 4, 5, 0x12345000), []int64{1, 2, 3, 4, 5}},
		{"no table", false, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, at := layTables(t, tt.stsz)
			var s sizeTable
			if err := s.begin(in, &mp4Track{packed: tt.packed, sizes: at[0]}); err != nil {
				t.Fatal(err)
			}
			var got []int64
			for range s.count {
				got = append(got, s.next())
			}
			if !slices.Equal(got, tt.want) || s.err != nil {
				t.Errorf("%v, want %v; error %v", got, tt.want, s.err)
			}
		})
	}
}

func TestTimesAndChunks(t *testing.T) {
	in, at := layTables(t, words(0, 3, 2, 10, 0, 99, 1, 0xffffffff), words(0, 3, 1, 5, 1, 2, 4, 1, 4, 1, 1), words(0, 5, 10, 20, 30, 40, 50))
	var times timeTable
	if err := times.begin(in, at[0], 5); err != nil {
		t.Fatal(err)
	}
	var lengths []int64
	for range 5 {
		lengths = append(lengths, times.advance(1))
	}
	if want := []int64{10, 10, 0, 0, 0}; !slices.Equal(lengths, want) {
		t.Errorf("lengths %v, want %v", lengths, want)
	}
	var chunks chunkTable
	if err := chunks.begin(in, &mp4Track{chunks: at[1], places: at[2]}); err != nil {
		t.Fatal(err)
	}
	var places, counts []int64
	for range 6 {
		at, n, err := chunks.next()
		if err != nil {
			t.Fatal(err)
		}
		places, counts = append(places, at), append(counts, n)
	}
	if want := []int64{5, 4, 4, 1, 1, -1}; !slices.Equal(counts, want) {
		t.Errorf("samples %v, want %v", counts, want)
	}
	if want := []int64{10, 20, 30, 40, 50, 0}; !slices.Equal(places, want) {
		t.Errorf("places %v, want %v", places, want)
	}
}

// TestTable reads a table that is larger than its window, and one whose reads
// fail in the middle.
func TestTable(t *testing.T) {
	data := make([]byte, 3*tableWindow+24)
	for i := range len(data) / 12 {
		binary.BigEndian.PutUint32(data[i*12:], uint32(i))
	}
	in, at := layTables(t, data)
	var rows table
	for _, tt := range []struct {
		name string
		left int64 // that may be read
		want int
	}{{"whole", 1 << 30, len(data) / 12}, {"fails", tableWindow, tableWindow / 12}} {
		t.Run(tt.name, func(t *testing.T) {
			in.left = tt.left
			rows.open(in, at[0])
			n := 0
			for b := rows.next(12); b != nil; b = rows.next(12) {
				if binary.BigEndian.Uint32(b) != uint32(n) {
					t.Fatalf("entry %d is %v", n, b)
				}
				n++
			}
			if n != tt.want || (rows.err != nil) != (n < len(data)/12) || cap(rows.buf) > tableWindow {
				t.Errorf("%d entries, want %d; error %v, %d bytes of memory", n, tt.want, rows.err, cap(rows.buf))
			}
		})
	}
}

func TestFLACNumber(t *testing.T) {
	for _, r := range []rune{0, 127, 128, 2047, 2048, 65535, 65536, 0x10ffff} {
		s := string(r) + "\x00\x00\x00\x00\x00\x00"
		if r >= 0xd800 && r <= 0xdfff {
			continue
		}
		if got, n := flacNumber([]byte(s)); got != int64(r) || n != len(string(r)) {
			t.Errorf("%d: %d in %d bytes", r, got, n)
		}
	}
}

func TestDescriptorCodec(t *testing.T) {
	for name, tt := range map[string]struct {
		esds []byte
		want string
	}{
		"aac":          {[]byte{0, 0, 0, 0, 3, 25, 0, 1, 0, 4, 17, 0x40, 0x15}, "aac"},
		"long lengths": {[]byte{0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 25, 0, 1, 0, 4, 0x80, 0x80, 0x80, 17, 0x6b}, "mp3"},
		"with url":     {[]byte{0, 0, 0, 0, 3, 25, 0, 1, 0x40, 2, 'a', 'b', 4, 17, 0x20}, "mpeg4"},
		"cut off":      {[]byte{0, 0, 0, 0, 3, 25, 0}, ""},
		"empty":        {nil, ""},
	} {
		if got := descriptorCodec(tt.esds); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
