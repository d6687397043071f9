package library

import (
	"os"
	"sync"

	"mustserv/library/source"
)

// crowd is the open files of a share's folder that many streams are sent
// from, one for all that have the same content: each costs a descriptor and
// 300 bytes.
type crowd struct {
	mu    sync.Mutex
	files map[content]*os.File
	users map[*os.File]member
}

// content is what is read: a path of the library, as it was at some time.
type content struct {
	path  string
	state state
}

// member is an open file of a crowd.
type member struct {
	of    content
	users int
}

// join returns the open file with a content, which is own where there is none
// yet. Else own is closed. Who joins leaves.
func (c *crowd) join(of content, own *os.File) *os.File {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil {
		c.files, c.users = make(map[content]*os.File), make(map[*os.File]member)
	}
	file, ok := c.files[of]
	if !ok {
		file = own
		c.files[of] = own
	} else if file != own {
		own.Close()
	}
	c.users[file] = member{of, c.users[file].users + 1}
	return file
}

// leave reports whether others go on with a file that one does not need any
// more. If not, it is to be closed.
func (c *crowd) leave(f source.File) bool {
	file, ok := f.(*os.File)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.users[file]
	if m.users > 1 {
		c.users[file] = member{m.of, m.users - 1}
		return true
	}
	c.forget(file)
	delete(c.users, file)
	return false
}

// avoid keeps others from joining a file that can't be read.
func (c *crowd) avoid(f source.File) {
	if file, ok := f.(*os.File); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.forget(file)
	}
}

func (c *crowd) forget(file *os.File) {
	if of := c.users[file].of; c.files[of] == file {
		delete(c.files, of)
	}
}
