package resume

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const mostFile = 4 << 20 // bytes: more than Most places of the longest paths take

// contents is a file. Names and paths are any bytes, which JSON text can't
// hold.
type contents struct {
	User   []byte  `json:"user"`
	Places []entry `json:"places"`
}

type entry struct {
	Path     []byte    `json:"path"`
	At       float64   `json:"at"`
	Duration float64   `json:"duration"`
	When     time.Time `json:"when"`
}

// file returns the name of a user's file, which does not depend on what the
// file system takes for a name.
func (s *Store) file(user string) string {
	return filepath.Join(s.dir, fmt.Sprintf("%x.json", sha256.Sum256([]byte(user))))
}

// read returns what a file holds; nothing if there is none.
func read(name, user string) ([]Place, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostFile))
	if err != nil {
		return nil, err
	}
	return parse(text, user)
}

func parse(text []byte, user string) ([]Place, error) {
	var c contents
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read what a user has seen: %w", err)
	}
	if string(c.User) != user {
		return nil, fmt.Errorf("read what a user has seen: it is another one's")
	}
	places := make([]Place, 0, min(len(c.Places), Most))
	for _, e := range c.Places {
		places = append(places, Place{string(e.Path), e.At, e.Duration, e.When})
	}
	return places, nil
}

// write replaces a file as a whole: at no time is there a part of one.
func write(name, user string, places []Place) error {
	c := contents{User: []byte(user), Places: make([]entry, 0, len(places))}
	for _, p := range places {
		c.Places = append(c.Places, entry{[]byte(p.Path), p.At, p.Duration, p.When})
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "new")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // no longer there if all went well
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
