package layout

import (
	"bytes"
	"go/ast"
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

// A test waits for a condition. Inside a synctest bubble a sleep moves a made-up clock, so files that use bubbles may sleep.
func TestTestsDoNotSleep(t *testing.T) {
	for _, file := range sources(t) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, filepath.Join(moduleRoot, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range sleeps(parsed) {
			t.Errorf("%s:%d sleeps: wait for a condition or a channel, or use testing/synctest", file, fset.Position(at).Line)
		}
	}
}

// sleeps lists the calls of time.Sleep in a file that makes no synctest bubble.
func sleeps(file *ast.File) []token.Pos {
	for _, spec := range file.Imports {
		if spec.Path.Value == `"testing/synctest"` {
			return nil
		}
	}
	var found []token.Pos
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != "Sleep" {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "time" {
			found = append(found, selector.Pos())
		}
		return true
	})
	return found
}

func TestSleepRule(t *testing.T) {
	cases := []struct {
		source string
		want   int
	}{
		{`package p; import "time"; func f() { time.Sleep(1); time.Sleep(2) }`, 2},
		{`package p; import ("testing/synctest"; "time"); func f() { synctest.Wait(); time.Sleep(1) }`, 0},
		{`package p; func f(clock interface{ Sleep() }) { clock.Sleep() }`, 0},
	}
	for _, c := range cases {
		file, err := parser.ParseFile(token.NewFileSet(), "p_test.go", c.source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := sleeps(file); len(found) != c.want {
			t.Errorf("%s: found %d sleeps, want %d", c.source, len(found), c.want)
		}
	}
}
