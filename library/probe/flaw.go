package probe

import (
	"errors"
	"fmt"
)

// flaw is something wrong with the content of a file, as opposed to a failed
// read.
type flaw string

// Error says what is wrong.
func (f flaw) Error() string { return string(f) }

// flawf returns a flaw.
func flawf(format string, args ...any) error { return flaw(fmt.Sprintf(format, args...)) }

// isFlaw reports whether err is about the content of the file.
func isFlaw(err error) bool {
	_, ok := errors.AsType[flaw](err)
	return ok
}
