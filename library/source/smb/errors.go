package smb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/cloudsoda/go-smb2"

	"mustserv/library/source"
)

// status is what a server says when it can't do something (MS-ERREF 2.3.1).
type status uint32

const (
	invalidHandle      status = 0xC0000008
	accessDenied       status = 0xC0000022
	nameInvalid        status = 0xC0000033
	nameNotFound       status = 0xC0000034
	pathNotFound       status = 0xC000003A
	sharingViolation   status = 0xC0000043
	deletePending      status = 0xC0000056
	noSuchUser         status = 0xC0000064
	wrongPassword      status = 0xC000006A
	logonFailure       status = 0xC000006D
	accountRestriction status = 0xC000006E
	logonHours         status = 0xC000006F
	logonFrom          status = 0xC0000070
	passwordExpired    status = 0xC0000071
	accountDisabled    status = 0xC0000072
	fileIsFolder       status = 0xC00000BA
	nameDeleted        status = 0xC00000C9
	badNetworkName     status = 0xC00000CC
	notFolder          status = 0xC0000103
	nameTooLong        status = 0xC0000106
	fileClosed         status = 0xC0000128
	logonType          status = 0xC000015B
	accountExpired     status = 0xC0000193
	sessionDeleted     status = 0xC0000203
	passwordMustChange status = 0xC0000224
	accountLocked      status = 0xC0000234
	pathNotCovered     status = 0xC0000257
	sessionExpired     status = 0xC000035C
	stoppedOnLink      status = 0x8000002D
)

// meaning returns the error of a source that a status is, with words for who
// runs the server; nil where there is none.
func (s status) meaning() error {
	say := func(kind error, words string) error { return fmt.Errorf("%w (%s)", kind, words) }
	switch s {
	case nameNotFound, pathNotFound, deletePending, notFolder:
		return fs.ErrNotExist
	case stoppedOnLink:
		return say(fs.ErrNotExist, "behind a link")
	case nameInvalid, nameTooLong:
		return say(fs.ErrInvalid, "a name that the server does not take")
	case fileIsFolder:
		return say(fs.ErrInvalid, "a folder")
	case accessDenied:
		return say(fs.ErrPermission, "give this user the right to read it, on the server")
	case sharingViolation:
		return say(fs.ErrPermission, "another program has it open for itself alone")
	case noSuchUser, wrongPassword, logonFailure:
		return say(fs.ErrPermission, "the server does not take this user and password; check both")
	case accountRestriction, logonHours, logonFrom, logonType:
		return say(fs.ErrPermission, "the server does not let this user in over the network; accounts without password often are not")
	case passwordExpired, passwordMustChange, accountExpired:
		return say(fs.ErrPermission, "the account or its password has expired on the server")
	case accountDisabled, accountLocked:
		return say(fs.ErrPermission, "the account is disabled or locked on the server")
	case badNetworkName:
		return fmt.Errorf("the server has no share of this name: %w", source.ErrUnavailable)
	case pathNotCovered:
		return fmt.Errorf("the folder lies on another server (DFS), share it from there: %w", source.ErrUnavailable)
	}
	return nil
}

// statusOf finds the status in an error, 0 where there is none. Of some, the
// library tells only the error of io/fs.
func statusOf(err error) status {
	if re := (*smb2.ResponseError)(nil); errors.As(err, &re) {
		return status(re.Code)
	}
	if errors.Is(err, fs.ErrPermission) {
		return accessDenied
	}
	return 0
}

// isRefused reports whether the server knows us and does not want us.
func isRefused(err error) bool {
	return errors.Is(statusOf(err).meaning(), fs.ErrPermission)
}

// endsSession reports whether an error says that the session is of no more
// use: the connection has broken, or the server knows nothing of it.
func endsSession(err error) bool {
	switch statusOf(err) {
	case invalidHandle, nameDeleted, fileClosed, sessionDeleted, sessionExpired:
		return true
	}
	transport, invalid := (*smb2.TransportError)(nil), (*smb2.InvalidResponseError)(nil)
	return errors.As(err, &transport) || errors.As(err, &invalid)
}

// explain turns the error of a call into one of a source.
func (s *session) explain(err error) error {
	switch {
	case s.isStalled():
		return fmt.Errorf("the server sent nothing for %v: %w", s.conn.patience, source.ErrUnavailable)
	case s.isBroken():
		return fmt.Errorf("the connection has broken (%w): %w", context.Cause(s.ctx), source.ErrUnavailable)
	}
	if meant := statusOf(err).meaning(); meant != nil {
		return meant
	}
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err // the path is said once, and quoted
	}
	return err
}

// explain says why there is no connection. All of the share is unavailable
// then, also where the reason is that we are not let in.
func (l *link) explain(err error) error {
	server := net.JoinHostPort(l.at.host, l.at.port)
	invalid, transport := (*smb2.InvalidResponseError)(nil), (*smb2.TransportError)(nil)
	switch meant := statusOf(err).meaning(); {
	case meant != nil:
		err = meant
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%s did not answer within %v; is it on?", server, l.patience)
	case errors.As(err, &invalid), errors.As(err, &transport):
		err = fmt.Errorf("%s does not take us: it may speak only SMB 1, or want a user and password (%w)", server, err)
	}
	if errors.Is(err, source.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", err, source.ErrUnavailable)
}
