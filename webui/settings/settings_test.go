package settings_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"mustserv/webui/settings"
)

type sample struct {
	Box  []box `toml:"box"`
	Room struct {
		Doors int           `toml:"doors"`
		Open  time.Duration `toml:"open"`
		Names []string      `toml:"names"`
	} `toml:"room"`
}

type box struct {
	Name string `toml:"name"`
	Wide bool   `toml:"wide"`
}

const manual settings.Manual = `
[room]
doors = 2     # at least one
# open = "90s"

[[box]]
name = "shoes"
`

func (s sample) validate() (all []settings.Mistake) {
	for i, b := range s.Box {
		if b.Name == "" {
			all = append(all, settings.Mistake{Key: fmt.Sprintf("box[%d].name", i), Text: "name is missing"})
		}
	}
	if s.Room.Doors < 1 {
		all = append(all, settings.Mistake{Key: "room.doors", Text: "doors must be 1 or more"})
	}
	return all
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"all of it", "[room]\ndoors = 3\nopen = '1h'\nnames = ['a']\n[[box]]\nname = 'b'\nwide = true\n", nil},
		{"an unknown key", "[room]\ndors = 3\n", []string{`2:1: unknown key "dors" in [room], did you mean "doors"; for example: doors = 2`}},
		{"an unknown key like none", "chimney = 3\n", []string{`1:1: unknown key "chimney"; known are box, room`}},
		{"wrong types", "[room]\ndoors = 'two'\nopen = 90\nnames = 1\n", []string{
			`2:1: doors must be a whole number; for example: doors = 2`,
			`3:1: open must be a time with its unit, as "90s", "15m" or "6h"; for example: open = "90s"`,
			`4:1: names must be a list, as ["a", "b"]`,
		}},
		{"a value that is not allowed", "[room]\n\ndoors = 0\n", []string{`3:1: doors must be 1 or more; for example: doors = 2`}},
		{"the second block", "[[box]]\nname = 'a'\n[[box]]\nwide = 1\n", []string{
			`3:3: name is missing; for example: name = "shoes"`,
			`4:1: wide must be true or false`,
		}},
		{"a table instead of blocks", "[box]\nname = 'a'\n", []string{`1:2: "box" must be blocks that begin with [[box]]`}},
		{"lines that can't be read, and one that can", "[room]\ndoors = \nopen = 1x\nwindows = 1\n", []string{
			`2:9: expected value but found '\n' instead`,
			`3:9: expected a top-level item to end with a newline, comment, or EOF, but got 'x' instead`,
			`4:1: unknown key "windows" in [room]; known are doors, names, open`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s sample
			s.Room.Doors = 1
			var got []string
			for _, m := range manual.Decode(test.text, &s, func() []settings.Mistake { return s.validate() }) {
				got = append(got, fmt.Sprintf("%d:%d: %s", m.Line, m.Column, m.Text))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}
