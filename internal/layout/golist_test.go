package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	modulePath = "github.com/trinebridge/trine"
	moduleRoot = "../.."
	// tags selects the files of the slower suites too.
	tags = "e2e"
)

// listed is what the go command says of one package.
type listed struct {
	ImportPath   string
	Name         string
	Dir          string
	Doc          string
	Export       string
	GoFiles      []string
	CgoFiles     []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// path is the import path relative to the module, "." for the module's root.
func (p listed) path() string { return relative(p.ImportPath) }

func relative(importPath string) string {
	if importPath == modulePath {
		return "."
	}
	return strings.TrimPrefix(importPath, modulePath+"/")
}

func ours(importPath string) bool {
	return importPath == modulePath || strings.HasPrefix(importPath, modulePath+"/")
}

// goList runs go list in dir and decodes the packages that it prints. A package that does not build is listed all the same:
// its imports are what they are, and the build itself says what else is wrong.
func goList(t *testing.T, dir string, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json", "-tags", tags}, args...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s in %s: %v\n%s", strings.Join(args, " "), dir, err, stderr.String())
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list %s in %s: reading its output: %v", strings.Join(args, " "), dir, err)
		}
		packages = append(packages, p)
	}
}

// sources lists the files of the tree, by their paths relative to its root, without tools' folders and test data. Walking it
// here also tells go test's cache which files these tests depend on: what a child process reads, the cache does not see.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(moduleRoot, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if !entry.IsDir() {
			relative, err := filepath.Rel(moduleRoot, path)
			files = append(files, filepath.ToSlash(relative))
			return err
		}
		if path != moduleRoot && (name[0] == '.' || name[0] == '_' || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatalf("walking the tree: %v", err)
	}
	return files
}
