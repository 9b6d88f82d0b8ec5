package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestBannedNamesAreNotUsed(t *testing.T) {
	for _, file := range sources(t) {
		if path.Ext(file) != ".go" {
			continue
		}
		for _, b := range bans {
			if !covers(b.from, path.Dir(file)) {
				continue
			}
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, filepath.Join(moduleRoot, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range uses(parsed, modulePath+"/"+b.to, b.name) {
				t.Errorf("%s:%d names %s.%s: %s", file, fset.Position(at).Line, path.Base(b.to), b.name, b.why)
			}
		}
	}
}

// uses lists where a file names something of a package, whatever the file calls that package.
func uses(file *ast.File, importPath, name string) []token.Pos {
	local := ""
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(importPath) {
			continue
		}
		local = path.Base(importPath)
		if spec.Name != nil {
			local = spec.Name.Name
		}
	}
	var found []token.Pos
	ast.Inspect(file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != name {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); ok && local != "" && pkg.Name == local {
			found = append(found, selector.Pos())
		}
		return true
	})
	return found
}

func TestUses(t *testing.T) {
	cases := []struct {
		source string
		want   int
	}{
		{`import "x/app"; func f() { app.Run(); go app.Run() }`, 2},
		{`import wiring "x/app"; var f = wiring.Run`, 1},
		{`import "x/app"; func f() { app.LoadConfig() }`, 0},
		{`import "y/app"; func f() { app.Run() }`, 0},
		{`import "x/app"; func f(t interface{ Run() }) { t.Run() }`, 0},
	}
	for _, c := range cases {
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", "package p; "+c.source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := uses(file, "x/app", "Run"); len(found) != c.want {
			t.Errorf("%s: found %d uses, want %d", strings.TrimSpace(c.source), len(found), c.want)
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

// sleeps lists the uses of time.Sleep in a file that makes no synctest bubble.
func sleeps(file *ast.File) []token.Pos {
	for _, spec := range file.Imports {
		if spec.Path.Value == `"testing/synctest"` {
			return nil
		}
	}
	return uses(file, "time", "Sleep")
}

func TestSleepRule(t *testing.T) {
	for source, want := range map[string]int{
		`package p; import "time"; func f() { time.Sleep(1); time.Sleep(2) }`:                         2,
		`package p; import ("testing/synctest"; "time"); func f() { synctest.Wait(); time.Sleep(1) }`: 0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "p_test.go", source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := sleeps(file); len(found) != want {
			t.Errorf("%s: found %d sleeps, want %d", source, len(found), want)
		}
	}
}
