package webui

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"mustserv/webui/settings"
)

// veiled is an Admin that shows the config without the passwords in it. In
// the place of each stands which of them it is, and that is enough to write
// the config again.
type veiled struct{ Admin }

func (v veiled) ReadConfig() (settings.File, error) {
	file, err := v.Admin.ReadConfig()
	file.Text, _ = veil(file.Text)
	return file, err
}

func (v veiled) CheckConfig(text string) []settings.Mistake {
	return v.Admin.CheckConfig(v.unveil(text))
}

// SaveConfig takes the passwords from the file as it is now; if that is
// another one than the hash says, nothing is saved.
func (v veiled) SaveConfig(text, hash string) error {
	return v.Admin.SaveConfig(v.unveil(text), hash)
}

// unveil puts the passwords of the file back into a text.
func (v veiled) unveil(text string) string {
	file, _ := v.Admin.ReadConfig() // of what can't be read no password was shown
	_, hidden := veil(file.Text)
	return regexp.MustCompile(`\*{3}(\d+)\*{3}`).ReplaceAllStringFunc(text, func(mark string) string {
		n, err := strconv.Atoi(strings.Trim(mark, "*"))
		if err != nil || n < 1 || n > len(hidden) {
			return mark
		}
		return hidden[n-1]
	})
}

// veil puts a mark in the place of each password in a config, and returns
// what stood there, without the quotes around it: what follows the key
// password, even where its quotes are missing, and the part of a URL before
// the @. What is in comments may have been in use, and is hidden as well.
func veil(text string) (shown string, hidden []string) {
	secret := regexp.MustCompile(`(?i)(password["']?[ \t]*=[ \t]*)(?:"""((?s:.*?))"""|'''((?s:.*?))'''|"((?:\\.|[^"\\\n])*)"?|'([^'\n]*)'?|([^\s"'#,}\]][^\s#,}\]]*))` +
		`|://[^:@/"'\n]*:([^"'\n]*)@`)
	var b strings.Builder
	end := 0
	for _, at := range secret.FindAllStringSubmatchIndex(text, -1) {
		for i := 4; i < len(at); i += 2 { // the groups but the first
			if at[i] < at[i+1] {
				hidden = append(hidden, text[at[i]:at[i+1]])
				fmt.Fprintf(&b, "%s***%d***", text[end:at[i]], len(hidden))
				end = at[i+1]
			}
		}
	}
	return b.String() + text[end:], hidden
}
