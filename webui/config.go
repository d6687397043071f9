package webui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is the [webui] table.
type Config struct {
	Title    string `toml:"title"`    // what the pages call this library; 1 to 200 bytes
	Language string `toml:"language"` // one of Languages, or empty for what each browser prefers
}

// DefaultConfig returns the config of a file that says nothing.
func DefaultConfig() Config { return Config{Title: "MuStServ"} }

const longestTitle = 200 // bytes

// Validate says what is wrong with the config, one error a line, each
// beginning with its key; nil if nothing is.
func (c Config) Validate() error {
	var errs []error
	if strings.TrimSpace(c.Title) == "" {
		errs = append(errs, fmt.Errorf("title = %q: must not be empty", c.Title))
	}
	if len(c.Title) > longestTitle {
		errs = append(errs, fmt.Errorf("title is %d bytes long: must be at most %d", len(c.Title), longestTitle))
	}
	if c.Language != "" && !slices.Contains(Languages(), c.Language) {
		errs = append(errs, fmt.Errorf("language = %q: must be one of %s, or \"\" for what each browser prefers", c.Language, wordList(Languages())))
	}
	return errors.Join(errs...)
}
