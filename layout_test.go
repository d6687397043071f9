package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layout is which of our packages, and which modules of others, each package
// may import. Imports go down only. A new package is a new row.
var layout = map[string][]string{
	"mustserv/ratelimit":              {},
	"mustserv/library/source":         {},
	"mustserv/library/playlist":       {},
	"mustserv/library/subtitle":       {"golang.org/x/text/encoding/charmap"},
	"mustserv/stream/accounting":      {},
	"mustserv/stream/auth":            {"golang.org/x/time/rate"},
	"mustserv/stream/metrics":         {},
	"mustserv/stream/routing":         {},
	"mustserv/stream/footprint":       {},
	"mustserv/stream/load":            {"mustserv/ratelimit"},
	"mustserv/stream/routing/dns":     {"golang.org/x/net/dns/dnsmessage", "golang.org/x/net/ipv4", "golang.org/x/net/ipv6"},
	"mustserv/library/probe":          {"mustserv/ratelimit", "github.com/abema/go-mp4"},
	"mustserv/library/source/local":   {"mustserv/library/source", "github.com/fsnotify/fsnotify"},
	"mustserv/library/source/httpdir": {"mustserv/library/source", "golang.org/x/net/html"},
	"mustserv/library/source/guard":   {"mustserv/library/source"},
	"mustserv/library/source/smb":     {"mustserv/library/source", "github.com/cloudsoda/go-smb2"},
	"mustserv/library/source/cache":   {"mustserv/library/source", "mustserv/ratelimit"},
	"mustserv/library/index":          {"mustserv/library/probe", "mustserv/ratelimit"},
	"mustserv/library": {
		"mustserv/library/source", "mustserv/library/probe", "mustserv/library/index", "golang.org/x/text/unicode/norm",
	},
	"mustserv/stream/pacer": {"mustserv/library/source", "mustserv/ratelimit", "golang.org/x/sys/unix"},
	"mustserv/stream": {
		"mustserv/library", "mustserv/library/source", "mustserv/library/probe", "mustserv/library/playlist",
		"mustserv/ratelimit", "mustserv/stream/accounting", "mustserv/stream/pacer", "mustserv/stream/auth", "mustserv/stream/routing", "golang.org/x/sys/unix",
		// With the tag acme also golang.org/x/crypto/acme and acme/autocert.
	},
	"mustserv/webui/resume":   {},
	"mustserv/webui/settings": {"github.com/BurntSushi/toml"},
	"mustserv/webui": {
		"mustserv/library", "mustserv/library/probe", "mustserv/library/playlist", "mustserv/library/subtitle",
		"mustserv/stream/accounting", "mustserv/stream/auth", "mustserv/stream/routing", "mustserv/webui/resume", "mustserv/webui/settings", "rsc.io/qr",
	},
	"mustserv": {
		"mustserv/library", "mustserv/library/index", "mustserv/library/probe",
		"mustserv/library/source", "mustserv/library/source/guard", "mustserv/library/source/cache", "mustserv/library/source/local", "mustserv/library/source/smb",
		"mustserv/library/source/httpdir",
		"mustserv/ratelimit", "mustserv/stream", "mustserv/stream/accounting", "mustserv/stream/auth",
		"mustserv/stream/footprint", "mustserv/stream/load", "mustserv/stream/metrics", "mustserv/stream/routing", "mustserv/stream/routing/dns", "mustserv/webui", "mustserv/webui/resume", "mustserv/webui/settings",
		"golang.org/x/term",
	},
	// For tests only.
	"mustserv/library/source/sourcetest": {"mustserv/library/source"},
	"mustserv/library/probe/probetest":   {},
	"mustserv/stream/routing/scale":      {"mustserv/stream/routing", "mustserv/stream/routing/dns"},
}

// topLevel is what may lie at the top of the repository.
var topLevel = []string{
	"main.go", "stream", "library", "ratelimit", "webui", "mustserv.toml", "go.mod", "README.md",
	"go.sum", "LICENSE", "CHANGELOG.md", ".ci", ".git", ".gitignore", "docs", "testdata",
}

type goPackage struct {
	ImportPath, Name, Dir string
	GoFiles, Imports      []string
}

// packages asks the go command for our packages as built for a system.
func packages(t *testing.T, goos string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,GoFiles,Imports", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		switch err := d.Decode(&p); err {
		case nil:
			all = append(all, p)
		case io.EOF:
			return all
		default:
			t.Fatal(err)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin", "freebsd"} {
		for _, p := range packages(t, goos) {
			may, known := layout[p.ImportPath]
			if !known {
				t.Errorf("%s: package %s is not in the layout", goos, p.ImportPath)
				continue
			}
			for _, path := range p.Imports {
				first, _, _ := strings.Cut(path, "/")
				ours := path == "mustserv" || strings.HasPrefix(path, "mustserv/")
				if (ours || strings.Contains(first, ".")) && !slices.Contains(may, path) {
					t.Errorf("%s: %s must not import %s", goos, p.ImportPath, path)
				}
			}
		}
	}
}

// TestNoACME sees that only who asks for ACME, by the tag, gets it.
func TestNoACME(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil || len(out) == 0 {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "golang.org/x/crypto/acme") {
		t.Error("the program holds ACME")
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !slices.Contains(topLevel, name) && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

// TestHouseRules reads every file for what the layout can't say: package
// comments, doc comments, no init, no package variables that change.
func TestHouseRules(t *testing.T) {
	for _, p := range packages(t, "linux") {
		t.Run(p.ImportPath, func(t *testing.T) {
			var files []*ast.File
			fset := token.NewFileSet()
			for _, name := range p.GoFiles {
				f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, f)
			}
			comments := 0
			for _, f := range files {
				if f.Doc != nil {
					comments++
				}
				for _, d := range f.Decls {
					checkDecl(t, fset, d)
				}
			}
			if comments != 1 {
				t.Errorf("%d package comments, want exactly one", comments)
			}
		})
	}
}

func checkDecl(t *testing.T, fset *token.FileSet, d ast.Decl) {
	t.Helper()
	at := func(n ast.Node) token.Position { return fset.Position(n.Pos()) }
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.Name == "init" && d.Recv == nil {
			t.Errorf("%v: init is not used here", at(d))
		}
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			t.Errorf("%v: %s has no doc comment", at(d), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			checkSpec(t, at(spec), d, spec)
		}
	}
}

func checkSpec(t *testing.T, at token.Position, d *ast.GenDecl, spec ast.Spec) {
	t.Helper()
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
			t.Errorf("%v: %s has no doc comment", at, s.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				t.Errorf("%v: %s has no doc comment", at, name.Name)
			}
			if d.Tok == token.VAR && !constant(name.Name, d, s) {
				t.Errorf("%v: package variable %s: state belongs in a type, tables in a function", at, name.Name)
			}
		}
	}
}

// constant reports whether a package variable is one of those that never
// change: errors, embedded files, and checks that a type fits an interface.
func constant(name string, d *ast.GenDecl, s *ast.ValueSpec) bool {
	embedded := d.Doc != nil && strings.Contains(d.Doc.List[len(d.Doc.List)-1].Text, "go:embed")
	return name == "_" || embedded || strings.HasPrefix(name, "Err") || strings.HasPrefix(name, "err")
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}
