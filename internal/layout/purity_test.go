package layout

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// anyOrder marks a loop over a map whose outcome does not depend on the order, on the loop's line or the line above, with the reason.
var anyOrder = regexp.MustCompile(`^// any order: \S`)

func TestPurePackagesImportNothingImpure(t *testing.T) {
	for _, fault := range impureImports(existingPure(t), pureExceptions) {
		t.Error(fault)
	}
}

// existingPure lists the packages of the table pure that the tree has by now.
func existingPure(t *testing.T) []listed {
	t.Helper()
	sources(t)
	return slices.DeleteFunc(goList(t, moduleRoot, "./..."), func(p listed) bool { return !slices.Contains(pure, p.path()) })
}

func impureImports(packages []listed, exceptions []exception) []string {
	var faults []string
	used := make(map[exception]bool)
	present := make(map[string]bool)
	for _, p := range packages {
		from := p.path()
		present[from] = true
		for _, importPath := range p.Imports {
			why := impurity(importPath)
			if why == "" {
				continue
			}
			to := relative(importPath)
			if i := slices.IndexFunc(exceptions, func(e exception) bool { return e.from == from && e.to == to }); i >= 0 {
				used[exceptions[i]] = true
				continue
			}
			faults = append(faults, fmt.Sprintf("%s is pure and imports %s: %s", from, to, why))
		}
	}
	for _, e := range exceptions {
		if present[e.from] && !used[e] {
			faults = append(faults, fmt.Sprintf("%s no longer imports %s: delete the exception", e.from, e.to))
		}
	}
	return faults
}

// impurity says why a pure package may not import this one, or nothing when it may.
func impurity(importPath string) string {
	if ours(importPath) {
		path := relative(importPath)
		if slices.Contains(pure, path) || pureMayUse[path] != "" {
			return ""
		}
		return "what it imports of this module is pure too (pureMayUse in internal/layout/floors_test.go)"
	}
	for prefix := importPath; prefix != "."; prefix = filepath.Dir(prefix) {
		if why := impure[prefix]; why != "" {
			return why
		}
	}
	return ""
}

func TestImpureImportRules(t *testing.T) {
	exceptions := []exception{{"merkle", "sync", "why"}}
	cases := []struct {
		from, imports string
		faulty        bool
	}{
		{"ledger", "math/bits", false},
		{"ledger", modulePath + "/merkle", false},
		{"ledger", modulePath + "/signing", false},
		{"ledger", "time", true},
		{"ledger", "sync/atomic", true},
		{"ledger", "math/rand/v2", true},
		{"ledger", "os/exec", true},
		{"ledger", modulePath + "/internal/units", false},
		{"ledger", modulePath + "/internal/evm", true},
		{"merkle", "sync", false},
		{"merkle", "fmt", true}, // the exception is not needed any more
	}
	for _, c := range cases {
		p := listed{ImportPath: modulePath + "/" + c.from, Imports: []string{c.imports}}
		if faults := impureImports([]listed{p}, exceptions); (len(faults) > 0) != c.faulty {
			t.Errorf("%s importing %s: faulty %v, got %q", c.from, c.imports, c.faulty, faults)
		}
	}
}

func TestPurePackagesAreDeterministic(t *testing.T) {
	packages := existingPure(t)
	var paths []string
	for _, p := range packages {
		paths = append(paths, p.ImportPath)
	}
	fset := token.NewFileSet()
	imports := built(t, fset, paths...)
	for _, p := range packages {
		var files []*ast.File
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		faults, err := indeterminate(fset, p.ImportPath, files, imports)
		if err != nil {
			t.Fatalf("checking the types of %s: %v", p.path(), err)
		}
		for _, fault := range faults {
			t.Error(fault)
		}
	}
}

// built imports packages, and what these import, as the go command has built them.
func built(t *testing.T, fset *token.FileSet, paths ...string) types.Importer {
	t.Helper()
	exports := make(map[string]string)
	for _, p := range goList(t, moduleRoot, append([]string{"-export", "-deps"}, paths...)...) {
		exports[p.ImportPath] = p.Export
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s did not build", path)
		}
		return os.Open(exports[path])
	})
}

// indeterminate lists the places of a package whose outcome may differ from one machine or run to the next.
func indeterminate(fset *token.FileSet, path string, files []*ast.File, imports types.Importer) ([]string, error) {
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object)}
	if _, err := (&types.Config{Importer: imports}).Check(path, fset, files, info); err != nil {
		return nil, err
	}
	c := checker{fset: fset, info: info, marked: make(map[string]bool), sorted: make(map[ast.Expr]bool)}
	for _, file := range files {
		for _, comments := range file.Comments {
			for _, comment := range comments.List {
				if at := fset.Position(comment.Pos()); anyOrder.MatchString(comment.Text) {
					c.marked[lineOf(at, 0)], c.marked[lineOf(at, 1)] = true, true
				}
			}
		}
	}
	for _, file := range files {
		ast.Inspect(file, c.visit)
	}
	slices.Sort(c.faults)
	return slices.Compact(c.faults), nil
}

type checker struct {
	fset   *token.FileSet
	info   *types.Info
	marked map[string]bool   // lines that an anyOrder comment speaks of
	sorted map[ast.Expr]bool // iterators that are sorted before anybody sees their order
	faults []string
}

func lineOf(at token.Position, below int) string {
	return fmt.Sprintf("%s:%d", at.Filename, at.Line+below)
}

func (c *checker) fault(node ast.Node, text string) {
	c.faults = append(c.faults, lineOf(c.fset.Position(node.Pos()), 0)+": "+text)
}

func (c *checker) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.GoStmt:
		c.fault(n, "a pure package starts no goroutine")
	case *ast.SelectStmt:
		c.fault(n, "a pure package waits for nothing")
	case *ast.RangeStmt:
		if isMap(c.info.Types[n.X].Type) {
			c.faultOrder(n)
		}
	case *ast.CallExpr:
		c.call(n)
	}
	if expr, ok := node.(ast.Expr); ok && isFloat(c.info.TypeOf(expr)) {
		c.fault(expr, "a pure package has no floats: their rounding differs between machines")
	}
	return true
}

func (c *checker) call(n *ast.CallExpr) {
	switch name := c.callee(n); name {
	case "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc":
		c.sorted[n.Args[0]] = true
	case "maps.Keys", "maps.Values", "maps.All", "(reflect.Value).MapKeys", "(reflect.Value).MapRange", "(reflect.Value).Seq", "(reflect.Value).Seq2":
		if !c.sorted[n] {
			c.faultOrder(n)
		}
	}
}

// callee names the function or method that a call runs, when the code names it.
func (c *checker) callee(n *ast.CallExpr) string {
	var name *ast.Ident
	switch fun := ast.Unparen(n.Fun).(type) {
	case *ast.Ident:
		name = fun
	case *ast.SelectorExpr:
		name = fun.Sel
	default:
		return ""
	}
	if f, ok := c.info.Uses[name].(*types.Func); ok {
		return f.Origin().FullName()
	}
	return ""
}

func (c *checker) faultOrder(n ast.Node) {
	if !c.marked[lineOf(c.fset.Position(n.Pos()), 0)] {
		c.fault(n, `a map has no order: sort its keys, or say above the line why it does not matter ("// any order: reason")`)
	}
}

// isMap says whether t, or a type that t stands for as a type parameter, is a map.
func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Union:
		for i := range u.Len() {
			if isMap(u.Term(i).Type()) {
				return true
			}
		}
	case *types.Interface:
		for i := range u.NumEmbeddeds() {
			if isMap(u.EmbeddedType(i)) {
				return true
			}
		}
	}
	return false
}

func isFloat(t types.Type) bool {
	if t == nil {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 && basic.Info()&types.IsUntyped == 0
}

func TestDeterminismRules(t *testing.T) {
	cases := []struct{ name, body, fault string }{
		{"a slice", "for range []int{1} {}", ""},
		{"a map", "for range map[int]int{} {}", "p.go:4: a map has no order"},
		{"a map behind a name", "type m map[int]int; for k := range (m{}) { _ = k }", "p.go:4: a map has no order"},
		{"a map with a reason", "// any order: it is empty\nfor range map[int]int{} {}", ""},
		{"a map with an empty reason", "// any order:\nfor range map[int]int{} {}", "p.go:5: a map has no order"},
		{"keys", "_ = slices.Collect(maps.Keys(map[int]int{}))", "p.go:4: a map has no order"},
		{"sorted keys", "_ = slices.Sorted(maps.Keys(map[int]int{}))", ""},
		{"a goroutine", "go func() {}()", "p.go:4: a pure package starts no goroutine"},
		{"a select", "select {}", "p.go:4: a pure package waits for nothing"},
		{"a float", "x := 1.5; _ = x", "p.go:4: a pure package has no floats"},
		{"a float's type", "var x struct{ y float32 }; _ = x", "p.go:4: a pure package has no floats"},
		{"a round constant", "var x int = 1e6; _ = x", ""},
		{"a generic map", "}\nfunc g[M ~map[int]int](m M) { for range m {}", "p.go:5: a map has no order"},
	}
	fset := token.NewFileSet()
	imports := built(t, fset, "maps", "slices")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			source := "package p\nimport (\"maps\"; \"slices\")\nfunc f() {\n" + c.body + "\n}\nvar _, _ = maps.Keys[map[int]int], slices.Max[[]int]\n"
			file, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			faults, err := indeterminate(fset, "p", []*ast.File{file}, imports)
			if err != nil {
				t.Fatal(err)
			}
			if c.fault == "" && len(faults) > 0 || c.fault != "" && (len(faults) != 1 || !strings.HasPrefix(faults[0], c.fault)) {
				t.Errorf("want %q, got %q", c.fault, faults)
			}
		})
	}
}
