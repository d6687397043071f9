package probe

import "testing"

func BenchmarkSumOfFilm(b *testing.B) {
	c := measure(film(7, 3*3600, 0.5, 400e3))
	for b.Loop() {
		if _, err := c.sum(true); err != nil {
			b.Fatal(err)
		}
	}
}
