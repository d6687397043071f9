package index

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"mustserv/library/probe"
	"mustserv/ratelimit"
)

func fullEntry() Entry {
	return Entry{Kind: "video", Info: &probe.Info{
		Container: "mp4", Duration: 5400.25, Title: "Été \"1\"", Parts: []string{"seg*.ts"},
		Tracks: []probe.Track{{Kind: "video", Codec: "h264", Width: 1280, Height: 720}},
		Cover:  &probe.Cover{MIME: "image/png", Offset: 7, Size: 9},
		Curve: probe.Curve{
			Average: 1087001, Peak: 3120003, Lead: 5, Header: 6, Trailer: 7, Exact: true,
			Rates: []probe.BurstRate{{Burst: 1 << 20, Rate: 1490001}, {Burst: 2 << 20, Rate: 1234567}},
		},
	}}
}

func TestExchangeLosesNothing(t *testing.T) {
	for _, e := range []Entry{{}, {Problem: "not measured: it is odd"}, {Kind: "playlist"}, fullEntry()} {
		text, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(text); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s becomes %+v, %v", text, got, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	full, err := Encode(fullEntry())
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Replace(full, []byte(header()), []byte("mustserv-index 1 prober 0"), 1)
	if _, err := Decode(other); !errors.Is(err, ErrVersion) {
		t.Errorf("another version answers %v", err)
	}
	if _, err := Decode([]byte("{}")); !errors.Is(err, ErrVersion) {
		t.Errorf("no version answers %v", err)
	}
	for _, row := range [][2]string{
		{`"average":1087001`, `"average":-1`}, {`"peak":3120003`, `"peak":-1`}, {`"header":6`, `"header":-1`},
		{`1490001`, `-1`}, {`5400.25`, `-5`}, {`5400.25`, `1e400`}, {`"offset":7`, `"offset":-7`}, {`"size":9`, `"size":-9`},
		{`"lead":5`, `"lead":"x"`}, {`}`, ``}, {`"mp4"`, `"` + strings.Repeat("x", maxLine) + `"`},
	} {
		text := bytes.Replace(full, []byte(row[0]), []byte(row[1]), 1)
		if bytes.Equal(text, full) {
			t.Fatalf("%s is not in %s", row[0], full)
		}
		if got, err := Decode(text); err == nil {
			t.Errorf("%.60s is taken for %+v", row[1], got)
		}
	}
	if _, err := Encode(Entry{Info: &probe.Info{Duration: math.NaN()}}); err == nil {
		t.Error("a number that JSON has not is encoded")
	}
}

func FuzzDecode(f *testing.F) {
	text, err := Encode(fullEntry())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Encode(e)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if e.Info != nil {
			e.Info.Curve.Spec(ratelimit.Policy{})
		}
		if got, err := Decode(again); err != nil {
			t.Errorf("%+v, then %v", got, err)
		}
	})
}
