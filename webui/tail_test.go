package webui

import (
	"fmt"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var tail Tail
	if got := tail.Lines(); len(got) != 0 {
		t.Errorf("at first there is %q", got)
	}
	for i := range 2 * tailLines {
		fmt.Fprintf(&tail, "line %d\n", i)
	}
	fmt.Fprintf(&tail, "two\nlines%s\n", strings.Repeat("x", 2*tailWidth))
	got := tail.Lines()
	if len(got) != tailLines || got[0] != fmt.Sprintf("line %d", tailLines+2) || got[tailLines-2] != "two" || len(got[tailLines-1]) != tailWidth {
		t.Errorf("%d lines, from %q to %.20q", len(got), got[0], got[len(got)-1])
	}
}
