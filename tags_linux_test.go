package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// songTags are those of a song that have a name of its own in each container.
type songTags struct {
	Title, Artist, Album string
	AlbumArtist          string `json:"album_artist"`
	Year, Disc, Number   int
}

// TestTagsOfAllContainers reads what ffmpeg writes into songs.
func TestTagsOfAllContainers(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	all := songTags{"Une chanson d'été", "Zoë Marin", "Sampler", "Many", 1999, 2, 5}
	plain, ofMany := all, all
	plain.AlbumArtist, plain.Disc = "", 0 // which RIFF has no names for
	ofMany.AlbumArtist = "Various Artists"
	named, marked := "album_artist="+all.AlbumArtist, "compilation=1"
	for _, row := range []struct {
		ending, whose string
		want          songTags
	}{
		{"mp3", named, all}, {"m4a", named, all}, {"flac", named, all}, {"ogg", named, all}, {"opus", named, all}, {"wma", named, all}, {"mka", named, all},
		{"wav", named, plain},
		// into MP3 ffmpeg writes no mark that others know
		{"m4a", marked, ofMany}, {"flac", marked, ofMany}, {"ogg", marked, ofMany}, {"opus", marked, ofMany}, {"wma", marked, ofMany}, {"mka", marked, ofMany},
	} {
		t.Run(row.ending+", "+row.whose, func(t *testing.T) {
			got := tagged(t, row.ending, "title="+all.Title, "artist="+all.Artist, "album="+all.Album, row.whose, "date=1999", "disc=2/3", "track=5/9")
			if got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
}

// tagged returns what a probe finds in a song that ffmpeg has written tags into.
func tagged(t *testing.T, ending string, tags ...string) (got songTags) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "song."+ending)
	args := []string{"-v", "error", "-f", "lavfi", "-i", "sine=d=2:r=48000"}
	switch ending {
	case "ogg":
		args = append(args, "-c:a", "libvorbis")
	case "opus":
		args = append(args, "-c:a", "libopus")
	}
	for _, tag := range tags {
		args = append(args, "-metadata", tag)
	}
	if out, err := exec.Command("ffmpeg", append(args, file)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := mustserv(t, "probe", "-json", file).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}
