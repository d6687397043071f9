package index

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Limits of what is read from a file that anything may have written to.
const (
	maxLine    = 1 << 20   // bytes
	maxEntries = 1_000_000 // a line each
)

// header is the first line.
func header() string { return "mustserv-index 1 prober " + strconv.Itoa(proberVersion) }

// Open reads the index in file; a missing file is an empty index. The index
// is never nil: an error says what could not be read and was left out, and is
// no reason to stop. Save replaces the file. An empty file name is New.
func Open(file string) (*Index, error) {
	x := New()
	x.file = file
	if file == "" {
		return x, nil
	}
	err := x.load()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return x, err
}

// load adds what is in the file.
func (x *Index) load() error {
	f, err := os.Open(x.file)
	if err != nil {
		return fmt.Errorf("open index: %w; all files are measured again", err)
	}
	defer f.Close()
	if err := x.read(f); err != nil {
		x.changed++ // so that the damage is mended
		return fmt.Errorf("read index %s: %w", x.file, err)
	}
	return nil
}

// Rest lets go of the index if all of it is saved: it takes no memory until it
// is used again, and is then read from its file. It reports whether there was
// anything to let go.
func (x *Index) Rest() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.file == "" || x.changed != x.saved || len(x.records) == 0 { // without any there may be no file
		return false
	}
	x.records = nil
	return true
}

// wake reads the file again after a rest. Called under the lock.
func (x *Index) wake() {
	if x.records != nil {
		return
	}
	x.records = make(map[id]record)
	x.damage = x.load()
}

// takeDamage returns what was wrong with the file, once.
func (x *Index) takeDamage() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.damage
	x.damage = nil
	return err
}

// read adds all whole lines of r and describes what was not taken.
func (x *Index) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	first, err := readLine(lines)
	if err != nil && err != io.EOF {
		return fmt.Errorf("%w; all files are measured again", err)
	}
	if string(first) != header() {
		return fmt.Errorf("it begins with %.40q instead of %q; all files are measured again", first, header())
	}
	damaged, lastShare := 0, ""
	for n := 0; n < maxEntries; n++ {
		line, err := readLine(lines)
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return fmt.Errorf("after %d entries: %w; the other files are measured again", len(x.records), err)
		}
		if err != nil || !x.take(line, &lastShare) {
			damaged++
		}
	}
	if damaged > 0 {
		return fmt.Errorf("%d damaged lines left out; their files are measured again", damaged)
	}
	return nil
}

var errLongLine = errors.New("a line is too long")

// readLine returns the next line without its end; io.EOF if there is none, or
// only one without an end: it was cut off. The bytes are valid until the next
// call. A line that is too long is skipped, with errLongLine.
func readLine(r *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case err == nil && long == nil:
			return part[:len(part)-1], nil
		case err != nil && err != bufio.ErrBufferFull:
			return nil, err
		}
		if long = append(long, part...); len(long) > maxLine {
			return nil, skipLine(r, err)
		}
		if err == nil {
			return long[:len(long)-1], nil
		}
	}
}

// skipLine reads to the end of the line; err is of the read before.
func skipLine(r *bufio.Reader, err error) error {
	for err == bufio.ErrBufferFull {
		_, err = r.ReadSlice('\n')
	}
	if err != nil {
		return err
	}
	return errLongLine
}

// Save writes the index to its file if it was changed since it was opened or
// saved: to a file beside it first, then by a rename, so that the old one
// stays if anything goes wrong. It makes the folder if there is none. Others
// may use the index meanwhile. An error may also be that of a file which was
// found damaged after a rest; it is made up for as Open does.
func (x *Index) Save() error {
	x.saving.Lock()
	defer x.saving.Unlock()
	return errors.Join(x.takeDamage(), x.save())
}

func (x *Index) save() error {
	x.mu.Lock()
	changed := x.changed
	if x.file == "" || changed == x.saved {
		x.mu.Unlock()
		return nil
	}
	type pair struct {
		at id
		r  record
	}
	all := make([]pair, 0, len(x.records))
	for at, r := range x.records {
		all = append(all, pair{at, r})
	}
	x.mu.Unlock()

	err := replace(x.file, func(w *bufio.Writer) error {
		fmt.Fprintln(w, header())
		var line []byte
		for _, p := range all {
			var err error
			if line, err = appendLine(line[:0], p.at, p.r); err != nil {
				return err
			}
			if len(line) <= maxLine { // else it would be refused when read
				w.Write(line)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	x.mu.Lock()
	x.saved = changed
	x.mu.Unlock()
	return nil
}

// replace writes a file by way of another one in the same folder.
func replace(file string, write func(*bufio.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	temporary := file + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(temporary)
		}
	}()
	w := bufio.NewWriterSize(f, 64<<10)
	if err := write(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, file); err != nil {
		return err
	}
	syncFolder(filepath.Dir(file))
	return nil
}

// syncFolder makes the rename last through a power cut where the system can;
// where not, the old index is found again, which does no harm.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
