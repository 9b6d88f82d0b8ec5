package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestPackagesImportOnlyLowerFloors(t *testing.T) {
	sources(t)
	for _, fault := range importFaults(goList(t, moduleRoot, "./..."), exceptions) {
		t.Error(fault)
	}
}

// A place is where a package stands: its floor, and its position in that floor's row.
type place struct {
	floor, position int
	wildcard        bool
}

// placeOf finds a package's place by its own line, else by the line with a star that covers it.
func placeOf(path string) (place, bool) {
	for floor, row := range floors {
		if position := slices.Index(row, path); position >= 0 {
			return place{floor: floor, position: position}, true
		}
	}
	for floor, row := range floors {
		for position, entry := range row {
			if covers(entry, path) {
				return place{floor: floor, position: position, wildcard: true}, true
			}
		}
	}
	return place{}, false
}

// covers says whether a line of a table ("x" or "x/*") means this package.
func covers(entry, path string) bool {
	if prefix, star := strings.CutSuffix(entry, "*"); star {
		return strings.HasPrefix(path, prefix)
	}
	return entry == path
}

// above says whether a package at p may import one at q.
func (p place) above(q place) bool {
	switch {
	case p.floor != q.floor:
		return p.floor > q.floor
	case p.position != q.position:
		return p.position > q.position
	default:
		return p.wildcard && q.wildcard
	}
}

// importFaults says in one line each what is wrong with the packages' direct imports.
func importFaults(packages []listed, exceptions []exception) []string {
	var faults []string
	used := make(map[exception]bool)
	for _, p := range packages {
		from := p.path()
		if _, ok := placeOf(from); !ok {
			faults = append(faults, unplaced(from))
			continue
		}
		test := func(to string) bool { return inTests[to] != "" }
		code := func(string) bool { return false }
		faults = append(faults, importFaultsOf(from, p.Imports, code, exceptions, used)...)
		faults = append(faults, importFaultsOf(from, p.TestImports, test, exceptions, used)...)
		faults = append(faults, importFaultsOf(from, p.XTestImports, test, exceptions, used)...)
	}
	for _, e := range exceptions {
		if !used[e] {
			faults = append(faults, fmt.Sprintf("nothing needs the exception for %s importing %s: delete it", e.from, e.to))
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults)
}

func unplaced(path string) string {
	if strings.HasPrefix(path, "examples/") {
		return fmt.Sprintf("%s belongs to the main module: give the example a go.mod of its own", path)
	}
	return fmt.Sprintf("package %s stands on no floor: add it to the table floors in internal/layout/floors_test.go, "+
		"in the row whose duties it shares and behind everything that it imports", path)
}

func importFaultsOf(from string, imports []string, free func(to string) bool, exceptions []exception, used map[exception]bool) []string {
	var faults []string
	for _, importPath := range imports {
		to := relative(importPath)
		if !ours(importPath) || to == from || free(to) {
			continue
		}
		fault := importFault(from, to)
		if fault == "" {
			continue
		}
		if i := slices.IndexFunc(exceptions, func(e exception) bool { return e.from == from && e.to == to }); i >= 0 {
			used[exceptions[i]] = true
			continue
		}
		faults = append(faults, fault)
	}
	return faults
}

// importFault says why from may not import to, or nothing when it may.
func importFault(from, to string) string {
	here, ok := placeOf(from)
	if !ok {
		return unplaced(from)
	}
	there, ok := placeOf(to)
	if !ok {
		return unplaced(to)
	}
	for _, g := range apart {
		if slices.Contains(g.packages, from) && slices.Contains(g.packages, to) {
			return fmt.Sprintf("%s imports %s: %s", from, to, g.why)
		}
	}
	if here.above(there) {
		return ""
	}
	if here.floor == there.floor {
		return fmt.Sprintf("%s imports %s, which does not stand before it on floor %d (internal/layout/floors_test.go): "+
			"move what both need to a lower floor, or take an interface", from, to, here.floor)
	}
	return fmt.Sprintf("%s (floor %d) imports %s (floor %d, internal/layout/floors_test.go): take an interface, or move the code",
		from, here.floor, to, there.floor)
}

// The rules themselves are tried on made-up packages, so that a mistake in them cannot pass for a clean tree.
func TestImportRules(t *testing.T) {
	cases := []struct {
		name       string
		p          listed
		exceptions []exception
		fault      string
	}{
		{name: "a lower floor", p: made("ledger", "codec", "keyrotation")},
		{name: "before it in the row", p: made("chain", "validators")},
		{name: "a helper uses a helper", p: made("internal/b", "internal/a")},
		{name: "a helper uses codec", p: made("internal/b", "codec")},
		{name: "other modules are free", p: listed{ImportPath: modulePath + "/codec", Imports: []string{"fmt", "example.org/x"}}},
		{name: "a test uses the chain suite", p: listed{ImportPath: modulePath + "/chain", XTestImports: inModule("chain/chaintest", "chain")}},
		{name: "a higher floor", p: made("codec", "ledger"), fault: "codec (floor 0) imports ledger (floor 4"},
		{name: "behind it in the row", p: made("validators", "chain"), fault: "does not stand before it on floor 2"},
		{name: "a test on a higher floor", p: listed{ImportPath: modulePath + "/codec", TestImports: inModule("ledger")}, fault: "codec (floor 0) imports ledger"},
		{name: "code uses the chain suite", p: made("chain", "chain/chaintest"), fault: "chain (floor 2) imports chain/chaintest"},
		{name: "a role uses a role", p: made("approver", "listener"), fault: "approver imports listener: roles meet"},
		{name: "an adapter uses an adapter", p: made("chain/solana", "chain/ethereum"), fault: "chain/solana imports chain/ethereum: an adapter"},
		{name: "a package without a floor", p: made("ledger/rules"), fault: "package ledger/rules stands on no floor: add it"},
		{name: "an import without a floor", p: made("ledger", "attic"), fault: "package attic stands on no floor: add it"},
		{name: "an example in the main module", p: made("examples/toy"), fault: "a go.mod of its own"},
		{name: "an exception", p: made("codec", "ledger"), exceptions: []exception{{"codec", "ledger", "why"}}},
		{name: "an exception too many", p: made("codec"), exceptions: []exception{{"codec", "ledger", "why"}}, fault: "nothing needs the exception"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			faults := importFaults([]listed{c.p}, c.exceptions)
			switch {
			case c.fault == "" && len(faults) > 0:
				t.Errorf("want no fault, got %q", faults)
			case c.fault != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.fault)):
				t.Errorf("want one fault with %q, got %q", c.fault, faults)
			}
		})
	}
}

func made(path string, imports ...string) listed {
	return listed{ImportPath: modulePath + "/" + path, Imports: inModule(imports...)}
}

func inModule(paths ...string) []string {
	var importPaths []string
	for _, path := range paths {
		importPaths = append(importPaths, modulePath+"/"+path)
	}
	return importPaths
}

func TestTheTableIsSound(t *testing.T) {
	var all []string
	for _, row := range floors {
		all = append(all, row...)
	}
	known := func(entry string) bool { return slices.Contains(all, entry) }
	sorted := slices.Sorted(slices.Values(all))
	if unique := slices.Compact(slices.Clone(sorted)); len(unique) != len(sorted) {
		t.Errorf("a package stands twice in the table: %q", sorted)
	}
	for _, g := range apart {
		for _, p := range g.packages {
			if !known(p) {
				t.Errorf("the group kept apart because %q names %s, which is not in the table", g.why, p)
			}
		}
	}
	for _, p := range pure {
		if !known(p) {
			t.Errorf("the list of pure packages names %s, which is not in the table", p)
		}
	}
	for _, b := range bans {
		if !known(b.from) || !known(b.to) {
			t.Errorf("the ban of %s naming %s's things names a package that is not in the table", b.from, b.to)
		}
	}
	for _, e := range exceptions {
		if e.why == "" {
			t.Errorf("the exception for %s importing %s gives no reason", e.from, e.to)
		}
	}
}

// An example shows what somebody outside can do: a module of its own, on the public packages only.
func TestExamplesAreModulesOfTheirOwn(t *testing.T) {
	for _, file := range sources(t) {
		dir, name := path.Split(file)
		dir = strings.TrimSuffix(dir, "/")
		if name != "go.mod" || dir == "" {
			continue
		}
		if otherModules[dir] == "" && path.Dir(dir) != "examples" {
			t.Errorf("%s: a module stands in examples/NAME, or in otherModules in internal/layout/floors_test.go with its reason", file)
			continue
		}
		for _, fault := range exampleFaults(dir, goList(t, moduleRoot+"/"+dir, "./...")) {
			t.Error(fault)
		}
	}
}

func exampleFaults(dir string, packages []listed) []string {
	var faults []string
	for _, p := range packages {
		if !strings.HasPrefix(p.ImportPath+"/", modulePath+"/"+dir+"/") {
			faults = append(faults, fmt.Sprintf("%s is package %s: name its module %s/%s", dir, p.ImportPath, modulePath, dir))
		}
		for _, importPath := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			to := relative(importPath)
			inside := strings.HasPrefix(to+"/", dir+"/")
			if !ours(importPath) || inside {
				continue
			}
			if floor, ok := placeOf(to); !ok || floor.floor > 8 || strings.HasPrefix(to, "internal/") {
				faults = append(faults, fmt.Sprintf("%s imports %s: an example uses the public packages only", relative(p.ImportPath), to))
			}
		}
	}
	return faults
}

func TestExampleRules(t *testing.T) {
	clean := made("examples/toy", "chain", "examples/toy/wire")
	if faults := exampleFaults("examples/toy", []listed{clean}); len(faults) > 0 {
		t.Errorf("want no fault, got %q", faults)
	}
	for _, p := range []listed{
		made("examples/toy", "internal/layout"),
		made("examples/toy", "cmd/trine"),
		made("examples/toy", "examples/other"),
		{ImportPath: "example.org/toy"},
	} {
		if faults := exampleFaults("examples/toy", []listed{p}); len(faults) != 1 {
			t.Errorf("%s importing %q: want one fault, got %q", p.ImportPath, p.Imports, faults)
		}
	}
}
