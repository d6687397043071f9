package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTagsOfAllContainers reads what ffmpeg writes into songs, under names that
// each container has its own of.
func TestTagsOfAllContainers(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	type tags struct {
		Title, Artist, Album string
		AlbumArtist          string `json:"album_artist"`
		Year, Disc, Number   int
	}
	all := tags{"Une chanson d'été", "Zoë Marin", "Sampler", "Many", 1999, 2, 5}
	plain := all
	plain.AlbumArtist, plain.Disc = "", 0 // which RIFF has no names for
	for ending, want := range map[string]tags{"mp3": all, "m4a": all, "flac": all, "ogg": all, "opus": all, "wma": all, "mka": all, "wav": plain} {
		t.Run(ending, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "song."+ending)
			args := []string{"-v", "error", "-f", "lavfi", "-i", "sine=d=2:r=48000"}
			switch ending {
			case "ogg":
				args = append(args, "-c:a", "libvorbis")
			case "opus":
				args = append(args, "-c:a", "libopus")
			}
			for _, tag := range []string{"title=" + all.Title, "artist=" + all.Artist, "album=" + all.Album, "album_artist=" + all.AlbumArtist, "date=1999", "disc=2/3", "track=5/9"} {
				args = append(args, "-metadata", tag)
			}
			if out, err := exec.Command("ffmpeg", append(args, file)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			out, err := mustserv(t, "probe", "-json", file).Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			var got tags
			if err := json.Unmarshal(out, &got); err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}
