package settings

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrOvertaken says that somebody else has saved the config meanwhile.
var ErrOvertaken = errors.New("the config was changed by somebody else meanwhile")

// File is a config as it lies on the disk. The hash tells one text from
// another; it is empty where there is no file yet.
type File struct{ Name, Text, Hash string }

// ReadFile reads a config file.
func ReadFile(name string) (File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return File{}, fmt.Errorf("read the config: %w", err)
	}
	return File{Name: name, Text: string(text), Hash: fmt.Sprintf("%x", sha256.Sum256(text))}, nil
}

// Replace writes a text beside the file, applies it, and only then puts it in
// the place of the file, which stays as it was on any error and is kept beside
// as NAME~. A link stays one. Where the new text can't take its place although
// it was applied, undo is called.
func (f File) Replace(text string, apply, undo func() error) error {
	file, mode := f.Name, fs.FileMode(0o600)
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make a folder for the config: %w", err)
	}
	next := file + ".new"
	if err := writeFile(next, text, mode); err != nil {
		return errors.Join(fmt.Errorf("write the config: %w", err), os.Remove(next))
	}
	if f.Hash != "" {
		if err := writeFile(file+"~", f.Text, mode); err != nil {
			return errors.Join(fmt.Errorf("keep the config before: %w", err), os.Remove(next))
		}
	}
	if err := apply(); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, file); err != nil {
		return errors.Join(fmt.Errorf("save the config: %w", err), undo())
	}
	return nil
}

// writeFile makes or replaces a file, and sees to it that it is on the disk.
func writeFile(name, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}
