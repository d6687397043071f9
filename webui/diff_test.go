package webui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	numbers := func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, "%d\n", i)
		}
		return s.String()
	}
	for _, row := range []struct{ name, before, after, want string }{
		{"same", "a\nb\n", "a\nb\n", ""},
		{"same but for the ends of lines", "a\r\nb", "a\nb\n", ""},
		{"first text", "", "a\n", "-|+a"},
		{"changed", "a\nb\nc\n", "a\nx\nc\n", " a|-b|+x| c"},
		{"added", "a\nb\n", "a\nx\nb\n", " a|+x| b"},
		{"gone", "a\nb\nc\n", "a\nc\n", " a|-b| c"},
		{"moved", "a\nb\n", "b\na\n", "-a| b|+a"},
		{"far apart", numbers(30), "x\n" + numbers(30) + "y\n", "+x| 0| 1| 2|| 27| 28| 29|+y"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, c := range diff(row.before, row.after) {
				got = append(got, c.Sign+c.Text)
			}
			if strings.Join(got, "|") != row.want {
				t.Errorf("%q, want %q", strings.Join(got, "|"), row.want)
			}
		})
	}
	if got := diff(numbers(5000), strings.ReplaceAll(numbers(5000), "\n", "x\n")); len(got) != 10000 {
		t.Errorf("of two long texts with nothing in common %d lines are shown", len(got))
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("a\nb\n", "b\nc\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		a, b := lines(before), lines(after)
		for _, c := range middle(a, b) { // applying it makes one of the other
			switch {
			case c.Sign != "+" && (len(a) == 0 || a[0] != c.Text), c.Sign != "-" && (len(b) == 0 || b[0] != c.Text):
				t.Fatalf("%+v does not fit %q and %q", c, a, b)
			}
			if c.Sign != "+" {
				a = a[1:]
			}
			if c.Sign != "-" {
				b = b[1:]
			}
		}
		if len(a)+len(b) > 0 {
			t.Errorf("left over: %q %q", a, b)
		}
		if slices.Equal(lines(before), lines(after)) && len(diff(before, after)) > 0 {
			t.Error("equal texts differ")
		}
	})
}
