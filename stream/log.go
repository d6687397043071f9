package stream

import (
	"fmt"
	"os"
)

// OpenLog opens the access log that the config names, to write on at its end.
// It is nil if the config names none.
func OpenLog(c Config) (*os.File, error) {
	if c.AccessLog == "" {
		return nil, nil
	}
	f, err := os.OpenFile(c.AccessLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open the access log: %w; [stream] access_log names it", err)
	}
	return f, nil
}
