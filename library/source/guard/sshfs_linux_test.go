package guard

import (
	"testing"

	"mustserv/library/source"
	"mustserv/library/source/local"
	"mustserv/library/source/sourcetest"
)

// A network folder that is really mounted passes, and really hangs.
func TestContractOfMount(t *testing.T) {
	mounts := make(map[source.Source]*sourcetest.Mount)
	sourcetest.Run(t, sourcetest.Setup{
		Open: func(t *testing.T, dir string) source.Source {
			m := sourcetest.Mounted(t, dir)
			folder, err := local.Open(m.Dir)
			if err != nil {
				t.Fatal(err)
			}
			g := Wrap(folder, Options{}) // a busy computer may well take a second for a call
			mounts[g] = m
			return g
		},
		Hang: func(t *testing.T, src source.Source) (resume func()) { return mounts[src].Hang() },
		Many: 2_000,
	})
}
