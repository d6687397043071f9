package library

import "testing"

func TestEpisode(t *testing.T) {
	for path, want := range map[string]Episode{
		"s/Show S01E02 Pilot.mkv":            {"Show", 1, 2},
		"s/the.show.s2e10.720p.mkv":          {"the show", 2, 10},
		"s/Show - 1x02 - Pilot.avi":          {"Show", 1, 2},
		"s/Show_S01_E002.mp4":                {"Show", 1, 2},
		"s/Über uns S01E02.mkv":              {"Über uns", 1, 2},
		"s/Show/S01E02.mkv":                  {"Show", 1, 2},
		"s/Show/Season 3/S03E02.mkv":         {"Show", 3, 2},
		"s/Show/Season 3/02 Pilot.mkv":       {"Show", 3, 2},
		"s/Show/Staffel 03/Der Anfang.mkv":   {"Show", 3, 0},
		"s/Show/S2/Other name 1x05 rest.mkv": {"Other name", 1, 5},
		"s/Film (1999).mkv":                  {},
		"s/1920x1080 test.mkv":               {},
		"s/Series/a.mkv":                     {},
		"s/Se7en.mkv":                        {},
		"s/Apollo 13x.mkv":                   {},
		"Season 1/a.mkv":                     {},
		"s/Show S01E02.mp3":                  {},
	} {
		kind, _ := byExtension(extension(path))
		got, ok := (&Item{Path: path, Kind: kind}).Episode()
		if got != want || ok != (want != Episode{}) {
			t.Errorf("%s is %+v, %v, want %+v", path, got, ok, want)
		}
	}
}

func FuzzEpisode(f *testing.F) {
	f.Add("s/Show S01E02 Pilot.mkv")
	f.Add("s/1x02")
	f.Fuzz(func(t *testing.T, path string) {
		if e, ok := (&Item{Path: path, Kind: Video}).Episode(); ok && (e.Season < 0 || e.Number < 0) {
			t.Errorf("%q is %+v", path, e)
		}
	})
}
