package library

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestNaturalOrder(t *testing.T) {
	want := []string{
		"", " x", "-", "0", "00", "1", "01", "2 Fast", "10 Things", "99999999999999999999998", "99999999999999999999999",
		"A", "a", "a1", "a01", "a1b", "a2", "A10", "a10", "B", "b", "Track 2.mp3", "track 2.mp3", "Track 10.mp3", "Track 10b.mp3",
		"z", "cafe\u0301", "é", "É.b", "日", "\xfe", "\xff", "\xff2", "\xff10",
	}
	slices.SortFunc(want, CompareNames)
	for _, pair := range [][2]string{
		{"Track 2", "Track 10"}, {"track 2", "Track 10"}, {"Track 2", "track 10"}, {"a", "B"}, {"A", "b"}, {"1", "01"[1:] + "0"},
		{"S1E9", "S1E10"}, {"S1E10", "S2E1"}, {"a", "a1"}, {"é", "Éz"}, {"9", "a"}, {"film 1 part 2", "film 1 part 11"},
	} {
		if CompareNames(pair[0], pair[1]) >= 0 {
			t.Errorf("%q does not come before %q", pair[0], pair[1])
		}
	}
	for range 20 {
		mixed := slices.Clone(want)
		rand.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		slices.SortFunc(mixed, CompareNames)
		if !slices.Equal(mixed, want) {
			t.Fatalf("the order depends on the order before: %q and %q", mixed, want)
		}
	}
}

func FuzzCompareNames(f *testing.F) {
	f.Add("a1", "a01", "A1")
	f.Add("1", "01", "001x")
	f.Add("\xff", "\xfe", "é")
	f.Add("a1b", "a01", "a1")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if x, y := CompareNames(a, b), CompareNames(b, a); x != -y {
			t.Fatalf("%q, %q: %d one way, %d the other", a, b, x, y)
		}
		if (CompareNames(a, b) == 0) != (a == b) {
			t.Fatalf("%q and %q count as equal", a, b)
		}
		if CompareNames(a, b) < 0 && CompareNames(b, c) < 0 && CompareNames(a, c) >= 0 {
			t.Fatalf("%q < %q < %q, but not the first than the last", a, b, c)
		}
	})
}
