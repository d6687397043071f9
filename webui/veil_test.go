package webui

import (
	"strings"
	"testing"
)

func TestVeil(t *testing.T) {
	for _, row := range []struct{ name, text, shown string }{
		{"nothing", "[stream]\nlisten = \":1\"\n", "[stream]\nlisten = \":1\"\n"},
		{"quoted", `password = "hunter2" # mine`, `password = "***1***" # mine`},
		{"with quotes in it", `password = "hunt\"er2"`, `password = "***1***"`},
		{"literal", `password='hunter2"'`, `password='***1***'`},
		{"of several lines", "password = \"\"\"\nhunt\"er2\n\"\"\"\n", "password = \"\"\"***1***\"\"\"\n"},
		{"literal, of several lines", "password = '''hunt'er2'''", "password = '''***1***'''"},
		{"quoted key", `"password" = "hunter2"`, `"password" = "***1***"`},
		{"in a table of one line", `share = [{name = "a", password = "hunter2"}, {password = 'hunter2'}]`, `share = [{name = "a", password = "***1***"}, {password = '***2***'}]`},
		{"without quotes", "password = hunter2\nuser = 1", "password = ***1***\nuser = 1"},
		{"without the last quote", "password = \"hunter2\nuser = 1", "password = \"***1***\nuser = 1"},
		{"number", "password = 12345", "password = ***1***"},
		{"empty", `password = ""`, `password = ""`},
		{"in a comment", `# password = "hunter2"`, `# password = "***1***"`},
		{"file", `password_file = "/etc/nas"`, `password_file = "/etc/nas"`},
		{"URL", `url = "smb://ann:hunter2@nas/films"`, `url = "smb://ann:***1***@nas/films"`},
		{"URL with more than there should be", `url = "smb://ann:hunter2/@#@nas/films"`, `url = "smb://ann:***1***@nas/films"`},
		{"URL without quotes", `url = smb://ann:hunter2@nas/films`, `url = smb://ann:***1***@nas/films`},
		{"guest", `url = "smb://guest@nas:445/films"`, `url = "smb://guest@nas:445/films"`},
		{"no user", `url = "smb://nas:445/fi@ms"`, `url = "smb://nas:***1***@ms"`},
		{"both", "url = \"smb://ann:hunter2@nas\"\npassword = \"hunter2\"\n", "url = \"smb://ann:***1***@nas\"\npassword = \"***2***\"\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			shown, _ := veil(row.text)
			if shown != row.shown {
				t.Errorf("shown as %q, want %q", shown, row.shown)
			}
			if back := (veiled{&fakeDesk{text: row.text}}).unveil(shown); back != row.text {
				t.Errorf("comes back as %q", back)
			}
		})
	}
}

// What the editor sends back may have been changed in any way.
func TestUnveil(t *testing.T) {
	d := veiled{&fakeDesk{text: "password = \"one\"\npassword = \"two\"\n"}}
	for text, want := range map[string]string{
		"password = \"***2***\"\npassword = \"***1***\"\n": "password = \"two\"\npassword = \"one\"\n",
		"***1******1***": "oneone",
		"***0*** ***3*** ***99999999999999999999***": "***0*** ***3*** ***99999999999999999999***",
		"password = \"new\"":                         "password = \"new\"",
	} {
		if got := d.unveil(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func FuzzVeil(f *testing.F) {
	f.Add("password = \"hunter2\"\n[stream]\nurl = 'smb://a:b@c'")
	f.Add("password = '''\n''' password = \"\"\"")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "***") { // may be a mark
			return
		}
		shown, _ := veil(text)
		if back := (veiled{&fakeDesk{text: text}}).unveil(shown); back != text {
			t.Errorf("%q is shown as %q and comes back as %q", text, shown, back)
		}
	})
}
