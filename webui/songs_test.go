package webui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mustserv/library"
)

// songsAt asks for songs and returns their titles.
func songsAt(t *testing.T, h *Handler, target string) (titles []string, total int) {
	t.Helper()
	var answer struct {
		Total int
		Songs []songJSON
	}
	w := get(h, "GET", target)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %v: %s", target, w.Code, err, w.Body)
	}
	for _, s := range answer.Songs {
		titles = append(titles, s.Title)
	}
	return titles, answer.Total
}

func TestSongs(t *testing.T) {
	h := testHandler(t, shelved())
	for _, row := range []struct{ name, target, want string }{
		{"a folder, with what is below", "/api/v1/songs/M/", "Second First Third x"},
		{"all", "/api/v1/songs/", "Second First Third x"},
		{"one", "/api/v1/songs/M/2.mp3", "First"},
		{"no film", "/api/v1/songs/V/A%20film.mp4", ""},
		{"films only", "/api/v1/songs/V", ""},
		{"all music in order", "/api/v1/songs", "x First Second Third"},
		{"an artist", "/api/v1/songs?artist=Zo%C3%AB", "First Second Third"},
		{"an album", "/api/v1/songs?artist=Zo%C3%AB&album=Two", "Third"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, _ := songsAt(t, h, row.target); strings.Join(got, " ") != row.want {
				t.Errorf("%s is %q, want %q", row.target, got, row.want)
			}
		})
	}
	for _, target := range []string{"/api/v1/songs/nope", "/api/v1/songs?artist=nope", "/api/v1/songs?artist=Zo%C3%AB&album=nope"} {
		if w := get(h, "GET", target); w.Code != 404 {
			t.Errorf("%s is %d, want 404", target, w.Code)
		}
	}
	mixed, _ := songsAt(t, h, "/api/v1/songs/M?shuffle=1")
	if slices.Sort(mixed); strings.Join(mixed, " ") != "First Second Third x" {
		t.Errorf("shuffled they are %q", mixed)
	}
}

func TestSongsTellAddresses(t *testing.T) {
	body := get(testHandler(t, testRoot()), "GET", "/api/v1/songs/Music/s.mp3").Body.String()
	want := `{"total":1,"songs":[{"title":"A Song","artist":"Zoë","album":"Album","duration":200.5,"type":"audio/mpeg","media":"/media/Music/s.mp3","page":"/watch/Music/s.mp3"}]}`
	if strings.TrimSpace(body) != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
}

func TestSongsAreBoundedAndPlayable(t *testing.T) {
	var all []*library.Item
	for i := range mostSongs + 7 {
		all = append(all, song(fmt.Sprintf("%d.mp3", i), "", ""))
	}
	all[0].Available = false
	h := testHandler(t, folder("", []*library.Folder{folder("S", nil, all...)}))
	if got, total := songsAt(t, h, "/api/v1/songs/S"); len(got) != mostSongs || total != mostSongs+6 || got[0] != "1" {
		t.Errorf("%d songs of %d, the first %q", len(got), total, got[0])
	}
}
