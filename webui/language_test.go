package webui

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"golang.org/x/net/html"
)

// textsOfCode returns the texts that the Go files say.
func textsOfCode(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for m := time.January; m <= time.December; m++ {
		found[m.String()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				name := fmt.Sprint(call.Fun)
				if method, ok := call.Fun.(*ast.SelectorExpr); ok {
					name = method.Sel.Name
				}
				var args []string
				for _, a := range call.Args {
					if l, ok := a.(*ast.BasicLit); ok && l.Kind == token.STRING {
						text, _ := strconv.Unquote(l.Value)
						args = append(args, text)
					}
				}
				addText(found, name, args)
			}
			return true
		})
	}
	return found
}

// addText adds the text of a call with these literal arguments.
func addText(found map[string]bool, name string, args []string) {
	switch {
	case slices.Contains([]string{"say", "text", "t"}, name) && len(args) > 0:
		found[args[0]] = true
	case slices.Contains([]string{"counted", "count", "figure"}, name) && len(args) == 2:
		found[args[0]+"|"+args[1]] = true
	}
}

// textsOfTemplates returns the texts that the templates have.
func textsOfTemplates(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	for name, page := range newPages(statics{}, english()) {
		made, err := page()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, part := range made.Templates() {
			if part.Tree == nil { // the set itself
				continue
			}
			walkCommands(part.Tree.Root, func(c *parse.CommandNode) {
				function, ok := c.Args[0].(*parse.IdentifierNode)
				if !ok {
					return
				}
				var args []string
				for _, a := range c.Args[1:] {
					if s, ok := a.(*parse.StringNode); ok {
						args = append(args, s.Text)
					}
				}
				addText(found, function.Ident, args)
			})
		}
	}
	return found
}

// walkCommands visits every call in a template.
func walkCommands(n parse.Node, visit func(*parse.CommandNode)) {
	pipe := func(p *parse.PipeNode) {
		if p != nil {
			walkCommands(p, visit)
		}
	}
	branch := func(b *parse.BranchNode) {
		pipe(b.Pipe)
		for _, list := range []*parse.ListNode{b.List, b.ElseList} {
			if list != nil {
				walkCommands(list, visit)
			}
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, below := range n.Nodes {
			walkCommands(below, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.ActionNode:
		pipe(n.Pipe)
	case *parse.TemplateNode:
		pipe(n.Pipe)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			walkCommands(c, visit)
		}
	case *parse.CommandNode:
		visit(n)
		for _, a := range n.Args {
			walkCommands(a, visit)
		}
	}
}

// TestCatalogueIsWhole sees that every text of the pages is there in every
// language, and none that no page has.
func TestCatalogueIsWhole(t *testing.T) {
	wanted := textsOfCode(t)
	maps.Copy(wanted, textsOfTemplates(t))
	if len(wanted) < 150 {
		t.Fatalf("only %d texts were found", len(wanted))
	}
	for _, code := range Languages()[1:] {
		texts := tongues()[code].texts
		for english := range wanted {
			if texts[english] == "" && !sameInAll(english) {
				t.Errorf("%s: %q is missing", code, english)
			}
		}
		for english, text := range texts {
			if !wanted[english] {
				t.Errorf("%s: no page has %q", code, english)
			}
			if !slices.Equal(verbs(english), verbs(text)) || strings.Count(english, "|") != strings.Count(text, "|") {
				t.Errorf("%s: %q can't be said as %q", code, english, text)
			}
		}
	}
}

// sameInAll reports whether a text has no words.
func sameInAll(text string) bool {
	return !regexp.MustCompile(`\pL`).MatchString(regexp.MustCompile(`%[sd]`).ReplaceAllString(text, ""))
}

// verbs are what stands for something else in a text, in their order.
func verbs(text string) []string {
	return regexp.MustCompile(`%(\[\d\])?[0-9]*[sd%]`).FindAllString(text, -1)
}

// TestTemplatesHoldNoTexts reads the templates without what is in braces: no
// words are left that a page would show in English whatever the language.
func TestTemplatesHoldNoTexts(t *testing.T) {
	names := []string{"MuStServ", "JSON", "K", "F", "C", "J L", "M", "P N"} // of things and keys
	files, err := templateFiles.ReadDir("templates")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`\pL`)
	for _, f := range files {
		text, err := templateFiles.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		plain := regexp.MustCompile(`(?s)\{\{define "(about|copy)"\}\}.*?\n|</?noscript>|\{\{.*?\}\}`).ReplaceAllString(string(text), "")
		for z := html.NewTokenizer(strings.NewReader(plain)); z.Next() != html.ErrorToken; {
			token := z.Token()
			if said := strings.Trim(token.Data, " \n.,:()←→↑↓⋯?"); token.Type == html.TextToken && word.MatchString(said) && !slices.Contains(names, said) {
				t.Errorf("%s says %q", f.Name(), said)
			}
			for _, a := range token.Attr {
				if slices.Contains([]string{"alt", "title", "placeholder", "aria-label", "data-name", "label"}, a.Key) && word.MatchString(a.Val) && !strings.Contains(a.Val, "/") {
					t.Errorf("%s: %s says %q", f.Name(), a.Key, a.Val)
				}
			}
		}
	}
}

// TestScriptsHoldNoTexts sees that scripts take their words from the page.
func TestScriptsHoldNoTexts(t *testing.T) {
	shown := regexp.MustCompile(`(?:\.(?:textContent|data|innerText|title|alt|ariaLabel) = |createTextNode\(|setAttribute\("(?:aria-label|title|alt|placeholder)", )([^;\n]*)`)
	notOurs := regexp.MustCompile(`getAttribute\([^)]*\)|\$\{[^}]*\}|replace\([^)]*\)`)
	literal := regexp.MustCompile("\"[^\"]*\"|`[^`]*`|'[^']*'")
	word := regexp.MustCompile(`\pL{2}`)
	for name, f := range testHandler(t, testRoot()).static.files {
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, m := range shown.FindAllStringSubmatch(string(f.body), -1) {
			for _, text := range literal.FindAllString(notOurs.ReplaceAllString(m[1], ""), -1) {
				if word.MatchString(text) {
					t.Errorf("%s says %s", name, text)
				}
			}
		}
	}
}

func TestLanguageIsChosen(t *testing.T) {
	for _, row := range []struct{ config, accept, want, vary string }{
		{"", "", "en", "Accept-Language"},
		{"", "de", "de", "Accept-Language"},
		{"", "de-AT,de;q=0.9,en;q=0.8", "de", "Accept-Language"},
		{"", "en-GB,de;q=0.9", "en", "Accept-Language"},
		{"", "fr,de;q=0.1", "de", "Accept-Language"},
		{"", "en;q=0.3, DE;q=0.7", "de", "Accept-Language"},
		{"", "de;q=0, *", "en", "Accept-Language"},
		{"", "x-klingon", "en", "Accept-Language"},
		{"de", "en", "de", ""},
		{"en", "de", "en", ""},
	} {
		o := testOptions(testRoot())
		o.Config = func() Config { return Config{Title: "Ours", Language: row.config} }
		h, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{"/", "/status", "/nope", "/chart/Movies/a.mp4"} {
			w := getWith(h, target, "Accept-Language", row.accept)
			page := w.Body.String()
			if got := w.Header().Get("Content-Language"); got != row.want {
				t.Errorf("%+v: %s is in %q", row, target, got)
			}
			if got := slices.Contains(w.Header().Values("Vary"), "Accept-Language"); got != (row.vary != "") {
				t.Errorf("%+v: %s varies by %v", row, target, w.Header().Values("Vary"))
			}
			if strings.HasPrefix(page, "<!DOCTYPE") && !strings.Contains(page, `<html lang="`+row.want+`">`) {
				t.Errorf("%+v: %s says it is in another language", row, target)
			}
			if german := strings.Contains(page, "Bibliothek") || strings.Contains(page, "Bitrate von"); german != (row.want == "de") {
				t.Errorf("%+v: %s is\n%s", row, target, page)
			}
		}
		if w := getWith(h, "/api/v1/items/nope", "Accept-Language", row.accept); !strings.Contains(w.Body.String(), "There is no such file") {
			t.Errorf("the API speaks %s", w.Body)
		}
	}
}

func TestNumbersInGerman(t *testing.T) {
	d := tongues()["de"]
	at := time.Date(2026, time.March, 5, 7, 4, 0, 0, time.Local)
	for _, c := range []struct{ got, want string }{
		{d.size(1536), "1,5 KiB"}, {d.size(1), "1 Byte"}, {d.rate(1_490_000), "1,5 Mbit/s"}, {d.thousands(-1234567), "-1.234.567"},
		{d.span(93 * time.Hour), "3 Tage 21 h"}, {d.precise(1500 * time.Millisecond), "1,5 s"},
		{d.count(1, "file", "files"), "1 Datei"}, {d.count(0, "file", "files"), "0 Dateien"}, {d.count(12345, "film", "films"), "12.345 Filme"},
		{d.date(at), "5. März 2026, 07:04"}, {english().date(at), "5 March 2026, 07:04"},
		{say("%d × %d, %s pictures per second", 1, 2, decimal(23.976)).in(d), "1 × 2, 23,98 Bilder je Sekunde"},
		{commas(counted(1, "share", "shares"), verbatim(""), sized(2048)).in(d), "1 Freigabe, 2 KiB"},
		{dots(verbatim("a"), lasting(time.Minute)).in(d), "a · 1 min"},
		{d.text("never heard of"), "never heard of"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
