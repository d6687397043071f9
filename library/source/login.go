package source

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
)

const passwordMax = 4096 // bytes of a file with a password

// Login is how a file server lets us in, as a config says it beside the URL.
type Login struct {
	User         string `toml:"user"`
	Password     Secret `toml:"password"`
	PasswordFile string `toml:"password_file"`
	PasswordEnv  string `toml:"password_env"`
	CAFile       string `toml:"ca_file"`
}

// Keys returns the keys that are set, as the config names them.
func (l Login) Keys() (set []string) {
	for _, k := range []struct{ key, value string }{
		{"user", l.User}, {"password", l.Password.Reveal()}, {"password_file", l.PasswordFile},
		{"password_env", l.PasswordEnv}, {"ca_file", l.CAFile},
	} {
		if k.value != "" {
			set = append(set, k.key)
		}
	}
	return set
}

// AddTo adds what the keys say to what the URL did. Its error has one for each
// mistake, which begins with the key; none shows a password.
func (l Login) AddTo(a *Access) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if l.User != "" && a.User != "" {
		wrong("user is in the url already")
	}
	a.User, a.CA = cmp.Or(a.User, l.User), l.CAFile
	known := a.Password != ""
	for _, w := range l.ways() {
		password, err := w.read()
		if err != nil {
			wrong("%s %w", w.key, err)
		}
		if known {
			wrong("%s is one password too many: one of url, password, password_file and password_env has it", w.key)
		}
		a.Password, known = password, true
	}
	if known && a.User == "" {
		wrong("user is missing: whose password is it")
	}
	if l.CAFile != "" {
		if _, err := os.Stat(l.CAFile); err != nil {
			wrong("ca_file can't be read: %w", err)
		}
	}
	return errors.Join(errs...)
}

// way is a key that leads to a password.
type way struct {
	key  string
	read func() (Secret, error)
}

func (l Login) ways() (set []way) {
	if l.Password != "" {
		set = append(set, way{"password", func() (Secret, error) { return l.Password, nil }})
	}
	if l.PasswordFile != "" {
		set = append(set, way{"password_file", func() (Secret, error) { return readPassword(l.PasswordFile) }})
	}
	if l.PasswordEnv != "" {
		set = append(set, way{"password_env", func() (Secret, error) { return lookUpPassword(l.PasswordEnv) }})
	}
	return set
}

// lookUpPassword does not tell which variable is not set: somebody may have
// written the password itself.
func lookUpPassword(name string) (Secret, error) {
	password, ok := os.LookupEnv(name)
	if !ok {
		return "", errors.New("names an environment variable that is not set")
	}
	return Secret(password), nil
}

// readPassword reads a file with nothing but a password in it, and perhaps
// the end of the line.
func readPassword(name string) (Secret, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return "", fmt.Errorf("can't be read: %w", err)
	case !info.Mode().IsRegular() || info.Size() > passwordMax:
		return "", fmt.Errorf("can't be read: %s is no file with a password", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("can't be read: %w", err)
	}
	return Secret(strings.TrimRight(string(text), "\r\n")), nil
}
