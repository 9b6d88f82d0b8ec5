package layout

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// longest is how many lines a file may have: what can be read in one sitting.
const longest = 600

func TestEveryPackageSaysWhatItPromises(t *testing.T) {
	sources(t)
	for _, p := range goList(t, moduleRoot, "./...") {
		doc := p.Doc
		if len(p.GoFiles)+len(p.CgoFiles) == 0 {
			doc = docOfTests(t, p)
		}
		switch {
		case strings.TrimSpace(doc) == "":
			t.Errorf("%s has no doc comment: say in doc.go, or above its package clause, what it promises", p.path())
		case p.Name != "main" && !strings.HasPrefix(doc, "Package "+p.Name+" "):
			t.Errorf("%s: its doc comment begins %q: begin it with \"Package %s\"", p.path(), doc, p.Name)
		}
	}
}

// docOfTests finds the doc comment of a package that has test files only, which go list leaves out.
func docOfTests(t *testing.T, p listed) string {
	t.Helper()
	for _, name := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if doc := file.Doc.Text(); doc != "" {
			return doc
		}
	}
	return ""
}

func TestFilesCanBeReadInOneSitting(t *testing.T) {
	for _, file := range sources(t) {
		if !slices.Contains([]string{".go", ".sol", ".rs", ".sh"}, filepath.Ext(file)) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(moduleRoot, file))
		if err != nil {
			t.Fatal(err)
		}
		if generated := bytes.HasPrefix(text, []byte("// Code generated ")); generated {
			continue
		}
		if lines := bytes.Count(text, []byte("\n")); lines > longest {
			t.Errorf("%s has %d lines; split it by what a reader looks for, at most %d", file, lines, longest)
		}
	}
}
